"""Values of one part of an expression on all devices, dictionary-encoded: distinct outcomes and a code per device.

A function then runs once per distinct combination of its operands, however many devices there are, and it can be the
evaluator's own function, so that nothing is said twice about what CEL means.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.semver import Semver
from drapolicy.cel.values import Optional, Uint

Codes = NDArray[np.signedinteger[Any]] | NDArray[np.unsignedinteger[Any]]

# Combinations that are few are not worth a look at which of them occur.
_FEW = 64


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """One outcome per device.

    Attributes
    ----------
    codes
        ndarray of shape (D,), any integer type; index into ``values``, where -1 picks the last, as in Python. None
        when all devices have the one value there is.
    values
        Outcomes: CEL values, or the :class:`EvaluationError` in place of one.
    kind
        The type that all values but the last are known to have, if any.
    """

    codes: Codes | None
    values: Sequence[Any]
    kind: type | None = None


def joint(columns: Sequence[Column]) -> tuple[Codes | None, Sequence[Sequence[Any]]]:
    """Return the combinations of outcomes that devices have in several columns.

    Parameters
    ----------
    columns
        Columns of the same devices.

    Returns
    -------
    codes
        As in :class:`Column`: which combination each device has.
    rows
        The combinations, each with one outcome per column. Some may belong to no device.

    Notes
    -----
    Time O(D) per group of columns with the same codes while combinations are few, O(D log D) else.
    """
    groups: dict[int, list[int]] = {}
    for place, column in enumerate(columns):
        if column.codes is not None:
            groups.setdefault(id(column.codes), []).append(place)
    if not groups:
        return None, [[column.values[0] for column in columns]]
    members = list(groups.values())
    if len(members) == 1:
        codes = columns[members[0][0]].codes
        size = len(columns[members[0][0]].values)
        held = [[column.values[0]] * size if column.codes is None else column.values for column in columns]
        return codes, list(zip(*held, strict=True))
    codes, chosen = _reduced([columns[place] for place in members[0]])
    picks = [chosen]
    for group in members[1:]:
        more, chosen = _reduced([columns[place] for place in group])
        codes, left, right = _crossed(codes, len(picks[0]), more, len(chosen))
        picks = [[pick[index] for index in left] for pick in picks]
        picks.append([chosen[index] for index in right])
    outcomes: list[Sequence[Any]] = [[column.values[0]] * len(picks[0]) for column in columns]
    for group, pick in zip(members, picks, strict=True):
        for place in group:
            outcomes[place] = [columns[place].values[index] for index in pick]
    return codes, list(zip(*outcomes, strict=True))


def first_devices(codes: Codes, count: int) -> list[int]:
    """Return the first device of each of ``count`` codes, -1 for a code that no device has."""
    first = np.full(count, -1)
    first[codes[::-1]] = np.arange(len(codes))[::-1]
    found: list[int] = first.tolist()
    return found


def _reduced(columns: Sequence[Column]) -> tuple[Codes, list[int]]:
    """Return codes without -1 for columns that share theirs, equal outcomes joined, and an index of each outcome."""
    seen: dict[Any, int] = {}
    first: list[int] = []
    table = []
    for index, outcomes in enumerate(zip(*[column.values for column in columns], strict=True)):
        code = seen.setdefault(tuple(map(identity, outcomes)), len(first))
        if code == len(first):
            first.append(index)
        table.append(code)
    codes = columns[0].codes
    assert codes is not None
    return np.array(table, _smallest(len(first)))[codes], first


def _crossed(left: Codes, height: int, right: Codes, width: int) -> tuple[Codes, list[int], list[int]]:
    """Return codes of the pairs of two codes, and both parts of each pair."""
    total = height * width
    wide = _smallest(total)
    paired = left.astype(wide) * wide(width)
    paired += right.astype(wide, copy=False)
    if total <= _FEW:
        pairs = np.arange(total)
    elif total <= 4 * len(left) + 65536:
        occurs = np.zeros(total, np.bool_)
        occurs[paired] = True
        pairs = np.flatnonzero(occurs)
        place = np.zeros(total, _smallest(len(pairs)))
        place[pairs] = np.arange(len(pairs))
        paired = place[paired]
    else:
        pairs, paired = np.unique(paired, return_inverse=True)
    return paired, (pairs // width).tolist(), (pairs % width).tolist()


def _smallest(count: int) -> type[np.unsignedinteger[Any] | np.int64]:
    """Return the smallest type for codes below ``count``."""
    if count <= 2**8:
        return np.uint8
    if count <= 2**16:
        return np.uint16
    return np.uint32 if count <= 2**32 else np.int64


_SIMPLE = frozenset({bool, str, int, Uint, bytes, type(None), Semver})


def identity(outcome: Any) -> Any:
    """Return a key that two outcomes share only when no expression can tell them apart."""
    kind = type(outcome)
    if kind in _SIMPLE:
        return kind, outcome
    if isinstance(outcome, EvaluationError):
        return kind, outcome.message
    if kind is Optional:
        return kind, outcome.present, identity(outcome.value)
    # Doubles have two zeros and NaN, quantities remember their spelling, lists and maps are not hashable.
    return kind, id(outcome)
