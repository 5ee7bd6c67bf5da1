"""Why nothing can be assigned, by counting: proofs that take no search and can be checked by hand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from math import prod

import numpy as np

from drapolicy.problem.formulation.matching import shortage
from drapolicy.problem.formulation.model import Distinct, Formulation, Match
from drapolicy.problem.formulation.seats import mask_of, members
from drapolicy.problem.formulation.symmetry import Symmetry, pools

MAX_CASES = 256

# What each row may have, as bits, in one case.
Suited = Mapping[int, int]


def infeasible(formulation: Formulation) -> str | None:
    """Return a proof that no assignment is admitted; None where counting proves nothing.

    Cases are told apart, at most :data:`MAX_CASES` of them: each choice of alternatives, and with it each value that
    the devices of a matchAttribute can have in common. In every case something does not suffice: the claim's limit of
    devices, the devices themselves (Hall's theorem), the values of a distinctAttribute, or a shared counter.

    Returns
    -------
    str or None
        For example ``claim 0, requests 0, 1: need 3 devices, only 2 suit``. Claims and requests by position.
    """
    f = formulation
    for choices in f.requests:
        reasons = {r: reason for r in choices if (reason := _alone(f, r))}
        if len(reasons) == len(choices):
            return next(iter(reasons.values()))
    found: list[str] = []
    for rows in _alternatives(f):
        reason = _limit(f, rows) or _unmatched(f, rows)
        if reason:
            found.append(reason)
            continue
        for suited in value_cases(f, rows, MAX_CASES) or [{r: mask_of(f.candidates[r]) for r in rows}]:
            because = _short(f, rows, suited) or _indistinct(f, rows, suited) or _drawn(f, rows, suited)
            if because is None or len(found) > MAX_CASES:
                return None
            found.append(because)
    if not found:
        return None
    different = list(dict.fromkeys(found))
    cases = {1: "", 2: "; and so in one other case"}.get(
        len(different), f"; and so in {len(different) - 1} other cases"
    )
    return different[0] + cases


def _alone(f: Formulation, r: int) -> str | None:
    """Return why a row cannot be met even on its own."""
    row, suited = f.rows[r], f.candidates[r]
    if row.every is not None:
        if not row.every:
            return f"{_name(f, [r])}: asks for all devices, none suits"
        bad = next((d for d in row.every if not suited[d]), None)
        return None if bad is None else f"{_name(f, [r])}: needs device {bad}, which it cannot have"
    if row.count > f.limit:
        return f"{_name(f, [r])}: needs {_devices(row.count)}, a claim may have {f.limit}"
    have = int(suited.sum())
    if have >= row.count or (f.again and (suited & f.shared).any()):
        return None
    return f"{_name(f, [r])}: needs {_devices(row.count)}, only {have} suit"


def _alternatives(f: Formulation) -> Iterator[tuple[int, ...]]:
    """Yield the choices of alternatives, none where they are too many to look at."""
    usable = [[r for r in choices if _alone(f, r) is None] for choices in f.requests]
    if prod(map(len, usable)) <= MAX_CASES:
        yield from product(*usable)


def _limit(f: Formulation, rows: Sequence[int]) -> str | None:
    held: dict[int, int] = {}
    for r in rows:
        claim = f.rows[r].claim
        held[claim] = held.get(claim, 0) + f.rows[r].count
        if held[claim] > f.limit:
            return f"claim {claim}: needs {held[claim]} devices, a claim may have {f.limit}"
    return None


def _bearing(f: Formulation, rows: Sequence[int]) -> list[Match]:
    """Return the matchAttributes under which at least two devices have to agree."""
    return [match for match in f.matches if sum(f.rows[r].count for r in rows if match.scope[r]) > 1]


def _unmatched(f: Formulation, rows: Sequence[int]) -> str | None:
    """Return the matchAttribute of which no value is on enough devices."""
    for match in _bearing(f, rows):
        if any(_enough(f, match, v, rows) for v in range(match.table.shape[1])):
            continue
        own = [r for r in rows if match.scope[r] and f.rows[r].count]
        most = max((_having(match, own[0], v).bit_count() for v in range(match.table.shape[1])), default=0)
        wanted = f.rows[own[0]].count
        if len(own) == 1:
            return f"{_name(f, own)}: needs {wanted} devices with a value in common, at most {most} have one"
        return f"{_name(f, own)}: no value is on enough devices of each"
    return None


def value_cases(f: Formulation, rows: Sequence[int], most: int) -> list[Suited] | None:
    """Return what each row may have for each value that the devices of each matchAttribute have in common.

    Parameters
    ----------
    rows
        One row a request.
    most
        Most cases; None is returned where there are more.
    """
    bearing = _bearing(f, rows)
    values = [[v for v in range(match.table.shape[1]) if _enough(f, match, v, rows)] for match in bearing]
    if prod(map(len, values)) > most:
        return None
    cases: list[Suited] = []
    for common in product(*values):
        suited = {r: mask_of(f.candidates[r]) for r in rows}
        for match, value in zip(bearing, common, strict=True):
            for r in rows:
                if match.scope[r]:
                    suited[r] &= _having(match, r, value)
        cases.append(suited)
    return cases


def binding(f: Formulation, rows: Sequence[int]) -> bool:
    """Return whether counters, groups or a distinctAttribute could refuse devices that rows may have.

    Parameters
    ----------
    rows
        One row a request; none of them shares devices.
    """
    suited = f.candidates[list(rows)].any(axis=0)
    count = sum(f.rows[r].count for r in rows)
    if np.any(np.sort(f.draws[suited], axis=0)[::-1][:count].sum(axis=0) > f.counters):
        return True
    for joint in f.joints:
        drawing = suited & joint.drawing
        if drawing.any() and not (joint.open & joint.groups[drawing].all(axis=0)).any():
            return True
    for distinct in f.distincts:
        own = [r for r in rows if distinct.scope[r] and f.rows[r].count]
        if sum(f.rows[r].count for r in own) > 1:
            codes = np.where(f.candidates[own], distinct.codes[own], -1)
            different = {(d, int(code)) for row in codes for d, code in enumerate(row) if code >= 0}
            if distinct.table[[code for _, code in different]].sum(axis=0).max(initial=0) > 1:
                return True
    return False


def _having(match: Match, r: int, value: int) -> int:
    fitting = match.table[:, value] & ~match.alone
    return mask_of((match.codes[r] >= 0) & fitting[match.codes[r]])


def _enough(f: Formulation, match: Match, value: int, rows: Sequence[int]) -> bool:
    """Return whether each row alone has enough devices with a value."""
    for r in rows:
        row = f.rows[r]
        if match.scope[r] and row.count:
            having = _having(match, r, value)
            most = row.count if f.again and having & mask_of(f.shared) else having.bit_count()
            if most < row.count:
                return False
    return True


def _short(f: Formulation, rows: Sequence[int], suited: Suited) -> str | None:
    """Return the requests that have too few devices together; rows that share devices, or admin ones, do not count."""
    shared = mask_of(f.shared)
    whole = [r for r in rows if f.rows[r].count and not f.rows[r].admin and not suited[r] & shared]
    lacking = shortage([(f.rows[r].count, suited[r]) for r in whole])
    if lacking is not None:
        own = [whole[i] for i in lacking.demands]
        return f"{_name(f, own)}: need {lacking.needed} devices, only {lacking.devices.bit_count()} suit"
    for r in rows:
        row = f.rows[r]
        if row.count > suited[r].bit_count() and not (f.again and suited[r] & shared):
            return f"{_name(f, [r])}: needs {_devices(row.count)}, only {suited[r].bit_count()} suit"
    return None


def _indistinct(f: Formulation, rows: Sequence[int], suited: Suited) -> str | None:
    """Return the requests that have too few different values of a distinctAttribute together."""
    for distinct in f.distincts:
        own = [r for r in rows if distinct.scope[r] and f.rows[r].count]
        values = [(f.rows[r].count, _values(distinct, r, suited[r])) for r in own]
        # A device without values takes none; it can only be the first, so it saves one of them.
        spare = int(any(distinct.first[distinct.codes[r, d]] for r in own[:1] for d in members(suited[r])))
        lacking = shortage(values)
        if lacking is not None and lacking.needed - spare > lacking.devices.bit_count():
            named = [own[i] for i in lacking.demands]
            return f"{_name(f, named)}: need {lacking.needed} different values, there are {lacking.devices.bit_count()}"
    return None


def _values(distinct: Distinct, r: int, suited: int) -> int:
    codes = {int(distinct.codes[r, d]) for d in members(suited)}
    return mask_of(np.any(distinct.table[sorted(codes)], axis=0)) if codes else 0


def _drawn(f: Formulation, rows: Sequence[int], suited: Suited) -> str | None:
    """Return the counters of which even the least thirsty devices draw too much; shared devices may draw nothing.

    Counters are looked at one by one, and those that stand for the same of several like GPUs together.
    """
    if not f.counters.size:
        return None
    for own in (*((k,) for k in range(f.counters.size)), *pools(Symmetry(f).blocks)):
        draws = np.where(f.shared, 0, f.draws[:, list(own)].sum(axis=1))
        least = sum(int(np.sort(draws[list(members(suited[r]))])[: f.rows[r].count].sum()) for r in rows)
        left = int(f.counters[list(own)].sum())
        if least > left:
            return f"{_name(f, rows)}: draw at least {least} of {_counters(own)}, {left} is left"
    return None


def _counters(own: Sequence[int]) -> str:
    return f"counter {own[0]}" if len(own) == 1 else f"counters {', '.join(map(str, own))}"


def _devices(count: int) -> str:
    return "1 device" if count == 1 else f"{count} devices"


def _name(f: Formulation, rows: Sequence[int]) -> str:
    """Return ``claim 0, requests 0, 1`` for rows, one claim after the other."""
    by_claim: dict[int, list[str]] = {}
    for r in rows:
        row = f.rows[r]
        several = any(other.alternative for other in f.rows if (other.claim, other.request) == (row.claim, row.request))
        by_claim.setdefault(row.claim, []).append(f"{row.request}[{row.alternative}]" if several else f"{row.request}")
    return " and ".join(
        f"claim {claim}, {'request' if len(own) == 1 else 'requests'} {', '.join(own)}"
        for claim, own in by_claim.items()
    )
