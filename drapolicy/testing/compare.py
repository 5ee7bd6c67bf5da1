"""Gives problems to drapolicy and to upstream, tells where they differ, and makes what differs small (I2)."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import UUID

import msgspec

from drapolicy.api.core import Namespace
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.resource import AllocationResult
from drapolicy.errors import VerificationError
from drapolicy.testing.lines import Answer, Line, Problem, difference, outcomes, quantity, read, reference, solve, valid
from drapolicy.testing.modes import Mode
from drapolicy.testing.order import amounts_change, one_pool, order_matters, wrong_index_matters
from drapolicy.testing.shrink import shrink
from drapolicy.testing.traits import REFUSING, traits
from drapolicy.verify import verify

LONG_MS = 1000  # how long upstream may search for the few problems that may take long
SHORT_MS = 25
_STEPS_PER_MS = 20  # what drapolicy is given to repeat: a second or so for the longest
_PATIENCE_MS = 20_000  # a reference that searches longer than this has lost its way
_SAMPLE = 16  # one problem of so many goes the whole way through the protocol, and is asked what refused it
_SHRUNK = 2
_AGAIN = 40

Ask = Callable[[Sequence[bytes]], list[Answer]]


@dataclass
class Tally:
    """What came out so far.

    Attributes
    ----------
    done
        Problems tried, from the first of the seed.
    counts
        How many problems had each trait; ``left out: ...`` are those that were not compared.
    differences
        Problems to which the answers differ, shrunk, by name.
    """

    done: int = 0
    counts: Counter[str] = field(default_factory=Counter)
    differences: dict[str, Line] = field(default_factory=dict)

    def add(self, other: Tally) -> None:
        """Take in what another run of problems gave."""
        self.done += other.done
        self.counts += other.counts
        self.differences |= other.differences

    @property
    def compared(self) -> int:
        """How many problems were answered by both."""
        return self.done - sum(count for name, count in self.counts.items() if name.startswith("left out"))


def compare(lines: Sequence[Line], ask: Ask, mode: Mode) -> Tally:
    """Give problems to both and tell where they differ.

    Parameters
    ----------
    ask
        Answers as upstream does.
    mode
        What the problems are for, and how far answers are compared.
    """
    tally = Tally(len(lines))
    texts = [msgspec.json.encode(line) for line in lines]
    for number, (line, text, want) in enumerate(zip(lines, texts, ask(texts), strict=True)):
        problem = read(text)
        reason = _left_out(line, problem, want, mode)
        if reason:
            tally.counts[f"left out: {reason}"] += 1
            continue
        exact = mode.ordered or one_pool(problem)
        got = _solve(problem, mode.minor)
        found = traits(line, want)
        tally.counts.update(found)
        tally.counts["compared: all" if exact else "compared: outcome"] += 1
        kind = _judge(problem, want, got, mode, exact=exact)
        if number % _SAMPLE == 0:
            tally.counts["compared: by the protocol"] += 1
            tally.counts.update(_refused(line, found, mode))
            (whole,) = reference([{**line, "timeoutMs": _PATIENCE_MS}], mode.minor)
            kind = kind or (difference(whole, got) and "protocol") or _invalid(problem, want, got, mode)
        if difference(want, got, exact=exact) and _one_of(ask([text] * _AGAIN), got, exact=exact):
            tally.counts["left out: upstream itself answers differently from call to call"] += 1
        elif kind:
            holds = partial(_differs, ask, mode, kind, must_be_valid=valid(line, mode.minor))
            kept = shrink(line, holds) if len(tally.differences) < _SHRUNK else line
            tally.differences[line["name"]] = _with_answer(kept, ask, kind, mode, exact=exact)
    return tally


def _one_of(answers: Sequence[Answer], got: Answer, *, exact: bool) -> bool:
    """Return whether upstream, which may answer now this, now that, also gives what drapolicy does, node by node."""
    if not any(difference(answers[0], other, exact=exact) for other in answers):
        return not difference(answers[0], got, exact=exact)
    each_node = zip(*(outcomes(answer) for answer in answers), strict=True)
    return all(
        any(not difference(one, mine, exact=exact) for one in told)
        for told, mine in zip(each_node, outcomes(got), strict=True)
    )


def _with_answer(line: Line, ask: Ask, kind: str, mode: Mode, *, exact: bool) -> Line:
    """Return a line with upstream's answer and what differs from it."""
    (answer,) = ask([msgspec.json.encode(line)])
    expected = {key: value for key, value in answer.items() if key not in {"name", "variant"}}
    return {**line, "expected": expected, "source": {"differs": kind, "mode": mode.name, "exact": exact}}


def still_differs(line: Line, mode: Mode) -> bool:
    """Return whether drapolicy answers otherwise than a line expects, or one of both placements breaks a rule."""
    problem, want = read(msgspec.json.encode(line)), line["expected"]
    got = _solve(problem, mode.minor)
    return bool(difference(want, got, exact=line["source"]["exact"]) or _invalid(problem, want, got, mode))


