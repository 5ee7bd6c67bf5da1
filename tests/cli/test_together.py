"""``drapolicy allocate --together`` and ``--write-lp``: asks placed jointly, and programmes as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from drapolicy import api

RACKS = """\
apiVersion: v1
kind: Node
metadata: {{name: n{n}, labels: {{rack: r{rack}}}}}
---
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: n{n}-gpus}}
spec:
  driver: gpu.example.com
  nodeName: n{n}
  pool: {{name: n{n}, generation: 1, resourceSliceCount: 1}}
  devices: [{{name: gpu-0}}, {{name: gpu-1}}]
"""
CLASS = "apiVersion: resource.k8s.io/v1\nkind: DeviceClass\nmetadata: {name: gpu}\n"


@pytest.fixture
def racks(tmp_path: Path) -> Path:
    """Five nodes of two GPUs: three in one rack, two in another."""
    path = tmp_path / "racks.yaml"
    path.write_text("---\n".join([CLASS, *(RACKS.format(n=n, rack=int(n > 2)) for n in range(5))]), encoding="utf-8")
    return path


def rows(out: str) -> dict[str, list[str]]:
    """Return the table of values by level."""
    lines = out.split("IN ORDER OF IMPORTANCE", 1)[1].splitlines()[1:]
    return {" ".join(words[:-3]): words[-3:] for words in map(str.split, lines) if words and words[-1][-1] in "%-"}


@pytest.mark.parametrize(
    ("together", "placed", "code", "why"),
    [
        ("all", 0, 1, "no devices for 3 asks of its group"),
        ("3", 0, 1, "no devices for 3 asks of its group"),
        ("2", 2, 1, "no devices left beside the other asks"),
        ("most", 2, 1, "no devices left beside the other asks"),
    ],
)
@pytest.mark.parametrize("policy", ["", "ilp-packing"])
def test_all_or_none_at_least_some_or_as_many_as_can_be(
    run, fleet, claims, *, together: str, placed: int, code: int, why: str, policy: str
) -> None:
    """Three GPUs, and claims for 2, 2 and 1: two fit beside each other; the bound says that no more do."""
    ran = run("allocate", fleet, claims(2, 2, 1), "--together", together, *(["--policy", policy] if policy else []))
    assert (ran.code, ran.err) == (code, "")
    assert f"{placed} of 3 placed together by {policy or 'patterns'}, Kubernetes 1.37" in ran.out
    assert rows(ran.out)["asks placed"] == [str(placed), str(placed), "0.00%"]
    assert why in ran.out
    assert ("infeasible" if not placed else "optimal") + ", by patterns, in " in ran.out


def test_when_all_are_placed_the_code_is_0(run, fleet, claims) -> None:
    """Values, bounds and terms are told; the joint choice is checked like any other."""
    ran = run("allocate", fleet, claims(1, 2), "--together", "all", "--policy", "ilp-packing", "--check")
    assert ran.code == 0
    assert rows(ran.out) == {
        "asks placed": ["2", "2", "0.00%"],
        "- chances_lost": ["-3", "-3", "0.00%"],
        "- still_placeable": ["-2", "-2", "0.00%"],
    }
    assert "terms in all: chances_lost 3, still_placeable 2" in ran.out
    assert "every placement was checked" in ran.out


def test_what_is_placed_one_after_the_other_may_be_fewer(run, racks, claims) -> None:
    """First fit gives the first claims what the last one needs; together all are placed."""
    wanted = claims(1, 1, 1, 1, 2, 2)
    one_node = ["allocate", racks, wanted, "--policy", "spread"]
    assert "6 of 6" not in run(*one_node).out
    assert "6 of 6 placed together" in run("allocate", racks, wanted, "--together", "all").out


@pytest.mark.parametrize(
    ("policy", "nodes"),
    [("kueue-tas:levels=rack", {"n3", "n4"}), ("hived-buddy:levels=rack", {"n3", "n4"}), ("first-fit", {"n0", "n1"})],
)
def test_gangs_go_to_places_of_nodes(run, racks, claims, policy: str, nodes: set[str]) -> None:
    """Two claims for a node each: policies of places take the smaller rack, others the first nodes."""
    ran = run("allocate", racks, claims(2, 2), "--together", "all", "--policy", policy, "-o", "json")
    told = json.loads(ran.out)["together"]
    assert (ran.code, told["policy"], told["placed"]) == (0, policy, 2)
    assert {placement["node"] for placement in told["placements"]} == nodes
    assert [level["level"] for level in told["objective"]][:2] == (
        ["asks placed"] if policy == "first-fit" else ["asks placed", "distance"]
    )


def test_what_a_policy_cannot_place_jointly_says_why(run, racks, claims) -> None:
    """Different claims are no gang: they are placed one after the other, without a bound."""
    ran = run("allocate", racks, claims(2, 1), "--together", "all", "--policy", "kueue-tas")
    assert ran.code == 0
    assert rows(ran.out)["distance"] == ["-1", "-", "-"]
    assert "feasible, by greedy (1 group with pods of 2 kinds), in " in ran.out


@pytest.mark.parametrize("output", ["json", "yaml"])
def test_programs_get_one_list(run, fleet, claims, output: str) -> None:
    """Claims as Kubernetes writes them, and beside them what is known; pending ones go to standard error too."""
    ran = run("allocate", fleet, claims(2, 2), "--together", "most", "--policy", "ilp-bandwidth", "-o", output)
    listed: dict[str, Any] = json.loads(ran.out) if output == "json" else yaml.safe_load(ran.out)
    assert (ran.code, ran.err) == (
        1,
        "pending: default/b: 0/1 nodes are available: 1 no devices left beside the other asks.\n",
    )
    assert [("allocation" in item.get("status", {})) for item in listed["items"]] == [True, False]
    told = listed["together"]
    assert {key: told[key] for key in ("policy", "status", "path", "why", "placed", "asks")} == {
        "policy": "ilp-bandwidth",
        "status": "optimal",
        "path": "patterns",
        "why": "",
        "placed": 1,
        "asks": 2,
    }
    assert told["objective"][0] == {"level": "asks placed", "value": 1, "bound": 1, "gap": 0.0}
    assert told["terms"] == {"inside": 10000, "links_lost": 30000, "still_placeable": 1}
    assert told["placements"][0]["devices"] == [
        {"request": "gpus", "driver": "gpu.example.com", "pool": "n1", "device": f"gpu-{n}"} for n in range(2)
    ]
    assert told["placements"][1]["node"] is None
    assert told["notReproducible"]["seconds"] > 0
    # Standard tools read the list: what stands beside the items is passed over.
    del listed["together"]
    assert len(api.loads(json.dumps(listed)).claims) == 2


POD = """\
apiVersion: v1
kind: Pod
metadata: {{name: {name}, namespace: default, uid: {name}-uid}}
spec:
  containers: [{{name: main, image: i, resources: {{claims: [{{name: d}}]}}}}]
  resourceClaims: [{{name: d, resourceClaimName: a}}]
