"""The commands of ``drapolicy topology`` with their options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from drapolicy.cli.options import Gates, Lenient, Minor, Output
from drapolicy.cli.output import Format, Picture

app = typer.Typer(
    help="Read, make, compare and join pictures of machines: devices and the links between them.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Product = Annotated[
    str,
    typer.Option(
        metavar="NAME", help="Product name of the GPUs where a file does not tell it; it decides how fast links are."
    ),
]


@app.command()
def read(
    files: Annotated[
        list[str], typer.Argument(metavar="FILES", help="What tools print, or configuration; - is standard input.")
    ],
    *,
    product: Product = "",
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the picture there, as JSON that all commands read.")
    ] = None,
    output: Output = Format.TABLE,
) -> int:
    """Tell what files say of a machine or network; the format is found from the content.

    Read are nvidia-smi topo -m, rocm-smi --showtopo, amd-smi topology, xpu-smi topology -m, captures of AMD's KFD
    (JSON, folder or archive), topology XML of NCCL and RCCL, hwloc's XML and lstopo, Kubernetes nodes, ResourceSlices
    (attributes alone, with the signatures of shapes), Slurm's topology.conf and topology.yaml, models and outputs of
    topograph, and pictures that drapolicy wrote.

    JSON and YAML give one object; of several files, one that has an object for each.

    \b
    Exit code: 0 done, 2 faults in a file, or no topology.

    \b
    Examples:
      nvidia-smi topo -m | drapolicy topology read -
      drapolicy topology read topo.txt --product "NVIDIA H100 80GB HBM3" --save machine.json
      drapolicy topology read -o json nccl.xml
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.topology import read as run

    return run(files, product=product, save=save, output=output)


class _OfKind(TyperCommand):
    """A command whose help, asked for after a kind, has the kind's parameters at its end."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[__name__] = tuple(args)
        rest: list[str] = super().parse_args(ctx, args)
        return rest

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from drapolicy.cli.topology import described

        super().format_epilog(ctx, formatter)
        for title, rows in described(ctx.meta.get(__name__, ())):
            with formatter.section(title):
                formatter.write_dl(rows)


@app.command(cls=_OfKind)
def generate(
    kind: Annotated[str, typer.Argument(metavar="KIND", help="What to make; without it all kinds are listed.")] = "",
    *,
    every: Annotated[bool, typer.Option("--list", help="List the kinds, or the parameters of one.")] = False,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter of the kind; may be repeated.")
    ] = None,
    failures: Annotated[
        str, typer.Option(metavar="N", help="How many links have failed: a count, or a part like 0.05.")
    ] = "0",
    seed: Annotated[int, typer.Option(min=0, help="Chooses which links have failed.")] = 0,
    host: Annotated[str, typer.Option(metavar="NAME", help="With -o nvidia-smi: which of several hosts.")] = "",
    output: Annotated[
        Picture | None,
        typer.Option("--output", "-o", help="How the picture is written; json, or table for the list, by default."),
    ] = None,
) -> int:
    """Make a machine or a network that nobody has at hand.

    --help after a KIND tells its parameters too.

    \b
    Exit code: 0 done, 2 no such kind or parameter.

    \b
    Examples:
      drapolicy topology generate
      drapolicy topology generate torus --help
      drapolicy topology generate dgx-1-v100 > machine.json
      drapolicy topology generate dgx-1-v100 --failures 1 --seed 7 -o nvidia-smi
      drapolicy topology generate torus --param shape=4x4x8 --param wrap=false -o table
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli import topology

    if every or not kind:
        given = [name for name, used in (("--param", param), ("--failures", failures != "0"), ("--host", host)) if used]
        if given:
            message = f"a list has no {', '.join(given)}; name a KIND and leave --list out"
            raise typer.BadParameter(message)
        return topology.kinds(kind, output or Picture.TABLE)
    return topology.generate(kind, param or (), failures=failures, seed=seed, host=host, output=output or Picture.JSON)


@app.command()
def bind(
    files: Annotated[
        list[str], typer.Argument(metavar="FLEET", help="Files and folders with slices; - is standard input.")
    ],
    *,
    topology: Annotated[
        str, typer.Option("--topology", metavar="FILE", help="What one of the machines printed, or a saved picture.")
    ],
    match: Annotated[
        str, typer.Option(metavar="WAY", help="How devices are told apart: pci, uuid, index ...; auto tries them all.")
    ] = "auto",
    product: Annotated[
        str, typer.Option(metavar="NAME", help="Join nodes with GPUs of this product alone; for fleets of several.")
    ] = "",
    k8s: Minor = "1.37",
    feature_gates: Gates = None,
    lenient: Lenient = False,
    output: Output = Format.TABLE,
) -> int:
    """Join a machine's picture to the nodes of a fleet and list what matched and what did not, on both sides.

    \b
    Exit code: 0 done, 2 bad input.

    \b
    Examples:
      drapolicy topology bind fleet.yaml --topology topo.txt
      kubectl get resourceslices -o json | drapolicy topology bind - --topology machine.json -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.releases import chosen
    from drapolicy.cli.topology_bind import bind as run

    kubernetes = chosen(k8s, feature_gates or ())
    return run(
        files,
        topology=topology,
        product=product,
        match=match,
        kubernetes=kubernetes,
        lenient=lenient,
        output=output,
    )


@app.command()
def diff(
    before: Annotated[str, typer.Argument(metavar="A", help="A file of any format that `read` knows.")],
    after: Annotated[str, typer.Argument(metavar="B", help="Another; - is standard input.")],
    *,
    product: Product = "",
    output: Output = Format.TABLE,
) -> int:
    """Tell what differs between two pictures, and which devices are thereby linked faster or slower.

    \b
    Exit code: 0 done, with or without differences; 2 bad input.

    \b
    Examples:
      drapolicy topology diff yesterday.txt today.txt
      drapolicy topology generate dgx-1-v100 --failures 1 | drapolicy topology diff machine.json -
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.topology import diff as run

    return run(before, after, product=product, output=output)
