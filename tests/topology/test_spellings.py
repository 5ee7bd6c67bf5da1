"""The table of spellings, and what two drivers of a node have in common."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.topology.attributes import NodeDevice, common, values
from drapolicy.topology.spellings import LOCATION_FACTS, SPELLINGS

ROOT, NUMA = "resource.kubernetes.io/pcieRoot", "resource.kubernetes.io/numaNode"


def device(driver: str, **attributes: object) -> NodeDevice:
    """A device; ``root`` and ``numa`` are the standard attributes, other names the driver's own or ``a__b`` for a/b."""
    built = {}
    for key, given in attributes.items():
        name = {"root": ROOT, "numa": NUMA}.get(key, key.replace("__", "/").replace("_", "."))
        if isinstance(given, list):
            is_int = all(isinstance(item, int) for item in given)
            built[name] = DeviceAttribute(int_values=given) if is_int else DeviceAttribute(string_values=given)
        elif isinstance(given, int):
            built[name] = DeviceAttribute(int_value=given)
        else:
            built[name] = DeviceAttribute(string_value=str(given))
    return driver, "node", Device(name="d", attributes=built)


GPU, NIC, CPU = "gpu.nvidia.com", "dra.net", "dra.cpu"


def test_every_spelling_is_there_once_and_has_a_source() -> None:
    """The standard attribute comes first; no attribute tells two facts."""
    attributes = [spelling.attribute for rows in SPELLINGS.values() for spelling in rows]
    assert len(set(attributes)) == len(attributes)
    assert all(spelling.source for rows in SPELLINGS.values() for spelling in rows)
    assert set(LOCATION_FACTS) <= SPELLINGS.keys()


@pytest.mark.parametrize("fact", list(SPELLINGS))
def test_every_spelling_is_read(fact: str) -> None:
    """Each attribute of the table alone tells its fact."""
    for spelling in SPELLINGS[fact]:
        held = Device(name="d", attributes={spelling.attribute: DeviceAttribute(string_value="v")})
        assert values("x.io", held, fact) == ("v",)


def test_roots_without_a_common_value_never_match() -> None:
    """GPUs and NICs that both publish their root, on different roots (as on OCI's GB200)."""
    gpus = [device(GPU, root=root) for root in ("pci0008:00", "pci0009:00")]
    nics = [device(NIC, root=root, dra_net__numaNode=0) for root in ("pci0000:00", "pci0002:00")]
    (found,) = common([*gpus, *nics])
    assert (found.drivers, found.holds, found.never) == ((GPU, NIC), (), (ROOT,))
    (sentence,) = found.sentences
    assert sentence == (
        f"matchAttribute {ROOT} can never hold between {GPU} and {NIC} on this node: {GPU} has pci0008:00, "
        f"pci0009:00, {NIC} has pci0000:00, pci0002:00."
    )


def test_no_attribute_in_common() -> None:
    """GPUs publish their root, NICs their NUMA node (as on Azure's GB300)."""
    (found,) = common([device(GPU, root="pci0008:00"), device(NIC, numaNode=0, rdmaDevice="mlx5_0")])
    assert (found.holds, found.never) == ((), ())
    (sentence,) = found.sentences
    assert sentence == (
        f"{GPU} and {NIC} have no attribute in common that tells where a device is ({GPU}: {ROOT}; {NIC}: "
        f"{NIC}/numaNode), so no matchAttribute can be written between them on this node; join a side file instead."
    )


def test_the_same_fact_under_two_names_is_not_in_common() -> None:
    """A constraint has one name: dra.net/numaNode and numaNode of the standard never meet."""
    (found,) = common([device(GPU, numa=0), device(NIC, dra_net__numaNode=0)])
    assert found.holds == ()
    assert "no attribute in common" in found.sentences[0]


def test_one_shared_value_is_enough() -> None:
    """Where any two devices share a value, the attribute can hold; nothing is in the way."""
    (found,) = common([device(GPU, root="a"), device(GPU, root="b"), device(NIC, root="b")])
    assert (found.holds, found.never, found.sentences) == ((ROOT,), (), ())


def test_lists_share_any_member() -> None:
    """A CPU's list of roots and NUMA nodes meets one of a NIC, in the standard's name or the driver's."""
    cpu = device(CPU, root=["a", "b"], numa=[0, 1], dra_net__numaNode=3)
    (found,) = common([cpu, device(NIC, root="b", numaNode=3, numa=2)])
    assert found.holds == (ROOT, f"{NIC}/numaNode")
    assert found.never == (NUMA,)


def test_values_of_another_type_differ() -> None:
    """The number 0 and the text 0 are not equal (S50)."""
    (found,) = common([device(GPU, numa=0), device(NIC, numa="0")])
    assert found.never == (NUMA,)


def test_drivers_that_place_nothing_are_passed_over() -> None:
    """Domains have no place; three drivers give three pairs; no device, none."""
    domain = device("compute-domain.nvidia.com", type="daemon")
    assert common([domain, device(GPU, root="a")]) == ()
    assert common([]) == ()
    pairs = common([device(GPU, root="a"), device(NIC, root="a"), device(CPU, numa=0)])
    assert [found.drivers for found in pairs] == [(GPU, NIC), (GPU, CPU), (NIC, CPU)]
    assert common([device(GPU), device(NIC)])[0].sentences[0].count("none") == 2


def published(folder: Path, *names: str) -> list[NodeDevice]:
    """The devices of slices in files."""
    found = []
    for name in names:
        for document in yaml.safe_load_all((folder / name).read_text()):
            for item in document.get("items", [document]):
                for raw in item["spec"]["devices"]:
                    attributes = {
                        key: DeviceAttribute(int_value=held.get("int"), string_value=held.get("string"))
                        for key, held in raw.get("attributes", {}).items()
                    }
                    found.append((item["spec"]["driver"], "p", Device(name=raw["name"], attributes=attributes)))
    return found


@pytest.mark.parametrize(
    ("cloud", "holds", "says"),
    [("aws", (ROOT,), ""), ("azure", (), "no attribute in common")],
)
def test_real_nodes(shared: Path, cloud: str, holds: tuple[str, ...], says: str) -> None:
    """AWS p4d aligns by root; on Azure's GB300 nothing can."""
    folder = shared / "real/kubernetes-sigs_dranet"
    files = sorted(path.name for path in folder.glob(f"*{cloud}*resourceslice-*.yaml"))
    assert files
    (found,) = common(published(folder, *files))
    assert found.holds == holds
    assert [says in sentence for sentence in found.sentences] == [True] * bool(says)
