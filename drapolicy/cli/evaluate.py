"""``drapolicy evaluate``: which policy beats the stock scheduler, and by how much."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from drapolicy.cli.boundary import InterruptionError, program_name
from drapolicy.cli.inputs import examine, notes_on, once, refuse
from drapolicy.cli.output import Format, note, print_data, print_line
from drapolicy.cli.progress import interruptible, shown_progress
from drapolicy.cli.releases import called, caveats
from drapolicy.cli.results import as_data, print_results
from drapolicy.errors import DrapolicyError, InputError, UnknownReferenceError
from drapolicy.evaluate import METRICS, Experiment, Results, embedded, of_files
from drapolicy.evaluate.executor import Executor
from drapolicy.evaluate.experiment import CELLS, SEEDS
from drapolicy.evaluate.experiment_file import read_experiment
from drapolicy.evaluate.scenarios import of_dataset
from drapolicy.evaluate.store import Store
from drapolicy.policies import COMPARED, STOCK
from drapolicy.policies import policy as policy_of
from drapolicy.release import Release, release
from drapolicy.simulate import Scenario
from drapolicy.text import counted, instead
from drapolicy.workload.embedded import ABOUT, DATASETS, TWIN, is_dataset, parts_of


@dataclass(frozen=True)
class Request:
    """What a user asked for; the fields are the command's options."""

    fleet: tuple[str, ...] = ()
    workload: tuple[str, ...] = ()
    topology: Path | None = None
    name: str = ""
    policies: tuple[str, ...] = ()
    seeds: int = SEEDS
    jobs: int | None = None
    out: Path = Path("out/evaluate")
    metric: str | None = None
    kubernetes: Release = field(default_factory=release)
    lenient: bool = False
    check: bool = False
    fresh: bool = False


def evaluate(request: Request, output: Format) -> int:
    """Play everything, print the comparison and write report and table; return 0.

    Raises
    ------
    InputError
        For wrong files or options, before anything is played.
    """
    if request.metric is not None and request.metric not in METRICS:
        message = f"metric {request.metric!r}: unknown; {instead(request.metric, METRICS)}"
        raise UnknownReferenceError(message)
    chosen = list(dict.fromkeys(policy_of(name).name for name in request.policies or COMPARED))
    experiment = Experiment(
        _scenarios(request),
        [STOCK, *(name for name in chosen if name != STOCK)],
        request.seeds,
        name=request.name,
        metric=request.metric,
        check=request.check,
    )
    told = decided_by(request, [scenario.name for scenario in experiment.scenarios])
    return carry_out(experiment, request.out, output, told, jobs=request.jobs, fresh=request.fresh)


@dataclass(frozen=True)
class RunRequest:
    """How an experiment's file is to be run; the fields are the command's options."""

    file: Path
    out: Path
    jobs: int | None = None
    executor: Executor | None = None
    lenient: bool = False
    check: bool = False
    fresh: bool = False


def run(request: RunRequest, output: Format) -> int:
    """Play the experiment of a file; return 0.

    Raises
    ------
    InputError
        With every fault of the file and of those that it names, before anything is played.
    """
    experiment = read_experiment(request.file, strict=not request.lenient)
    told: list[str] = []
    for scenario in experiment.scenarios:
        kubernetes = scenario.fleet.release
        look_at(scenario, kubernetes, lenient=request.lenient)
        if kubernetes != release():
            told += [f"decided as {called(kubernetes)} does", *caveats(kubernetes)]
    if request.check:
        experiment = replace(experiment, check=True)
    return carry_out(
        experiment,
        request.out,
        output,
        [*dict.fromkeys(told)],
        jobs=request.jobs,
        executor=request.executor,
        fresh=request.fresh,
    )


def carry_out(
    experiment: Experiment,
    out: Path,
    output: Format,
    told: Sequence[str],
    *,
    jobs: int | None = None,
    executor: Executor | None = None,
    fresh: bool = False,
) -> int:
    """Play an experiment, print the comparison and write report and table; return 0."""
    store = Store(out / CELLS)
    out.mkdir(parents=True, exist_ok=True)
    if fresh:
        store.drop()
    try:
        with interruptible(), shown_progress() as progress:
            results = experiment.run(out, jobs=jobs, executor=executor, progress=progress)
    except KeyboardInterrupt:
        again = [word for word in sys.argv[1:] if word != "--fresh"]
        kept = f"interrupted; {counted(len(list(store)), 'finished cell')} kept in {store.folder}"
        message = f"{kept}; the same command goes on: {program_name(sys.argv[0])} {shlex.join(again)}"
        raise InterruptionError(message) from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        message = f"{error.filename or out}: {why}; finished cells are kept: mend that, and give the same command again"
        raise DrapolicyError(message) from error
    notes = [*told, *unmodelled(results), *results.uncompared()]
    files = write_files(results, experiment, out, notes)
    notes = [*unplaced(results), *notes]  # the report has a chapter of its own for these
    if output is Format.TABLE:
        print_results(results, experiment.metric)
        for line in [*notes, *(f"wrote {path}" for path in files)]:
            print_line(line)
    else:
        print_data({**as_data(results, experiment.metric), "notes": notes, "files": [*map(str, files)]}, output)
    return 0


