"""A problem as a line of the protocol, the reference's answer to it, and what makes two answers differ (I2)."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Sequence
from typing import Any, TypeAlias

import msgspec

from drapolicy.api.core import Node
from drapolicy.api.encode import to_builtins
from drapolicy.api.load import loads
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import DeviceClass, ResourceClaim, ResourceSlice
from drapolicy.cli.jsonl import run
from drapolicy.errors import InputError
from drapolicy.inventory.taint_rules import with_taint_rules
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.outcome import Abort, Fits, NodeError, Outcome, TimedOut
from drapolicy.problem.reference import Allocator
from drapolicy.release import Release, release
from drapolicy.testing.generate import Case

Line: TypeAlias = dict[str, Any]
Answer: TypeAlias = dict[str, Any]

VARIANT = "incubating"


class _Held(msgspec.Struct):
    """Claims that hold devices."""

    claims: list[ResourceClaim] = []


class Problem(msgspec.Struct, rename="camel"):
    """A line as objects, without what an answer does not need."""

    features: dict[str, bool] = {}
    variant: str = ""
    classes: list[DeviceClass] = []
    slices: list[ResourceSlice] = []
    claims: list[ResourceClaim] = []
    node: Node | None = None
    nodes: list[Node] = []
    allocated: _Held = msgspec.field(default_factory=_Held)
    timeout_ms: float = 0

    def release(self, minor: str) -> Release:
        """Return the release with the features and the variant of the line."""
        found = release(minor).with_features(name for name, on in self.features.items() if on)
        return found.with_variant(self.variant) if self.variant else found


def quantity(_: type, value: Any) -> Quantity:
    """Return a quantity as `msgspec` asks for it."""
    return Quantity(value)


_NAMELESS = re.compile(r"(?<=attribute )\S+(?=: unsupported attribute value)")
_DECODER = msgspec.json.Decoder(Problem, dec_hook=quantity)


def line_of(case: Case, name: str = "", *, variant: str = VARIANT, every_node: bool = False) -> Line:
    """Return a problem as the scheduler gives it to the allocator: with the taints of all rules.

    Parameters
    ----------
    variant
        Upstream's allocator to force; empty for the one that the features select.
    every_node
        Ask for all nodes, one after the other, instead of the case's own.
    """
    nodes = [to_builtins(node) for node in case.objects.nodes]
    slices = with_taint_rules(case.objects.slices, case.objects.taint_rules, case.release)
    return {
        "name": name,
        "features": dict.fromkeys(sorted(case.release.features), True),
        **({"variant": variant} if variant else {}),
        "classes": [to_builtins(item) for item in case.objects.classes],
        "slices": [to_builtins(item) for item in slices],
        "claims": [to_builtins(item) for item in case.claims],
        **({"nodes": nodes} if every_node else {"node": to_builtins(case.node)}),
        "allocated": {"claims": [to_builtins(item) for item in case.existing]},
    }


def read(text: bytes) -> Problem:
    """Return the objects of a line of JSON."""
    return _DECODER.decode(text)


def solve(problem: Problem, minor: str) -> Answer:
    """Return what drapolicy answers to a problem, without the way through the protocol.

    Notes
    -----
    Several times as fast as :func:`reference`, which must give the same.
    """
    kubernetes = problem.release(minor)
    allocated = AllocatedState.from_claims(problem.allocated.claims, kubernetes)
    classes = {item.metadata.name: item for item in problem.classes}
    allocator = Allocator(kubernetes, allocated, classes, problem.slices)
    limit = problem.timeout_ms / 1000 or None
    told = [
        _told(allocator.allocate(node, problem.claims, timeout_s=limit))
        for node in ([problem.node] if problem.node is not None else problem.nodes)
    ]
    if problem.node is not None:
        return {**told[0], "allocateOne": allocator.steps}
    return {"fit": any(each["fit"] for each in told), "nodes": told, "allocateOne": allocator.steps}


def _told(outcome: Outcome) -> Answer:
    match outcome:
        case Fits(results):
            return {"fit": True, "results": [msgspec.to_builtins(result, enc_hook=str) for result in results]}
        case NodeError(text):
            return {"fit": False, "error": text, "errorKind": "node"}
        case Abort(text):
            return {"fit": False, "error": text, "errorKind": "fatal"}
        case TimedOut(text):
            return {"fit": False, "error": text, "errorKind": "timeout"}
    return {"fit": False}


def reference(lines: Sequence[Line], minor: str = "1.37") -> list[Answer]:
    """Return what drapolicy answers to the lines by the protocol."""
    out = io.StringIO()
    run(io.StringIO("".join(json.dumps(line) + "\n" for line in lines)), out, kubernetes=release(minor))
    return [json.loads(text) for text in out.getvalue().splitlines()]


def valid(line: Line, minor: str = "1.37") -> bool:
    """Return whether the release's API server takes every object of the line."""
    return not refusal(line, minor)


