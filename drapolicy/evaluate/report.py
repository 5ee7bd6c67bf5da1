"""The report of an experiment: one HTML file that needs nothing else, to read, print and send."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

from drapolicy.api.files import write_whole
from drapolicy.evaluate.curves import decisions_of
from drapolicy.evaluate.metrics import LEGEND
from drapolicy.evaluate.provenance import Provenance
from drapolicy.evaluate.sections import MACHINE, sections_of, seeds_told, timed
from drapolicy.evaluate.table import Results
from drapolicy.evaluate.timings import TIMINGS
from drapolicy.policies import STOCK
from drapolicy.text import distinct, printable

_TEMPLATE = "report.html.j2"
_SCRIPT = "report.js"


def write_report(
    results: Results,
    path: str | Path,
    *,
    title: str = "",
    metric: str | None = None,
    notes: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> Path:
    """Write an experiment as one HTML file that needs nothing from a network.

    Its only script sorts tables, and all is there without it.

    Parameters
    ----------
    results
        The experiment.
    path
        The file; it appears whole or not at all.
    title
        Heading; "Policies compared" by default.
    metric
        By what the winner is named; see :meth:`Results.verdict`.
    notes
        Sentences to stand above the results.
    provenance
        Where the results come from besides their inputs.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    UnknownReferenceError
        For a metric that is not in the table, or results without the stock scheduler.
    OSError
        When the file cannot be written.
    """
    target = Path(path)
    text = report(results, title=title, metric=metric, notes=notes, provenance=provenance)
    write_whole(target, lambda partial: partial.write_text(text, encoding="utf-8"))
    return target


def report(
    results: Results,
    *,
    title: str = "",
    metric: str | None = None,
    notes: Sequence[str] = (),
    provenance: Provenance | None = None,
) -> str:
    """Return the page that :func:`write_report` writes."""
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("drapolicy.evaluate"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    names = distinct(results.policies)
    script = _script()
    return environment.get_template(_TEMPLATE).render(
        title=printable(title or "Policies compared", 200),
        notes=[printable(note, 2000) for note in notes],
        stock=STOCK,
        legend=LEGEND,
        policies=list(names.values()),
        seeds=seeds_told(results),
        versions=", ".join(sorted({printable(cell.version) for cell in results.cells})),
        arrivals=sum(cell.arrivals for cell in results.cells),
        decisions=sum(cell.decisions for cell in results.cells),
        cells=len(results.cells),
        machine=MACHINE,
        timings=list(TIMINGS.values()),
        timed=timed(results),
        timed_charts=[chart for n, s in enumerate(results.scenarios) for chart in decisions_of(results, s, f"s{n}")],
        sections=sections_of(results, metric, provenance),
        provenance=provenance or Provenance(),
        script=script,
        # The page lets this very text run and nothing else, whatever somebody's name for a policy may hold.
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


@cache
def _script() -> str:
    return (files("drapolicy.evaluate") / "templates" / _SCRIPT).read_text(encoding="utf-8")
