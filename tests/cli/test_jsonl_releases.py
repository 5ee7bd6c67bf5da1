"""The protocol in every release: variants, features and what is refused, as upstream's own program answers."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from typing import Any

import pytest

from drapolicy.cli.jsonl import run
from drapolicy.release import MINORS, release
from drapolicy.release.gates import FEATURES, VARIANTS
from drapolicy.testing.oracle import FOLDER, Oracle

EXACTLY = {"deviceClassName": "any", "allocationMode": "ExactCount", "count": 1}
LISTED = {"name": "a", "attributes": {"m": {"ints": [1]}}}
GROUPED = {"name": "a", "consumesCounters": [{"counterSet": "c", "compatibilityGroups": ["g"], "counters": {}}]}
DERIVED = {**EXACTLY, "derivedAttributes": [{"name": "x", "expression": "1"}]}


def line(device: dict[str, Any] | None = None, exactly: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    spec = {"driver": "x", "nodeName": "n1", "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1}}
    requests = [{"name": "r", "exactly": exactly or EXACTLY}]
    return {
        "features": {},
        "classes": [{"metadata": {"name": "any"}}],
        "slices": [{"metadata": {"name": "s"}, "spec": {**spec, "devices": [device or {"name": "a"}]}}],
        "claims": [{"metadata": {"name": "c", "namespace": "ns"}, "spec": {"devices": {"requests": requests}}}],
        "node": {"metadata": {"name": "n1"}},
        **more,
    }


def ask(asked: dict[str, Any], minor: str) -> dict[str, Any]:
    out = io.StringIO()
    run(io.StringIO(json.dumps(asked)), out, kubernetes=release(minor))
    answer: dict[str, Any] = json.loads(out.getvalue())
    return answer


@pytest.fixture(scope="module")
def oracles() -> Iterator[dict[str, Oracle]]:
    if any(not (FOLDER / f"oracle-{minor}").is_file() for minor in MINORS):
        pytest.skip("oracles are not built: make oracle")
    running = {minor: Oracle(minor) for minor in MINORS}
    yield running
    for oracle in running.values():
        oracle.close()


@pytest.mark.go
@pytest.mark.parametrize("minor", MINORS[1:])
@pytest.mark.parametrize("variant", ["", "stable", "incubating", "experimental"])
@pytest.mark.parametrize("features", [(), ("AdminAccess",), ("AdminAccess", "ConsumableCapacity"), None], ids=str)
def test_variants_are_upstreams(
    oracles: dict[str, Oracle], minor: str, variant: str, features: tuple[str, ...] | None
) -> None:
    """Which one runs, which one refuses, and the text of the refusal; None stands for every feature."""
    on = dict.fromkeys(FEATURES[minor] if features is None else features, True)
    asked = line(features=on, **({"variant": variant} if variant else {}))
    own, upstream = ask(asked, minor), oracles[minor].ask(asked)
    assert own.get("error") == upstream.get("error")
    assert (own["fit"], own.get("errorKind"), own.get("variant") or None) == (
        upstream["fit"],
        upstream.get("errorKind"),
        upstream.get("variant") or None,
    )


@pytest.mark.go
@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("kept", ["none", "every", "first"])
def test_the_features_choose_the_variant(oracles: dict[str, Oracle], minor: str, kept: str) -> None:
    """1.34 takes no variant in a line, and tells which one ran all the same."""
    names = {"none": [], "every": list(FEATURES[minor]), "first": list(FEATURES[minor])[:1]}[kept]
    asked = line(features=dict.fromkeys(names, True))
    assert ask(asked, minor)["variant"] == oracles[minor].ask(asked)["variant"]


@pytest.mark.parametrize(
    ("asked", "since"),
    [
        (line(LISTED), "1.36"),
        (line(GROUPED), "1.37"),
        (line(exactly=DERIVED), "1.37"),
    ],
    ids=["list attribute", "compatibility groups", "derived attributes"],
)
@pytest.mark.parametrize("minor", MINORS)
def test_a_field_that_a_release_lacks_is_bad_input(asked: dict[str, Any], since: str, minor: str) -> None:
    """The kind is upstream's; the text names field, release and way out."""
    answer = ask(asked, minor)
    lacks = not release(minor).at_least(since)
    assert (answer.get("errorKind") == "input") == lacks
    assert not lacks or (f"in Kubernetes {minor}" in answer["error"] and since in answer["error"])


@pytest.mark.go
@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize(
    "asked",
    [
        line(LISTED),
        line(GROUPED),
        line(exactly=DERIVED),
        line(exactly={**EXACTLY, "nope": 1}),
        line(features={"Nope": False}),
        line(features={"DerivedAttributes": True}),
        line(features={"DeviceStatus": True}),
        line(variant="nope"),
        line(nope=1),
    ],
    ids=lambda value: json.dumps(value)[-60:],
)
def test_bad_input_is_upstreams_bad_input(oracles: dict[str, Oracle], asked: dict[str, Any], minor: str) -> None:
    """What one program calls input that cannot be read, the other does too."""
    assert ask(asked, minor).get("errorKind") == oracles[minor].ask(asked).get("errorKind")


@pytest.mark.parametrize("minor", MINORS)
def test_a_line_without_features_has_those_of_the_gates(minor: str) -> None:
    """``--feature-gates`` and the defaults of the release hold for it."""
    asked = line()
    del asked["features"]
    assert ask(asked, minor)["variant"] == release(minor).variant
    assert ask(line(), minor)["variant"] == "stable"
    assert set(VARIANTS[minor]) == {"stable", "incubating", "experimental"}
