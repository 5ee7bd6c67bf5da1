"""The commands with their options; what they do is imported when one of them is called."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from drapolicy.cli.evaluate_app import app as evaluate_app
from drapolicy.cli.options import Gates, Lenient, Minor, Output, Topology
from drapolicy.cli.output import Format, Text
from drapolicy.cli.policies_app import app as policies_app
from drapolicy.cli.topology_app import app as topology_app
from drapolicy.cli.workload_app import app as workload_app

if TYPE_CHECKING:
    from drapolicy.release import Release

app = typer.Typer(
    name="drapolicy",
    epilog="Exit codes: 0 done, 1 some claims stay pending, 2 bad input or arguments, 70 a bug, 130 interrupted.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.add_typer(topology_app, name="topology")
app.add_typer(policies_app, name="policies")
app.add_typer(workload_app, name="workload")
app.add_typer(evaluate_app, name="evaluate")


def _show_version(wanted: bool) -> None:
    if wanted:
        version()
        raise typer.Exit


@app.callback()
def _options(
    *,
    show: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True)
    ] = False,
) -> None:
    """Tell where Kubernetes would put claims for devices, and whether another policy would do better."""


@app.command()
def validate(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Files and folders; - is standard input.")],
    *,
    k8s: Minor = "1.37",
    feature_gates: Gates = None,
    lenient: Lenient = False,
    output: Output = Format.TABLE,
) -> int:
    """Read files as the API server would and name every fault.

    Fields, formats, limits and quantities are checked, selectors are compiled, and the slices of a pool must go
    together: a pool that is there with two generations is a fault, because the older one counts for nothing.

    \b
    Exit code: 0 no faults, 2 faults.

    \b
    Examples:
      drapolicy validate fleet.yaml claims/
      kubectl get resourceslices,deviceclasses -o json | drapolicy validate -
      drapolicy validate --k8s 1.34 fleet.yaml
      drapolicy validate --lenient -o json dump.yaml
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.releases import chosen
    from drapolicy.cli.validate import validate as run

    return run(files, kubernetes=chosen(k8s, feature_gates or ()), lenient=lenient, output=output)


