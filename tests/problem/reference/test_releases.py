"""What releases decide differently: one small problem for each switch, checked against upstream where it is built."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec
import pytest

from drapolicy.api.encode import to_builtins
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import ResourceClaim, ResourceSlice
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit, Outcome
from drapolicy.release import MINORS
from drapolicy.testing.oracle import FOLDER, Oracle

NONE = "no fit"
INVALID = "invalid resource pools were encountered"
UPDATED = "claim ns/c, request r: asks for all devices, but resource pool gpu.x/p is currently being updated"


class Problem(NamedTuple):
    """Slices, the claims to place, and claims that hold devices."""

    slices: list[ResourceSlice]
    claims: list[ResourceClaim]
    held: tuple[ResourceClaim, ...] = ()


def only(name: str) -> dict[str, Any]:
    """Return the part of a request that takes one device alone."""
    return {"selectors": [{"cel": {"expression": f"device.attributes['gpu.x'].?name.orValue('') == '{name}'"}}]}


def device(name: str, draws: str = "", **more: Any) -> dict[str, Any]:
    drawn = [{"counterSet": "cs", "counters": {"mem": {"value": draws}}}] if draws else []
    return {"name": name, "attributes": {"name": {"string": name}}, "consumesCounters": drawn, **more}


def partitioned(kit: Any, minor: str, *devices: Any, mem: str = "4", **more: Any) -> list[ResourceSlice]:
    """Return a pool with a counter, which is beside its devices in 1.34 and in a slice of its own later."""
    counters = {"sharedCounters": [{"name": "cs", "counters": {"mem": {"value": mem}}}]}
    if minor == "1.34":
        return [kit.slice(devices, **counters, **more)]
    name = more.pop("name", "s")
    return [
        kit.slice(devices, name=name, count=2, **more),
        kit.slice(name=f"{name}-counters", count=2, **counters, **more),
    ]


def holding_share(kit: Any, name: str, **amounts: str) -> ResourceClaim:
    """Return a claim that holds a share of a device."""
    result = {"request": "r", "driver": "gpu.x", "pool": "p", "device": name, "shareID": "s-0"}
    if amounts:
        result["consumedCapacity"] = amounts
    claim = to_builtins(kit.claim(kit.request(), name="held"))
    claim["status"] = {"allocation": {"devices": {"results": [result]}}}
    return msgspec.convert(claim, ResourceClaim, dec_hook=lambda _, text: Quantity(text))


SHARED = {"allowMultipleAllocations": True}
TAINTED = {"taints": [{"key": "k", "value": "", "effect": "NoSchedule"}]}


def spread(kit: Any, minor: str) -> Problem:
    """A pool has a slice on another node, which 1.34 does not count (S24)."""
    slices = [kit.slice(["d0"], name="a", count=2), kit.slice(["d1"], name="b", count=2, nodeName="n2")]
    return Problem(slices, [kit.claim(kit.request(count="All"))])


def missing(kit: Any, minor: str) -> Problem:
    """A slice is missing, and 1.34 allocates from the others (S25)."""
    return Problem([kit.slice(["d0"], count=2)], [kit.claim(kit.request())])


def twice(kit: Any, minor: str) -> Problem:
    """A pool has a device twice, and 1.34 ends the attempt where it comes to it (S25)."""
    return Problem([kit.slice(["d0", "d0"], pool="n1")], [kit.claim(kit.request())])


def twice_behind(kit: Any, minor: str) -> Problem:
    """The same with binding conditions, which put a pool behind others (S26)."""
    binding = {"bindingConditions": ["ok"], "bindingFailureConditions": ["bad"]}
    slices = [kit.slice([device("d0", **binding), "d0"], pool="a"), kit.slice(["d1"], name="t", pool="b")]
    return Problem(slices, [kit.claim(kit.request())])


def binding_slice(kit: Any, minor: str) -> Problem:
    """A slice with binding conditions stands behind the others of its pool up to 1.35, by name after (S27)."""
    binding = {"bindingConditions": ["ok"], "bindingFailureConditions": ["bad"]}
    slices = [kit.slice([device("d0", **binding)], name="a", count=2), kit.slice(["d1"], name="b", count=2)]
    return Problem(slices, [kit.claim(kit.request())])


def undefined(kit: Any, minor: str) -> Problem:
    """A device draws from a counter that is not there: 1.34 does not mind (S25)."""
    return Problem([kit.slice([device("d0", "1")])], [kit.claim(kit.request())])


def beside(kit: Any, minor: str) -> Problem:
    """A slice with counters has no devices from 1.35 on (S28, S45)."""
    return Problem(partitioned(kit, "1.34", device("d0", "1")), [kit.claim(kit.request())])


def per_slice(kit: Any, minor: str) -> Problem:
    """Counters of one name in two slices of a pool are two counters in 1.34 (S45)."""
    first = partitioned(kit, "1.34", device("d0", "3"), name="a", count=2)
    second = partitioned(kit, "1.34", device("d1", "3"), name="b", count=2)
    return Problem([*first, *second], [kit.claim(kit.request("a"), kit.request("b"))])


def equal_names(kit: Any, minor: str) -> Problem:
    """Pools of two drivers have one name, and 1.35 takes their counters for the same (S45)."""
    ours = partitioned(kit, minor, device("d0", "3"))
    theirs = partitioned(kit, minor, device("d1", "3"), name="t", driver="nic.x")
    by_driver = [{"selectors": [{"cel": {"expression": f"device.driver == '{name}'"}}]} for name in ("gpu.x", "nic.x")]
    requests = [kit.request(name, **driver) for name, driver in zip("ab", by_driver, strict=True)]
    return Problem([*ours, *theirs], [kit.claim(*requests)])


def counters_elsewhere(kit: Any, minor: str) -> Problem:
    """The counters of another node's pool are seen everywhere in 1.35 and 1.36, and the pool is incomplete (S23)."""
    counters = {"sharedCounters": [{"name": "cs", "counters": {"mem": {"value": "4"}}}]}
    slices = [kit.slice(["d0"], pool="own"), kit.slice(name="away", count=2, nodeName="n2", **counters)]
    return Problem(slices, [kit.claim(kit.request(count="All"))])


