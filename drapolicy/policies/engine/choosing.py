"""Which node a rule takes, by columns: what its loop over the nodes would choose, and what it would have looked at."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.field import Field, Nodes

_NONE = np.zeros(0, np.intp)


class Chosen(NamedTuple):
    """What a search over the nodes came to.

    Attributes
    ----------
    node
        Where the search ended: the node that takes the ask, or one at which the attempt ends. None where no node does.
    considered
        Nodes that the loop would have looked at.
    cursor
        Where the next cycle starts.
    scores
        Points by which the rule chose.
    """

    node: int | None
    considered: int
    cursor: int
    scores: Mapping[str, int] = {}


def first(field: Field, candidates: int, cursor: int) -> Chosen:
    """Take the first node in the order of the fleet."""
    n = field.best()
    return Chosen(n, candidates if n is None else n + 1, cursor)


def best(field: Field, candidates: int, cursor: int) -> Chosen:
    """Take the first node of the best answer, unless the attempt ends at one of them."""
    n = field.best()
    ends = n is not None and not field.kind.plain and field.kind.ends(np.array([n]))[0]
    return Chosen(n, n + 1 if n is not None and ends else candidates, cursor)


def random(field: Field, order: Nodes, cursor: int) -> Chosen:
    """Take the first node in a random order."""
    found = rotated(field, order, 0, 0)
    return Chosen(found.end, found.considered, cursor)


class Rotated(NamedTuple):
    """What a search from the cursor on found.

    Attributes
    ----------
    kept
        Nodes that take the ask, in the order of the search.
    looked
        Nodes that were kept or refused.
    considered
        Nodes that were looked at: the one that ended the search too.
    end
        The node that ended the search: one too many, or one at which the attempt ends. None after all nodes.
    ends
        Whether the attempt ends there.
    """

    kept: Nodes
    looked: int
    considered: int
    end: int | None
    ends: bool


def rotated(field: Field, order: NDArray[np.intp], start: int, want: int) -> Rotated:
    """Search as :class:`~drapolicy.policies.kube.Rotation` does: the first nodes that pass, until one is too many.

    Nodes are looked at in blocks, each as large as all before it, so the cost is that of the nodes looked at.

    Parameters
    ----------
    order
        Nodes to be looked at.
    start
        Where the search starts.
    want
        How many are to be kept.
    """
    kept: list[Nodes] = []
    left, looked, step = want, 0, 2 * want + 64
    while looked < len(order):
        block = order.take(np.arange(start + looked, start + min(looked + step, len(order))), mode="wrap")
        at = np.flatnonzero(field.stops(block))
        ends = np.flatnonzero(field.kind.ends(block[at[: left + 1]]))
        if len(ends):
            end = int(at[ends[0]])
            return Rotated(_NONE, looked + end, looked + end + 1, int(block[end]), ends=True)
        kept.append(block[at[:left]])
        if len(at) > left:
            end = int(at[left])
            return Rotated(np.concatenate(kept), looked + end, looked + end + 1, int(block[end]), ends=False)
        left -= len(at)
        looked += len(block)
        step = looked
    return Rotated(np.concatenate(kept) if kept else _NONE, looked, looked, None, ends=False)
