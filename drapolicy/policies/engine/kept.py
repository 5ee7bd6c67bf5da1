"""The kinds of ask that an engine remembers, and which nodes have changed since each was asked last."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.engine.kind import Kind

Key: TypeAlias = tuple[bytes, tuple[bool, ...], bytes]
"""What tells kinds apart: the claims' wishes, which of them are missing, and what the pod says of nodes."""

_FIRST = 1024


class Kinds:
    """Kinds by key, the one used last at the end, with a journal of nodes that all of them read.

    Parameters
    ----------
    most
        How many are kept.
    nodes
        Size of the fleet: kinds that lie further behind than a few times that are made anew.
    """

    def __init__(self, most: int, nodes: int) -> None:
        self._most = most
        self._furthest = 4 * nodes + _FIRST
        self._kinds: OrderedDict[Key, Kind] = OrderedDict()
        self._journal = np.empty(_FIRST, np.intp)
        self._written = 0

    def __contains__(self, key: Key) -> bool:
        return key in self._kinds

    def __len__(self) -> int:
        return len(self._kinds)

    @property
    def each(self) -> tuple[Kind, ...]:
        """All kinds."""
        return tuple(self._kinds.values())

    def get(self, key: Key) -> Kind | None:
        """Return a kind, which is the one used last from now on; None if it is not kept."""
        kind = self._kinds.get(key)
        if kind is not None:
            self._kinds.move_to_end(key)
        return kind

    def add(self, key: Key, kind: Kind) -> None:
        """Keep a kind; the one that was used least lately goes where there are too many."""
        self._kinds[key] = kind
        if len(self._kinds) > self._most:
            self._kinds.popitem(last=False)

    def drop(self, key: Key) -> None:
        """Keep a kind no longer."""
        del self._kinds[key]

    def clear(self) -> None:
        """Keep nothing."""
        self._kinds.clear()
        self._written = 0

    def forget(self, answers: int) -> int:
        """Drop kinds until no more answers are kept than may be; return how many are."""
        total = sum(kind.held for kind in self._kinds.values())
        while total > answers and self._kinds:
            total -= self._kinds.popitem(last=False)[1].held
        return total

    # --- the journal -----------------------------------------------------------------------------------------

    def note(self, nodes: list[int]) -> None:
        """Note that nodes have changed."""
        end = self._written + len(nodes)
        if end > len(self._journal):
            self._compact(len(nodes))
            end = self._written + len(nodes)
        self._journal[self._written : end] = nodes
        self._written = end

    def _compact(self, coming: int) -> None:
        """Let go of what no kind has left to read."""
        first = min((kind.mark for kind in self._kinds.values()), default=self._written)
        if self._written - first > self._furthest:
            self._kinds.clear()
            first = self._written
        kept = self._journal[first : self._written].copy()
        self._journal = np.empty(max(_FIRST, 2 * (len(kept) + coming)), np.intp)
        self._journal[: len(kept)] = kept
        self._written = len(kept)
        for kind in self._kinds.values():
            kind.mark -= first

    def unread(self, kind: Kind) -> NDArray[np.intp]:
        """Return the nodes that have changed since a kind was last up to date, with repeats."""
        return self._journal[kind.mark : self._written]

    def up_to_date(self, kind: Kind) -> None:
        """Note that a kind has read everything."""
        kind.mark = self._written
