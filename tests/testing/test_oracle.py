"""The oracle is upstream: it repeats what upstream's own test tables expect."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drapolicy.testing.oracle import FOLDER

RELEASES = {"1.34.13": 157, "1.35.10": 186, "1.36.6": 233, "1.37.2": 278}


@pytest.mark.go
@pytest.mark.parametrize(("version", "count"), RELEASES.items())
def test_upstream_repeats_its_own_tables(shared: Path, version: str, count: int) -> None:
    """Each release's program gives what the tables of that release expect, with as many steps."""
    program = FOLDER / f"oracle-{version.rpartition('.')[0]}"
    if not program.is_file():
        pytest.skip("this release's oracle is not built: make oracle")
    folder = shared / "conformance"
    told = subprocess.run(
        [sys.executable, folder / "check.py", "--allocate-one", folder / f"upstream-{version}.jsonl", program],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert f"'agree': {count}" in told
    assert "DISAGREE" not in told


@pytest.mark.go
def test_each_program_is_built_from_the_release_it_names() -> None:
    """`-version` tells the pinned module."""
    built = sorted(FOLDER.glob("oracle-*"))
    if not built:
        pytest.skip("no oracle is built: make oracle")
    told = {
        path.name: subprocess.run([path, "-version"], capture_output=True, text=True, check=True).stdout
        for path in built
    }
    pinned = {f"oracle-{version.rpartition('.')[0]}": version for version in RELEASES}
    assert told == {name: f"k8s.io/dynamic-resource-allocation v0.{pinned[name][2:]}\n" for name in told}


@pytest.mark.go
def test_go_sources_are_formatted(root: Path) -> None:
    """`gofmt` has nothing to change."""
    if not shutil.which("gofmt"):
        pytest.skip("there is no Go")
    told = subprocess.run(["gofmt", "-l", root / "tools" / "oracle"], capture_output=True, text=True, check=True)
    assert told.stdout == ""