def _refused(line: Line, found: set[str], mode: Mode) -> list[str]:
    """Return the features but for which a problem without solution had one."""
    without = {
        name: read(msgspec.json.encode(_without(line, field)))
        for name, field in REFUSING.items()
        if f"{name}: no fit" in found
    }
    return [f"{name}: refused" for name, problem in without.items() if _solve(problem, mode.minor)["fit"]]


def _without(value: Any, field: str) -> Any:
    if isinstance(value, dict):
        return {key: _without(inner, field) for key, inner in value.items() if key != field}
    return [_without(inner, field) for inner in value] if isinstance(value, list) else value


def _left_out(line: Line, problem: Problem, want: Answer, mode: Mode) -> str:
    """Return why upstream's answer is none to compare with, or nothing."""
    told = outcomes(want)
    if any(each.get("errorKind") == "timeout" for each in told):
        return "search takes too long"
    if want.get("allocateOne", 0) > line.get("timeoutMs", LONG_MS) * _STEPS_PER_MS:
        return "search takes too long"
    release = problem.release(mode.minor)
    if amounts_change(problem, release):
        return "a request of 19 digits, which upstream changes when it adds to it"
    if mode.ordered:
        return ""
    if wrong_index_matters(problem, release):
        return "Q24"
    reason = order_matters(problem, release)
    return f"order of pools may matter: {reason}" if reason else ""


def _solve(problem: Problem, minor: str) -> Answer:
    problem.timeout_ms = _PATIENCE_MS
    try:
        return solve(problem, minor)
    except Exception as error:  # noqa: BLE001 - a crash is a difference like any other
        return {"fit": False, "error": f"{type(error).__name__}: {error}", "errorKind": "panic"}


def _judge(problem: Problem, want: Answer, got: Answer, mode: Mode, *, exact: bool) -> str:
    """Return the kind of difference; where only outcomes are compared, both placements must be valid."""
    kind = difference(want, got, exact=exact)
    return kind if kind or exact else _invalid(problem, want, got, mode)


def _invalid(problem: Problem, want: Answer, got: Answer, mode: Mode) -> str:
    """Return who breaks which rule, or nothing."""
    for who, answer in (("drapolicy", got), ("upstream", want)):
        broken = _broken(problem, answer, mode)
        if broken:
            return f"{who} breaks {broken}"
    return ""


def _broken(problem: Problem, answer: Answer, mode: Mode) -> str:
    """Return the rule that a placement breaks, or nothing."""
    spaces = {claim.metadata.namespace for claim in problem.claims}
    labels = {"resource.kubernetes.io/admin-access": "true"}
    objects = Objects(
        slices=tuple(problem.slices),
        classes=tuple(problem.classes),
        namespaces=tuple(Namespace(metadata=ObjectMeta(name=name, labels=labels)) for name in sorted(spaces)),
    )
    release = problem.release(mode.minor)
    nodes = [problem.node] if problem.node is not None else problem.nodes
    if _contradicts(problem):
        # What other nodes see of such a pool is not what the search goes by: it keeps what the first one saw.
        nodes = nodes[:1]
    for node, told in zip(nodes, outcomes(answer), strict=False):  # while shrinking there may be no node
        if not told["fit"]:
            continue
        results = msgspec.convert(_own_shares(told.get("results", [])), list[AllocationResult], dec_hook=quantity)
        try:
            verify(objects, node, problem.claims, results, release, existing=problem.allocated.claims)
        except VerificationError as error:
            return error.rule
    return ""


def _contradicts(problem: Problem) -> bool:
    """Return whether slices of one generation of a pool declare different numbers of slices."""
    declared = {(item.spec.driver, item.spec.pool) for item in problem.slices}
    return len(declared) > len({(driver, pool.name, pool.generation) for driver, pool in declared})


def _own_shares(results: list[Answer]) -> list[Answer]:
    """Return results with a share id for each share; upstream's are all told as the same."""
    fresh = itertools.count(1)
    return [
        {
            **result,
            "devices": {
                **result.get("devices", {}),
                "results": [
                    {**each, "shareID": str(UUID(int=next(fresh), version=4))} if "shareID" in each else each
                    for each in result.get("devices", {}).get("results") or []
                ],
            },
        }
        for result in results
    ]


def _differs(ask: Ask, mode: Mode, kind: str, line: Line, *, must_be_valid: bool) -> bool:
    text = msgspec.json.encode(line)
    (want,) = ask([text])
    if want.get("errorKind") in {"input", "panic"}:
        return False
    try:
        problem = read(text)
    except msgspec.ValidationError:
        return False
    if _left_out(line, problem, want, mode):
        return False
    got = _solve(problem, mode.minor)
    exact = mode.ordered or one_pool(problem)
    found = difference(want, got, exact=exact) or _invalid(problem, want, got, mode)
    return found == kind and (not must_be_valid or valid(line, mode.minor))
