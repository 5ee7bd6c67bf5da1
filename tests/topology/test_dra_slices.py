"""Slices made by hand: what their attributes tell of where devices are, and what is refused."""

from __future__ import annotations

import json

import pytest
import yaml

from drapolicy import inventory
from drapolicy.errors import InputError, ParseError
from drapolicy.topology import dra_slices
from drapolicy.topology.read import load_text


def device(name: str, **attributes: str | int) -> dict[str, object]:
    """A device; ``k8s_`` stands for the domain of Kubernetes."""
    return {
        "name": name,
        "attributes": {
            key.replace("k8s_", "resource.kubernetes.io/"): {"int" if isinstance(held, int) else "string": held}
            for key, held in attributes.items()
        },
    }


def piece(node: str, driver: str, *devices: dict[str, object], generation: int = 1) -> dict[str, object]:
    """A slice that is a whole pool."""
    return {
        "apiVersion": "resource.k8s.io/v1",
        "kind": "ResourceSlice",
        "metadata": {"name": f"{node}-{driver}-{generation}"},
        "spec": {
            "driver": driver,
            "nodeName": node,
            "pool": {"name": node, "generation": generation, "resourceSliceCount": 1},
            "devices": list(devices),
        },
    }


GPUS = piece(
    "n1",
    "gpu.nvidia.com",
    device("gpu-0", type="gpu", uuid="GPU-0", k8s_pcieRoot="pci0000:00", k8s_pciBusID="0000:01:00.0", k8s_numaNode=0),
    device("gpu-1", type="gpu", uuid="GPU-1", k8s_pcieRoot="pci0000:80", k8s_pciBusID="0000:81:00.0", k8s_numaNode=1),
    device("part-0", type="mig", parentUUID="GPU-0"),
)
NICS = piece(
    "n1",
    "dra.net",
    device("nic-0", k8s_pcieRoot="pci0000:00", **{"dra.net/rdmaDevice": "mlx5_0", "dra.net/numaNode": 0}),
    device("nic-1", **{"dra.net/numaNode": 1}),
    device("nic-2"),
)


def text(*slices: dict[str, object]) -> str:
    return yaml.safe_dump_all(slices)


def test_devices_are_where_their_attributes_say() -> None:
    """Below a PCIe root, else at a NUMA node, else on the host; parts of GPUs are counted and left out."""
    made = load_text(text(GPUS, NICS), "slices.yaml").topology()
    graph = made.graph
    assert made.of_kind("gpu", "nic") == ("nic-0", "nic-1", "nic-2", "gpu-0", "gpu-1")
    assert set(graph["pci0000:00"]) == {"numa0", "gpu-0", "nic-0"}
    assert set(graph["numa1"]) == {"n1", "pci0000:80", "nic-1", "numa0"}
    assert set(graph["nic-2"]) == {"n1"}
    assert graph.nodes["gpu-1"] == {"kind": "gpu", "pci": "0000:81:00.0", "uuid": "GPU-1"}
    assert graph.nodes["nic-0"]["rdma"] == "mlx5_0"
    assert graph.graph["left_out"] == "1 of gpu.nvidia.com"
    assert graph.graph["assumed"] == ("nic-0", "gpu-0", "gpu-1", "numa0")


def test_facts_hold_the_signatures_of_shapes() -> None:
    """Nodes that are alike share a signature, which is that of the fleet."""
    other = piece("n2", "gpu.nvidia.com", *(device(f"gpu-{n}", type="gpu") for n in range(3)))
    facts = load_text(text(GPUS, other, piece("n3", "gpu.nvidia.com", device("a", type="gpu")))).facts
    fleet = dra_slices.parse(text(GPUS, other, piece("n3", "gpu.nvidia.com", device("a", type="gpu"))))
    assert facts["kind"] == "resource-slices"
    assert (facts["slices"], facts["nodes"], facts["devices"]) == (3, 3, {"gpu.nvidia.com": 7})
    assert [shape["nodes"] for shape in facts["shapes"]] == [2, 1]
    assert [shape["signature"] for shape in facts["shapes"]] == list(inventory.shapes(fleet).signatures)


def test_several_nodes_are_in_one_graph() -> None:
    """Vertices of a node have its name before theirs; devices of one name also that of their driver."""
    same = piece("n1", "dra.net", device("gpu-0"))
    made = dra_slices.topology(dra_slices.parse(text(GPUS, same, piece("n2", "dra.net", device("gpu-0")))))
    assert made.of_kind("nic") == ("n1/dra.net/gpu-0", "n2/gpu-0")
    assert made.of_kind("numa") == ("n1/numa0", "n1/numa1")


def test_the_newest_generation_counts() -> None:
    """Slices that a driver has replaced are not drawn."""
    old = piece("n1", "dra.net", device("gone"))
    new = piece("n1", "dra.net", device("here"), generation=2)
    assert dra_slices.topology(dra_slices.parse(text(old, new))).of_kind("nic") == ("here",)


@pytest.mark.parametrize(
    "written",
    [
        text(GPUS),
        json.dumps(GPUS),
        json.dumps({"apiVersion": "v1", "kind": "List", "items": [GPUS]}),
        yaml.safe_dump({"apiVersion": "v1", "kind": "List", "items": [GPUS]}),
    ],
)
def test_every_form_is_recognised(written: str) -> None:
    """Alone or in a list, as YAML or JSON."""
    assert load_text(written).topology().of_kind("gpu") == ("gpu-0", "gpu-1")


def test_what_is_refused() -> None:
    """Slices of no node, obsolete versions, and things of one name."""
    nowhere = piece("n1", "gpu.nvidia.com", device("gpu-0"))
    nowhere["spec"] = {**GPUS["spec"], "nodeName": None, "allNodes": True}  # type: ignore[dict-item]
    with pytest.raises(ParseError, match="f: has no slice with devices that names a node"):
        load_text(text(nowhere), "f")
    with pytest.raises(ParseError, match="v1alpha2"):
        load_text(text({**GPUS, "apiVersion": "resource.k8s.io/v1alpha2"}), "f")
    called = piece("numa0", "dra.net", device("nic", **{"dra.net/numaNode": 0}))
    with pytest.raises(InputError, match="f: numa0: is the name of two things"):
        load_text(text(called), "f").topology()
