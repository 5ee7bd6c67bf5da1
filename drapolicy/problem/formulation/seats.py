"""Devices taken one after the other under all rules of a formulation, each of which can be given back."""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.problem.formulation.model import Distinct, Formulation, Match

_ALL = -1


class Taking(NamedTuple):
    """One device taken, and what is needed to give it back."""

    row: int
    device: int
    drew: bool
    before: tuple[Any, ...]


def mask_of(flags: NDArray[np.bool_]) -> int:
    """Return a set of positions as the bits of an integer."""
    return int.from_bytes(np.packbits(flags, bitorder="little").tobytes(), "little")


def members(mask: int) -> Iterator[int]:
    """Yield the positions of the bits that are set, ascending."""
    while mask:
        low = mask & -mask
        yield low.bit_length() - 1
        mask ^= low


class _Agreement:
    """Values that devices have: by device, for each row in the scope of a constraint."""

    def __init__(self, constraint: Match | Distinct, special: NDArray[np.bool_]) -> None:
        held = [mask_of(values) for values in constraint.table]
        self.rows = frozenset(np.flatnonzero(constraint.scope).tolist())
        self.special: dict[tuple[int, int], bool] = {}
        self.values: dict[tuple[int, int], int] = {}
        for r in self.rows:
            for d in np.flatnonzero(constraint.codes[r] >= 0).tolist():
                code = int(constraint.codes[r, d])
                self.values[r, d] = held[code]
                self.special[r, d] = bool(special[code])
        self._known: dict[tuple[int, int], int] = {}

    def sharing(self, r: int, values: int) -> int:
        """Return the devices that have one of the values for a row."""
        known = self._known.get((r, values))
        if known is None:
            known = sum(1 << d for (row, d), own in self.values.items() if row == r and own & values)
            self._known[r, values] = known
        return known

    def specials(self, r: int) -> int:
        """Return the devices with special codes for a row."""
        return sum(1 << d for (row, d), special in self.special.items() if row == r and special)


