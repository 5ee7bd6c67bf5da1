"""Nodes brought up to date and searched, compiled by numba: what :mod:`.plain` does, in the same order."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from drapolicy.policies.engine.kernels.labels import ODD, REFUSED

_ODD, _REFUSED = np.int32(ODD), np.int32(REFUSED)


@njit(cache=True, nogil=True)
def refresh(  # noqa: PLR0917 - as in plain
    changed: Any, row: Any, content: Any, table: Any, labels: Any, bounds: Any, todo: Any
) -> int:
    """Write the labels of nodes that have changed; return how many have none in the table yet."""
    count = 0
    for i in range(len(changed)):
        n = changed[i]
        label = table[row[n], content[n]]
        if label <= _ODD:
            todo[count] = n
            count += 1
            continue
        labels[n] = label
        block = n >> 10
        bounds[block] = max(bounds[block], label)
    return count


@njit(cache=True, nogil=True)
def foremost(  # noqa: PLR0917 - as in plain
    changed: Any,
    row: Any,
    within: Any,
    piece: Any,
    state: Any,
    verdicts: Any,
    places: Any,
    facet: Any,
    of_node: Any,
    todo: Any,
) -> int:
    """Write the facets of nodes of which one part counts; return how many are left to be looked at otherwise."""
    count = 0
    for i in range(len(changed)):
        n = changed[i]
        r = row[n]
        if r >= len(within):
            continue
        known = within[r]
        top = np.int32(facet.shape[1])
        for p in range(state.shape[1] if known else 0):
            verdict = verdicts[piece[r, p], state[n, p]]
            if verdict < 0:
                known = False
                break
            top = min(top, places[r, p, verdict])
        if known:
            of_node[n] = facet[r, top]
        else:
            todo[count] = n
            count += 1
    return count


@njit(cache=True, nogil=True)
def best(rows: Any, bounds: Any) -> int:
    """Return the first node of the highest label; -1 where none ranks. Bounds that are too high are lowered."""
    width = rows.shape[1]
    while True:
        block = 0
        for b in range(1, len(bounds)):
            if bounds[b] > bounds[block]:
                block = b
        wanted = bounds[block]
        if wanted < 0:
            return -1
        top = _REFUSED
        for i in range(width):
            label = rows[block, i]
            if label == wanted:
                return int(block * width + i)
            top = max(top, label)
        bounds[block] = top


@njit(cache=True, nogil=True)
def best_with(rows: Any, bounds: Any, amounts: Any, most: Any, asked: Any) -> int:
    """Return the first node of the highest label among those that have what is asked; -1 where none has."""
    width, resources = rows.shape[1], len(asked)
    within = bounds.copy()
    for r in range(resources):
        for b in range(len(within)):
            if most[r][b] < asked[r]:
                within[b] = _REFUSED
    while True:
        block = 0
        for b in range(1, len(within)):
            if within[b] > within[block]:
                block = b
        wanted = within[block]
        if wanted < 0:
            return -1
        top, top_of_all = _REFUSED, _REFUSED
        for i in range(width):
            label = rows[block, i]
            top_of_all = max(top_of_all, label)
            if label <= top:
                continue
            fits = True
            for r in range(resources):
                if amounts[r][block, i] < asked[r]:
                    fits = False
                    break
            if fits:
                if label == wanted:
                    return int(block * width + i)
                top = label
        within[block], bounds[block] = top, top_of_all
        for r in range(resources):
            high = amounts[r][block, 0]
            for i in range(1, width):
                high = max(high, amounts[r][block, i])
            most[r][block] = high
