"""What the README says happens."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("page", ["README.md", "docs/batches.md", "docs/topology.md"])
def test_the_examples_run(root: Path, monkeypatch: pytest.MonkeyPatch, page: str) -> None:
    """A newcomer who types the Python of a page sees what it shows."""
    monkeypatch.chdir(root)
    failed, tried = doctest.testfile(str(root / page), module_relative=False, optionflags=doctest.ELLIPSIS)
    assert tried > 5
    assert failed == 0


def test_the_commands_of_topology_run(root: Path, tmp_path: Path) -> None:
    """What the README says of machines and links can be typed line by line where there is no GPU."""
    section = (root / "README.md").read_text(encoding="utf-8").split("## Machines and links", 1)[1]
    script = section.split("```sh\n", 1)[1].split("```", 1)[0]
    assert script.count("drapolicy topology ") > 4
    (tmp_path / "datasets").symlink_to(root / "datasets")
    shell = f'drapolicy() {{ "{sys.executable}" -m drapolicy "$@"; }}\n{script}'
    ran = subprocess.run(
        ["sh", "-e", "-c", shell],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "GPU0 - GPU4: 50000 -> 5000 MB/s" in ran.stdout
    assert "12 nodes got links" in ran.stdout


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
