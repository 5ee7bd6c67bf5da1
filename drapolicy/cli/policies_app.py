"""The commands of ``drapolicy policies`` with their options."""

from __future__ import annotations

from typing import Annotated

import typer

from drapolicy.cli.options import Output
from drapolicy.cli.output import Format

_HELP = """List and describe the policies, and compare them with other allocators' answers; lists them by default.

\b
Examples:
  drapolicy policies
  drapolicy policies show fgd
  drapolicy policies run-cases go-gpuallocator.json
"""

app = typer.Typer(
    help=_HELP,
    invoke_without_command=True,
    rich_markup_mode=None,
)


@app.callback()
def _default(context: typer.Context, *, output: Output = Format.TABLE) -> None:
    if context.invoked_subcommand is None:
        _list(output)


def _list(output: Format) -> int:
    from drapolicy.cli.policies import policies as run

    return run(output)


@app.command("list")
def list_policies(*, output: Output = Format.TABLE) -> int:
    """List the policies, those of other packages behind the table's own.

    \b
    Examples:
      drapolicy policies
      drapolicy policies list -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    return _list(output)


@app.command()
def show(
    name: Annotated[
        str,
        typer.Argument(metavar="NAME", help="Name of a policy, with parameters behind it: NAME:KEY=VALUE,KEY=VALUE."),
    ],
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print its page as Markdown, as docs/policies has it.")
    ] = False,
    output: Output = Format.TABLE,
) -> int:
    """Describe a policy: what it does, its parameters, its objective, solver and node rule, and its source.

    \b
    Examples:
      drapolicy policies show fgd
      drapolicy policies show go-gpuallocator:policy=simple -o json
      drapolicy policies show packing --markdown
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.policies import show as run

    return run(name, output, markdown=markdown)


@app.command("run-cases")
def run_cases(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="Machines, asks and answers as JSON; - is standard input.")
    ],
    *,
    output: Output = Format.TABLE,
) -> int:
    """Play other allocators' cases with the policy of that name, and tell where it answers otherwise.

    The format is found from the content: cases of NVIDIA's go-gpuallocator, of the device plugins of AMD and Intel, of
    MAPA, and of FGD's unit tests. Sets of equal weight are equal where the case states a weight. Statements of the
    source that are wrong are named apart.

    \b
    Exit code: 0 all agree, 1 some do not, 2 bad input.

    \b
    Examples:
      drapolicy policies run-cases go-gpuallocator.json
      drapolicy policies run-cases mapa.json -o json
    """  # noqa: D301 - \b keeps the parser from joining the lines that follow it
    from drapolicy.cli.policies import cases as run

    return run(file, output)
