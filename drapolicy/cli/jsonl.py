"""Allocation problems as JSON lines in, answers as JSON lines out."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TextIO, TypeAlias

import msgspec

from drapolicy.api.core import Node
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceClass, ResourceClaim, ResourceSlice
from drapolicy.api.versions.fields import absent_fields
from drapolicy.errors import InputError, UnsupportedFeatureError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, Fits, NodeError, NoFit, Outcome, TimedOut
from drapolicy.problem.reference import Allocator
from drapolicy.release import Release, release
from drapolicy.release.gates import FEATURES

_SHARE_ID = "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa"
# Objects whose content is the driver's business: nulls in it are kept.
_OPAQUE = frozenset({"parameters", "data"})


class _NewAllocatorError(Exception):
    """No allocator takes this line; the message says why."""


class _Input(msgspec.Struct, frozen=True, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """Base of the parts of a line; unknown fields are refused."""


class _Held(_Input, frozen=True):
    """A device that is taken, or some of it."""

    driver: str = ""
    pool: str = ""
    device: str = ""
    share_id: str = msgspec.field(default="", name="shareID")
    capacity: dict[str, Quantity] = {}

    @property
    def id(self) -> DeviceId:
        return DeviceId(self.driver, self.pool, self.device)


class _Allocated(_Input, frozen=True):
    """What is taken: whole devices, shares, what they consume, and claims as the scheduler reads them."""

    devices: list[_Held] = []
    shared_devices: list[_Held] = []
    consumed_capacity: list[_Held] = []
    claims: list[ResourceClaim] = []


class _Line(_Input, frozen=True):
    """One problem."""

    name: Any = None
    features: dict[str, bool] | None = None
    variant: str = ""
    classes: list[DeviceClass] | None = None
    slices: list[ResourceSlice] | None = None
    claims: list[ResourceClaim] = []
    node: Node | None = None
    nodes: list[Node] | None = None
    allocated: _Allocated | None = None
    timeout_ms: float = 0
    repeat: int = 1
    stop_after: int = 0
    reuse: bool = False
    # Of no concern to an answer.
    expected: Any = None
    source: Any = None
    seed: Any = None
    oracle: Any = None


class _World(NamedTuple):
    """What ``reuse`` takes from the line before."""

    classes: dict[str, DeviceClass]
    slices: list[ResourceSlice]
    nodes: list[Node]
    allocated: _Allocated


@dataclass(frozen=True)
class Case:
    """What a line says of the cluster.

    Attributes
    ----------
    release
        Kubernetes release, with the allocator features that the line names.
    allocated, classes, slices
        What is taken, device classes by name, slices.
    allocator
        The reference over these.
    """

    release: Release
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
    kubernetes: Release | None = None,
    policy: Decide | None = None,
    options: Options = Options(),
) -> None:
    """Answer every line; a line that cannot be answered gets an error of its kind.

    Parameters
    ----------
    kubernetes
        Release that decides; its gates hold for lines without ``features``. 1.37 by default.
    policy
        Decides instead of first fit.
    """
    defaults = kubernetes or release()
    world = _World({}, [], [], _Allocated())
    for text in stdin:
        if text.strip():
            answer, world = _answer(text, world, defaults, policy or first_fit, options)
            stdout.write(json.dumps(answer, separators=(",", ":"), ensure_ascii=False) + "\n")
            stdout.flush()


def first_fit(case: Case, node: Node, claims: Sequence[ResourceClaim], timeout_s: float | None) -> Outcome:
    """Decide as Kubernetes does."""
    return case.allocator.allocate(node, claims, timeout_s=timeout_s)


def _answer(
    text: str, world: _World, defaults: Release, decide: Decide, options: Options
) -> tuple[dict[str, Any], _World]:
    answer: dict[str, Any] = {"variant": "", "fit": False}
    try:
        read = _read(text)
        if "name" in read:
            answer = {"name": read["name"], **answer}
        line = msgspec.convert(read, _Line, dec_hook=_quantity)
        kubernetes = _release(line, defaults)
        _refuse_absent_fields(read, kubernetes)
        answer["variant"] = line.variant or kubernetes.variant
        claims = line.claims
        world = _world(line, world)
        started = time.perf_counter_ns()
        allocated = _allocated(world.allocated, kubernetes)
        allocator = Allocator(kubernetes, allocated, world.classes, world.slices)
        case = Case(kubernetes, allocated, world.classes, world.slices, allocator)
        timeout_s = line.timeout_ms / 1000 if line.timeout_ms else None
        if line.nodes is not None or (line.node is None and line.reuse):
            answer |= _loop(line, world.nodes, allocator, lambda node: decide(case, node, claims, timeout_s), options)
        else:
            outcome = decide(case, world.nodes[0] if world.nodes else Node(), claims, timeout_s)
            answer |= _told(outcome, options) | {"allocateOne": allocator.steps}
            if options.timing:
                answer["timing"] = {"allocateNs": time.perf_counter_ns() - started}
    except (_NewAllocatorError, UnsupportedFeatureError) as error:
        answer |= {"error": str(error), "errorKind": "new"}
    except (InputError, msgspec.ValidationError) as error:
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
    except ValueError as error:  # no JSON, or a number of thousands of digits
        raise InputError(str(error)) from error
    if not isinstance(line, dict):
        message = f"a line must be a JSON object, got {type(line).__name__}"
        raise InputError(message)
    return {key: _without_nulls(value) for key, value in line.items() if value is not None}


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


def _release(line: _Line, defaults: Release) -> Release:
    """Return the release with the features that the line names; a variant that cannot handle them is refused."""
    kubernetes = defaults
    if line.features is not None:
        # A feature that is named as off must be one, too.
        defaults.with_features(line.features)
        kubernetes = defaults.with_features(name for name, on in line.features.items() if on)
    if line.variant and kubernetes.unhandled(line.variant):
        names = sorted(FEATURES[kubernetes.minor])
        on = " ".join(f"{name}:{str(name in kubernetes.features).lower()}" for name in names)
        message = f"internal error: no allocator available for feature set {{{on}}}, enabled allocators: {line.variant}"
        raise _NewAllocatorError(message)
    return kubernetes.with_variant(line.variant) if line.variant else kubernetes


def _refuse_absent_fields(read: dict[str, Any], kubernetes: Release) -> None:
    """Refuse objects with fields that the release's API does not have."""
    held = read.get("allocated", {})
    for where, kind, objects in (
        ("classes", "DeviceClass", read.get("classes", [])),
        ("slices", "ResourceSlice", read.get("slices", [])),
        ("claims", "ResourceClaim", read.get("claims", [])),
        ("allocated.claims", "ResourceClaim", held.get("claims", [])),
    ):
        for i, document in enumerate(objects):
            for path, message in absent_fields(document, kind, kubernetes):
                raise InputError(f"{where}[{i}].{path}: {message}")