def _scenarios(request: Request) -> tuple[Scenario, ...]:
    if not request.fleet and not request.workload:
        if request.topology is not None or request.name:
            message = "evaluate: --topology and --name are for files of your own; give --fleet and --workload"
            raise InputError(message)
        return embedded(request.kubernetes)
    if len(request.workload) == 1 and is_dataset(request.workload[0]) and not request.fleet:
        if request.topology is not None:
            raise InputError("evaluate: --topology is for a fleet of your own; give --fleet, or leave it out")
        made = of_dataset(request.workload[0], request.kubernetes)
        look_at(made, request.kubernetes, lenient=request.lenient)
        return (replace(made, name=request.name or made.name),)
    if not request.fleet or not request.workload:
        given, missing = ("--fleet", "--workload") if request.fleet else ("--workload", "--fleet")
        come = f"a dataset as --workload ({', '.join(ABOUT)})"
        message = f"evaluate: {given} without {missing}; give both, {come}, or none for the scenarios that come along"
        raise InputError(message)
    scenario, report = of_files(
        once(_located(request.fleet, "fleet")),
        once(_located(request.workload, "workload")),
        topology=request.topology,
        name=request.name,
        release=request.kubernetes,
        strict=not request.lenient,
    )
    look_at(scenario, request.kubernetes, lenient=request.lenient)
    if report is not None:
        note(f"topology: {report}")
    return (scenario,)


def _located(words: Sequence[str], part: str) -> list[str]:
    """Return files and folders, with those of a dataset in place of its name."""
    if TWIN in filter(is_dataset, words):
        raise InputError(f"evaluate: fleet and pods of {TWIN} go together; give --workload {TWIN} alone")
    return [str(parts_of(word)[part]) if is_dataset(word) else word for word in words]


def look_at(scenario: Scenario, kubernetes: Release, *, lenient: bool) -> None:
    """Refuse a scenario in which nothing can be decided, or whose objects do not go together; tell what is odd."""
    # Slices of the workload's files count for nothing; the same file may serve as both.
    everything = scenario.fleet.objects.merged(replace(scenario.workload.objects, slices=(), taint_rules=(), nodes=()))
    refuse(examine(everything, kubernetes, lenient=lenient))
    for found in notes_on(everything, kubernetes, lenient=lenient):
        note(f"note: {found}")
    if not scenario.workload.arrivals:
        bound = len(scenario.standing.pods)
        there = f"; {bound} {'pod is' if bound == 1 else 'pods are'} bound already" if bound else ""
        message = f"evaluate: the workload has no pods and no claims that wait{there}; check the files of --workload"
        raise InputError(message)


def decided_by(request: Request, played: Sequence[str]) -> list[str]:
    """Return which Kubernetes decided, where it is not the default one, and what that means for the scenarios."""
    if request.kubernetes == release():
        return []
    every = () if request.fleet else sorted(DATASETS)
    left_out = [f"{name}: left out, this release refuses its objects" for name in every if name not in played]
    return [f"decided as {called(request.kubernetes)} does", *caveats(request.kubernetes), *left_out]


def unplaced(results: Results) -> list[str]:
    """Return why pods never started with the stock scheduler as recorded, commonest first, with counts."""
    return [
        f"{scenario}: never started: {reason} ({counted(count, 'pod')})"
        for scenario in results.scenarios
        for cell in results.of(scenario, STOCK)[:1]
        for reason, count in [(reason, sum(counts)) for reason, counts in cell.reasons.items()][:5]
    ]


def unmodelled(results: Results) -> list[str]:
    """Return what pods use and no policy's node choice models, with counts; once for each scenario."""
    lines = []
    for scenario in results.scenarios:
        cells = results.of(scenario, STOCK)
        for what, count in cells[0].unmodelled.items() if cells else ():
            lines.append(f"{scenario}: not modelled: {what} ({counted(count, 'pod')})")
    return lines


def write_files(results: Results, experiment: Experiment, out: Path, notes: Sequence[str]) -> tuple[Path, ...]:
    """Write report and tables, each whole or not at all; return their paths."""
    from drapolicy.evaluate.provenance import Provenance
    from drapolicy.evaluate.written import write_all

    return write_all(
        results,
        out,
        title=experiment.name or "drapolicy evaluate",
        metric=experiment.metric,
        notes=notes,
        provenance=Provenance.of(experiment, Store(out / CELLS), results),
    )
