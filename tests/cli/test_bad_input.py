"""Bad input: code 2, a message that names object and field, no traceback, nothing half written."""

from __future__ import annotations

import gzip

import pytest

SLICE = """\
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {name}}}
spec:
  driver: gpu.example.com
  nodeName: n1
  pool: {{name: p, generation: {generation}, resourceSliceCount: {count}}}
  devices: [{{name: {device}}}]
"""
CLAIM = """\
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: c, namespace: ns}}
spec: {{devices: {{requests: [{{name: r, exactly: {{deviceClassName: gpu, count: {count}}}}}]}}}}
"""
CLASS = """\
apiVersion: {version}
kind: DeviceClass
metadata: {{name: gpu}}
spec: {{selectors: [{{cel: {{expression: '{expression}'}}}}]}}
"""


def slices(*rows):
    return "---\n".join(SLICE.format(name=n, generation=g, count=c, device=d) for n, g, c, d in rows)


# name, content, what the message must hold
BAD = [
    ("truncated.yaml", CLAIM.format(count=1)[:-40], ["truncated.yaml"]),
    ("truncated.json", '{"apiVersion": "resource.k8s.io/v1", "kind": "Resour', ["truncated.json"]),
    ("truncated.yaml.gz", gzip.compress(CLAIM.format(count=1).encode())[:-12], ["truncated.yaml.gz", "gzip"]),
    (
        "bomb.yaml",
        "a: &a [x, x, x, x, x, x, x, x, x]\n"
        + "".join(f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(12)),
        ["bomb.yaml", "alias"],
    ),
    ("digits.yaml", CLAIM.format(count="9" * 1_000_000), ["ns/c", "exactly.count", "number"]),
    (
        "digits.json",
        '{"apiVersion": "resource.k8s.io/v1", "kind": "ResourceClaim", "metadata": {"name": "c", "namespace": "ns"}, '
        '"spec": {"devices": {"requests": [{"name": "r", "exactly": {"deviceClassName": "gpu", "count": '
        + "9" * 1_000_000
        + "}}]}}}",
        ["digits.json"],
    ),
    ("nan.yaml", CLAIM.format(count=".nan"), ["ns/c", "exactly.count", "number"]),
    ("twice.yaml", CLAIM.format(count=1) + "---\n" + CLAIM.format(count=1), ["ResourceClaim ns/c", "metadata.name"]),
    (
        "generations.yaml",
        slices(("old", 1, 1, "gpu-0"), ("new", 2, 1, "gpu-0")),
        ["ResourceSlice old: spec.pool.generation: 1 is stale", "gpu.example.com/p", "generation 2"],
    ),
    (
        "device_twice.yaml",
        slices(("one", 1, 2, "gpu-0"), ("two", 1, 2, "gpu-0")),
        ["ResourceSlice two: spec.devices[0].name: 'gpu-0' is in slice one"],
    ),
    (
        "version.yaml",
        CLASS.format(version="resource.k8s.io/v9", expression="true"),
        ["DeviceClass gpu", "apiVersion", "resource.k8s.io/v9"],
    ),
    (
        "cel.yaml",
        CLASS.format(version="resource.k8s.io/v1", expression="device.driver == 3"),
        ["DeviceClass gpu: spec.selectors[0].cel.expression: CEL compile error"],
    ),
    (
        "controls.yaml",
        'apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: "\\e[2J[red]x"}\n',
        ["metadata.name", "\\x1b[2J[red]x"],
    ),
]


@pytest.mark.parametrize("command", ["validate", "allocate", "evaluate"])
@pytest.mark.parametrize(("name", "content", "parts"), BAD, ids=[row[0] for row in BAD])
def test_bad_input_is_refused(run, tmp_path, *, command, name, content, parts):
    """Every command refuses it with the same message and writes nothing."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    out = tmp_path / "out"
    words = {
        "validate": ["validate", path],
        "allocate": ["allocate", path, "-o", "yaml"],
        "evaluate": ["evaluate", "--fleet", path, "--workload", path, "--out", out],
    }[command]
    ran = run(*words)
    assert ran.code == 2
    assert "Traceback" not in ran.err
    assert "\x1b" not in ran.err
    assert len(ran.err) < 5_000
    for part in parts:
        assert part in ran.err
    if command != "validate":
        assert ran.out == ""
    assert not out.exists()


def test_all_faults_are_told_together(run, tmp_path):
    """A field that is wrong hides no selector that does not compile, in any command."""
    path = tmp_path / "input.yaml"
    path.write_text(
        "{apiVersion: resource.k8s.io/v1, kind: DeviceClass, metadata: {name: a},"
        " spec: {selectors: [{cel: {expression: '1 +'}}]}}\n---\n"
        "{apiVersion: resource.k8s.io/v1, kind: ResourceClaim, metadata: {name: A_}}\n"
    )
    for command in ("validate", "allocate"):
        ran = run(command, path)
        assert ran.code == 2
        assert "DeviceClass a: spec.selectors[0].cel.expression: CEL compile error" in ran.err
        assert "ResourceClaim default/A_: metadata.name" in ran.err


def test_a_missing_file_is_named(run, tmp_path):
    """A path that does not exist is the fault."""
    ran = run("allocate", tmp_path / "nowhere.yaml")
    assert ran.code == 2
    assert "nowhere.yaml: no such file or folder" in ran.err


def test_lenient_lets_pass_what_kubernetes_lives_with(run, fleet, claims, tmp_path):
    """With ``--lenient`` a stale slice counts for nothing and is noted."""
    stale = tmp_path / "stale.yaml"
    stale.write_text(slices(("old", 0, 1, "gpu-7"), ("new", 1, 1, "gpu-8")))
    ran = run("allocate", fleet, claims(3), stale, "--lenient")
    assert ran.code == 0
    assert "gpu-7" not in ran.out
    assert "ResourceSlice old: spec.pool.generation: 0 is stale" in ran.err


def test_an_incomplete_pool_is_noted(run, tmp_path, claims, fleet):
    """A pool that lacks slices is no fault, but told, because its devices are not used."""
    half = tmp_path / "half.yaml"
    half.write_text(slices(("one", 1, 2, "gpu-9")))
    ran = run("allocate", fleet, half, claims(4))
    assert ran.code == 1
    assert "pool gpu.example.com/p has 1 of its 2 slices" in ran.err


def test_a_list_that_was_cut_short_is_told_as_such(run, tmp_path):
    """Kubectl writes the kind of a list last; a file without it has probably lost its end."""
    cut = tmp_path / "cut.yaml"
    cut.write_text("apiVersion: v1\nitems:\n- apiVersion: resource.k8s.io/v1\n  kind: DeviceClass\n")
    ran = run("validate", cut)
    assert ran.code == 2
    assert "kind: is missing; check that the file is complete" in ran.err
