"""When answers of releases without an order of pools can be compared, and when upstream's defects forbid it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drapolicy.release import release
from drapolicy.release.gates import FEATURES
from drapolicy.testing.lines import Line, read, solve
from drapolicy.testing.oracle import FOLDER, Oracle
from drapolicy.testing.order import amounts_change, one_pool, order_matters, wrong_index_matters


def sliced(driver: str, pool: str, *devices: Line, **spec: Any) -> Line:
    """A slice, alone in its pool."""
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"{driver}-{pool}"},
        "spec": {
            "driver": driver,
            "pool": {"name": pool, "generation": 1, "resourceSliceCount": 1},
            "allNodes": True,
            "devices": list(devices),
            **spec,
        },
    }


def problem(*slices: Line, constraints: list[Line] | None = None, **ask: Any) -> Line:
    """One request for devices of any kind from these slices."""
    exactly = {"deviceClassName": "any", "allocationMode": "ExactCount", "count": 1, **ask}
    devices = {"requests": [{"name": "r0", "exactly": exactly}], "constraints": constraints or []}
    return {
        "features": {},
        "classes": [{"apiVersion": "resource.k8s.io/v1", "kind": "DeviceClass", "metadata": {"name": "any"}}],
        "slices": list(slices),
        "claims": [
            {
                "apiVersion": "resource.k8s.io/v1",
                "kind": "ResourceClaim",
                "metadata": {"name": "c", "namespace": "default", "uid": "u"},
                "spec": {"devices": devices},
            }
        ],
        "node": {"apiVersion": "v1", "kind": "Node", "metadata": {"name": "n"}},
        "allocated": {"claims": []},
    }


A, B = {"name": "a"}, {"name": "b"}
DRAWS = {"name": "a", "consumesCounters": [{"counterSet": "s", "counters": {"c": {"value": "1"}}}]}
COUNTERS = {"sharedCounters": [{"name": "s", "counters": {"c": {"value": "1"}}}]}
MATCH = [{"matchAttribute": "d.example/x"}]
CAREFUL = [{"cel": {"expression": 'device.driver == "d.example"'}}]
CARELESS = [{"cel": {"expression": 'device.attributes["d.example"].x == 1'}}]
TAINTED = {**DRAWS, "taints": [{"key": "k", "effect": "NoSchedule"}]}


@pytest.mark.parametrize(
    ("line", "minor", "reason"),
    [
        (problem(sliced("d.example", "p", A), sliced("d.example", "q", B)), "1.34", ""),
        (problem(sliced("d.example", "p", A, A), sliced("d.example", "q", B)), "1.34", "invalid pool"),
        (problem(sliced("d.example", "p", A, A), sliced("d.example", "q", B)), "1.35", ""),
        (problem(sliced("d.example", "p", A, A)), "1.34", ""),
        (problem(sliced("d.example", "p", A), sliced("d.example", "q", B), selectors=CAREFUL), "1.35", ""),
        (
            problem(sliced("d.example", "p", A), sliced("d.example", "q", B), selectors=CARELESS),
            "1.35",
            "selector fails",
        ),
        (problem(sliced("d.example", "p", A), selectors=CARELESS), "1.35", ""),
        (
            problem(sliced("d.example", "p", A), sliced("e.example", "q", B), allocationMode="All", constraints=MATCH),
            "1.35",
            "All with constraints",
        ),
        (problem(sliced("d.example", "p", A), sliced("e.example", "q", B), constraints=MATCH), "1.35", ""),
        (
            problem(sliced("d.example", "p", DRAWS), sliced("e.example", "p", B)),
            "1.35",
            "counters of pools of one name",
        ),
        (problem(sliced("d.example", "p", DRAWS, **COUNTERS), sliced("e.example", "p", B)), "1.34", ""),
        (problem(sliced("d.example", "p", DRAWS), sliced("e.example", "q", B)), "1.35", ""),
        (problem(sliced("d.example", "p", TAINTED), sliced("e.example", "q", B)), "1.35", "counters may leak"),
        (
            problem(sliced("d.example", "p", DRAWS), sliced("e.example", "q", B), constraints=MATCH),
            "1.35",
            "counters may leak",
        ),
    ],
)
def test_what_depends_on_the_order_of_pools(line: Line, minor: str, reason: str) -> None:
    """Nothing does in one pool; elsewhere each way in which a search can notice has a name."""
    found = read(msgspec.json.encode(line))
    assert order_matters(found, release(minor).with_features(FEATURES[minor])) == reason
    assert one_pool(found) == (len(line["slices"]) == 1)


def sized(name: str, amount: str, *, shared: bool = False) -> Line:
    return {
        "name": name,
        "capacity": {"m": {"value": amount}},
        **({"allowMultipleAllocations": True} if shared else {}),
    }


WANTS = {"capacity": {"requests": {"m": "2"}}}


@pytest.mark.parametrize(
    ("line", "matters"),
    [
        (problem(sliced("d.example", "p", sized("a", "1"), sized("b", "2")), **WANTS), True),
        (problem(sliced("d.example", "p", sized("a", "2"), sized("b", "1")), **WANTS), False),
        (problem(sliced("d.example", "p", sized("a", "2"), sized("b", "2")), count=2, **WANTS), False),
        (problem(sliced("d.example", "p", sized("a", "2")), sliced("d.example", "q", sized("b", "2")), count=2), True),
        (problem(sliced("d.example", "p", sized("a", "2", shared=True), sized("b", "2"))), False),
        (problem(sliced("d.example", "p", sized("a", "2", shared=True), sized("b", "2")), count=2), True),
    ],
)
def test_when_the_wrong_device_is_checked(line: Line, matters: bool) -> None:
    """1.34 looks at the device whose position is the number of devices taken before (Q24); other releases do not."""
    found = read(msgspec.json.encode(line))
    for minor in ("1.34", "1.35"):
        every = release(minor).with_features(FEATURES[minor])
        assert wrong_index_matters(found, every) is (matters and minor == "1.34")
        assert not wrong_index_matters(found, every.with_features(every.features - {"ConsumableCapacity"}))


@pytest.mark.go
def test_upstream_checks_the_wrong_device() -> None:
    """What 1.34 refuses for want of another device's capacity, drapolicy allocates."""
    if not (FOLDER / "oracle-1.34").is_file():
        pytest.skip("the oracle is not built: make oracle")
    line = problem(sliced("d.example", "p", sized("a", "1"), sized("b", "2")), **WANTS)
    line["features"] = dict.fromkeys(FEATURES["1.34"], True)
    panics = problem(sliced("d.example", "p", A), sliced("d.example", "q", B), count=2)
    panics["features"] = line["features"]
    with Oracle("1.34") as upstream:
        assert upstream.ask(line)["fit"] is False
        assert "index out of range" in upstream.ask(panics)["error"]
    assert solve(read(msgspec.json.encode(line)), "1.34")["fit"] is True
    assert solve(read(msgspec.json.encode(panics)), "1.34")["fit"] is True


@pytest.mark.parametrize(
    ("amount", "minor", "changes"),
    [
        ("9223372036854775807", "1.36", True),
        ("9223372036854775807", "1.37", False),
        ("999999999999999999", "1.36", False),
        ("1e30", "1.36", False),
    ],
)
def test_amounts_that_upstream_changes(amount: str, minor: str, changes: bool) -> None:
    """Up to 1.36 a sum is added to a request that is too long for 64 bits as upstream reads it."""
    line = problem(sliced("d.example", "p", A), capacity={"requests": {"m": amount}})
    found = read(msgspec.json.encode(line))
    assert amounts_change(found, release(minor).with_features(FEATURES[minor])) is changes
