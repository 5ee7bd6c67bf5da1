"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from drapolicy.cli.output import Format

Output = Annotated[Format, typer.Option("--output", "-o", help="How the result is written.")]
Lenient = Annotated[
    bool,
    typer.Option(
        "--lenient", help="Let unknown fields pass, and pools that a driver is replacing, as Kubernetes does."
    ),
]
Topology = Annotated[
    Path | None,
    typer.Option("--topology", metavar="FILE", help="What one of the machines printed; see `drapolicy topology`."),
]
Minor = Annotated[
    str, typer.Option("--k8s", metavar="MINOR", help="Kubernetes release that decides: 1.34, 1.35, 1.36 or 1.37.")
]
Gates = Annotated[
    list[str] | None,
    typer.Option(
        "--feature-gates",
        metavar="NAME=BOOL,...",
        help="Gates that are not as the release sets them; may be repeated. See `drapolicy gates`.",
    ),
]
