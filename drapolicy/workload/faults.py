"""What is wrong with an input, gathered until it is known what becomes of it."""

from __future__ import annotations

from collections import Counter
from typing import Final

from drapolicy.errors import Fault, InputError

MAX_FAULTS: Final = 100
"""So many faults of a file's rows are told; of the others it is told how many."""


class Faults:
    """What is wrong with an input: faults of single rows, which a lenient reader leaves out, and of the whole."""

    def __init__(self) -> None:
        self.of_all: list[Fault] = []
        self.rows = 0
        self._of_rows: dict[str, list[Fault]] = {}
        self._more: Counter[str] = Counter()

    def of_row(self, fault: Fault) -> None:
        """Note what is wrong with a row."""
        told = self._of_rows.setdefault(fault.file, [])
        if len(told) < MAX_FAULTS:
            told.append(fault)
        else:
            self._more[fault.file] += 1

    @property
    def number(self) -> int:
        """How many there are: faults of the whole, and faulty rows."""
        return len(self.of_all) + self.rows

    def settle(self, *, lenient: bool = False) -> tuple[str, ...]:
        """Raise what was found, or return a note about the rows that were left out.

        Raises
        ------
        InputError
            With all faults of the whole, and unless ``lenient`` those of rows: the first of each file, and how many
            more there are.
        """
        of_rows = [fault for told in self._of_rows.values() for fault in told]
        found = [*self.of_all, *([] if lenient else of_rows)]
        if found:
            more = {} if lenient else self._more
            found += [Fault(file, -1, "", "", f"and {number:,} more faults") for file, number in more.items()]
            raise InputError(faults=found)
        if not of_rows:
            return ()
        return (f"{self.rows:,} faulty rows were left out, the first of them: {of_rows[0]}",)
