"""Make a problem small while something about it stays true."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from drapolicy.testing.lines import Line

Path: TypeAlias = tuple[str | int, ...]

_PARTS = ("claims", "slices", "allocated", "classes", "node", "nodes", "features")
# What a problem means nothing without.
_KEPT = frozenset({"apiVersion", "kind", "metadata", "name", "spec", "status", "driver", "pool"})


def shrink(line: Line, holds: Callable[[Line], bool], *, tries: int = 4000) -> Line:
    """Drop slices, devices, claims, requests, fields and so on as long as a condition holds.

    Parameters
    ----------
    line
        A line of the protocol for which the condition holds; it is left as it is.
    holds
        The condition.
    tries
        How often the condition is tried at most.

    Returns
    -------
    Line
        From which, unless ``tries`` were used up, no single part can be dropped.
    """
    best = copy.deepcopy(line)
    shrunk = True
    while shrunk and tries > 0:
        shrunk = False
        # Paths go from the end of each list, so that a drop leaves those still to come in place.
        for path in sorted(_paths(best), key=lambda path: (len(path), path[0] != "claims")):
            if tries <= 0:
                break
            smaller = _without(best, path)
            if smaller is None:
                continue
            tries -= 1
            if holds(smaller):
                best, shrunk = smaller, True
    return best


def _paths(line: Line) -> list[Path]:
    found: list[Path] = []
    for part in _PARTS:
        found += [(part, *path) for path in _inside(line.get(part))]
    return found


def _inside(value: Any) -> Iterator[Path]:
    if isinstance(value, list):
        for index in reversed(range(len(value))):
            yield (index,)
            yield from ((index, *path) for path in _inside(value[index]))
    elif isinstance(value, dict):
        for key, inner in value.items():
            if key not in _KEPT:
                yield (key,)
            yield from ((key, *path) for path in _inside(inner))
    elif isinstance(value, int) and not isinstance(value, bool) and value > 1:
        yield ()


def _without(line: Line, path: Path) -> Line | None:
    """Return the line without the part at a path, or with 1 for a larger number; None if the part is gone already."""
    made = copy.deepcopy(line)
    holder: Any = made
    try:
        for step in path[:-1]:
            holder = holder[step]
        there = holder[path[-1]]
    except (KeyError, IndexError, TypeError):
        return None
    if isinstance(there, int) and not isinstance(there, bool) and there > 1:
        holder[path[-1]] = 1
        return made
    if isinstance(holder, dict) and path[-1] in _KEPT:
        return None
    if path[0] == "slices" and len(path) == 2:
        _one_slice_less(made, there)
    del holder[path[-1]]
    return made


def _one_slice_less(line: Line, gone: dict[str, Any]) -> None:
    """Let a pool stay complete when one of its slices goes."""
    for item in line["slices"]:
        spec, old = item["spec"], gone["spec"]
        count = spec["pool"].get("resourceSliceCount", 0)
        same = (spec["driver"], spec["pool"].get("name")) == (old["driver"], old["pool"].get("name"))
        if same and count > 1 and spec["pool"].get("generation") == old["pool"].get("generation"):
            spec["pool"]["resourceSliceCount"] = count - 1
