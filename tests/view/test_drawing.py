"""Placements as pictures: complete, safe, the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from xml.etree import ElementTree as ET

import msgspec
import pytest

import drapolicy as dp
from drapolicy.api import ObjectMeta, ResourceClaim
from drapolicy.api.resource import (
    AllocationResult,
    DeviceAllocationResult,
    DeviceRequestAllocationResult,
    ResourceClaimStatus,
)
from drapolicy.errors import UnknownReferenceError

TWO = {"gpu": (2, "gpu.nvidia.com")}
EVIL = "<script>alert(1)</script>]]>\"'&\x00\x1b\u202e\ud800"


def taken(device: str, name: str = "other") -> dp.Objects:
    result = DeviceRequestAllocationResult(request="gpu", driver="gpu.nvidia.com", pool="node-00", device=device)
    allocation = AllocationResult(devices=DeviceAllocationResult(results=[result]))
    meta = ObjectMeta(name=name, namespace="default")
    return dp.Objects(claims=(ResourceClaim(metadata=meta, status=ResourceClaimStatus(allocation=allocation)),))


def texts(svg: str) -> list[str]:
    return [
        element.text or element[0].tail or "" for element in ET.fromstring(svg).iter() if element.tag.endswith("}text")
    ]


@pytest.fixture(scope="module")
def bridged() -> dp.Fleet:
    return dp.workload.fleet("a100-bridged-4")


def test_a_pair_is_drawn_with_its_link(bridged: dp.Fleet, golden: Callable[[str, str], None]) -> None:
    """Chosen, taken and free devices, the link's kind and bandwidth, and the score by term."""
    wanted = dp.workload.claims(TWO, name="pair").merged(taken("gpu-0"))
    picture = dp.view.placement(bridged, dp.place(bridged, wanted, "bandwidth"), wanted=wanted, title="A pair")
    shown = texts(picture.svg)
    assert {"NV12 300,000 MB/s", "pair: gpu = gpu-2, gpu-3", "free", "other", "node-00"} <= set(shown)
    assert any("inside 300,000 MB/s" in text for text in shown)
    golden("pair.svg", picture.svg.replace("><", ">\n<") + "\n")


def test_partitions_are_drawn_inside_their_gpu(golden: Callable[[str, str], None]) -> None:
    """A bar of memory slices a GPU, held partitions where they lie."""
    fleet = dp.workload.fleet("a100-mig")
    profile = "device.attributes['gpu.nvidia.com'].profile == '{}'"
    wanted = dp.workload.claims({"p": (1, "mig.nvidia.com", profile.format("3g.20gb"))}, name="three")
    wanted = wanted.merged(dp.workload.claims({"g": (1, "gpu.nvidia.com")}, name="full"))
    picture = dp.view.placement(fleet, dp.place_all(fleet, wanted, "packing"), wanted=wanted)
    assert {"3g.20gb", "whole", "1 of 26 held", "0 of 26 held"} <= set(texts(picture.svg))
    golden("partitions.svg", picture.svg.replace("><", ">\n<") + "\n")


def test_a_pending_ask_says_why(bridged: dp.Fleet) -> None:
    """Nothing is drawn as chosen; the message is that of the event."""
    wanted = dp.workload.claims({"gpu": (5, "gpu.nvidia.com")})
    picture = dp.view.placement(bridged, dp.place(bridged, wanted), wanted=wanted)
    assert "default/claim stays pending" in texts(picture.svg)
    assert "0/1 nodes are available: 1 cannot allocate all claims." in texts(picture.svg)


def test_the_same_input_gives_the_same_bytes(bridged: dp.Fleet) -> None:
    """Pictures can be compared and kept in version control."""
    wanted = dp.workload.claims(TWO, 3)
    drawn = [dp.view.placement(bridged, dp.place_all(bridged, wanted), wanted=wanted).svg for _ in range(2)]
    assert drawn[0] == drawn[1]


