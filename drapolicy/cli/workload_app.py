"""The commands of ``drapolicy workload`` with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drapolicy.cli.options import Output
from drapolicy.cli.output import Format, Text

app = typer.Typer(
    help="List, generate, import and describe workloads and fleets to evaluate policies on.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Out = Annotated[
    Path, typer.Option("--out", metavar="DIR", help="Folder that is written; it must not hold other files.")
]
Replace = Annotated[bool, typer.Option("--replace", help="Replace a workload that is there already.")]


@app.command("list")
def list_workloads(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of the list, to be told all about it.")] = "",
    *,
    output: Output = Format.TABLE,
) -> int:
    """List what can be generated, imported and built, or tell all about one of them.

    Of a workload that is generated every number is told with its source.

    \b
    Examples:
      drapolicy workload list
      drapolicy workload list helios-like
      drapolicy workload list philly -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.workload import list_all as run

    return run(name, output)


@app.command()
def generate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="philly-like, helios-like, acme-like or openb-like.")],
    *,
    out: Out,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same workload.")] = 0,
    nodes: Annotated[int | None, typer.Option(help="Nodes of the fleet; 16, or openb's 1,213.")] = None,
    days: Annotated[float | None, typer.Option(help="For so long jobs come; 7.")] = None,
    jobs: Annotated[int | None, typer.Option(help="So many jobs instead.")] = None,
    load: Annotated[
        float | None, typer.Option(help="GPU time asked for as a part of the fleet's; the trace's own by default.")
    ] = None,
    run_times: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Recorded run times to draw from: CSV with a column runtime.")
    ] = None,
    replace: Replace = False,
    output: Output = Format.TABLE,
) -> int:
    """Make a workload like those of a published trace, and a fleet.

    Writes DIR/fleet.json.gz, DIR/workload/ and DIR/README.md, which `drapolicy evaluate` reads.

    \b
    Examples:
      drapolicy workload generate helios-like --out helios --seed 1 --nodes 8 --days 2
      drapolicy workload generate acme-like --out busy --load 1.1 --jobs 5000
      drapolicy workload generate openb-like --out small --nodes 100
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.workload import generate as run
    from drapolicy.workload import Size

    size = Size(nodes=nodes, days=days, jobs=jobs, load=load)
    return run(name, size, seed=seed, run_times=run_times, out=out, replace=replace, output=output)


@app.command("import")
def import_trace(
    form: Annotated[str, typer.Argument(metavar="FORMAT", help="philly, helios, acme, openb or history.")],
    files: Annotated[
        list[str], typer.Argument(metavar="FILES", help="See `drapolicy workload list FORMAT`; may be gzipped.")
    ],
    *,
    out: Out,
    days: Annotated[float | None, typer.Option(help="Take the jobs of the first days.")] = None,
    jobs: Annotated[int | None, typer.Option(help="Take the first jobs.")] = None,
    gpu_jobs: Annotated[bool, typer.Option("--gpu-jobs", help="Leave jobs without devices out.")] = False,
    device_class: Annotated[str, typer.Option(metavar="NAME", help="Class of the devices.")] = "gpu.nvidia.com",
    lenient: Annotated[bool, typer.Option("--lenient", help="Leave faulty rows out and count them.")] = False,
    replace: Replace = False,
    output: Output = Format.TABLE,
) -> int:
    """Make a workload of a published trace, or of what kubectl printed at several times.

    Without --lenient every fault of every file is told, by line, and nothing is written.

    \b
    Examples:
      drapolicy workload import helios cluster_log.csv --out venus --days 7 --gpu-jobs
      drapolicy workload import openb openb_pod_list_default.csv openb_node_list_gpu_node.csv --out openb
      drapolicy workload import history pods-*.json --out ours
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.workload import import_files as run
    from drapolicy.workload import Wanted

    wanted = Wanted(days=days, jobs=jobs, cpu_jobs=not gpu_jobs, lenient=lenient, device_class=device_class)
    return run(form, files, wanted, out=out, replace=replace, output=output)


@app.command()
def show(
    files: Annotated[
        list[str],
        typer.Argument(metavar="FILES", help="Folder of a workload, or a dataset; or objects and one CSV of arrivals."),
    ],
    *,
    output: Output = Format.TABLE,
) -> int:
    """Tell what a workload is like: pods, devices, run times, gangs, and its load if the fleet is among the files.

    \b
    Examples:
      drapolicy workload show helios/
      drapolicy workload show philly-day
      drapolicy workload show pods.yaml arrivals.csv -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.workload import show as run

    return run(files, output)


@app.command()
def fleet(
    parts: Annotated[list[str], typer.Argument(metavar="MODEL=NODES", help="See `drapolicy workload list`.")],
    *,
    seed: Annotated[int, typer.Option(min=0, help="Of the devices' uuids.")] = 0,
    zones: Annotated[int, typer.Option(min=1, help="Zones over which the nodes are dealt.")] = 1,
    output: Annotated[Text, typer.Option("--output", "-o", help="How the objects are written.")] = Text.JSON,
) -> int:
    """Print nodes, classes and slices of a fleet of one or several models.

    \b
    Examples:
      drapolicy workload fleet dgx-h100=64 > fleet.json
      drapolicy workload fleet philly-2=321 philly-8=231 --zones 3 > philly.json
      drapolicy workload fleet dgx-a100-mig=4 -o yaml
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.workload import fleet as run

    return run(parts, seed=seed, zones=zones, output=output)
