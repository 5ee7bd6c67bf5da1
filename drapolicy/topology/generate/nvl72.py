"""GB200 NVL72: racks of 18 compute trays with 4 GPUs, joined by 9 switch trays with 2 NVSwitches."""

from __future__ import annotations

from itertools import product

from drapolicy.topology.generate.draft import Draft
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import link_rates
from drapolicy.topology.rates import C2C_MB_S, infiniband_mb_s

PRODUCT = "NVIDIA GB200"
TRAYS = 18
SWITCH_TRAYS = 9
SWITCHES_OF_TRAY = 2
GPUS_OF_TRAY = 4
RAILS = 4

_NDR_MB_S = infiniband_mb_s("NDR")

SOURCE = (
    "NVIDIA GB200 NVL72 data sheet and DGX GB200 user guide: 18 trays of 2 Grace CPUs, 4 GPUs and 4 NDR cards, 9 "
    "switch trays of 2 NVSwitches; 18 NVLinks a GPU and 18 NVSwitches, so one to each; leaves and spines are a choice"
)


def draw_nvl72(draft: Draft, *, racks: int) -> None:
    """Add racks to a picture; each is an NVLink domain of 72 GPUs, and all share a network with a leaf a rail and rack.

    Parameters
    ----------
    draft
        Picture.
    racks
        Number of racks; 8 are a domain of 576 GPUs.

    Notes
    -----
    Each of a rack's four leaves joins 18 cards and 18 spines, one for each card, so that nothing is lost above; where
    there is one rack there are no spines. Grace CPUs are NUMA nodes; GPUs and cards are on PCIe roots of their own, so
    that no two share one, as the slices of such trays show.
    """
    domain = draft.vertex("nvl", "domain")
    spines = [draft.vertex(f"spine{n}", "switch", layer="spine") for n in range(TRAYS)] if racks > 1 else []
    for r in range(racks):
        rack = draft.vertex(f"rack{r}", "rack", domain)
        leaves = [draft.vertex(f"rack{r}/leaf{rail}", "switch", rack, layer="leaf") for rail in range(RAILS)]
        for leaf, spine in product(leaves, spines):
            draft.link(leaf, spine, LinkKind.INFINIBAND, _NDR_MB_S)
        nvswitches = [
            draft.vertex(f"rack{r}/nvswitch{n}", "switch", rack, layer="nvswitch")
            for n in range(SWITCH_TRAYS * SWITCHES_OF_TRAY)
        ]
        for tray in range(TRAYS):
            _tray(draft, rack, f"rack{r}/tray{tray}", nvswitches, leaves)


def _tray(draft: Draft, rack: str, host: str, nvswitches: list[str], leaves: list[str]) -> None:
    rates = link_rates(PRODUCT)
    draft.vertex(host, "host", rack)
    numa = [draft.vertex(f"{host}/numa{n}", "numa", host) for n in range(2)]
    draft.sockets(numa, "ARM")
    for gpu in range(GPUS_OF_TRAY):
        name, home = f"{host}/GPU{gpu}", numa[gpu // 2]
        root = draft.vertex(f"{host}/pci{gpu:04x}:00", "pcie_root", home)
        draft.vertex(name, "gpu", index=gpu, pci=f"{gpu:04x}:01:00.0", product=PRODUCT)
        draft.pcie(name, root, rates.pcie_generation)
        draft.link(name, home, LinkKind.C2C, C2C_MB_S["GB200"].bandwidth_mb_s)
        for switch in nvswitches:
            draft.link(name, switch, LinkKind.NVLINK, rates.nvlink_mb_s, generation=rates.nvlink_generation)
    for rail, leaf in enumerate(leaves):
        name, number = f"{host}/NIC{rail}", GPUS_OF_TRAY + rail
        root = draft.vertex(f"{host}/pci{number:04x}:00", "pcie_root", numa[rail // 2])
        draft.vertex(name, "nic", index=rail, pci=f"{number:04x}:01:00.0", rdma=f"mlx5_{rail}", rail=rail)
        draft.pcie(name, root, rates.pcie_generation)
        draft.link(name, leaf, LinkKind.INFINIBAND, _NDR_MB_S)
