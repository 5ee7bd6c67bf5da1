"""Places: NUMA nodes, network cards, cells, domains and partitions."""

from __future__ import annotations

from drapolicy.policies.nodes import Best
from drapolicy.policies.objective import Objective
from drapolicy.policies.objectives import (
    cells_broken,
    chances_lost,
    domain_slack,
    inside,
    longest_runs,
    misaligned,
    nic_distance,
    numa_nodes,
    pcie_roots,
    still_placeable,
)
from drapolicy.policies.ready.steps import STEPS
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers import Exact


def numa_align(*, max_steps: int | None = STEPS) -> Rule:
    """Devices of all requests and drivers in as few NUMA nodes as possible, then in as few PCIe roots.

    Then nearest across drivers, then what takes the least from later claims. Like kubelet's topology manager, but over
    all devices of a pod, and before the node is chosen.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    wanted = Objective().then(numa_nodes, pcie_roots, misaligned, chances_lost, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def nic_align(*, max_steps: int | None = STEPS) -> Rule:
    """Each GPU as near as possible to a network card, by PCIe path, then the most bandwidth among the GPUs.

    Cards that are asked for with the GPUs count first: each device near one of another driver. Where none is asked for,
    the node's cards count.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    wanted = Objective().then(misaligned, nic_distance, inside, chances_lost, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def hived_buddy(*, max_steps: int | None = STEPS) -> Rule:
    """Buddy cells on each node: the smallest aligned free block that is large enough is split.

    Blocks of 2, 4, 8 … devices are aligned by their place on the node; the fewest and smallest are broken, then the
    fullest node is taken.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Zhao et al., HiveD, OSDI'20, section 3; cells of one node, without virtual clusters.
    """
    return Rule(Objective().then(cells_broken, still_placeable), solver=Exact(max_steps=max_steps), nodes=Best())


def kueue_tas(*, max_steps: int | None = STEPS) -> Rule:
    """The domain with the least free capacity that still fits, as Kueue's topology-aware scheduling, within nodes.

    As few NUMA nodes as possible (PCIe roots where none is known), the tightest of them, then the fullest node.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Kueue, KEP-2724, topology-aware scheduling, BestFit; levels below the node, for one pod.
    """
    wanted = Objective().then(numa_nodes, domain_slack, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def hami_mig(*, max_steps: int | None = STEPS) -> Rule:
    """Partitions that keep the longest runs of free slices, then the most placements.

    Longest runs of free numbered counters, such as MIG's memory slices, added up over the GPUs of the node; then the
    fewest devices and partitions lost to later claims; then the fullest node.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Project-HAMi/HAMi, pull request 2855.
    """
    wanted = Objective().then(longest_runs, chances_lost, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())
