"""``drapolicy evaluate fgd``: the experiment of the FGD paper."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from drapolicy.cli.boundary import InterruptionError
from drapolicy.cli.output import print_line
from drapolicy.cli.progress import interruptible, shown_counts
from drapolicy.errors import InputError
from drapolicy.evaluate.fgd import (
    BOUNDED_AT,
    PUBLISHED,
    Bounds,
    Ceiling,
    Experiment,
    Refusals,
    Run,
    curves_of,
    refusals_of,
    run_all,
    write_bounds,
    write_tables,
)
from drapolicy.text import counted
from drapolicy.workload.openb import Stream, read_stream, read_trace

_SEEDS = re.compile(r"(\d{1,9})(?:-(\d{1,9}))?")
_MOST_SEEDS = 10_000
_DEFAULT = range(42, 52)
_READ_AT = BOUNDED_AT


@dataclass(frozen=True)
class Request:
    """What a user asked for; the fields are the command's options."""

    pods: Path
    nodes: Path
    stream: Path | None
    policies: tuple[str, ...]
    seeds: str | None
    jobs: int | None
    out: Path


def run(request: Request) -> int:
    """Play the experiment, print what is allocated in the end and write the tables; return 0.

    Raises
    ------
    InputError
        For wrong files or options, before anything is played.
    """
    trace = read_trace(request.pods, request.nodes)
    stream = None if request.stream is None else read_stream(request.stream, trace)
    policies = tuple(map(ours, request.policies)) or tuple(PUBLISHED)
    experiment = Experiment(trace, policies, _seeds(request.seeds, stream), stream)
    try:
        with interruptible(), shown_counts() as progress:
            runs = run_all(experiment, jobs=request.jobs, progress=progress)
    except KeyboardInterrupt:
        message = "interrupted; nothing is written"
        raise InterruptionError(message) from None
    files = write_tables(runs, trace.name, experiment.ratio, request.out)
    for line in summary(runs):
        print_line(line)
    ceiling = Ceiling(trace)
    if ceiling.known:
        bounds = {seed: ceiling.selection(experiment.order(seed)) for seed in experiment.seeds}
        everything = ceiling.everything()
        files += (write_bounds(bounds, everything, trace.name, experiment.ratio, request.out),)
        for line in bounded(tuple(bounds.values()), everything):
            print_line(line)
    if stream is None:
        print_line("orders of arrival are draws of drapolicy, not the published ones: give --stream for these")
    for path in files:
        print_line(f"wrote {path}")
    return 0


def ours(name: str) -> str:
    """Return a policy's name here, by this name or by what the artefact's tables call it.

    Examples
    --------
    >>> ours("06-FGD"), ours("BestFit"), ours("fgd:rounded=false")
    ('fgd', 'best-fit', 'fgd:rounded=false')
    """
    for own, published in PUBLISHED.items():
        if name in {published, published.partition("-")[2]}:
            return own
    return name


def _seeds(text: str | None, stream: Stream | None) -> tuple[int, ...]:
    if text is None:
        return tuple(_DEFAULT) if stream is None else tuple(sorted(stream.orders))
    found: list[int] = []
    for part in text.split(","):
        match = _SEEDS.fullmatch(part.strip())
        first, last = (int(match[1]), int(match[2] or match[1])) if match else (1, 0)
        if last < first or len(found) + last - first >= _MOST_SEEDS:
            message = f"--seeds {text!r}: {part!r} is no seed and no range; give for example 42-51 or 42,44"
            raise InputError(message)
        found += range(first, last + 1)
    return tuple(found)


def summary(runs: Sequence[Run]) -> Iterator[str]:
    """Yield a line a policy: what is allocated at 100 and 130 % of arrival, mean over the seeds."""
    found: dict[str, list[tuple[float | None, ...]]] = defaultdict(list)
    for one in runs:
        found[one.policy].append(curves_of(one).allocation)
    width = max(map(len, found))
    for policy, curves in found.items():
        told = [_mean([curve[at] for curve in curves], at) for at in _READ_AT]
        own = [refusals_of(one) for one in runs if one.policy == policy]
        seeds = counted(len(curves), "seed")
        yield f"{policy:{width}}  allocated {', '.join(told)} of arrival ({seeds}){_refused(own)}"


def bounded(bounds: Sequence[Bounds], everything: float) -> Iterator[str]:
    """Yield what any policy could come to."""
    told = [_mean([one.selection[k] for one in bounds], at) for k, at in enumerate(BOUNDED_AT)]
    yield f"no policy could allocate more than {', '.join(told)} of arrival"
    yield f"in even shares all pods can be placed up to {everything:.2f} %; a policy that refuses none comes near it"


def _mean(values: Sequence[float | None], at: int) -> str:
    known = [value for value in values if value is not None]
    return f"{sum(known) / len(known):6.2f} % at {at} %" if known else f"{'–':>6}   at {at} %"


def _refused(runs: Sequence[Sequence[Refusals]]) -> str:
    """Return when a pod was refused first, and how many of the largest were by the first arrival that is read."""
    first = [one[0].first for one in runs]
    known = [at for at in first if at is not None]
    if not known:
        return ", none refused"
    largest = [one[-1] for one in runs]
    pods, refused = (sum(one.counts[0][k] for one in largest) / len(largest) for k in (0, 1))
    told = f", first refusal at {sum(known) / len(known):.1f} %"
    return told + (
        f", {refused:.1f} of {pods:.1f} pods of {largest[0].name} refused by {_READ_AT[0]} %" if pods else ""
    )
