"""Where results come from: Kubernetes, code, machines and dates; what a reader needs to come to the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from drapolicy.evaluate.cell import code_digest
from drapolicy.evaluate.experiment import Experiment
from drapolicy.evaluate.store import Circumstances, Store
from drapolicy.evaluate.table import Results
from drapolicy.release import Release, release
from drapolicy.text import counted, printable


@dataclass(frozen=True)
class Provenance:
    """How results came about; everything is text to be shown.

    Attributes
    ----------
    kubernetes
        Release and gates of each scenario.
    machines
        What played how many cells, between which dates.
    versions
        Of Python and of the packages that compute.
    code
        Digest of drapolicy's source; empty where it is not known.
    checked
        Cells of which every placement was verified by the independent checker.
    """

    kubernetes: Mapping[str, str] = field(default_factory=dict)
    machines: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()
    code: str = ""
    checked: int = 0

    @classmethod
    def of(cls, experiment: Experiment, store: Store, results: Results) -> Provenance:
        """Return where the results of an experiment come from, by what is kept of its cells."""
        kept = [how for cell in results.cells if (how := store.circumstances(cell.key)) is not None]
        versions = Counter(
            ", ".join(f"{name} {number}" for name, number in sorted(how.versions.items())) for how in kept
        )
        return cls(
            kubernetes={scenario.name: _called(scenario.fleet.release) for scenario in experiment.scenarios},
            machines=tuple(_machines(kept)),
            versions=tuple(printable(text, 300) for text in versions),
            code=code_digest(),
            checked=sum(how.checked for how in kept),
        )


def _called(found: Release) -> str:
    usual = release(found.minor).gates
    changed = [f"{gate}=true" for gate in sorted(found.gates - usual)]
    changed += [f"{gate}=false" for gate in sorted(usual - found.gates)]
    return f"{found.minor}, default gates" + (f" but {', '.join(changed)}" if changed else "")


def _machines(kept: list[Circumstances]) -> list[str]:
    groups: dict[tuple[str, str], list[Circumstances]] = {}
    for how in kept:
        groups.setdefault((how.host, how.platform), []).append(how)
    return [
        printable(f"{host} ({platform}): {counted(len(own), 'cell')}", 200)
        + printable(f", {_minute(min(h.started for h in own))} to {_minute(max(h.ended for h in own))} UTC", 80)
        for (host, platform), own in sorted(groups.items())
    ]


def _minute(date: str) -> str:
    return date[:16].replace("T", " ")
