"""The format of a file is found from its content, or the file is refused by what it is."""

from __future__ import annotations

import importlib
import time
from pathlib import Path

import pytest

from drapolicy import topology
from drapolicy.errors import ParseError
from drapolicy.topology import nvidia_smi
from drapolicy.topology.lookalikes import what_it_is
from drapolicy.topology.read import FORMATS, load, load_text
from drapolicy.topology.source import json_of, text_of

PAIR = "\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n"


def test_a_file_is_read_whatever_its_name(tmp_path: Path) -> None:
    """Content, not the name, tells the format."""
    file = tmp_path / "topology.conf"
    file.write_text(PAIR)
    assert topology.read(file, product="A100") == nvidia_smi.topology(nvidia_smi.parse(PAIR), "A100")
    assert load(file).format is nvidia_smi
    assert load(file).facts["kind"] == "nvidia-smi"


def test_formats_are_named_once() -> None:
    """Each importer has a name of its own for messages."""
    assert len({form.NAME for form in FORMATS}) == len(FORMATS)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        ('<graphs version="1"><graph id="0"/></graphs>', "graph file of NCCL"),
        ('<?xml version="1.0"?>\n<!-- one -->\n<graphs version="1"/>', "graph file of NCCL"),
        ('{"provider": {"name": "x"},\n "engine": {"name": "slurm"}}', "topograph"),
        ("provider:\n  name: dra\nengine:\n  name: slinky\n", "topograph"),
        ("physicalCluster:\n  cellTypes: {}\n", "HiveD"),
        ('#\nswitchguid=0x1(1)\nSwitch\t65 "S-1"\t\t# "leaf"\n[1]\t"H-2"[1](2)\n', "ibnetdiscover"),
        ("<svg/>", "XML of another kind"),
        ('{"a": 1}', "JSON of another kind"),
        ("\tGPU0\tGPU1\nGPU0\t X \tOK\nGPU1\tOK\t X \n", "topo -p2p"),
        ("GPU0\t X \tNV4\nGPU1\tNV4\t X \n", "not the line above them that names the columns"),
        ("hello", "is of no known format; these are read: nvidia-smi topo -m"),
    ],
)
def test_what_is_no_topology_is_named(text: str, reason: str) -> None:
    """Files that look alike are refused by what they are."""
    with pytest.raises(ParseError, match=reason):
        load_text(text, "file")


def test_a_file_that_makes_no_graph_is_named() -> None:
    """A file can be well and its graph not."""
    reading = load_text("topology: all\nflat: true\n", "topology.yaml")
    assert reading.facts["switches"] == 0
    with pytest.raises(ParseError, match="topology.yaml: topology all: topology/flat says nothing"):
        reading.topology()
    with pytest.raises(ParseError, match=r"model.yaml: vertex .*is not a name"):
        load_text('switches: {"a\\t": {nodes: [n]}}\n', "model.yaml").topology()


def test_two_formats_in_one_text_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A text that two importers recognise is read by none."""
    monkeypatch.setattr(importlib.import_module("drapolicy.topology.read"), "FORMATS", (nvidia_smi, nvidia_smi))
    with pytest.raises(
        ParseError, match="could be any of nvidia-smi topo -m, nvidia-smi topo -m; give the output of one"
    ):
        load_text(PAIR)


@pytest.mark.parametrize("unit", ["|", " ", "\n", "<!-- -->", "<", "GPU0 ", "GPU0\n", "provider:", "[", "=", "\t"])
def test_recognition_does_not_backtrack(unit: str) -> None:
    """A megabyte of anything takes well under a second; what is quadratic in it would take hours."""
    text = unit * (1_000_000 // len(unit))
    start = time.process_time()
    for form in FORMATS:
        form.recognises(text)
    what_it_is(text)
    assert time.process_time() - start < 60


def test_a_long_file_is_refused(tmp_path: Path) -> None:
    """More bytes than the limit are not read."""
    file = tmp_path / "topo.txt"
    file.write_text(PAIR)
    with pytest.raises(ParseError, match=r"topo.txt: is longer than 10 bytes"):
        text_of(file, max_bytes=10)
    assert text_of(file, max_bytes=len(PAIR)) == PAIR


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "line 1: not JSON: the text ends too early"),
        ('{"a": 1, "a": 2}', "a: is given twice"),
        ("{} {}", "holds 2 JSON documents; give one"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": NaN}', "NaN is no JSON number"),
    ],
)
def test_json_that_is_refused(text: str, reason: str) -> None:
    """What is no single JSON document is refused with line or path."""
    with pytest.raises(ParseError, match=reason):
        json_of(text, "file.json")
