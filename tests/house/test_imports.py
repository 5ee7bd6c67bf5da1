"""Data flows one way through the packages, and so do imports (G1)."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

# The line of docs/architecture.md, and who sees everything.
LINE = (
    "errors",
    "text",
    "release",
    "api",
    "cel",
    "inventory",
    "topology",
    "problem",
    "policies",
    "verify",
    "workload",
    "simulate",
    "evaluate",
    "view",
    "cli",
    "testing",
)
RANK = {name: rank for rank, name in enumerate(LINE)}


def modules(root: Path) -> list[Path]:
    return sorted((root / "drapolicy").rglob("*.py"))


def part(module: Path, package: Path) -> str:
    """First folder or file below the package: the step on the line."""
    return module.relative_to(package).parts[0].removesuffix(".py")


def imported_parts(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            names = [node.module] if node.module != "drapolicy" else [f"drapolicy.{a.name}" for a in node.names]
        found |= {name.split(".")[1] for name in names if name.startswith("drapolicy.")}
    return found


def wrong_arrows(own: str, imported: set[str]) -> list[str]:
    return sorted(other for other in imported if other != own and other in RANK and RANK[other] >= RANK[own])


def test_imports_point_back_up_the_line(root: Path) -> None:
    """No package knows of a step that comes after it."""
    package = root / "drapolicy"
    wrong = []
    for module in modules(root):
        own = part(module, package)
        if own not in RANK:
            continue
        tree = ast.parse(module.read_text(encoding="utf-8"))
        wrong += [f"{module.relative_to(root)} imports {other}" for other in wrong_arrows(own, imported_parts(tree))]
    assert wrong == []


def test_every_part_has_a_place_on_the_line(root: Path) -> None:
    """A new package cannot appear beside the line unseen."""
    package = root / "drapolicy"
    parts = {part(module, package) for module in modules(root)} - {"__init__", "__main__"}
    assert parts == set(RANK)


def test_the_page_shows_this_line(root: Path) -> None:
    """Who reads the architecture sees the order that is held."""
    page = (root / "docs" / "architecture.md").read_text(encoding="utf-8")
    assert " → ".join(LINE[:-1]) in page


def test_relative_imports_are_not_used(root: Path) -> None:
    """Relative imports would hide an arrow from the test above."""
    relative = [
        module
        for module in modules(root)
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


@pytest.mark.parametrize(
    ("own", "source", "wrong"),
    [
        ("api", "from drapolicy.cel import compile", ["cel"]),
        ("api", "from drapolicy import policies", ["policies"]),
        ("cli", "import drapolicy.view.placement", []),
        ("view", "def f():\n    from drapolicy.cli import main", ["cli"]),
    ],
)
def test_a_wrong_arrow_is_seen(own: str, source: str, wrong: list[str]) -> None:
    """The check above finds imports at top level, inside functions and of packages by name."""
    assert wrong_arrows(own, imported_parts(ast.parse(source))) == wrong
