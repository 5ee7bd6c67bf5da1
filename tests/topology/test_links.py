"""The table of link kinds."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError
from drapolicy.topology.links import (
    C2C_MB_S,
    FAMILIES,
    GA10X_NVLINK,
    ICI_MB_S,
    INFINIBAND_LANE_MBIT_S,
    LATENCY_NS,
    MDF,
    NCCL_LOCAL,
    NVLINK_MB_S,
    PCIE_GENERATION_OF_GT_S,
    PCIE_RAW_LANE_MB_S,
    PCIE_SHARE_24THS,
    PCIE_X16_MB_S,
    SOCKET_MB_S,
    XE_LINK,
    XGMI_MB_S,
    LinkKind,
    ethernet_mb_s,
    family,
    infiniband_mb_s,
    link_rates,
    pcie_mb_s,
)
from drapolicy.topology.measures import torus_bisection

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


@pytest.mark.parametrize(
    ("generation", "lanes", "mb_s"), [(1, 1, 187), (3, 16, 12_000), (4, 8, 12_000), (6, 16, 96_000)]
)
def test_pcie_is_generation_times_lanes(generation: int, lanes: int, mb_s: int) -> None:
    """Every generation doubles; lanes share."""
    assert pcie_mb_s(generation, lanes) == mb_s


@pytest.mark.parametrize(("generation", "lanes"), [(0, 16), (7, 16), (4, 0), (4, 33), (4, True), (4, 8.0)])
def test_impossible_pcie_is_refused(generation: int, lanes: object) -> None:
    """Unknown generations and widths raise."""
    with pytest.raises(InputError, match="generation|lanes"):
        pcie_mb_s(generation, lanes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("speed", "lanes", "mb_s"),
    [
        ("SDR", 4, 1_000),
        ("ddr", 4, 2_000),
        ("QDR", 4, 4_000),
        ("FDR10", 4, 5_000),
        ("FDR", 4, 6_818),
        ("FDR", 1, 1_704),
        ("EDR", 4, 12_500),
        ("HDR", 4, 25_000),
        ("HDR", 2, 12_500),
        ("NDR", 4, 50_000),
        ("XDR", 4, 100_000),
    ],
)
def test_infiniband_is_speed_times_lanes(speed: str, lanes: int, mb_s: int) -> None:
    """Data rates after the line code, rounded down to whole MB/s."""
    assert infiniband_mb_s(speed, lanes) == mb_s


@pytest.mark.parametrize(("speed", "lanes"), [("ZDR", 4), ("", 4), ("NDR", 3), ("NDR", 0)])
def test_impossible_infiniband_is_refused(speed: str, lanes: int) -> None:
    """Unknown speeds and widths raise."""
    with pytest.raises(InputError, match="speed|lanes"):
        infiniband_mb_s(speed, lanes)


@pytest.mark.parametrize("gbit_s", [0, -1, True, 2.5, 3_201])
def test_impossible_ethernet_is_refused(gbit_s: object) -> None:
    """Only whole Gbit/s that exist or may soon."""
    assert [ethernet_mb_s(speed) for speed in (1, 25, 100, 400, 800)] == [125, 3_125, 12_500, 50_000, 100_000]
    with pytest.raises(InputError, match="gbit_s"):
        ethernet_mb_s(gbit_s)  # type: ignore[arg-type]


def test_generations_of_pcie_are_told_from_the_rate_of_a_lane() -> None:
    """All generations with a rate can be named by sysfs, faster ones later."""
    assert sorted(PCIE_GENERATION_OF_GT_S.values()) == sorted(PCIE_X16_MB_S)
    assert sorted(PCIE_GENERATION_OF_GT_S) == list(PCIE_GENERATION_OF_GT_S)


@pytest.mark.parametrize(
    ("total_gb_s", "links", "mb_s"),
    [
        (160, 4, NVLINK_MB_S[1].bandwidth_mb_s),
        (300, 6, NVLINK_MB_S[2].bandwidth_mb_s),
        (600, 12, NVLINK_MB_S[3].bandwidth_mb_s),
        (900, 18, NVLINK_MB_S[4].bandwidth_mb_s),
        (1_800, 18, NVLINK_MB_S[5].bandwidth_mb_s),
        (112.5, 4, GA10X_NVLINK.bandwidth_mb_s),
        (184, 2, XGMI_MB_S["MI50"].bandwidth_mb_s),
        (200, 2, XGMI_MB_S["MI60"].bandwidth_mb_s),
        (276, 3, XGMI_MB_S["MI100"].bandwidth_mb_s),
        (800, 8, XGMI_MB_S["MI200"].bandwidth_mb_s),
        (896, 7, XGMI_MB_S["MI300"].bandwidth_mb_s),
        (1_075.2, 7, XGMI_MB_S["MI350"].bandwidth_mb_s),
        (600, 6, ICI_MB_S["v4"].bandwidth_mb_s),
        (400, 4, ICI_MB_S["v5e"].bandwidth_mb_s),
        (1_200, 6, ICI_MB_S["v5p"].bandwidth_mb_s),
        (800, 4, ICI_MB_S["v6e"].bandwidth_mb_s),
        (900, 1, C2C_MB_S["GH200"].bandwidth_mb_s),
        (900, 2, C2C_MB_S["GB200"].bandwidth_mb_s),
    ],
)
def test_a_link_has_its_part_of_what_vendors_announce(total_gb_s: float, links: int, mb_s: int) -> None:
    """Totals of a device are both ways, of all its links; a link carries its part of half of it."""
    assert mb_s == int(total_gb_s * 1_000 / 2 / links)


@pytest.mark.parametrize(
    ("bits", "gt_s", "series"), [(16, 23, "MI100"), (16, 25, "MI200"), (16, 32, "MI300"), (16, 38.4, "MI350")]
)
def test_xgmi_is_width_times_rate(bits: int, gt_s: float, series: str) -> None:
    """Sixteen bits at the rate of the series."""
    assert XGMI_MB_S[series].bandwidth_mb_s == round(bits * gt_s * 1_000 / 8)


@pytest.mark.parametrize(("version", "tb_s"), [("v5e", 1.6), ("v6e", 3.2)])
def test_pods_of_tpus_have_the_bisection_that_google_states(version: str, tb_s: float) -> None:
    """A pod of 16 x 16 chips is cut over 32 links."""
    assert torus_bisection((16, 16), ICI_MB_S[version].bandwidth_mb_s) == tb_s * 1_000_000


@pytest.mark.parametrize("generation", PCIE_X16_MB_S)
def test_pcie_is_planned_with_three_quarters_of_its_rate(generation: int) -> None:
    """NCCL counts 3/4 of a byte for each 10 bits of the first two generations, and of each 8 bits later."""
    gt_s = next(rate for rate, of in PCIE_GENERATION_OF_GT_S.items() if of == generation)
    coding = {1: 8 / 10, 2: 8 / 10, 6: 242 / 256}.get(generation, 128 / 130)
    raw = gt_s * 1_000 / 8 * coding
    assert PCIE_RAW_LANE_MB_S[generation] == pytest.approx(raw, abs=0.1)
    assert PCIE_X16_MB_S[generation].bandwidth_mb_s / 16 == gt_s * 1_000 / 8 * 0.6 * (1 if generation < 3 else 1.25)


@pytest.mark.parametrize(
    ("speed", "gt_s", "coding"),
    [
        ("SDR", 2.5, 8 / 10),
        ("DDR", 5, 8 / 10),
        ("QDR", 10, 8 / 10),
        ("FDR10", 10.3125, 64 / 66),
        ("FDR", 14.0625, 64 / 66),
        ("EDR", 25.78125, 64 / 66),
    ],
)
def test_infiniband_is_its_rate_less_the_line_code(speed: str, gt_s: float, coding: float) -> None:
    """Up to EDR a lane's data rate is its rate on the wire less the line code."""
    assert INFINIBAND_LANE_MBIT_S[speed][0] == int(gt_s * 1_000 * coding)


def test_every_number_says_where_it_is_from() -> None:
    """Rates are positive whole numbers with a source."""
    rates = [XE_LINK, MDF, GA10X_NVLINK, NCCL_LOCAL]
    for table in (NVLINK_MB_S, PCIE_X16_MB_S, XGMI_MB_S, ICI_MB_S, C2C_MB_S, SOCKET_MB_S):
        rates += table.values()  # type: ignore[attr-defined]
    rows = [(rate.bandwidth_mb_s, rate.source) for rate in rates]
    rows += [*INFINIBAND_LANE_MBIT_S.values(), *LATENCY_NS.values(), *PCIE_SHARE_24THS.values()]
    assert all(type(number) is int and number > 0 and len(source) > 10 for number, source in rows)
