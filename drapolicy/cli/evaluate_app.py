"""The commands of ``drapolicy evaluate`` with their options."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from typer._click.core import ParameterSource

from drapolicy.cli.options import Gates, Lenient, Minor, Output, Topology
from drapolicy.cli.output import Format

app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@app.callback()
def _evaluate(
    context: typer.Context,
    *,
    fleet: Annotated[
        list[str] | None,
        typer.Option(metavar="FILES...", help="Fleet of your own, or a dataset's; by default two that come along."),
    ] = None,
    workload: Annotated[
        list[str] | None,
        typer.Option(
            metavar="FILES...",
            help="Its pods, claims and one CSV file of arrivals; or a dataset, see `drapolicy workload list`.",
        ),
    ] = None,
    topology: Topology = None,
    name: Annotated[str, typer.Option(help="What your scenario is called.")] = "",
    policy: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="May be repeated; five by default. See `drapolicy policies`."),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Repetitions; the first plays arrivals as recorded.")] = 10,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Where report, table and finished parts go.")] = Path(
        "out/evaluate"
    ),
    metric: Annotated[str | None, typer.Option(help="What names the winner: slowdown, placed, bandwidth ...")] = None,
    k8s: Minor = "1.37",
    feature_gates: Gates = None,
    lenient: Lenient = False,
    check: Annotated[bool, typer.Option("--check", help="Check every placement independently; slower.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Drop what earlier runs have finished.")] = False,
    output: Output = Format.TABLE,
) -> int | None:
    """Play workloads on fleets with every policy and name the one that beats kube-scheduler.

    Writes DIR/report.html and report.md, tables as CSV, and DIR/cells/. What is finished is kept: the same command goes
    on after an interruption. All results but times are the same on every machine.

    \b
    Examples:
      drapolicy evaluate
      drapolicy evaluate --workload helios-day
      drapolicy evaluate --fleet fleet.yaml --workload pods.yaml arrivals.csv --topology topo.txt
      drapolicy evaluate --policy packing --policy bandwidth --seeds 20 --metric bandwidth -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    if context.invoked_subcommand is not None:
        given = [name for name in context.params if context.get_parameter_source(name) is not ParameterSource.DEFAULT]
        if given:
            option = given[0].replace("_", "-")
            message = f"--{option} before a command counts for nothing; give it after, if the command has it"
            raise typer.BadParameter(message)
        return None
    from drapolicy.cli.evaluate import Request
    from drapolicy.cli.evaluate import evaluate as run
    from drapolicy.cli.releases import chosen
    from drapolicy.policies.parameters import apart

    request = Request(
        fleet=tuple(fleet or ()),
        workload=tuple(workload or ()),
        topology=topology,
        name=name,
        policies=apart(policy or ()),
        seeds=seeds,
        jobs=jobs,
        out=out,
        metric=metric,
        kubernetes=chosen(k8s, feature_gates or ()),
        lenient=lenient,
        check=check,
        fresh=fresh,
    )
    return run(request, output)


@app.command()
def compare(
    runs: Annotated[
        list[Path], typer.Argument(metavar="RUN1 RUN2...", help="Folders that evaluations were written to.")
    ],
    *,
    metric: Annotated[str | None, typer.Option(help="By what; by default the first that differs.")] = None,
    output: Output = Format.TABLE,
) -> int:
    """Compare runs: what differs in how they came about, and which policies are better, paired by scenario and seed.

    A policy that is the same in several runs is listed once; where its code or its inputs differ, by run.

    \b
    Examples:
      drapolicy evaluate compare out/before out/after
      drapolicy evaluate compare out/a out/b out/c --metric placed -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.compare import compare as go

    return go(runs, metric, output)


class Engine(StrEnum):
    """Where cells are played."""

    LOCAL = "local"
    DASK = "dask"


@app.command()
def run(
    experiment: Annotated[
        Path, typer.Argument(metavar="EXPERIMENT", help="A .yaml file, or a .py file, which is run.")
    ],
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="DIR", help="Where all goes; out/NAME by default.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    engine: Annotated[Engine, typer.Option(help="Play on this machine, or on a Dask cluster.")] = Engine.LOCAL,
    address: Annotated[
        str | None, typer.Option(metavar="URL", help="With --engine dask: the scheduler, e.g. tcp://10.0.0.1:8786.")
    ] = None,
    lenient: Lenient = False,
    check: Annotated[bool, typer.Option("--check", help="Check every placement independently; slower.")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Drop what earlier runs have finished.")] = False,
    form: Annotated[Format, typer.Option("--format", help="How the result is written.")] = Format.TABLE,
) -> int:
    """Play an experiment: policies, scenarios and seeds from a file; see docs/experiments.md.

    Writes DIR/report.html and report.md, tables as CSV, DIR/experiment.json and DIR/cells/. What is finished is kept:
    the same command goes on after an interruption of any kind. A Python file is run as any program: never one that you
    do not trust.

    \b
    Examples:
      drapolicy evaluate run experiment.yaml -o out/mine
      drapolicy evaluate run experiment.py --jobs 8 --check
      drapolicy evaluate run experiment.yaml --engine dask --address tcp://10.0.0.1:8786
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    if (engine is Engine.DASK) != (address is not None):
        message = "--engine dask and --address go together"
        raise typer.BadParameter(message)
    if engine is Engine.DASK and jobs is not None:
        message = "--jobs is for this machine; how many work on a cluster, the cluster says"
        raise typer.BadParameter(message)
    from drapolicy.cli.evaluate import RunRequest
    from drapolicy.cli.evaluate import run as go
    from drapolicy.evaluate import Dask

    executor = None if address is None else Dask(address)
    folder = Path("out") / experiment.stem if out is None else out
    return go(RunRequest(experiment, folder, jobs, executor, lenient, check, fresh), form)


@app.command()
def fgd(
    *,
    pods: Annotated[Path, typer.Option(metavar="CSV", help="List of pods, e.g. openb_pod_list_default.csv.")],
    nodes: Annotated[Path, typer.Option(metavar="CSV", help="List of nodes, e.g. openb_node_list_gpu_node.csv.")],
    stream: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Recorded orders of arrival; our own draws without it.")
    ] = None,
    policies: Annotated[
        list[str] | None, typer.Option(metavar="NAMES...", help="By default the six of the paper.")
    ] = None,
    seeds: Annotated[
        str | None, typer.Option(metavar="42-51", help="Of the orders; all of the stream, or 42-51, by default.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; all cores by default.")] = None,
    out: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="Where the tables go.")] = Path("out/fgd"),
) -> int:
    """Play the experiment of the FGD paper on the openb trace, as DRA.

    Writes DIR/allocation.csv and DIR/fragmentation.csv in the columns of the artefact's analysis_allo_discrete.csv and
    analysis_frag_ratio_discrete.csv; DIR/refusals.csv tells who was refused, and DIR/bounds.csv what no policy can
    exceed. FGD's workload is the trace's own; see docs/fgd.md.

    \b
    Examples:
      drapolicy evaluate fgd --pods openb_pod_list_default.csv --nodes openb_node_list_gpu_node.csv \\
        --stream stream_default.json --seeds 42-51 -o out/fgd
      drapolicy evaluate fgd --pods pods.csv.gz --nodes nodes.csv --policies fgd fgd:rounded=false best-fit
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.fgd import Request, run
    from drapolicy.policies.parameters import apart

    return run(Request(pods, nodes, stream, apart(policies or ()), seeds, jobs, out))
