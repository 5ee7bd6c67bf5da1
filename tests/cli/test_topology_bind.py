"""``drapolicy topology bind``: fleets of several products, and nodes that only their links tell apart."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

SLICE = """\
apiVersion: resource.k8s.io/v1
kind: ResourceSlice
metadata: {{name: {node}}}
spec:
  driver: gpu.nvidia.com
  nodeName: {node}
  pool: {{name: {node}, generation: 1, resourceSliceCount: 1}}
  devices:
  - {{name: gpu-0, attributes: {{index: {{int: 0}}, productName: {{string: {product}}}}}}}
  - {{name: gpu-1, attributes: {{index: {{int: 1}}, productName: {{string: {product}}}}}}}
"""
PAIR = "\tGPU0\tGPU1\nGPU0\t X \tNV12\nGPU1\tNV12\t X \n"


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """Return two nodes of one product and one of another, alike in their slices."""
    path = tmp_path / "fleet.yaml"
    nodes = {"a": "NVIDIA A100-SXM4-80GB", "b": "NVIDIA A100-SXM4-40GB", "h": "NVIDIA H100 80GB HBM3"}
    path.write_text("---\n".join(SLICE.format(node=node, product=product) for node, product in nodes.items()))
    return path


@pytest.fixture
def pair(tmp_path: Path) -> Path:
    """Return what a machine of two GPUs printed."""
    path = tmp_path / "topo.txt"
    path.write_text(PAIR)
    return path


def test_a_product_has_a_file_of_its_own(run, mixed, pair):
    """Only nodes of the product's family are joined; the others are listed."""
    words = ("topology", "bind", mixed, "--topology", pair, "--product", "NVIDIA A100-SXM4-40GB")
    told = json.loads(run(*words, "-o", "json").out)
    assert (list(told["nodes"]), told["without"], told["other_product"]) == (["a", "b"], [], ["h"])
    out = run(*words).out
    assert "2 nodes got links, 0 did not" in out
    assert "left out, as no GPU there is of the family of NVIDIA A100-SXM4-40GB: h" in out


def test_nodes_that_only_links_tell_apart(run, mixed, pair):
    """Nodes of one signature, with links and without, are listed by signature and link table."""
    words = ("topology", "bind", mixed, "--topology", pair, "--product", "NVIDIA H100 80GB HBM3")
    (shape,) = json.loads(run(*words, "-o", "json").out)["apart"]
    assert [(table["nodes"], table["links"] is None) for table in shape["links"]] == [
        (["a", "b"], True),
        (["h"], False),
    ]
    lines = run(*words).out.splitlines()
    at = lines.index(f"alike in their slices (signature {shape['signature'][:12]}), but not in their links:")
    assert lines[at + 1] == "  none: 2 nodes: a, b"
    assert lines[at + 2].endswith(": 1 node: h")


def test_nodes_alike_in_all_are_not_listed(run, mixed, pair):
    """Where every node has the same links nothing is said."""
    ran = run("topology", "bind", mixed, "--topology", pair)
    assert "3 nodes got links" in ran.out
    assert "alike in their slices" not in ran.out
