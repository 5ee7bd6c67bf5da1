"""How near to each GPU a network card is, and how many GPUs can have one to themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.topology.graph import Topology
from drapolicy.topology.measures.levels import APART, LEVELS, levels

NEAR = ("switch", "pcie_root", "numa", "host")
"""Levels at which GPUs and network cards are matched, nearest first."""


@dataclass(frozen=True)
class Alignment:
    """GPUs against network cards.

    Attributes
    ----------
    gpus, nics
        How many of each.
    nearest
        ndarray of shape (gpus,), int64: level of the nearest card of each GPU, a position in `LEVELS`.
    own
        For each level of `NEAR`, how many GPUs can have a card of their own at this level or nearer, no card twice.
    """

    gpus: int
    nics: int
    nearest: NDArray[np.int64]
    own: dict[str, int]

    def share_percent(self, level: str) -> float:
        """Return which part of the GPUs can have a card of their own at a level or nearer, in percent.

        Parameters
        ----------
        level
            One of `NEAR`.
        """
        return 100 * self.own[level] / self.gpus if self.gpus else 0.0


def alignment(topology: Topology, gpus: Sequence[str], nics: Sequence[str]) -> Alignment:
    """Measure how GPUs and network cards are aligned.

    Parameters
    ----------
    topology
        Graph.
    gpus, nics
        Distinct vertices: those of one set, or of a whole machine.

    Raises
    ------
    UnknownReferenceError
        If a name is not a vertex.

    Notes
    -----
    Cards are given out by a matching of greatest size (J. E. Hopcroft and R. M. Karp, SIAM J. Computing 2, 1973,
    doi:10.1137/0202019), for each level by itself.
    """
    between = levels(topology, [*gpus, *nics])[: len(gpus), len(gpus) :]
    own = {level: own_cards(between, LEVELS.index(level)) for level in NEAR}
    return Alignment(len(gpus), len(nics), between.min(axis=1, initial=APART), own)


def own_cards(between: NDArray[np.int64], level: int) -> int:
    """Count the GPUs that can have a card of their own at a level or nearer.

    Parameters
    ----------
    between
        ndarray of shape (gpus, nics), int64: levels between them.
    level
        Position in `LEVELS`.

    Examples
    --------
    >>> own_cards(np.array([[1, 4], [1, 4]]), 1), own_cards(np.array([[1, 4], [1, 4]]), 4)
    (1, 2)
    """
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import maximum_bipartite_matching

    if 0 in between.shape:
        return 0
    matched = maximum_bipartite_matching(csr_array(between <= level), perm_type="column")
    return int((matched >= 0).sum())


def own_cards_loop(between: NDArray[np.int64], level: int) -> int:
    """Count the GPUs that can have a card of their own by letting each push others aside: the reference of `own_cards`.

    Parameters and result are those of `own_cards`.
    """
    holder: dict[int, int] = {}

    def gets(gpu: int, tried: set[int]) -> bool:
        for nic in range(between.shape[1]):
            if between[gpu, nic] <= level and nic not in tried:
                tried.add(nic)
                if nic not in holder or gets(holder[nic], tried):
                    holder[nic] = gpu
                    return True
        return False

    return sum(gets(gpu, set()) for gpu in range(len(between)))