def test_names_are_data(bridged: dp.Fleet) -> None:
    """Markup, quotes and control characters in any name stay text, and the picture stays XML."""
    wanted = dp.workload.claims(TWO, name=EVIL).merged(taken("gpu-0", EVIL))
    found = replace(
        dp.place(bridged, dp.workload.claims(TWO).merged(taken("gpu-0"))), ask=EVIL, policy=EVIL, score={EVIL: 1}
    )
    for placed in (found, replace(found, node=None, results=(), reasons={EVIL: 1})):
        picture = dp.view.placement(bridged, placed, wanted=wanted, title=EVIL)
        root = ET.fromstring(picture.svg.encode())
        assert {e.tag.rpartition("}")[2] for e in root.iter()} <= {
            "svg",
            "rect",
            "g",
            "text",
            "title",
            "path",
            "defs",
            "pattern",
        }
        assert not [key for e in root.iter() for key in e.attrib if key.startswith("on") or key.endswith("href")]
        assert "<script" not in picture.svg
        assert not set(picture.svg) & {"\x00", "\x1b", "\u202e"}


def test_device_and_node_names_are_data() -> None:
    """The same for names that a driver publishes."""
    objects = dp.workload.fleet_objects("a100-bridged-4", 1)
    spec = objects.slices[0].spec
    devices = [msgspec.structs.replace(d, name=f"{EVIL[:-1]}{i}") for i, d in enumerate(spec.devices)]
    evil = msgspec.structs.replace(objects.slices[0], spec=msgspec.structs.replace(spec, devices=devices))
    fleet = dp.build(dp.Objects(slices=(evil,), classes=objects.classes))
    svg = dp.view.placement(fleet, dp.place(fleet, dp.workload.claims(TWO))).svg
    ET.fromstring(svg.encode())
    assert "<script" not in svg


@pytest.mark.parametrize(
    ("model", "nodes", "count"), [("dgx-h100", 2, 8), ("aws-p4d", 1, 4), ("a100-pcie-bridged", 12, 8)]
)
def test_everything_is_inside_the_picture(model: str, nodes: int, count: int) -> None:
    """Boxes stay within 760 pixels and the height, for one claim after another on many nodes."""
    fleet = dp.workload.fleet(model, nodes)
    wanted = dp.workload.claims({"gpu": (count, "gpu.nvidia.com")}, nodes)
    root = ET.fromstring(dp.view.placement(fleet, dp.place_all(fleet, wanted), wanted=wanted).svg)
    width, height = int(root.attrib["width"]), int(root.attrib["height"])
    assert width == 760
    for rect in (e for e in root.iter() if e.tag.endswith("}rect") and "x" in e.attrib):
        assert float(rect.attrib["x"]) + float(rect.attrib["width"]) <= width
        assert float(rect.attrib["y"]) + float(rect.attrib["height"]) <= height


def test_a_placement_of_another_fleet_is_refused(bridged: dp.Fleet) -> None:
    """A node or device that is not there is named."""
    found = dp.place(bridged, dp.workload.claims(TWO))
    with pytest.raises(UnknownReferenceError, match="node elsewhere is not in the fleet"):
        dp.view.placement(bridged, replace(found, node="elsewhere"))
    with pytest.raises(UnknownReferenceError, match="is not on node node-00"):
        dp.view.placement(
            dp.workload.fleet("a100-mig"),
            dp.place(dp.workload.fleet("aws-p4d"), dp.workload.claims({"n": (1, "rdma.dra.net")})),
        )


def test_a_picture_says_in_words_what_it_shows(bridged: dp.Fleet) -> None:
    """Frontends without pictures get text, screen readers a label."""
    picture = dp.view.placement(bridged, dp.place(bridged, dp.workload.claims(TWO), "bandwidth"))
    bundle = picture._repr_mimebundle_()
    assert set(bundle) == {"image/svg+xml", "text/plain"}
    assert bundle["text/plain"].startswith(
        "default/claim: bandwidth → node-00: gpu = gpu-0, gpu-1 (inside 300,000 MB/s"
    )
    assert ET.fromstring(picture.svg).attrib["aria-label"] == picture.summary
