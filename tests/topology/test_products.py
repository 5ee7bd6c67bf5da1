"""Bandwidths of a machine by the name of its GPUs."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import FAMILIES, family, link_rates
from drapolicy.topology.rates import NVLINK_MB_S, PCIE_X16_MB_S, XGMI_MB_S

PCIE_PATHS = [LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE, LinkKind.SYS]


@pytest.mark.parametrize("generation", PCIE_X16_MB_S)
def test_paths_fall_strictly_with_distance(generation: int) -> None:
    """PIX > PXB > PHB > NODE > SYS > 0, in whole MB/s."""
    rates = link_rates(pcie_generation=generation)
    found = [rates.bandwidth_mb_s(kind) for kind in PCIE_PATHS]
    assert found == sorted(set(found), reverse=True)
    assert found[0] == PCIE_X16_MB_S[generation].bandwidth_mb_s
    assert min(found) > 0
    assert {type(mb_s) for mb_s in found} == {int}


@pytest.mark.parametrize(("generation", "mb_s"), [(1, 20_000), (2, 25_000), (3, 25_000), (4, 25_000), (5, 50_000)])
def test_nvlinks_add_up(generation: int, mb_s: int) -> None:
    """NV# is # times one link of the generation."""
    rates = link_rates(nvlink_generation=generation)
    assert [rates.bandwidth_mb_s(LinkKind.NVLINK, count) for count in (1, 2, 18)] == [mb_s, 2 * mb_s, 18 * mb_s]


@pytest.mark.parametrize(
    ("product", "nvlink", "pcie", "mb_s"),
    [
        ("Tesla P100-SXM2-16GB", 1, 3, 20_000),
        ("Tesla V100-SXM2-16GB", 2, 3, 25_000),
        ("Quadro RTX 6000", 2, 3, 25_000),
        ("NVIDIA A100-SXM4-80GB", 3, 4, 25_000),
        ("NVIDIA RTX A6000", 3, 4, 14_062),
        ("NVIDIA A40", 3, 4, 14_062),
        ("NVIDIA RTX 6000 Ada Generation", 4, 4, 25_000),
        ("NVIDIA H100 80GB HBM3", 4, 5, 25_000),
        ("NVIDIA GH200 480GB", 4, 5, 25_000),
        ("NVIDIA H200", 4, 5, 25_000),
        ("NVIDIA B200", 5, 5, 50_000),
        ("NVIDIA GB300", 5, 5, 50_000),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", 5, 5, 50_000),
        ("something of tomorrow", 3, 4, 25_000),
        ("", 3, 4, 25_000),
    ],
)
def test_generations_follow_the_product(product: str, nvlink: int, pcie: int, mb_s: int) -> None:
    """The name of the product, as drivers publish it, decides the generations; unknown ones count as an A100."""
    rates = link_rates(product)
    assert (rates.nvlink_generation, rates.pcie_generation, rates.nvlink_mb_s) == (nvlink, pcie, mb_s)


def test_a_stated_generation_beats_the_product() -> None:
    """Parameters win over the name."""
    assert link_rates("NVIDIA RTX A6000", nvlink_generation=3).nvlink_mb_s == 25_000
    assert link_rates("NVIDIA B200", pcie_generation=3).pcie_x16_mb_s == 12_000


def test_every_family_is_faster_by_nvlink_than_by_pcie_of_its_time() -> None:
    """One link of any family up to PCIe 4 beats its PCIe; with PCIe 5 two do. GA10x has 4 links, so it needs two."""
    for row in FAMILIES:
        nvlink = row.nvlink or NVLINK_MB_S[row.nvlink_generation]
        assert 2 * nvlink.bandwidth_mb_s > PCIE_X16_MB_S[row.pcie_generation].bandwidth_mb_s, row.names


def test_self_carries_nothing_and_unknown_generations_are_refused() -> None:
    """X is 0; generations outside the table raise."""
    assert link_rates().bandwidth_mb_s(LinkKind.SELF) == 0
    with pytest.raises(InputError, match="pcie_generation: 7 is unknown"):
        link_rates(pcie_generation=7)


def test_every_family_of_the_table_has_its_series() -> None:
    """No row names an xGMI series or generation that has no rate."""
    for row in FAMILIES:
        assert row.xgmi in XGMI_MB_S
        assert row.nvlink_generation in NVLINK_MB_S
        assert row.pcie_generation in PCIE_X16_MB_S


@pytest.mark.parametrize(
    ("product", "series", "mb_s", "pcie"),
    [
        ("AMD Instinct MI355X", "MI350", 76_800, 5),
        ("AMD Instinct MI325X", "MI300", 64_000, 5),
        ("AMD Instinct MI300X", "MI300", 64_000, 5),
        ("AMD Instinct MI300A", "MI300", 64_000, 5),
        ("AMD INSTINCT MI250 (MCM) OAM AC MBA", "MI200", 50_000, 4),
        ("AMD Instinct MI250X", "MI200", 50_000, 4),
        ("AMD Instinct MI210", "MI200", 50_000, 4),
        ("AMD Instinct MI100", "MI100", 46_000, 4),
        ("Radeon Instinct MI60", "MI60", 50_000, 4),
        ("Radeon Instinct MI50 32GB", "MI50", 46_000, 4),
        ("", "MI200", 50_000, 4),
    ],
)
def test_xgmi_follows_the_product(product: str, series: str, mb_s: int, pcie: int) -> None:
    """The series decides what an xGMI link carries; links add up."""
    rates = link_rates(product)
    assert family(product).xgmi == series
    assert (rates.bandwidth_mb_s(LinkKind.XGMI), rates.pcie_generation) == (mb_s, pcie)
    assert rates.bandwidth_mb_s(LinkKind.XGMI, 4) == 4 * mb_s


@pytest.mark.parametrize("kind", [LinkKind.SOCKET, LinkKind.C2C, LinkKind.INFINIBAND, LinkKind.ETHERNET])
def test_kinds_without_one_speed_are_refused(kind: LinkKind) -> None:
    """A product's name does not say how fast sockets and networks are."""
    with pytest.raises(InputError, match=f"kind: {kind.value} has no one speed"):
        link_rates("NVIDIA B200").bandwidth_mb_s(kind)


def test_xe_links_and_whole_pcie_links_have_rates() -> None:
    """Sixteen Xe Links add up; PCIE is the link itself, without a path's share."""
    rates = link_rates("NVIDIA H100")
    assert rates.bandwidth_mb_s(LinkKind.XE, 16) == 424_000
    assert rates.bandwidth_mb_s(LinkKind.PCIE) == 48_000
