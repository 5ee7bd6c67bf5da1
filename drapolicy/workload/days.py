"""Small workloads that come along: a day of jobs after each published trace, with a fleet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from drapolicy.workload.folder import ARRIVALS, PODS, contents
from drapolicy.workload.generate import Size, generate
from drapolicy.workload.presets import PRESETS
from drapolicy.workload.provenance import Imported

NODES: Final = 16


@dataclass(frozen=True)
class Day:
    """A Monday of jobs on a few nodes.

    Few long jobs make most of the load, so a day has more jobs than the trace has in so much time, and a seed with
    which they ask for about as much of the fleet as the trace's do.

    Attributes
    ----------
    preset
        One of :data:`drapolicy.workload.presets.PRESETS`.
    seed, load
        See :func:`drapolicy.workload.generate`.
    """

    preset: str
    seed: int
    load: float

    @property
    def what(self) -> str:
        """Return one line about it."""
        return f"a day of synthetic {PRESETS[self.preset].what}, on {NODES} nodes"

    def made(self) -> Imported:
        """Return workload and fleet."""
        found = generate(self.preset, self.seed, Size(nodes=NODES, days=1, load=self.load))
        note = "load and seed were chosen so that the day's jobs ask for about as much of the fleet as the trace's"
        return replace(found, notes=(*found.notes, note))


DAYS: Final[Mapping[str, Day]] = MappingProxyType(
    {
        "philly-day": Day("philly-like", 20274, 1.5),
        "helios-day": Day("helios-like", 20274, 1.5),
        "acme-day": Day("acme-like", 20268, 1.0),
    }
)


def day_files(name: str) -> dict[str, bytes]:
    """Return the files of a day, by path, as ``drapolicy workload generate`` writes them, with the larger packed."""
    made = DAYS[name].made()
    return contents(replace(made, workload=replace(made.workload, name=name)), pack=(PODS, ARRIVALS))
