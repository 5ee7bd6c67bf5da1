"""What can stand in for each other: single devices that no rule tells apart, and whole blocks such as cut GPUs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Hashable, Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from drapolicy.problem.formulation.model import Formulation
from drapolicy.problem.formulation.seats import Seats


class Block(NamedTuple):
    """Devices that draw from the same counters or counter sets, directly or through others.

    Attributes
    ----------
    devices, counters, joints
        Positions, ascending.
    kind
        Number of the first block like this one: the two are equal, place for place.
    """

    devices: tuple[int, ...]
    counters: tuple[int, ...]
    joints: tuple[int, ...]
    kind: int


class Symmetry:
    """Which devices and blocks of a formulation are alike.

    Parameters
    ----------
    formulation
        The rules.

    Notes
    -----
    Exchanging two twins, or two blocks of one kind that are in the same state, changes an assignment into another that
    is admitted too. So of all that could be taken next, the first is tried alone, and states of a search are the same
    if they are so up to such exchanges.
    """

    def __init__(self, formulation: Formulation) -> None:
        self._f = formulation
        size = formulation.devices
        numbers: dict[Hashable, int] = {}
        self._twin = [numbers.setdefault((self._alone(d), self._bound(d)), d) for d in range(size)]
        twins: dict[int, list[int]] = {}
        for d, first in enumerate(self._twin):
            twins.setdefault(first, []).append(d)
        self._twins = {first: tuple(own) for first, own in twins.items()}
        self.blocks = self._find_blocks()
        self._block = {d: b for b, block in enumerate(self.blocks) for d in block.devices}
        self._place = {d: place for block in self.blocks for place, d in enumerate(block.devices)}
        self._like: dict[int, list[int]] = {}
        for b, block in enumerate(self.blocks):
            self._like.setdefault(block.kind, []).append(b)
        self._bits = [_bits(block.devices) for block in self.blocks]
        used = np.any(formulation.candidates, axis=0)
        loose = [own for first, own in self._twins.items() if first not in self._block and used[first]]
        self._loose = [(own, _bits(own)) for own in loose]
        # Without shares and admin access a device is free or taken, and sets of taken devices tell all.
        self._simple = not formulation.shared.any() and not any(row.admin for row in formulation.rows)
        self._classes = [self._classes_of(block) for block in self.blocks]

    def _classes_of(self, block: Block) -> list[tuple[tuple[int, ...], int]]:
        firsts = dict.fromkeys(self._twin[d] for d in block.devices)
        return [(self._twins[first], _bits(self._twins[first])) for first in firsts]

    def _alone(self, d: int) -> Hashable:
        """Return all about a device beside counters and groups."""
        f = self._f
        return (
            f.candidates[:, d].tobytes(),
            bool(f.shared[d]),
            f.room[d].tobytes(),
            f.amounts[:, d].tobytes(),
            *(match.codes[:, d].tobytes() for match in f.matches),
            *(distinct.codes[:, d].tobytes() for distinct in f.distincts),
        )

    def _bound(self, d: int) -> Hashable:
        f = self._f
        return f.draws[d].tobytes(), *((bool(j.drawing[d]), j.groups[d].tobytes()) for j in f.joints)

    def _find_blocks(self) -> list[Block]:
        f = self._f
        size, counters = f.devices, f.draws.shape[1]
        joined = [np.argwhere(f.draws != 0), *(self._members(j, counters) for j in range(len(f.joints)))]
        edges = np.concatenate(joined)
        if not len(edges):
            return []
        whole = size + counters + len(f.joints)
        graph = coo_array((np.ones(len(edges)), (edges[:, 0], size + edges[:, 1])), shape=(whole, whole))
        labels = connected_components(graph, directed=False)[1]
        found: list[Block] = []
        kinds: dict[Hashable, int] = {}
        for label in dict.fromkeys(labels[np.unique(edges[:, 0])].tolist()):
            own = np.flatnonzero(labels == label)
            devices = own[own < size]
            columns = own[(own >= size) & (own < size + counters)] - size
            joints = own[own >= size + counters] - size - counters
            kind = tuple(self._in_block(int(d), columns.tolist(), joints.tolist()) for d in devices)
            b = kinds.setdefault(kind, len(found))
            found.append(Block(tuple(devices.tolist()), tuple(columns.tolist()), tuple(joints.tolist()), b))
        return found

    def _members(self, j: int, counters: int) -> NDArray[np.intp]:
        drawing = np.flatnonzero(self._f.joints[j].drawing)
        return np.stack([drawing, np.full(len(drawing), counters + j)], axis=1)

    def _in_block(self, d: int, columns: list[int], joints: list[int]) -> Hashable:
        f = self._f
        groups = tuple((bool(f.joints[j].drawing[d]), f.joints[j].groups[d].tobytes()) for j in joints)
        return self._alone(d), f.draws[d, columns].tobytes(), groups

    # --- during a search -------------------------------------------------------------------------------------

    def replaceable(self, d: int, seats: Seats, taken: Collection[int]) -> bool:
        """Return whether an earlier device could be taken just as well.

        Parameters
        ----------
        taken
            Devices that the request has already.
        """
        state = seats.device(d)
        for other in self._twins[self._twin[d]]:
            if other >= d:
                break
            if other not in taken and seats.device(other) == state:
                return True
        b = self._block.get(d)
        if b is None:
            return False
        own = self.blocks[b]
        if own.kind == b:
            return False
        known = self._exact(own, seats)
        for other_block in self._like[own.kind]:
            if other_block == b:
                return False
            other = self.blocks[other_block].devices[self._place[d]]
            if other < d and other not in taken and self._exact(self.blocks[other_block], seats) == known:
                return True
        return False

    def _exact(self, block: Block, seats: Seats) -> Hashable:
        return self._row(block.devices, -1, seats), self._left(block, seats)

    def _row(self, devices: Sequence[int], among: int, seats: Seats) -> Hashable:
        """Return the states of some of the devices, one after the other."""
        if self._simple:
            taken = seats.taken
            return tuple(taken >> d & 1 for d in devices if among >> d & 1)
        return tuple(seats.device(d) for d in devices if among >> d & 1)

    def _bag(self, devices: Sequence[int], among: int, seats: Seats) -> Hashable:
        """Return how many of some of the devices are in which state."""
        if self._simple:
            return (seats.taken & among).bit_count()
        return _bag(seats.device(d) for d in devices if among >> d & 1)

    @staticmethod
    def _left(block: Block, seats: Seats) -> Hashable:
        return tuple(seats.left[k] for k in block.counters), tuple(seats.common[j] for j in block.joints)

    def state(self, seats: Seats, devices: int, ordered: int = 0) -> Hashable:
        """Return the state of a search as far as some devices are concerned.

        Parameters
        ----------
        devices
            As bits; others matter no more.
        ordered
            Those of them that are still to be tried one after the other, so that they cannot be exchanged.
        """
        loose: list[Hashable] = []
        for own, bits in self._loose:
            if devices & bits:
                loose.append(self._bag(own, bits & ~ordered, seats))
                loose.append(self._row(own, bits & ordered, seats))
        bags: dict[int, list[Hashable]] = {}
        fixed: list[Hashable] = []
        for b, block in enumerate(self.blocks):
            if ordered & self._bits[b]:
                fixed.append((b, self._exact(block, seats)))
            elif devices & self._bits[b]:
                classes = tuple(self._bag(own, bits, seats) for own, bits in self._classes[b])
                bags.setdefault(block.kind, []).append((classes, self._left(block, seats)))
        return tuple(loose), tuple(fixed), tuple((kind, _bag(states)) for kind, states in bags.items()), seats.agreed()


def pools(blocks: Sequence[Block]) -> list[tuple[int, ...]]:
    """Return the counters that stand at one place in blocks of one kind: what they have left can be added up."""
    found: dict[tuple[int, int], list[int]] = {}
    for block in blocks:
        for place, k in enumerate(block.counters):
            found.setdefault((block.kind, place), []).append(k)
    return [tuple(own) for own in found.values()]


def least_draws(formulation: Formulation, together: Sequence[tuple[int, ...]]) -> NDArray[np.int64]:
    """Return what any device of a row draws at least from counters taken together; shape (R, pools), int64."""
    f = formulation
    drawn = np.stack([f.draws[:, list(own)].sum(axis=1) for own in together], axis=1)
    drawn[f.shared] = 0
    rows = [drawn[own].min(axis=0) if own.any() else np.zeros(len(together), np.int64) for own in f.candidates]
    return np.array(rows, np.int64).reshape(len(rows), len(together))


def _bits(devices: Iterable[int]) -> int:
    return sum(1 << d for d in devices)


def _bag(items: Iterable[Hashable]) -> Hashable:
    return frozenset(Counter(items).items())
