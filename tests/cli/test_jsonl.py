"""``drapolicy allocate --jsonl``."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import pytest

from drapolicy.cli import jsonl

NODE = {"metadata": {"name": "n1"}}
OTHER = {"metadata": {"name": "n2"}}
CLASSES = [{"metadata": {"name": "gpu"}, "spec": {}}]


def devices(*names: str, **attributes: str):
    return [{"name": name, "attributes": {k: {"string": v} for k, v in attributes.items()}} for name in names]


def published(*names: str):
    return {
        "metadata": {"name": "s"},
        "spec": {
            "driver": "gpu.example.com",
            "nodeName": "n1",
            "pool": {"name": "p", "generation": 1, "resourceSliceCount": 1},
            "devices": devices(*names),
        },
    }


def claim(count: int):
    exactly = {"deviceClassName": "gpu", "allocationMode": "ExactCount", "count": count}
    requests = [{"name": "r", "exactly": exactly}]
    return {"metadata": {"name": "c", "namespace": "ns"}, "spec": {"devices": {"requests": requests}}}


def line(count: int = 1, **more):
    return {"classes": CLASSES, "slices": [published("a", "b")], "claims": [claim(count)], "node": NODE, **more}


def ask(spawn, *lines, options=()):
    given = "".join((item if isinstance(item, str) else json.dumps(item)) + "\n" for item in lines)
    ran = spawn("allocate", "--jsonl", *options, given=given)
    assert (ran.returncode, ran.stderr) == (0, "")
    return [json.loads(text) for text in ran.stdout.splitlines()]


def test_answers_come_in_order_with_their_names(spawn):
    """A line that fits has its devices, one that does not has none, and names come back."""
    fits, no = ask(spawn, line(1, name="one"), line(3, name="three"))
    assert (fits["name"], fits["fit"]) == ("one", True)
    assert fits["results"][0]["devices"]["results"][0]["device"] == "a"
    assert (no["name"], no["fit"]) == ("three", False)
    assert "error" not in no


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("{", "input"),
        ("[1]", "input"),
        ("[" * 200_000, "input"),
        ("9" * 1_000_000, "input"),
        ('{"name": NaN}', "input"),
        ('{"unknown": 1}', "input"),
        ('{"allocated": 5, "node": {"metadata": {"name": "n"}}}', "input"),
        ('{"features": ["AdminAccess"]}', "input"),
        ('{"variant": "stable"}', "new"),
        ('{"slices": [{"spec": {"devices": 3}}]}', "input"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_bad_line_is_answered_and_the_next_one_too(spawn, text, kind):
    """Whatever a line holds, it gets an answer with the kind of error, and the program goes on."""
    bad, good = ask(spawn, text, line(1))
    assert (bad["fit"], bad["errorKind"]) == (False, kind)
    assert good["fit"]


def test_broken_text_is_replaced(spawn):
    """Bytes that are no UTF-8 and half characters come back as text, as from a program in Go."""
    given = b'{"name": "\xff", "node": {}}\n{"name": "\\ud800", "node": {}}\n'
    ran = spawn("allocate", "--jsonl", given=given)
    assert ran.returncode == 0
    assert [json.loads(text)["name"] for text in ran.stdout.splitlines()] == ["\ufffd", "?"]


def test_a_scan_tells_every_node(spawn):
    """Loop mode counts fits and scanned nodes, and lists each node's outcome unless told not to."""
    looped = line(1, nodes=[NODE, OTHER], repeat=2)
    del looped["node"]
    (told,) = ask(spawn, looped)
    assert (told["fits"], told["scanned"], len(told["timing"]["scanNs"])) == (1, 2, 2)
    assert [(item["node"], item["fit"]) for item in told["nodes"]] == [("n1", True), ("n2", False)]
    for option in ("-node-outcomes=false", "--no-node-outcomes"):
        (told,) = ask(spawn, looped, options=[option])
        assert "nodes" not in told


def test_reuse_takes_the_world_of_the_line_before(spawn):
    """With ``reuse`` a line needs to name only what changed."""
    first, second = ask(spawn, line(1), {"reuse": True, "claims": [claim(2)], "node": NODE})
    assert (first["fit"], second["fit"]) == (True, True)


@pytest.mark.parametrize("option", ["-timing", "--timing"])
def test_times_are_told_on_request(spawn, option):
    """Flags are taken as the protocol's own program takes them, and with two dashes."""
    (told,) = ask(spawn, line(1), options=[option])
    assert told["timing"]["allocateNs"] > 0


def test_devices_are_those_of_the_policy(spawn):
    """A seeded policy takes other devices than first fit, and still no more than there are."""
    crowd = line(1, slices=[published(*(f"d{i}" for i in range(20)))])
    (told,) = ask(spawn, crowd, options=["--policy", "random", "--seed", "1"])
    (again,) = ask(spawn, crowd, options=["--policy", "random", "--seed", "1"])
    assert told["results"] == again["results"]
    assert told["results"][0]["devices"]["results"][0]["device"] != "d0"


def test_a_policy_ends_at_the_time_limit(spawn):
    """A search without end stops at ``timeoutMs`` under every policy."""
    names = [f"d{i:02}" for i in range(32)]
    never = line(16, slices=[published(*names), published()], timeoutMs=200)
    limits = {"left": {"value": "1607"}, "right": {"value": "528"}}
    never["slices"][1]["metadata"]["name"] = "t"
    never["slices"][1]["spec"] |= {"devices": [], "sharedCounters": [{"name": "set", "counters": limits}]}
    for slice_ in never["slices"]:
        slice_["spec"]["pool"]["resourceSliceCount"] = 2
    for i, device in enumerate(never["slices"][0]["spec"]["devices"]):
        # Sixteen draw 4,800 of twice the left and three times the right, of which there is less, though enough of each.
        third = 7 * i % 32 + 1
        draws = {"left": {"value": str(150 - 3 * third)}, "right": {"value": str(2 * third)}}
        device["consumesCounters"] = [{"counterSet": "set", "counters": draws}]
    for policy in ("first-fit", "bandwidth", "packing", "random"):
        (told,) = ask(spawn, never, options=["--policy", policy])
        assert told.get("errorKind") == "timeout"
        assert not told["fit"]


@pytest.mark.parametrize(("cases", "agree"), [("upstream-1.37.2.jsonl", 233), ("random-1.37.2.jsonl", 423)])
def test_conformance(shared, root, cases, agree):
    """The shared conformance cases agree as far as Kubernetes 1.37's default gates go."""
    folder = shared / "conformance"
    command = [sys.executable, "-m", "drapolicy", "allocate", "--jsonl", "--k8s", "1.37"]
    ran = subprocess.run(
        [sys.executable, folder / "check.py", "--variant", "incubating", folder / cases, *command],
        capture_output=True,
        text=True,
        cwd=root,
        timeout=300,
        check=False,
    )
    assert f"'agree': {agree}" in ran.stdout
    assert "DISAGREE" not in ran.stdout


def test_a_bug_is_told_as_one():
    """An error that nobody foresaw is no fault of the line, and the next line is answered."""

    def broken(case, node, claims, timeout_s):
        raise TypeError("boom")

    told = io.StringIO()
    jsonl.run(io.StringIO(2 * (json.dumps(line(1)) + "\n")), told, policy=broken)
    answers = [json.loads(text) for text in told.getvalue().splitlines()]
    assert [(answer["error"], answer["errorKind"]) for answer in answers] == 2 * [("TypeError: boom", "panic")]