class Seats:
    """What is taken so far; sets of devices are bits of integers.

    Parameters
    ----------
    formulation
        The rules.

    Attributes
    ----------
    held
        Devices of each claim so far.
    taken
        Devices that are taken as a whole, as bits.
    left
        What is left of each shared counter.
    common
        What the devices of each :class:`Joint` have in common, as bits.
    """

    def __init__(self, formulation: Formulation) -> None:
        f = self._f = formulation
        self._rows = f.rows
        self._candidates = [mask_of(row) for row in f.candidates]
        self._shared = mask_of(f.shared)
        self._admin = [row.admin for row in f.rows]
        self._claim = [row.claim for row in f.rows]
        claims = max(self._claim, default=-1) + 1
        self.held = [0] * claims
        self.taken = 0
        self._by_claim = [0] * claims
        self._full = [0] * len(f.rows)
        self._room = {d: [int(left) for left in f.room[d]] for d in members(self._shared)}
        self._amounts = f.amounts
        self._draws = [[(int(k), int(own[k])) for k in np.flatnonzero(own)] for own in f.draws]
        self.left: tuple[int, ...] = tuple(f.counters.tolist())
        self._affordable: dict[tuple[int, ...], int] = {}
        self._drawn = 0
        self._joint_masks = [mask_of(joint.drawing) for joint in f.joints]
        self._joint_groups = [[mask_of(own) for own in joint.groups] for joint in f.joints]
        self.common = [mask_of(joint.open) for joint in f.joints]
        self._joining: dict[tuple[int, int], int] = {}
        self._matches = [_Agreement(match, match.alone) for match in f.matches]
        self._distincts = [_Agreement(distinct, distinct.first) for distinct in f.distincts]
        self._agreed: list[int] = [_ALL] * len(f.matches)
        self._agreeing = [0] * len(f.matches)
        self._lonely = [False] * len(f.matches)
        self._used = [0] * len(f.distincts)
        self._using = [0] * len(f.distincts)
        self._special_match = [{r: made.specials(r) for r in made.rows} for made in self._matches]
        self._special_distinct = [{r: made.specials(r) for r in made.rows} for made in self._distincts]

    # --- what may be taken next ------------------------------------------------------------------------------

    def allowed(self, r: int) -> int:
        """Return the devices that a row may take now."""
        mask = self._candidates[r] & ~self._full[r]
        mask &= ~(self._by_claim[self._claim[r]] if self._admin[r] else self.taken)
        for j, match in enumerate(self._matches):
            if mask and r in match.rows and self._agreeing[j]:
                if self._lonely[j]:
                    return 0
                mask &= match.sharing(r, self._agreed[j]) & ~self._special_match[j][r]
        for j, distinct in enumerate(self._distincts):
            if mask and r in distinct.rows and self._using[j]:
                mask &= ~distinct.sharing(r, self._used[j]) & ~self._special_distinct[j][r]
        if not mask:
            return 0
        rest = self._exempt()
        for j, drawing in enumerate(self._joint_masks):
            mask &= ~drawing | rest | self._joinable(j)
        if self.left:
            mask &= rest | self._payable()
        return mask

    def _exempt(self) -> int:
        """Return the devices of which a share draws nothing more."""
        return 0 if self._f.draws_each else self._drawn & self._shared

    def _joinable(self, j: int) -> int:
        key = (j, self.common[j])
        known = self._joining.get(key)
        if known is None:
            groups = self._joint_groups[j]
            known = self._joining[key] = sum(1 << d for d, own in enumerate(groups) if own & self.common[j])
        return known

    def _payable(self) -> int:
        known = self._affordable.get(self.left)
        if known is None:
            known = mask_of(np.all(self._f.draws <= np.array(self.left), axis=1))
            self._affordable[self.left] = known
        return known

    # --- taking and giving back ------------------------------------------------------------------------------

    def take(self, r: int, d: int) -> Taking:
        """Take a device that is allowed."""
        bit, claim = 1 << d, self._claim[r]
        before = (self.taken, self._by_claim[claim], self.left, self._drawn)
        share = bool(self._shared & bit)
        if share:
            self._charge(r, d, 1)
        else:
            self.taken |= bit
            self._by_claim[claim] |= bit
        drew = not share or self._f.draws_each or not self._drawn & bit
        agreed = list(self._agreed), list(self._lonely), list(self._used), list(self.common)
        if drew:
            self._drawn |= bit
            if self._draws[d]:
                left = list(self.left)
                for k, amount in self._draws[d]:
                    left[k] -= amount
                self.left = tuple(left)
            for j, drawing in enumerate(self._joint_masks):
                if drawing & bit:
                    self.common[j] &= self._joint_groups[j][d]
        for j, match in enumerate(self._matches):
            if r in match.rows:
                self._agreeing[j] += 1
                self._agreed[j] &= match.values[r, d]
                self._lonely[j] = self._lonely[j] or match.special[r, d]
        for j, distinct in enumerate(self._distincts):
            if r in distinct.rows:
                self._using[j] += 1
                self._used[j] |= distinct.values[r, d]
        self.held[claim] += 1
        return Taking(r, d, drew, (*before, *agreed))

    def undo(self, taking: Taking) -> None:
        """Give back the device that was taken last."""
        r, d = taking.row, taking.device
        claim = self._claim[r]
        self.held[claim] -= 1
        if self._shared >> d & 1:
            self._charge(r, d, -1)
        (
            self.taken,
            self._by_claim[claim],
            self.left,
            self._drawn,
            self._agreed,
            self._lonely,
            self._used,
            self.common,
        ) = taking.before
        for j, match in enumerate(self._matches):
            self._agreeing[j] -= r in match.rows
        for j, distinct in enumerate(self._distincts):
            self._using[j] -= r in distinct.rows

    def _charge(self, r: int, d: int, times: int) -> None:
        room, bit = self._room[d], 1 << d
        for c, amount in enumerate(self._amounts[r, d].tolist()):
            room[c] -= times * amount
        for row in range(len(self._rows)):
            full = any(amount > left for amount, left in zip(self._amounts[row, d].tolist(), room, strict=True))
            self._full[row] = self._full[row] | bit if full else self._full[row] & ~bit

    # --- what a search may remember --------------------------------------------------------------------------

    def device(self, d: int) -> Hashable:
        """Return all that has happened to one device so far."""
        bit = 1 << d
        if self._shared & bit:
            return tuple(self._room[d]), bool(self._drawn & bit)
        if not self.taken & bit:
            return 0
        return tuple(bool(mask & bit) for mask in self._by_claim) if any(self._admin) else 1

    def agreed(self) -> Hashable:
        """Return all that has happened to the constraints so far."""
        return (
            tuple(self._agreed),
            tuple(self._lonely),
            tuple(map(bool, self._agreeing)),
            tuple(self._used),
            tuple(map(bool, self._using)),
        )