"""


def test_claims_that_pods_share_are_allocated_once(run, fleet, claims, tmp_path: Path) -> None:
    """Both pods go where the claim is, and it is reserved for both."""
    pods = tmp_path / "pods.yaml"
    pods.write_text("---\n".join(POD.format(name=name) for name in ("one", "two")))
    ran = run("allocate", fleet, claims(1), pods, "--together", "all", "--check", "-o", "json")
    listed = json.loads(ran.out)
    assert (ran.code, listed["together"]["why"]) == (0, "claim default/a is used by several asks")
    assert [user["name"] for user in listed["items"][0]["status"]["reservedFor"]] == ["one", "two"]


@pytest.mark.parametrize("wrong", ["4", "0", "-1", "some", "1.5", "²"])
def test_how_many_is_checked(run, fleet, claims, wrong: str) -> None:
    """The message says what there is."""
    ran = run("allocate", fleet, claims(1, 1, 1), f"--together={wrong}")
    assert ran.code == 2
    assert "is neither all nor most nor a number from 1 to 3, as many as are asked for" in ran.err


# --- programmes ----------------------------------------------------------------------------------------------


def optimum(path: Path) -> int:
    """Return what HiGHS itself finds in a file."""
    import highspy

    model = highspy.Highs()
    model.setOptionValue("output_flag", False)
    model.readModel(str(path))
    model.run()
    return round(model.getInfo().objective_function_value)


@pytest.mark.parametrize("kind", ["lp", "mps"])
def test_the_programme_of_a_claim_is_written(run, racks, claims, tmp_path: Path, kind: str) -> None:
    """The claim is placed as without it; the file holds the node's programme of the last level."""
    path = tmp_path / f"node.{kind}"
    words = ["allocate", racks, claims(1), "--policy", "ilp-packing"]
    plain, ran = run(*words), run(*words, "--write-lp", path)
    assert (ran.code, ran.out) == (0, plain.out)
    assert optimum(path) == -1
    assert "still_placeable 1" in ran.out
    assert "x_0_0" in path.read_text(encoding="utf-8")


def test_the_programme_of_all_together_is_written(run, fleet, claims, tmp_path: Path) -> None:
    """Its optimum is the last level's value."""
    path = tmp_path / "batch.lp"
    words = ["--together", "most", "--policy", "ilp-packing", "--write-lp", path, "-o", "json"]
    told = json.loads(run("allocate", fleet, claims(2, 2, 1), *words).out)["together"]
    assert optimum(path) == told["objective"][-1]["value"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["1", "--policy", "bandwidth"], "--write-lp: policy bandwidth solves no integer programme; use ilp-bandwidth"),
        (["1"], "--write-lp: policy kube-scheduler solves no integer programme; use ilp-bandwidth"),
        (
            ["1", "--policy", "portfolio", "--together", "all"],
            "policy portfolio solves no integer programme for asks to",
        ),
        (
            ["1,1", "--policy", "ilp-packing"],
            "--write-lp: 2 asks are decided one after the other; give one, or add --to",
        ),
        (
            ["4", "--policy", "ilp-packing"],
            "--write-lp: default/a is placed nowhere, so there is no programme: 0/1 nod",
        ),
    ],
)
def test_what_has_no_programme_says_so(run, fleet, claims, tmp_path: Path, *, words: list[str], message: str) -> None:
    """Nothing is written."""
    sizes, *others = words
    ran = run("allocate", fleet, claims(*map(int, sizes.split(","))), *others, "--write-lp", tmp_path / "out.lp")
    assert ran.code == 2
    assert message in ran.err
    assert not (tmp_path / "out.lp").exists()


def test_names_of_files_are_checked_before_anything_is_decided(run, fleet, claims, tmp_path: Path) -> None:
    """The kind is told by the name."""
    ran = run("allocate", fleet, claims(1), "--policy", "ilp-packing", "--write-lp", tmp_path / "out.txt")
    assert (ran.code, ran.out) == (2, "")
    assert "out.txt ends in neither .lp nor .mps; use one of them" in ran.err


@pytest.mark.parametrize("words", [("--together", "all"), ("--write-lp", "x.lp")])
def test_lines_are_decided_one_by_one(run, words: tuple[str, str]) -> None:
    """--jsonl has neither."""
    ran = run("allocate", "--jsonl", *words)
    assert ran.code == 2
    assert f"leave {words[0]} out" in ran.err
