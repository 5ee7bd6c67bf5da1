"""Machines of vendors: what is in them, how it is linked, and where that is written."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from types import MappingProxyType

from drapolicy.topology.generate.machine import Machine, Root

_BASEBOARDS = "NVIDIA Fabric Manager user guide 2.3, section 1.6"
_DGX_H100 = "NVIDIA DGX H100/H200 user guide DU-11254, Network Modules: an NDR card for each GPU, 2 more of two ports"


def _pairs(text: str) -> tuple[tuple[int, int], ...]:
    return tuple((int(pair[0]), int(pair[1])) for pair in text.split())


def _beside(gpu: int, nic: int) -> Root:
    """Return a root with a switch that a card is on, and the GPU one bridge further."""
    return (((f"G{gpu}",), f"N{nic}"),)


def _all_pairs(gpus: int) -> tuple[tuple[int, int], ...]:
    return tuple(combinations(range(gpus), 2))


_DGX1 = (
    ((("G0", "G1", "N0"), ("G2", "G3", "N1")),),
    ((("G4", "G5", "N2"), ("G6", "G7", "N3")),),
)

_HGX_8 = (
    (_beside(0, 0), (("N1", "N2"),), _beside(1, 3), _beside(2, 4), _beside(3, 5)),
    (_beside(4, 6), (("N7", "N8"),), _beside(5, 9), _beside(6, 10), _beside(7, 11)),
)
_HGX_RAILS = (0, 3, 4, 5, 6, 9, 10, 11)

_OAM_8 = (
    tuple(_beside(gpu, gpu) for gpu in range(4)),
    tuple(_beside(gpu, gpu) for gpu in range(4, 8)),
)


def _dgx2_root(first: int) -> Root:
    gpus = range(first, first + 4)
    return (((f"G{gpus[0]}", f"G{gpus[1]}", f"N{first // 2}"), (f"G{gpus[2]}", f"G{gpus[3]}", f"N{first // 2 + 1}")),)


def _a100_root(gpu: int, nic: int) -> tuple[Root, ...]:
    return ((((f"G{gpu}",), (f"G{gpu + 1}",), (f"N{nic}",), (f"N{nic + 1}",)),),)


MACHINES: Mapping[str, Machine] = MappingProxyType(
    {
        "dgx-1-p100": Machine(
            "Tesla P100-SXM2-16GB",
            _DGX1,
            "QPI",
            "NVIDIA DGX-1 white paper WP-08437-001 (2017): hybrid cube mesh of 4 NVLinks a GPU, 4 EDR cards",
            mesh={1: _pairs("01 02 03 12 13 23 45 46 47 56 57 67 04 15 26 37")},
            rails=(0, 1, 2, 3),
        ),
        "dgx-1-v100": Machine(
            "Tesla V100-SXM2-16GB",
            _DGX1,
            "QPI",
            "NVIDIA DGX-1 white paper WP-08437-002 (2017): hybrid cube mesh of 6 NVLinks a GPU, 4 EDR cards",
            mesh={1: _pairs("01 02 13 26 37 45 46 57"), 2: _pairs("03 04 12 15 23 47 56 67")},
            rails=(0, 1, 2, 3),
        ),
        "dgx-2": Machine(
            "Tesla V100-SXM3-32GB",
            ((_dgx2_root(0), _dgx2_root(4)), (_dgx2_root(8), _dgx2_root(12))),
            "UPI",
            f"NVIDIA DGX-2 user guide DU-09130: 8 EDR cards; {_BASEBOARDS}.1: 2 boards of 8 GPUs and 6 NVSwitches, 48 "
            "NVLinks between",
            nvswitches=(
                *(MappingProxyType(dict.fromkeys(range(8), 1)),) * 6,
                *(MappingProxyType(dict.fromkeys(range(8, 16), 1)),) * 6,
            ),
            trunks=tuple((switch, switch + 6, 8) for switch in range(6)),
            rails=tuple(range(8)),
        ),
        "dgx-a100": Machine(
            "NVIDIA A100-SXM4-40GB",
            ((), _a100_root(2, 2), (), _a100_root(0, 0), (), _a100_root(6, 8), (), _a100_root(4, 6)),
            "IF",
            "NVIDIA DGX A100 user guide DU-09821: 8 NUMA nodes, 8 HDR cards; storage cards left out; "
            f"{_BASEBOARDS}.2: 2 NVLinks of each GPU to each of 6 NVSwitches",
            nvswitches=(MappingProxyType(dict.fromkeys(range(8), 2)),) * 6,
            rails=(0, 1, 2, 3, 6, 7, 8, 9),
        ),
        **{
            name: Machine(
                product,
                _HGX_8,
                sockets,
                source,
                nvswitches=tuple(MappingProxyType(dict.fromkeys(range(8), count)) for count in links),
                rails=_HGX_RAILS,
            )
            for name, product, sockets, links, source in (
                (
                    "hgx-h100",
                    "NVIDIA H100 80GB HBM3",
                    "UPI2",
                    (5, 4, 4, 5),
                    f"{_DGX_H100}; {_BASEBOARDS}.3: 5, 4, 4 and 5 NVLinks of each GPU to 4 NVSwitches",
                ),
                (
                    "hgx-h200",
                    "NVIDIA H200",
                    "UPI2",
                    (5, 4, 4, 5),
                    f"{_DGX_H100}; {_BASEBOARDS}.3: HGX H200 is as HGX H100",
                ),
                (
                    "hgx-b200",
                    "NVIDIA B200",
                    "UPI2-EMR",
                    (9, 9),
                    f"{_BASEBOARDS}.4: 2 NVSwitches, 18 NVLinks a GPU, divided evenly; assumed: cards as in DGX H100",
                ),
            )
        },
        "mi250x": Machine(
            "AMD Instinct MI250X",
            ((("G4", "G5", "N2"),), (("G2", "G3", "N1"),), (("G6", "G7", "N3"),), (("G0", "G1", "N0"),)),
            "IF-ZEN3",
            "OLCF, Frontier user guide, Frontier Compute Nodes; C. Pearson, arXiv:2302.14827: 4 modules of two dies, "
            "4, 2 or 1 links between dies, a NUMA node and a card each; assumed: they share a root, PCIe is drawn for "
            "the 36 GB/s of Infinity Fabric to the CPU",
            mesh={1: _pairs("02 15 37 46"), 2: _pairs("06 13 24 57"), 4: _pairs("01 23 45 67")},
            rails=(0, 1, 2, 3),
        ),
        "mi300a": Machine(
            "AMD Instinct MI300A",
            tuple(((f"G{gpu}",), (f"N{gpu}",)) for gpu in range(4)),
            "IF-ZEN3",
            "AMD CDNA 3 white paper (2023): 4 sockets, each to each by two links; assumed: a card each",
            mesh={2: _all_pairs(4)},
            rails=(0, 1, 2, 3),
        ),
        **{
            name: Machine(
                f"AMD Instinct {name.upper()}",
                _OAM_8,
                sockets,
                f"AMD Instinct {name.upper()} platform data sheet: 8 modules, each to each by one link; assumed, as "
                "servers differ: CPUs, and a card beside each module",
                mesh={1: _all_pairs(8)},
                rails=tuple(range(8)),
            )
            for name, sockets in (("mi300x", "UPI2"), ("mi325x", "IF-ZEN5"), ("mi355x", "IF-ZEN5"))
        },
    }
)
"""Machines by name."""