def refusal(line: Line, minor: str = "1.37") -> str:
    """Return why the release's API server refuses an object of the line with the line's gates, or nothing."""
    kubernetes = release(minor).with_features(line["features"])
    held = line["allocated"].get("claims") or []
    nodes = line["nodes"] if "nodes" in line else [line["node"]]
    objects = [*line["classes"], *line["slices"], *line["claims"], *nodes, *held]
    try:
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects, "metadata": {}})
        loads(text, defaults=False, release=kubernetes)
    except InputError as error:
        return str(error)
    return ""


def difference(want: Answer, got: Answer, *, exact: bool = True) -> str:
    """Return the kind of difference between upstream's answer and another, or nothing.

    Parameters
    ----------
    exact
        Otherwise only outcomes are compared: fit, no fit, or the kind of error.

    Returns
    -------
    str
        ``outcome``, ``text`` (of an error), ``devices``, ``amounts``, ``config``, ``selector`` or ``steps``.
    """
    for one, other in zip(outcomes(want), outcomes(got), strict=True):
        kind = _difference(one, other, exact=exact)
        if kind:
            return kind
    # Upstream's oldest allocator does not count its steps.
    counted = exact and "allocateOne" in want
    return "steps" if counted and want["allocateOne"] != got["allocateOne"] else ""


def outcomes(answer: Answer) -> list[Answer]:
    """Return what an answer says of each node."""
    return answer.get("nodes") or [answer]


def _difference(want: Answer, got: Answer, *, exact: bool) -> str:
    if (want["fit"], want.get("errorKind")) != (got["fit"], got.get("errorKind")):
        return "outcome"
    if not exact:
        return ""
    if not _same_text(want.get("error", ""), got.get("error", "")):
        return "text"
    pairs = list(zip(want.get("results", ()), got.get("results", ()), strict=False))
    if len(want.get("results", ())) != len(got.get("results", ())):
        return "devices"
    for kind, part in (("devices", _devices), ("amounts", _amounts), ("config", _config), ("selector", _selector)):
        if any(part(one) != part(other) for one, other in pairs):
            return kind
    return ""


def _same_text(want: str, got: str) -> bool:
    # Upstream writes a device whose node selection fails with the addresses of its values, which nobody can repeat.
    head, device, _ = want.partition("&Device{")
    if device:
        return got.startswith(head)
    # Of several attributes that a gate has turned off it names one at random.
    return want == got or _NAMELESS.sub("", want) == _NAMELESS.sub("", got)


def _results(result: Answer) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result.get("devices", {}).get("results") or []
    return found


def _devices(result: Answer) -> object:
    """Return the ordered devices with all they carry, amounts aside; of a share id only that there is one."""
    return [
        {key: key if key == "shareID" else value for key, value in each.items() if value and key != "consumedCapacity"}
        for each in _results(result)
    ]


def _amounts(result: Answer) -> object:
    return [
        {name: Quantity(text).nano for name, text in (each.get("consumedCapacity") or {}).items()}
        for each in _results(result)
    ]


def _config(result: Answer) -> object:
    return result.get("devices", {}).get("config") or []


def _selector(result: Answer) -> object:
    return result.get("nodeSelector")
