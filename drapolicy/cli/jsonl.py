"""Allocation problems as JSON lines in, answers as JSON lines out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TextIO, TypeAlias, TypeVar

import msgspec

from drapolicy.api.core import Node
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceClass, ResourceClaim, ResourceSlice
from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit, Outcome, TimedOut
from drapolicy.problem.reference import Allocator
from drapolicy.release import ALLOCATOR_FEATURES, SUPPORTED_FEATURES, release

_VARIANT = "incubating"
_VARIANTS = ("stable", "incubating", "experimental")
_SHARE_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
_IGNORED = frozenset({"name", "expected", "source", "seed", "oracle"})
_FIELDS = frozenset(
    {
        "features",
        "variant",
        "classes",
        "slices",
        "claims",
        "node",
        "nodes",
        "allocated",
        "timeoutMs",
        "repeat",
        "stopAfter",
    }
    | {"reuse"}
)
_KINDS: dict[str, type] = {"classes": DeviceClass, "slices": ResourceSlice, "claims": ResourceClaim, "nodes": Node}
# Objects whose content is the driver's business: nulls in it are kept.
_OPAQUE = frozenset({"parameters", "data"})

_T = TypeVar("_T")


class _NewAllocatorError(Exception):
    """No allocator takes this line; the message says why."""


@dataclass
class _World:
    """What ``reuse`` takes from the line before."""

    classes: dict[str, DeviceClass] = field(default_factory=dict)
    slices: list[ResourceSlice] = field(default_factory=list)
    nodes: list[Node] = field(default_factory=list)
    allocated: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """What a line says of the cluster.

    Attributes
    ----------
    features
        Allocator features that are on.
    allocated, classes, slices
        What is taken, device classes by name, slices.
    allocator
        The reference over these.
    """

    features: frozenset[str]
    allocated: AllocatedState
    classes: Mapping[str, DeviceClass]
    slices: Sequence[ResourceSlice]
    allocator: Allocator


Decide: TypeAlias = Callable[[Case, Node, Sequence[ResourceClaim], float | None], Outcome]
"""A policy: case, node, claims and time limit in seconds give the outcome."""


@dataclass(frozen=True)
class Options:
    """How answers are written.

    Attributes
    ----------
    timing
        Tell times for single lines too.
    node_outcomes
        In loop mode, list the outcome of each node of the first scan.
    keep_share_ids
        Write share ids as made; otherwise each becomes ``aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa``.
    """

    timing: bool = False
    node_outcomes: bool = True
    keep_share_ids: bool = False


def run(
    stdin: TextIO,
    stdout: TextIO,
    *,
    minor: str = "1.37",
    policy: Decide | None = None,
    options: Options = Options(),
) -> None:
    """Answer every line; a line that cannot be answered gets an error of its kind.

    Parameters
    ----------
    minor
        Kubernetes release whose default gates hold for lines without ``features``.
    policy
        Decides instead of first fit.

    Raises
    ------
    UnsupportedFeatureError
        For a release that is not supported.
    """
    defaults = release(minor).features
    world = _World()
    for text in stdin:
        if text.strip():
            answer, world = _answer(text, world, defaults, policy or first_fit, options)
            stdout.write(json.dumps(answer, separators=(",", ":"), ensure_ascii=False) + "\n")
            stdout.flush()


def first_fit(case: Case, node: Node, claims: Sequence[ResourceClaim], timeout_s: float | None) -> Outcome:
    """Decide as Kubernetes does."""
    return case.allocator.allocate(node, claims, timeout_s=timeout_s)


def _answer(
    text: str, world: _World, defaults: frozenset[str], decide: Decide, options: Options
) -> tuple[dict[str, Any], _World]:
    answer: dict[str, Any] = {"variant": _VARIANT, "fit": False}
    try:
        line = _read(text)
        if "name" in line:
            answer = {"name": line["name"], **answer}
        features = _features(line, defaults)
        claims = _objects(line, "claims", ResourceClaim)
        world = _world(line, world)
        started = time.perf_counter_ns()
        allocated = _allocated(world.allocated, features)
        allocator = Allocator(features, allocated, world.classes, world.slices)
        case = Case(features, allocated, world.classes, world.slices, allocator)
        timeout = line.get("timeoutMs")
        timeout_s = None if not timeout else timeout / 1000
        if "nodes" in line or ("node" not in line and line.get("reuse")):
            answer |= _loop(line, world.nodes, allocator, lambda node: decide(case, node, claims, timeout_s), options)
        else:
            outcome = decide(case, world.nodes[0] if world.nodes else Node(), claims, timeout_s)
            answer |= _told(outcome, options) | {"allocateOne": allocator.steps}
            if options.timing:
                answer["timing"] = {"allocateNs": time.perf_counter_ns() - started}
    except (_NewAllocatorError, UnsupportedFeatureError) as error:
        answer |= {"error": str(error), "errorKind": "new"}
    except (InputError, msgspec.ValidationError, ValueError, TypeError) as error:
        answer |= {"error": str(error), "errorKind": "input"}
    except Exception as error:
        # Every line gets an answer, whatever it holds; upstream's program tells its panics the same way.
        logging.getLogger(__name__).debug("unexpected error", exc_info=True)
        answer |= {"error": f"{type(error).__name__}: {error}", "errorKind": "panic"}
    return answer, world


def _read(text: str) -> dict[str, Any]:
    try:
        line = json.loads(text, parse_constant=_no_number)
    except RecursionError:
        message = "nested too deeply"
        raise InputError(message) from None
    if not isinstance(line, dict):
        message = f"a line must be a JSON object, got {type(line).__name__}"
        raise InputError(message)
    line = {key: _without_nulls(value) for key, value in line.items() if value is not None}
    unknown = line.keys() - _FIELDS - _IGNORED
    if unknown:
        message = f"unknown field {', '.join(sorted(unknown))}"
        raise InputError(message)
    return line


def _no_number(text: str) -> None:
    message = f"{text} is no number of JSON"
    raise InputError(message)


def _without_nulls(value: Any) -> Any:
    """Leave out nulls, which Kubernetes reads as absent."""
    if isinstance(value, dict):
        return {
            key: inner if key in _OPAQUE else _without_nulls(inner) for key, inner in value.items() if inner is not None
        }
    if isinstance(value, list):
        return [_without_nulls(inner) for inner in value]
    return value


def _features(line: Mapping[str, Any], defaults: frozenset[str]) -> frozenset[str]:
    named = line.get("features")
    features = defaults if named is None else frozenset(name for name, on in named.items() if on)
    unknown = (named or {}).keys() - ALLOCATOR_FEATURES.keys()
    if unknown:
        message = f"unknown feature {', '.join(sorted(unknown))}"
        raise InputError(message)
    variant = line.get("variant", _VARIANT)
    if variant not in _VARIANTS:
        message = f"unknown variant {variant!r}; known are {', '.join(_VARIANTS)}"
        raise InputError(message)
    if variant != _VARIANT:
        message = f"variant {variant} is not implemented; {_VARIANT} is"
        raise _NewAllocatorError(message)
    missing = features - SUPPORTED_FEATURES
    if missing:
        message = f"internal error: no allocator available for feature set {', '.join(sorted(missing))}"
        raise _NewAllocatorError(message)
    return features


def _convert(value: Any, kind: type[_T]) -> _T:
    return msgspec.convert(value, kind, dec_hook=_quantity)


def _quantity(kind: type, value: Any) -> Any:
    if kind is Quantity and isinstance(value, str | int) and not isinstance(value, bool):
        return Quantity(value)
    message = f"expected {kind.__name__}, got {value!r}"
    raise TypeError(message)


def _objects(line: Mapping[str, Any], key: str, kind: type[_T]) -> list[_T]:
    return [_convert(entry, kind) for entry in line.get(key, ())]


def _world(line: Mapping[str, Any], before: _World) -> _World:
    kept = before if line.get("reuse") else _World()
    classes = {found.metadata.name: found for found in _objects(line, "classes", DeviceClass)}
    nodes = [_convert(line["node"], Node)] if "node" in line else _objects(line, "nodes", Node)
    return _World(
        classes if "classes" in line else kept.classes,
        _objects(line, "slices", ResourceSlice) if "slices" in line else kept.slices,
        nodes if nodes or "nodes" in line else kept.nodes,
        line.get("allocated", kept.allocated),
    )


def _allocated(told: Mapping[str, Any], features: frozenset[str]) -> AllocatedState:
    unknown = told.keys() - {"devices", "sharedDevices", "consumedCapacity", "claims"}
    if unknown:
        message = f"allocated: unknown field {', '.join(sorted(unknown))}"
        raise InputError(message)
    state = AllocatedState.from_claims([_convert(claim, ResourceClaim) for claim in told.get("claims", ())], features)
    for entry in told.get("devices", ()):
        state.take(_device_id(entry))
    for entry in told.get("sharedDevices", ()):
        state.take_share(_device_id(entry), entry.get("shareID", ""))
    for entry in told.get("consumedCapacity", ()):
        state.consume(_device_id(entry), _convert(entry.get("capacity", {}), dict[str, Quantity]))
    return state


def _device_id(entry: Mapping[str, str]) -> DeviceId:
    return DeviceId(entry.get("driver", ""), entry.get("pool", ""), entry.get("device", ""))


def _told(outcome: Outcome, options: Options) -> dict[str, Any]:
    match outcome:
        case Fits(results):
            written = [msgspec.to_builtins(result, enc_hook=str) for result in results]
            if not options.keep_share_ids:
                for result in written:
                    for device in result.get("devices", {}).get("results", ()):
                        if "shareID" in device:
                            device["shareID"] = _SHARE_ID
            return {"fit": True, "results": written}
        case NoFit():
            return {"fit": False}
        case NodeError(text):
            return {"fit": False, "error": text, "errorKind": "node"}
        case Abort(text):
            return {"fit": False, "error": text, "errorKind": "fatal"}
        case TimedOut(text):
            return {"fit": False, "error": text, "errorKind": "timeout"}


def _loop(
    line: Mapping[str, Any],
    nodes: Sequence[Node],
    allocator: Allocator,
    decide: Callable[[Node], Outcome],
    options: Options,
) -> dict[str, Any]:
    """Scan the nodes, as often as ``repeat`` says; the outcomes told are those of the first scan."""
    stop_after = line.get("stopAfter", 0)
    told: list[dict[str, Any]] = []
    fits = scanned = 0
    times: list[int] = []
    for scan in range(max(1, line.get("repeat", 1))):
        started = time.perf_counter_ns()
        found = 0
        for node in nodes:
            outcome = decide(node)
            found += isinstance(outcome, Fits)
            if scan == 0:
                scanned += 1
                told.append({"node": node.metadata.name, **_told(outcome, options)})
            if stop_after and found >= stop_after:
                break
        times.append(time.perf_counter_ns() - started)
        if scan == 0:
            fits = found
    answer: dict[str, Any] = {
        "fit": fits > 0,
        "fits": fits,
        "scanned": scanned,
        "allocateOne": allocator.steps,
        "timing": {"scanNs": times, "minScanNs": min(times)},
    }
    if options.node_outcomes:
        answer["nodes"] = told
    return answer
