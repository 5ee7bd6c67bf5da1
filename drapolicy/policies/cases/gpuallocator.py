"""Cases of NVIDIA's go-gpuallocator: GPUs, the links of each pair, and which GPUs a policy takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.inventory.links import Path
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.reading import MOST_DEVICES, Fields, read
from drapolicy.policies.cases.report import Player, Report, Row, listed
from drapolicy.policies.named import policy
from drapolicy.policies.peers.gpuallocator import LANE_SCORE, PATH_SCORE
from drapolicy.policies.rule import Rule

DRIVER = "gpu.nvidia.com"

_PATHS: Mapping[str, Path] = MappingProxyType(
    {
        "P2PLinkUnknown": Path.NONE,
        "P2PLinkCrossCPU": Path.SYS,
        "P2PLinkSameCPU": Path.NODE,
        "P2PLinkHostBridge": Path.PHB,
        "P2PLinkMultiSwitch": Path.PXB,
        "P2PLinkSingleSwitch": Path.PIX,
        "P2PLinkSameBoard": Path.BOARD,
    }
)
_NUMBERS = (
    "Single Two Three Four Five Six Seven Eight Nine Ten Eleven Twelve Thirteen Fourteen Fifteen Sixteen Seventeen "
    "Eighteen"
)
_LANES: Mapping[str, int] = MappingProxyType({name: n for n, name in enumerate(_NUMBERS.split(), start=1)})


class _Topology(Fields, frozen=True):
    links: list[tuple[int, int, str]] = []
    gpus: int | None = None


class _Step(Fields, frozen=True):
    size: int
    expect: list[int] | None = None


class _Case(Fields, frozen=True):
    topology: str
    policy: str = "bestEffort"
    size: int | None = None
    available: list[int] | None = None
    required: list[int] | None = None
    expect: list[int] | None = None
    result: list[int] | None = None
    set_score: int | None = None
    sequence: list[_Step] | None = None
    name: str = ""
    test: str = ""


class _Generated(Fields, frozen=True):
    pair_scores: dict[str, list[list[int]]] = {}
    cases: list[_Case] = []


class _File(Fields, frozen=True):
    source: str = ""
    topologies: dict[str, _Topology] = {}
    pair_scores: dict[str, list[list[int]]] = {}
    cases: list[_Case] = []
    generated: _Generated = _Generated()


def run(data: object) -> Report:
    """Play all cases of a file.

    Raises
    ------
    InputError
        For what cannot be read, with its place.
    """
    given = read(data, _File)
    tables = {name: _of_links(name, topology) for name, topology in given.topologies.items()}
    for name, scores in (given.pair_scores | given.generated.pair_scores).items():
        tables.setdefault(name, _of_scores(name, scores))
    rows: list[Row] = []
    for place, cases in (("cases", given.cases), ("generated.cases", given.generated.cases)):
        for number, case in enumerate(cases):
            where = f"{place}[{number}]"
            if case.topology not in tables:
                message = (
                    f"{where}: topology: {case.topology!r} is not in the file; it has {', '.join(tables) or 'none'}"
                )
                raise InputError(message)
            rows += _play(where, case, *tables[case.topology])
    return Report("go-gpuallocator", given.source, tuple(rows))


def _of_links(name: str, topology: _Topology) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    size = topology.gpus or 1 + max((max(a, b) for a, b, _ in topology.links), default=-1)
    if not 0 <= size <= MOST_DEVICES:
        raise InputError(f"topologies.{name}: {size} GPUs; a node has at most {MOST_DEVICES}")
    paths, lanes = np.zeros((size, size), np.int64), np.zeros((size, size), np.int64)
    for number, (a, b, kind) in enumerate(topology.links):
        where = f"topologies.{name}.links[{number}]"
        if not (0 <= a < size and 0 <= b < size and a != b):
            raise InputError(f"{where}: {a} and {b} are no two of {size} GPUs")
        if kind in _PATHS:
            paths[a, b] += _PATHS[kind]
            continue
        count = _LANES.get(kind.partition("NVLINK")[0])
        if count is None or "NVLINK" not in kind:
            raise InputError(f"{where}: link {kind!r} is unknown; use a P2PLink… or …NVLINKLinks of go-gpuallocator")
        lanes[a, b] += count
    if paths.max(initial=0) > max(Path):
        raise InputError(f"topologies.{name}: two PCIe paths between one pair; give one")
    # A pair may be given once, or from both ends.
    return np.maximum(paths, paths.T).astype(np.int8), np.maximum(lanes, lanes.T).astype(np.int16)


def _of_scores(name: str, rows: list[list[int]]) -> tuple[NDArray[np.int8], NDArray[np.int16]]:
    where = f"pair_scores.{name}"
    if any(len(row) != len(rows) for row in rows):
        raise InputError(f"{where}: rows of other lengths than {len(rows)}; give a square")
    scores = np.array(rows, np.int64).reshape(len(rows), len(rows))
    lanes, rest = np.divmod(scores, LANE_SCORE)
    odd = (rest % PATH_SCORE != 0) | (rest > PATH_SCORE * max(Path)) | (scores < 0) | (scores != scores.T)
    if odd.any() or scores.diagonal().any():
        a, b = np.argwhere(odd | np.diag(scores.diagonal() != 0))[0].tolist()
        raise InputError(f"{where}[{a}][{b}]: {scores[a, b]} is no sum of a PCIe path and NVLinks between two GPUs")
    return (rest // PATH_SCORE).astype(np.int8), lanes.astype(np.int16)


def _play(where: str, case: _Case, paths: NDArray[np.int8], lanes: NDArray[np.int16]) -> Iterator[Row]:
    every = range(len(paths))
    available = list(every if case.available is None else dict.fromkeys(case.available))
    unknown = [d for d in available if d not in every]
    if unknown:
        raise InputError(f"{where}: available: {unknown[0]} is no GPU of {case.topology}, which has {len(every)}")
    # Plugins are given the available devices in an order; the others follow.
    order = [*available, *(d for d in every if d not in available)]
    at = np.ix_(order, order)
    slots = tuple(Slot(str(d), {"index": d}) for d in order)
    mb_s = 25_000 * lanes.astype(np.int64)[at]
    machine = Machine(DRIVER, slots, mb_s, paths[at], lanes[at])
    rule = policy("go-gpuallocator", policy=case.policy)
    assert isinstance(rule, Rule)
    player = Player(machine, machine.state({str(d) for d in available}), rule)
    scores = PATH_SCORE * paths.astype(np.int64) + LANE_SCORE * lanes.astype(np.int64)
    name = " ".join(part for part in (case.test, case.name) if part) or where
    if case.sequence is not None:
        for number, step in enumerate(case.sequence):
            got = [int(one) for one in player.ask(step.size)]
            yield _row(f"{name}[{number}]", rule, step.expect or [], got, scores)
        return
    if case.size is None:
        raise InputError(f"{where}: neither size nor sequence is given; give one")
    got = [int(one) for one in player.ask(case.size, [str(d) for d in case.required or ()])]
    expected = case.result if case.expect is None else case.expect
    if expected and min(expected) < 0:
        yield _short(name, rule, expected, [int(one) for one in player.completed])
        return
    if expected is None and case.set_score is not None:
        weight = _score(scores, got)
        agrees = len(got) == case.size and weight == case.set_score
        yield Row(name, rule.name, f"score {case.set_score}", f"{listed(got)} (score {weight})", agrees)
        return
    yield _row(name, rule, expected or [], got, scores, stated=case.set_score)


def _short(name: str, rule: Rule, expected: list[int], completed: list[int]) -> Row:
    """Compare with an answer of upstream in which a place is empty: -1. The reference fills such places."""
    told = set(expected) - {-1}
    note = "upstream leaves places empty (-1); the reference completes the set"
    return Row(name, rule.name, listed(expected), listed(sorted(completed)), told <= set(completed), note)


def _score(scores: NDArray[np.int64], chosen: list[int]) -> int:
    return int(scores[np.ix_(chosen, chosen)].sum()) // 2


def _row(
    name: str, rule: Rule, expected: list[int], got: list[int], scores: NDArray[np.int64], *, stated: int | None = None
) -> Row:
    """Compare sets; where the case states their score, both must have it, and bestEffort's ties are free."""
    same = set(expected) == set(got)
    known = all(0 <= d < len(scores) for d in expected)
    weighs = stated is None or (known and _score(scores, expected) == stated == _score(scores, got))
    free = stated is not None and rule.name == "go-gpuallocator" and len(expected) == len(got)
    agrees = weighs and (same or free)
    note = "another set of the same score" if agrees and not same else ""
    told = "" if weighs else f" (score {stated})"
    return Row(name, rule.name, f"{listed(expected)}{told}", listed(sorted(got)), agrees, note)
