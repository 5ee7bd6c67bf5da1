"""What the README says happens."""

from __future__ import annotations

import doctest
import os
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


def script_of(root: Path, heading: str) -> str:
    """The first commands below a heading of the README."""
    section = (root / "README.md").read_text(encoding="utf-8").split(f"{heading}\n", 1)[1]
    return section.split("```sh\n", 1)[1].split("```", 1)[0]


def played(root: Path, folder: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Commands, run line by line in a folder that has the datasets."""
    (folder / "datasets").symlink_to(root / "datasets")
    shell = f'drapolicy() {{ "{sys.executable}" -m drapolicy "$@"; }}\n{script}'
    return subprocess.run(
        ["sh", "-e", "-c", shell],
        cwd=folder,
        env={"PYTHONPATH": str(root), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_commands_of_topology_run(root: Path, tmp_path: Path) -> None:
    """What the README says of machines and links can be typed line by line where there is no GPU."""
    script = script_of(root, "## Machines and links")
    assert script.count("drapolicy topology ") > 4
    ran = played(root, tmp_path, script)
    assert (ran.returncode, ran.stderr) == (0, "")
    assert "GPU0 - GPU4: 50000 -> 5000 MB/s" in ran.stdout
    assert "12 nodes got links" in ran.stdout


@pytest.mark.slow
def test_the_commands_of_evaluation_run(root: Path, tmp_path: Path) -> None:
    """What the README says to find a policy with can be typed line by line; here with fewer jobs and seeds."""
    script = script_of(root, "## Which policy should I run?")
    fewer = {
        "--jobs 200": "--jobs 12",
        "seeds: 10": "seeds: 2",
        "fgd shadow-price --seeds 42-46": "best-fit --seeds 42",
    }
    for line, short in fewer.items():
        assert line in script
        script = script.replace(line, short)
    ran = played(root, tmp_path, script)
    assert ran.returncode == 0, ran.stderr
    assert "helios: queue differs" in ran.stdout
    assert re.search(r"05-BestFit +allocated +9\d", ran.stdout)
    assert {path.name for path in (tmp_path / "out" / "fifo").iterdir()} >= {"report.html", "report.md", "cells.csv"}


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