def _quantity(kind: type, value: Any) -> Any:
    if kind is Quantity and isinstance(value, str | int) and not isinstance(value, bool):
        return Quantity(value)
    message = f"expected {kind.__name__}, got {value!r}"
    raise TypeError(message)


def _world(line: _Line, before: _World) -> _World:
    kept = before if line.reuse else _World({}, [], [], _Allocated())
    nodes = [line.node] if line.node is not None else line.nodes
    return _World(
        kept.classes if line.classes is None else {found.metadata.name: found for found in line.classes},
        kept.slices if line.slices is None else line.slices,
        kept.nodes if nodes is None else nodes,
        kept.allocated if line.allocated is None else line.allocated,
    )


def _allocated(told: _Allocated, release: Release) -> AllocatedState:
    state = AllocatedState.from_claims(told.claims, release)
    for held in told.devices:
        state.take(held.id)
    for held in told.shared_devices:
        state.take_share(held.id, held.share_id)
    for held in told.consumed_capacity:
        state.consume(held.id, held.capacity)
    return state


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
    line: _Line,
    nodes: Sequence[Node],
    allocator: Allocator,
    decide: Callable[[Node], Outcome],
    options: Options,
) -> dict[str, Any]:
    """Scan the nodes, as often as ``repeat`` says; the outcomes told are those of the first scan."""
    told: list[dict[str, Any]] = []
    fits = scanned = 0
    times: list[int] = []
    for scan in range(max(1, line.repeat)):
        started = time.perf_counter_ns()
        found = 0
        for node in nodes:
            outcome = decide(node)
            found += isinstance(outcome, Fits)
            if scan == 0:
                scanned += 1
                told.append({"node": node.metadata.name, **_told(outcome, options)})
            if line.stop_after and found >= line.stop_after:
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