@app.command()
def allocate(
    files: Annotated[
        list[str] | None, typer.Argument(metavar="FILES", help="Files and folders of either; - is standard input.")
    ] = None,
    *,
    fleet: Annotated[
        list[str] | None, typer.Option(metavar="FILES...", help="Slices, classes, nodes; what is allocated and bound.")
    ] = None,
    claims: Annotated[list[str] | None, typer.Option(metavar="FILES...", help="Claims, templates and pods.")] = None,
    topology: Topology = None,
    policy: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="See `drapolicy policies`; kube-scheduler by default, first-fit with --jsonl."
        ),
    ] = None,
    together: Annotated[
        str,
        typer.Option(
            metavar="all|most|N",
            help="Place all pods and claims jointly: all or none, as many as can be, or N at least or none.",
        ),
    ] = "",
    write_lp: Annotated[
        Path | None,
        typer.Option("--write-lp", metavar="FILE", help="Write an ilp-... policy's programme there, as .lp or .mps."),
    ] = None,
    k8s: Minor = "1.37",
    feature_gates: Gates = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the policy's draws.")] = 0,
    lenient: Lenient = False,
    check: Annotated[bool, typer.Option("--check", help="Check every placement independently.")] = False,
    output: Output = Format.TABLE,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Answer problems on standard input, one in a line.")] = False,
    timing: Annotated[bool, typer.Option("--timing", help="With --jsonl: tell times of single lines too.")] = False,
    node_outcomes: Annotated[
        bool,
        typer.Option("--node-outcomes/--no-node-outcomes", help="With --jsonl: in a scan, list every node's outcome."),
    ] = True,
    keep_share_ids: Annotated[
        bool, typer.Option("--keep-share-ids", help="With --jsonl: write share ids as made, not all alike.")
    ] = False,
) -> int:
    """Give pending pods and claims their devices, one after the other or together, as a policy decides.

    All files are read together as one cluster, so fleet and claims may be in the same files. YAML and JSON give every
    claim with its status as Kubernetes writes it; the table says where each pod or claim goes and why others stay
    pending.

    With --together a policy decides all of them jointly, by default as many as can be; ilp-... policies tell a bound
    for each level of their objective, kueue-tas and hived-buddy place gangs of equal pods. YAML and JSON are then one
    list of claims with values, bounds and placements beside it, under `together`.

    \b
    Exit code: 0 all placed, 1 some stay pending, 2 bad input.

    \b
    Examples:
      drapolicy allocate fleet.yaml claims.yaml
      drapolicy allocate --fleet fleet/ --claims pod.yaml --policy bandwidth --topology topo.txt
      kubectl get resourceslices,deviceclasses,nodes,resourceclaims,pods -A -o json | drapolicy allocate - -o yaml
      drapolicy allocate fleet.yaml gang.yaml --together all --policy ilp-bandwidth
      drapolicy allocate fleet.yaml claim.yaml --policy ilp-packing --write-lp node.lp
      drapolicy allocate --k8s 1.36 --feature-gates DRAListTypeAttributes=true fleet.yaml claims.yaml
      drapolicy allocate --jsonl --k8s 1.37 < problems.jsonl
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.releases import chosen

    sources = [*(fleet or ()), *(claims or ()), *(files or ())]
    kubernetes = chosen(k8s, feature_gates or ())
    if jsonl:
        _refuse_beside_lines(
            {
                "files": sources,
                "--topology": topology,
                "--check": check,
                "--together": together,
                "--write-lp": write_lp,
            }
        )
        return _answer_lines(kubernetes, policy or "first-fit", seed, (timing, node_outcomes, keep_share_ids))
    from drapolicy.cli.allocate import How
    from drapolicy.cli.allocate import allocate as run

    return run(
        sources,
        How(policy or "", together, write_lp, seed),
        topology=topology,
        kubernetes=kubernetes,
        lenient=lenient,
        check=check,
        output=output,
    )


def _refuse_beside_lines(given: Mapping[str, object]) -> None:
    """Refuse what answers to problems on standard input have no use for.

    Raises
    ------
    BadParameter
        When any of it is given; names it.
    """
    names = [name for name, used in given.items() if used]
    if names:
        message = f"--jsonl reads problems from standard input; leave {', '.join(names)} out"
        raise typer.BadParameter(message)


def _answer_lines(kubernetes: Release, policy: str, seed: int, how: tuple[bool, bool, bool]) -> int:
    from drapolicy.cli.jsonl import Options, run
    from drapolicy.cli.solve import decide_by

    # Broken characters are replaced, as they are in Go; nothing in a line's text may end the program.
    for stream in (sys.stdin, sys.stdout):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(encoding="utf-8", errors="replace", newline="\n")
    run(sys.stdin, sys.stdout, kubernetes=kubernetes, policy=decide_by(policy, seed), options=Options(*how))
    return 0


@app.command()
def convert(
    files: Annotated[list[str], typer.Argument(metavar="FILES", help="Files and folders; - is standard input.")],
    *,
    to: Annotated[str, typer.Option(metavar="VERSION", help="v1, v1beta2, v1beta1 or v1alpha3.")],
    k8s: Annotated[
        str, typer.Option("--k8s", metavar="MINOR", help="Kubernetes release that the files are for.")
    ] = "1.37",
    lenient: Annotated[bool, typer.Option("--lenient", help="Leave unknown fields out.")] = False,
    output: Annotated[Text, typer.Option("--output", "-o", help="How the objects are written.")] = Text.YAML,
) -> int:
    """Print files with the objects of resource.k8s.io in another API version, all else as it is.

    Nothing is printed if the version cannot hold an object, such as a DeviceTaintRule in v1beta1.

    \b
    Exit code: 0 done, 2 bad input, or an object that the version cannot hold.

    \b
    Examples:
      drapolicy convert --to v1 old/ > new.yaml
      kubectl get resourceslices -o json | drapolicy convert --to v1beta1 -o json -
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.convert import convert as run
    from drapolicy.cli.releases import chosen

    return run(files, to=to, kubernetes=chosen(k8s), lenient=lenient, output=output)


@app.command()
def gates(*, k8s: Minor = "1.37", feature_gates: Gates = None, output: Output = Format.TABLE) -> int:
    """List the feature gates of a Kubernetes release, and which are on.

    \b
    Examples:
      drapolicy gates --k8s 1.36
      drapolicy gates --feature-gates AllAlpha=true -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.releases import chosen
    from drapolicy.cli.releases import gates as run

    return run(chosen(k8s, feature_gates or ()), output)


@app.command()
def version() -> int:
    """Print the version."""
    from drapolicy import __version__

    sys.stdout.write(f"drapolicy {__version__}\n")
    return 0