def again(kit: Any, minor: str) -> Problem:
    """Up to 1.35 one request takes a shareable device twice (S34)."""
    return Problem([kit.slice([device("d0", **SHARED), device("d1", **TAINTED)])], [kit.claim(kit.request(count=2))])


def lost_alternative(kit: Any, minor: str) -> Problem:
    """Up to 1.35 mode All goes on as the first alternative after its first device, which wants one (Q21)."""
    listed = kit.first("r", kit.request("a", **only("x")), kit.request("b", "All"))
    return Problem([kit.slice(["d0", "d1"])], [kit.claim(listed)])


def tainted(kit: Any, minor: str) -> Problem:
    """Up to 1.35 a device that a taint keeps off keeps its counters (S38)."""
    return Problem(partitioned(kit, minor, device("d0", "3", **TAINTED), device("d1", "3")), [kit.claim(kit.request())])


def unfit(kit: Any, minor: str) -> Problem:
    """The same for a device that a constraint refuses (S38)."""
    fit = device("d1", "3")
    fit["attributes"]["numa"] = {"int": 0}
    claim = kit.claim(kit.request(), constraints=[{"matchAttribute": "gpu.x/numa"}])
    return Problem(partitioned(kit, minor, device("d0", "3"), fit), [claim])


def share_given_back(kit: Any, minor: str) -> Problem:
    """Up to 1.35 a share that is given up keeps its counters (S38)."""
    devices = [device("d0", "3", **SHARED), device("d1"), device("d2", "3")]
    return Problem(partitioned(kit, minor, *devices), [kit.claim(kit.request("a"), kit.request("b", **only("d2")))])


def held_share(kit: Any, minor: str) -> Problem:
    """What a held share draws counts from 1.36 on (S45)."""
    capacity = {"capacity": {"mem": {"value": "8"}}}
    slices = partitioned(kit, minor, device("d1", "3"), device("d0", "3", **SHARED, **capacity))
    return Problem(slices, [kit.claim(kit.request(**only("d1")))], (holding_share(kit, "d0", mem="1"),))


def empty_share(kit: Any, minor: str) -> Problem:
    """A held share that consumes nothing has drawn the counters for all shares in 1.37 alone (S45)."""
    slices = partitioned(kit, minor, device("d0", "3", **SHARED))
    return Problem(slices, [kit.claim(kit.request())], (holding_share(kit, "d0"),))


def two_shares(kit: Any, minor: str) -> Problem:
    """In 1.34 each share draws counters (S45)."""
    slices = partitioned(kit, minor, device("d0", "3", **SHARED))
    return Problem(slices, [kit.claim(kit.request("a"), kit.request("b"))])


