"""The oracle is upstream: it repeats what upstream's own test tables expect."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from drapolicy.errors import InputError
from drapolicy.testing import oracle as oracle_module
from drapolicy.testing.oracle import FOLDER, Oracle

RELEASES = {"1.34.13": 157, "1.35.10": 186, "1.36.6": 233, "1.37.2": 278}


@pytest.fixture
def upstream() -> Iterator[Oracle]:
    """Upstream's allocator."""
    if not (FOLDER / "oracle-1.37").is_file():
        pytest.skip("the oracle is not built: make oracle")
    with Oracle() as found:
        yield found


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


@pytest.mark.go
def test_upstream_reads_strictly(upstream: Oracle) -> None:
    """Fields, features and variants that there are not are refused, each in its own words."""
    assert upstream.ask({"bogus": 1})["error"] == 'unknown field "bogus"'
    assert upstream.ask({"features": {"Bogus": True}})["error"] == 'unknown feature "Bogus"'
    assert upstream.ask({"variant": "bogus"})["errorKind"] == "input"
    assert upstream.ask({"variant": "stable", "features": {"ListTypeAttributes": True}})["errorKind"] == "new"


@pytest.mark.go
def test_upstream_tells_the_cost_of_an_expression(upstream: Oracle) -> None:
    """CEL mode gives value or error of each device, the estimate, and the cost of the evaluation."""
    devices = [{"name": "a", "attributes": {"n": {"int": 4}}}, {"name": "b"}]
    cel = {"expression": 'device.attributes["x.example"].n > 3', "driver": "x.example", "devices": devices}
    answer = upstream.ask({"cel": cel})["cel"]
    assert answer == {
        "outputType": "bool",
        "maxCost": 5,
        "devices": [{"value": True, "cost": 5}, {"error": "no such key: n", "cost": 5}],
    }
    limited = upstream.ask({"cel": {**cel, "costLimit": 2}})["cel"]["devices"][0]
    assert limited["error"] == "operation cancelled: actual cost limit exceeded"
    assert (
        "found no matching overload"
        in upstream.ask({"cel": {"expression": "device.driver == 3"}})["cel"]["compileError"]
    )


@pytest.mark.go
def test_many_lines_are_answered_in_their_order(upstream: Oracle) -> None:
    """More than pipes hold at once, in both directions."""
    texts = [f'{{"name":"{number}","bogus{"x" * 5000}":1}}'.encode() for number in range(200)]
    assert [answer["name"] for answer in upstream.answers(texts)] == [str(number) for number in range(200)]


def test_a_program_that_ended_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says with which code, and what it was asked last."""
    program = tmp_path / "oracle-1.37"
    program.write_text("#!/bin/sh\nexit 3\n")
    program.chmod(0o755)
    monkeypatch.setattr(oracle_module, "FOLDER", tmp_path)
    with (
        Oracle() as found,
        pytest.raises(InputError, match=r"oracle-1\.37 ended with code 3; its last line was .*last"),
    ):
        found.ask({"name": "last"})


def test_an_oracle_that_is_not_built_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says how to build it."""
    monkeypatch.setattr(oracle_module, "FOLDER", tmp_path)
    with pytest.raises(InputError, match=r"oracle of Kubernetes 1\.36 is not built; run `make oracle`"):
        Oracle("1.36")
