"""Where a workload comes from, and what became of it on the way."""

from __future__ import annotations

from dataclasses import dataclass

from drapolicy.api import Objects
from drapolicy.workload.workload import Workload


@dataclass(frozen=True)
class Source:
    """A kind of data that somebody publishes, and how well it is known here.

    Attributes
    ----------
    name
        As commands call it.
    what
        One line about it.
    files
        Which files a reader takes.
    where
        Address of the data and its description, with licence.
    meaning
        What a row becomes.
    tried
        Whether the reader has been tried on a file of the source; else it follows the published description alone.
    machines
        A fleet like the source's, as ``drapolicy workload fleet`` takes it; empty where the source has one, or none is
        known.
    numbers
        What a generator was told, each number with its source.
    """

    name: str
    what: str
    files: str
    where: str
    meaning: str
    tried: bool
    machines: str = ""
    numbers: tuple[str, ...] = ()

    @property
    def caveat(self) -> str:
        """Return what to tell of a reader that was not tried; empty if it was."""
        return "" if self.tried else f"not tried on the original: the reader of {self.name} follows its description"


@dataclass(frozen=True)
class Imported:
    """A workload that was made from somebody's data.

    Attributes
    ----------
    workload
        The workload.
    source
        Where it comes from.
    notes
        What was left out or assumed, in sentences; the source's caveat first.
    fleet
        Nodes, slices and classes, where the data tells them; else None.
    """

    workload: Workload
    source: Source
    notes: tuple[str, ...] = ()
    fleet: Objects | None = None
