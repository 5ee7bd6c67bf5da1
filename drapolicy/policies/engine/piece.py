"""What one request may have of a part of a node, whatever is taken there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.problem.allocated import Use
from drapolicy.problem.fleet_allocated import WHOLE

Flags = NDArray[np.bool_]
Codes = NDArray[np.int32]

_MOST_CELLS = 4_000_000


@dataclass(frozen=True)
class Piece:
    """Sets of devices of one part that a request may be given, the one that is preferred first.

    The part has d devices and K counters; there are L sets.

    Attributes
    ----------
    sets
        ndarray of shape (L, d), bool.
    totals
        What there is of each counter; ndarray of shape (K,), int64.
    draws
        What each device draws of it; ndarray of shape (d, K), int64.
    shared
        Devices that several claims may hold shares of; ndarray of shape (d,), bool.
    needs
        What each set takes of the capacities of its device, if that is shared: ``(name, nano units)``.
    capacity
        Capacities of each shared device.
    """

    sets: Flags
    totals: NDArray[np.int64]
    draws: NDArray[np.int64]
    shared: Flags
    needs: tuple[tuple[tuple[str, int], ...], ...]
    capacity: tuple[tuple[tuple[str, int], ...], ...]

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for pieces that always fit alike."""
        arrays = (self.sets, self.totals, self.draws, self.shared)
        return (*(a.tobytes() for a in arrays), self.draws.shape, self.needs, self.capacity)

    def fits(self, codes: Codes, use: Callable[[int], Use]) -> tuple[Flags, Flags, NDArray[np.int64]]:
        """Tell which sets fit.

        Parameters
        ----------
        codes
            What is taken of each device, in M cases; ndarray of shape (M, d).
        use
            What a code says.

        Returns
        -------
        fits, untold, left
            ndarrays of shape (M, L), (M,), both bool, and (M, K), int64: which sets fit; where that depends on more
            than the part, as a counter below zero blocks a whole pool (K8s Q7); and what is left of the counters.
        """
        taken = codes == WHOLE
        untold = np.zeros(len(codes), np.bool_)
        full = np.zeros((len(codes), len(self.sets)), np.bool_)
        for i, d in zip(*(found.tolist() for found in np.nonzero(codes > WHOLE)), strict=True):
            known = use(int(codes[i, d]))
            taken[i, d] = known.whole
            if not self.shared[d] or self.draws[d].any():
                untold[i] = True
            else:
                full[i] |= self._full(d, known)
        left = self.totals - taken @ self.draws
        untold |= (left < 0).any(axis=1)
        drawn = self.sets @ self.draws
        fits = (taken.astype(np.float32) @ self.sets.T.astype(np.float32) == 0) & ~full
        step = max(1, _MOST_CELLS // max(1, drawn.size))
        for start in range(0, len(fits) if drawn.size else 0, step):
            fits[start : start + step] &= (drawn <= left[start : start + step, None]).all(axis=2)
        return fits, untold, left

    def _full(self, d: int, known: Use) -> Flags:
        """Tell which sets take more of a shared device than is left."""
        used = dict(known.amounts)
        left = {name: whole - used.get(name, 0) for name, whole in self.capacity[d]}
        short = [any(amount > left[name] for name, amount in needs) for needs in self.needs]
        return self.sets[:, d] & np.array(short, np.bool_)


class FirstSet:
    """The set that is preferred among those that fit: its number, or the number of sets where none fits.

    Parameters
    ----------
    piece
        The sets.
    """

    def __init__(self, piece: Piece) -> None:
        self.piece = piece
        self.key: tuple[object, ...] = piece.key

    def verdicts(self, codes: Codes, use: Callable[[int], Use]) -> tuple[NDArray[np.int32], Flags]:
        """Return the verdict in each case, and where there is none (:meth:`Piece.fits`)."""
        fits, untold, _ = self.piece.fits(codes, use)
        none = np.ones((len(fits), 1), np.bool_)
        return np.concatenate([fits, none], axis=1).argmax(axis=1).astype(np.int32), untold


class FirstFew:
    """The first devices that fit together, up to some number: a number for each tuple of sets.

    Every set is one device, and fitting ones fit together as long as there is enough of the counters that all draw
    alike. So whoever takes the first that fits, again and again, takes as many as fit.

    Parameters
    ----------
    piece
        The devices.
    count
        How many are asked for.
    number
        Numbers tuples of sets.
    """

    def __init__(self, piece: Piece, count: int, number: Callable[[tuple[int, ...]], int]) -> None:
        self.piece = piece
        self._count = count
        self._number = number
        drawn = piece.sets @ piece.draws
        # What a single device draws was looked at when it was tried on its own.
        self._common = np.flatnonzero((drawn > 0).sum(axis=0) > 1)
        self._drawn = drawn[0, self._common] if len(drawn) else np.zeros(0, np.int64)
        self.key: tuple[object, ...] = (count, *piece.key)

    def verdicts(self, codes: Codes, use: Callable[[int], Use]) -> tuple[NDArray[np.int32], Flags]:
        """Return the verdict in each case, and where there is none (:meth:`Piece.fits`)."""
        fits, untold, left = self.piece.fits(codes, use)
        most = np.minimum(self._count, fits.sum(axis=1))
        if len(self._common):
            most = np.minimum(most, (left[:, self._common] // self._drawn).min(axis=1))
        found = [
            self._number(tuple(np.flatnonzero(row)[: max(0, m)].tolist()))
            for row, m in zip(fits, most.tolist(), strict=True)
        ]
        return np.array(found, np.int32), untold


Judge = FirstSet | FirstFew
