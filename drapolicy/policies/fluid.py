"""A fleet and a workload as fluids: how much of each kind of pod can be placed, were pods and GPUs divisible.

The fillings of a GPU are paths from what it has free to nothing, in hundredths of a GPU, and pods of one size are arcs:
the arc-flow form of cutting stock (Valério de Carvalho, Annals of Operations Research 86, 1999). CPU and memory of all
nodes of a stock are added up. Both relax what placements must satisfy, so what cannot be placed here cannot be placed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

from drapolicy.errors import SolverError

HUNDREDTH = 10
"""Milli of a GPU in one step of a filling."""
FULL = 100


class Stock(NamedTuple):
    """Nodes of one kind.

    Attributes
    ----------
    product
        Of their GPUs.
    nodes
        How many there are.
    gpus, cpu, memory
        What one has: GPUs, milli CPU, MiB. None of the latter two where they do not matter.
    """

    product: str
    nodes: int
    gpus: int
    cpu: int | None = None
    memory: int | None = None


class Want(NamedTuple):
    """What one kind of pod asks for: milli CPU, MiB, milli of each of some GPUs, and products; none for any."""

    cpu: int
    memory: int
    milli: int
    gpus: int
    models: tuple[str, ...] = ()

    def fits(self, stock: Stock) -> bool:
        """Tell whether an empty node of a stock can take such a pod."""
        return (
            self.gpus <= stock.gpus
            and (stock.cpu is None or self.cpu <= stock.cpu)
            and (stock.memory is None or self.memory <= stock.memory)
            and not (self.gpus and self.models and stock.product not in self.models)
        )


_cpu, _memory = attrgetter("cpu"), attrgetter("memory")


@dataclass
class _Rows:
    """Sparse rows that are still being written."""

    entries: list[tuple[int, int, float]] = field(default_factory=list)
    sides: list[float] = field(default_factory=list)

    def add(self, side: float) -> int:
        self.sides.append(side)
        return len(self.sides) - 1

    def matrix(self, columns: int) -> sparse.csr_array:
        found = np.array(self.entries, np.float64).reshape(-1, 3)
        at = found[:, 0].astype(np.int64), found[:, 1].astype(np.int64)
        return sparse.csr_array(sparse.coo_array((found[:, 2], at), shape=(len(self.sides), columns)))


@dataclass(frozen=True, eq=False)
class Fluid:
    """What can be placed: columns x >= 0 with ``limits @ x <= most`` and ``ties @ x = 0``.

    Attributes
    ----------
    limits, most
        Free GPUs, CPU and memory; csr array of shape (R, C), ndarray of shape (R,).
    ties
        Pods of a size on a stock are as many as the arcs of the size; csr array of shape (T, C).
    placed
        Sums up the pods of each kind; csr array of shape (K, C).
    fits
        Kinds that fit somewhere; ndarray of shape (K,), bool.
    """

    limits: sparse.csr_array
    most: NDArray[np.float64]
    ties: sparse.csr_array
    placed: sparse.csr_array
    fits: NDArray[np.bool_]

    @classmethod
    def of(cls, stocks: Sequence[Stock], wants: Sequence[Want]) -> Fluid:
        """Return the fluid of some nodes and kinds of pods.

        Sizes are rounded down to hundredths of a GPU: more fits, not less.
        """
        limits, ties, placed = _Rows(), _Rows(), _Rows(sides=[0.0] * len(wants))
        columns = 0
        for stock in stocks:
            kinds = [k for k, want in enumerate(wants) if want.fits(stock)]
            sizes = sorted({wants[k].milli // HUNDREDTH for k in kinds if wants[k].gpus} - {0})
            tie = {size: ties.add(0.0) for size in sizes}
            bounded = [
                (limits.add(stock.nodes * most / unit), unit, of)
                for most, unit, of in ((stock.cpu, 1_000, _cpu), (stock.memory, 1_024, _memory))
                if most is not None
            ]
            for k in kinds:
                want = wants[k]
                placed.entries.append((k, columns, 1.0))
                limits.entries += [(row, columns, of(want) / unit) for row, unit, of in bounded]
                size = want.milli // HUNDREDTH
                if want.gpus and size:
                    ties.entries.append((tie[size], columns, float(want.gpus)))
                columns += 1
            levels = _levels(sizes)
            row = {level: limits.add(float(stock.nodes * stock.gpus) if level == FULL else 0.0) for level in levels}
            for level in levels:
                for size in sizes:
                    if size > level:
                        break
                    limits.entries.append((row[level], columns, 1.0))
                    if size < level:
                        limits.entries.append((row[level - size], columns, -1.0))
                    ties.entries.append((tie[size], columns, -1.0))
                    columns += 1
        fits = np.array([any(want.fits(stock) for stock in stocks) for want in wants], np.bool_)
        most = np.array(limits.sides, np.float64)
        return cls(limits.matrix(columns), most, ties.matrix(columns), placed.matrix(columns), fits)

    @property
    def columns(self) -> int:
        """Number of columns, C."""
        return int(self.limits.shape[1])


def _levels(sizes: Sequence[int]) -> list[int]:
    """Return what a GPU can have free, descending: hundredths."""
    found, todo = {FULL}, [FULL]
    while todo:
        level = todo.pop()
        new = {level - size for size in sizes if size < level} - found
        found |= new
        todo += new
    return sorted(found, reverse=True)


class Solved(NamedTuple):
    """An optimum: its value, the columns, and what one more on the right side of each row is worth."""

    value: float
    columns: NDArray[np.float64]
    limits: NDArray[np.float64]
    ties: NDArray[np.float64]


def maximum(
    gains: NDArray[np.float64],
    limits: sparse.csr_array,
    most: NDArray[np.float64],
    ties: sparse.csr_array,
    uppers: NDArray[np.float64] | None = None,
) -> Solved:
    """Return the columns with the greatest gains within limits, by HiGHS' dual simplex.

    Parameters
    ----------
    gains
        Of one of each column; ndarray of shape (C,).
    limits, most, ties
        As for :class:`Fluid`.
    uppers
        Most of each column; ndarray of shape (C,). None for no bounds.

    Raises
    ------
    SolverError
        When HiGHS finds no optimum.
    """
    if not len(gains):
        return Solved(0.0, gains, np.zeros(limits.shape[0]), np.zeros(ties.shape[0]))
    highest = np.full(len(gains), np.inf) if uppers is None else uppers
    bounds = np.stack([np.zeros(len(gains)), highest], axis=1)
    # Its annotations do not know sparse matrices.
    run: Any = linprog
    found = run(-gains, limits, most, ties, np.zeros(ties.shape[0]), bounds, method="highs-ds")
    if found.status != 0:
        message = f"fluid: HiGHS found no optimum of {limits.shape[0]} rows, {len(gains)} columns: {found.message}"
        raise SolverError(message)
    return Solved(-float(found.fun), found.x, -found.ineqlin.marginals, -found.eqlin.marginals)
