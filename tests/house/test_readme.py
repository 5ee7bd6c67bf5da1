"""What the README says happens."""

from __future__ import annotations

import doctest
import re
from pathlib import Path

import pytest


def test_the_examples_run(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A newcomer who types the README's Python sees what it shows."""
    monkeypatch.chdir(root)
    failed, tried = doctest.testfile(str(root / "README.md"), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 5
    assert failed == 0


def test_links_lead_somewhere(root: Path) -> None:
    """No link of README and docs is dead."""
    dead = [
        f"{page.relative_to(root)}: {link}"
        for page in (root / "README.md", *sorted((root / "docs").rglob("*.md")))
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
        if "://" not in link and not (page.parent / link).exists()
    ]
    assert dead == []


def test_policies_of_the_readme_are_those_of_the_table(root: Path) -> None:
    """A policy that is added is listed, one that is listed exists."""
    from drapolicy.policies import POLICIES

    section = (root / "README.md").read_text(encoding="utf-8").split("## Policies", 1)[1].split("##", 1)[0]
    assert re.findall(r"^\| `([a-z-]+)`", section, re.MULTILINE) == list(POLICIES)
