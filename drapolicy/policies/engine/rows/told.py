"""Values of an objective's terms, computed when somebody looks: most placements are never asked for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any


class Told(Mapping[str, int]):
    """Values by name, equal to a dict of them.

    Parameters
    ----------
    names
        Names of the terms, each once.
    make
        Returns the values; called at most once, must not depend on what changes.
    """

    def __init__(self, names: Sequence[str], make: Callable[[], dict[str, int]]) -> None:
        self._names = names
        self._make = make

    @cached_property
    def _values(self) -> dict[str, int]:
        return self._make()

    def __getitem__(self, name: str) -> int:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return repr(self._values)

    def __reduce__(self) -> tuple[Any, ...]:
        return dict, (self._values,)
