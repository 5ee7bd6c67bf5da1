"""The facts that are known of each real file are found, and what is no topology is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology.read import load, read

KINDS = (
    "nvidia-smi",
    "rocm-smi",
    "kfd-capture",
    "nccl-xml",
    "hwloc-xml",
    "hwloc-console",
    "slurm-conf",
    "topograph-model",
    "topograph-output",
)
"""Kinds of files in facts.json that have an importer."""


def files_of(shared: Path, kind: str) -> dict[Path, dict[str, object]]:
    """Files of a kind and what is known of each."""
    facts = json.loads((shared / "topology/facts.json").read_text())
    return {shared / "topology" / name: known for name, known in facts.items() if known["kind"] == kind}


@pytest.mark.parametrize("kind", KINDS)
def test_facts_are_found(shared: Path, kind: str) -> None:
    """Each file of a kind has exactly its facts."""
    files = files_of(shared, kind)
    assert files
    for file, known in files.items():
        assert load(file).facts == known, file


@pytest.mark.parametrize("kind", KINDS)
def test_graphs_are_made(shared: Path, kind: str) -> None:
    """Each file of a kind has a graph with devices or hosts."""
    for file in files_of(shared, kind):
        assert read(file).of_kind("gpu", "nic", "cpu", "host"), file


def test_what_is_no_topology_is_refused(shared: Path) -> None:
    """Graph files, requests, matrices of topo -p2p and files that are bad on purpose are refused, each with its name."""
    files = files_of(shared, "refused")
    assert len(files) >= 20
    for file in files:
        with pytest.raises(ParseError) as caught:
            load(file)
        assert all(fault.file == str(file) for fault in caught.value.faults), file
