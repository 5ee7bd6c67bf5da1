"""What is to happen, in order of time; equal times keep the order in which they were planned."""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Agenda(Generic[T]):
    """A heap of things by (time, order of planning)."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, T]] = []
        self._planned = 0

    def add(self, time_ns: int, thing: T) -> None:
        """Plan a thing."""
        heapq.heappush(self._heap, (time_ns, self._planned, thing))
        self._planned += 1

    def __iter__(self) -> Iterator[tuple[int, list[T]]]:
        """Yield each time with all that happens then; more may be planned meanwhile, for later."""
        while self._heap:
            now = self._heap[0][0]
            things = []
            while self._heap and self._heap[0][0] == now:
                things.append(heapq.heappop(self._heap)[2])
            yield now, things
