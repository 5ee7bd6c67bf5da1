"""What links carry, and who says so."""

from __future__ import annotations

import pytest

from drapolicy.errors import InputError
from drapolicy.topology.measures import torus_bisection
from drapolicy.topology.rates import (
    C2C_MB_S,
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
    ethernet_mb_s,
    infiniband_mb_s,
    pcie_mb_s,
)


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
