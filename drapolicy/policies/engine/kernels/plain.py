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
