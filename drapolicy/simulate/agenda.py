"""What is to happen, in order of time; what happens at one time goes by classes, then by the order of planning."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Agenda(Generic[T]):
    """A heap of things by (time, class, order of planning).

    Parameters
    ----------
    things
        Times, classes and things that are planned from the start.
    """

    def __init__(self, things: Iterable[tuple[int, int, T]] = ()) -> None:
        # Those of the start are most of all: sorted once, and out of the way of what is planned later.
        self._first: list[tuple[int, int, int, T]] = [(t, cls, n, thing) for n, (t, cls, thing) in enumerate(things)]
        self._first.sort(reverse=True)
        self._heap: list[tuple[int, int, int, T]] = []
        self._planned = len(self._first)

    def add(self, time_ns: int, cls: int, thing: T) -> None:
        """Plan a thing."""
        heapq.heappush(self._heap, (time_ns, cls, self._planned, thing))
        self._planned += 1

    def __iter__(self) -> Iterator[tuple[int, Iterator[tuple[int, T]]]]:
        """Yield each time with all that happens then, by class; what is planned meanwhile for the same time too."""
        while self._first or self._heap:
            now = (self._first[-1] if self._is_first() else self._heap[0])[0]
            yield now, self._at(now)

    def _at(self, now: int) -> Iterator[tuple[int, T]]:
        first, heap = self._first, self._heap
        while True:
            if self._is_first():
                if first[-1][0] != now:
                    return
                _, cls, _, thing = first.pop()
            elif heap and heap[0][0] == now:
                _, cls, _, thing = heapq.heappop(heap)
            else:
                return
            yield cls, thing

    def _is_first(self) -> bool:
        first, heap = self._first, self._heap
        return bool(first) and (not heap or first[-1] < heap[0])
