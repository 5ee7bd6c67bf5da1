"""Nodes brought up to date and searched, in numpy."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.kernels.labels import ODD, REFUSED

Labels: TypeAlias = NDArray[np.int32]
Nodes: TypeAlias = NDArray[np.intp]
Columns: TypeAlias = tuple[NDArray[np.int64], ...]


def refresh(  # noqa: PLR0917 - arrays, not an object: what a compiled function takes
    changed: Nodes,
    row: NDArray[np.signedinteger[Any]],
    content: Labels,
    table: Labels,
    labels: Labels,
    bounds: Labels,
    todo: Nodes,
) -> int:
    """Write the labels of nodes that have changed; return how many have none in the table yet.

    Parameters
    ----------
    changed
        The nodes, with repeats.
    row, content
        Shape (N,): where each node's label stands in the table.
    table
        Shape (rows, contents), int32.
    labels
        Shape (blocks * 1024,), int32: the labels of all nodes, written to.
    bounds
        Shape (blocks,), int32: no label of a block is higher; raised where need be.
    todo
        At least as long as ``changed``: the nodes without a label are written here.
    """
    found = table[row[changed], content[changed]]
    known = found > ODD
    if known.all():
        nodes = changed
    else:
        nodes, found = changed[known], found[known]
        todo[: len(changed) - len(nodes)] = changed[~known]
    labels[nodes] = found
    np.maximum.at(bounds, nodes >> 10, found)
    return len(changed) - len(nodes)


def foremost(  # noqa: PLR0917 - as above
    changed: Nodes,
    row: NDArray[np.signedinteger[Any]],
    within: NDArray[np.bool_],
    piece: Labels,
    state: Labels,
    verdicts: Labels,
    places: Labels,
    facet: Labels,
    of_node: Labels,
    todo: Nodes,
) -> int:
    """Write the facets of nodes of which one part counts; return how many are left to be looked at otherwise.

    Parameters
    ----------
    changed, todo
        As for :func:`refresh`.
    row
        Shape (N,): which row each node is of; of those beyond ``within`` nothing is told.
    within
        Shape (R,): in which rows one part counts.
    piece
        Shape (R, P), int32: which piece each part of a row is.
    state
        Shape (N, P), int32: what is taken of each part.
    verdicts
        Shape (pieces, states), int32: negative where there is none.
    places
        Shape (R, P, verdicts), int32: how good a verdict about a part is, the best first.
    facet
        Shape (R, places), int32: the facet at each place.
    of_node
        Shape (N,), int32: written to.
    """
    rows = row[changed].astype(np.intp)
    told = rows < len(within)
    if not told.all():
        changed, rows = changed[told], rows[told]
    found = verdicts[piece[rows], state[changed]]
    known = within[rows] & (found >= 0).all(axis=1)
    left = changed[~known]
    todo[: len(left)] = left
    rows, found = rows[known], found[known]
    best_place = places[rows[:, None], np.arange(found.shape[1]), found].min(axis=1)
    of_node[changed[known]] = facet[rows, best_place]
    return len(left)


def best(rows: Labels, bounds: Labels) -> int:
    """Return the first node of the highest label; -1 where none ranks. Bounds that are too high are lowered.

    Parameters
    ----------
    rows
        Shape (blocks, 1024), int32: labels of all nodes.
    bounds
        Shape (blocks,), int32.
    """
    while True:
        block = int(bounds.argmax())
        row = rows[block]
        at = int(row.argmax())
        label = row[at]
        if label == bounds[block]:
            return block * rows.shape[1] + at if label >= 0 else -1
        bounds[block] = label


def best_with(rows: Labels, bounds: Labels, amounts: Columns, most: Columns, asked: NDArray[np.int64]) -> int:
    """Return the first node of the highest label among those that have what is asked; -1 where none has.

    Parameters
    ----------
    rows, bounds
        As for :func:`best`.
    amounts
        What each node has left of each of R resources, at least one; shape (blocks, 1024) each.
    most
        Bounds of that; shape (blocks,) each; lowered where they turn out too high.
    asked
        Shape (R,).
    """
    within = bounds.copy()
    for bound, amount in zip(most, asked, strict=True):
        within[bound < amount] = REFUSED
    while True:
        block = int(within.argmax())
        top = within[block]
        if top < 0:
            return -1
        fits = np.ones(rows.shape[1], np.bool_)
        for left, amount in zip(amounts, asked, strict=True):
            fits &= left[block] >= amount
        labels = np.where(fits, rows[block], np.int32(REFUSED))
        at = int(labels.argmax())
        if labels[at] == top:
            return int(block * rows.shape[1] + at)
        within[block] = labels[at]
        bounds[block] = rows[block].max()
        for left, bound in zip(amounts, most, strict=True):
            bound[block] = left[block].max()