def wrapped(kit: Any, minor: str) -> Problem:
    """An amount leaves 64 bits: 1.37 ends the attempt, before it is negative and fits (S42)."""
    policy = {"default": "2", "validRange": {"min": "2", "step": "2"}}
    large = device("d0", capacity={"mem": {"value": "8", "requestPolicy": policy}}, **SHARED)
    return Problem(
        [kit.slice([large])], [kit.claim(kit.request(capacity={"requests": {"mem": "9223372036854775807"}}))]
    )


TOO_MUCH = (
    'claim ns/c, request r: checking capacity for device gpu.x/p/d0: capacity "mem": capacity request cannot be'
    " represented in the device's range arithmetic: request 9223372036854775807 is not a representable milli value"
)

# What 1.34, 1.35, 1.36 and 1.37 answer: devices, no fit, or the text of the error.
TABLE: dict[Callable[[Any, str], Problem], tuple[str, str, str, str]] = {
    spread: (UPDATED, "d0", "d0", "d0"),
    missing: ("d0", NONE, NONE, NONE),
    twice: ("pool n1 is invalid: duplicate device name d0", INVALID, INVALID, INVALID),
    twice_behind: ("d1", "d1", "d1", "d1"),
    binding_slice: ("d1", "d1", "d0", "d0"),
    undefined: ("d0", INVALID, INVALID, INVALID),
    beside: ("d0", NONE, NONE, NONE),
    per_slice: ("d0 d1", INVALID, INVALID, INVALID),
    equal_names: ("d0 d1", NONE, "d0 d1", "d0 d1"),
    counters_elsewhere: ("d0", UPDATED, UPDATED, "d0"),
    again: ("d0 d0", "d0 d0", NONE, NONE),
    lost_alternative: ("d0", "d0", "d0 d1", "d0 d1"),
    tainted: (NONE, NONE, "d1", "d1"),
    unfit: (NONE, NONE, "d1", "d1"),
    share_given_back: (NONE, NONE, "d1 d2", "d1 d2"),
    held_share: ("d1", "d1", NONE, NONE),
    empty_share: ("d0", "d0", NONE, "d0"),
    two_shares: (NONE, "d0 d0", "d0 d0", "d0 d0"),
    wrapped: ("d0", "d0", "d0", TOO_MUCH),
}
ROWS = [
    pytest.param(build, minor, want, id=f"{build.__name__}-{minor}")
    for build, row in TABLE.items()
    for minor, want in zip(MINORS, row, strict=True)
]


def told(outcome: Outcome) -> str:
    match outcome:
        case Fits(results):
            return " ".join(entry.device for result in results for entry in result.devices.results)
        case NoFit():
            return NONE
        case Abort(text) | NodeError(text):
            return text
    raise AssertionError(outcome)


@pytest.mark.parametrize(("build", "minor", "want"), ROWS)
def test_each_release_decides_as_it_does(kit: Any, build: Callable[[Any, str], Problem], minor: str, want: str) -> None:
    """The docstring of each problem says what differs; here is what every release answers."""
    problem, kubernetes = build(kit, minor), kit.everything(minor)
    state = AllocatedState.from_claims(problem.held, kubernetes)
    allocator = kit.allocator(problem.slices, allocated=state, kubernetes=kubernetes)
    assert told(allocator.allocate(kit.node, problem.claims)) == want


@pytest.fixture(scope="module")
def upstream() -> Iterator[Callable[[str], Oracle]]:
    """Upstream's allocators by release."""
    found: dict[str, Oracle] = {}

    def of(minor: str) -> Oracle:
        if not (FOLDER / f"oracle-{minor}").is_file():
            pytest.skip("the oracle is not built: make oracle")
        if minor not in found:
            found[minor] = Oracle(minor)
        return found[minor]

    yield of
    for oracle in found.values():
        oracle.close()


@pytest.mark.go
@pytest.mark.parametrize(("build", "minor", "want"), ROWS)
def test_upstream_answers_the_same(
    kit: Any, upstream: Callable[[str], Oracle], build: Callable[[Any, str], Problem], minor: str, want: str
) -> None:
    """The table is upstream's, whatever order it tries pools in."""
    problem = build(kit, minor)
    line = {
        "features": dict.fromkeys(sorted(kit.everything(minor).features), True),
        "classes": [to_builtins(kit.device_class())],
        "slices": [to_builtins(item) for item in problem.slices],
        "claims": [to_builtins(item) for item in problem.claims],
        "node": to_builtins(kit.node),
        "allocated": {"claims": [to_builtins(item) for item in problem.held]},
    }
    for _ in range(6):
        answer = upstream(minor).ask(line)
        results = answer.get("results", [])
        devices = " ".join(entry["device"] for result in results for entry in result["devices"]["results"])
        assert answer.get("error", devices or NONE) == want
