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


def hived_buddy(*, max_steps: int | None = STEPS, levels: str = "") -> Rule:
    """Buddy cells: the smallest aligned free block that is large enough is split.

    On a node, blocks of 2, 4, 8 … devices are aligned by their place; the fewest and smallest are broken, then the
    fullest node is taken. A gang of equal pods gets the smallest cell of nodes that holds it and of which nothing is
    taken, of equal ones one inside the smallest cell that is broken already; where no cell of the size is free, the
    nodes that are nearest to each other. On each of its nodes pods break the fewest and smallest blocks.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    levels
        Labels of nodes that tell the cells of gangs, from the widest to the narrowest, joined by +; where empty,
        labels that are known and that nodes have.

    References
    ----------
    Zhao et al., HiveD, OSDI'20, section 3, without virtual clusters.
    """
    from drapolicy.policies.groups import Gang  # its solvers take longer to import than all else

    wanted = Objective().then(cells_broken, still_placeable)
    gang = Gang(_labels(levels), wanted, "hived-buddy")
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best(), together=gang)


def kueue_tas(*, max_steps: int | None = STEPS, levels: str = "") -> Rule:
    """The domain with the least free capacity that still fits, as Kueue's topology-aware scheduling.

    One pod gets as few NUMA nodes as possible (PCIe roots where none is known), the tightest of them, then the fullest
    node. A gang of equal pods gets the narrowest domain of nodes that holds it, of equal ones that with the least room;
    inside, domains are filled from the one with most room on, the last as tightly as can be. On each of its nodes pods
    get devices as one pod does.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    levels
        Labels of nodes that tell the domains of gangs, from the widest to the narrowest, joined by +; where empty,
        labels that are known and that nodes have.

    References
    ----------
    Kueue, KEP-2724, topology-aware scheduling, BestFit, with a preferred topology; levels below the node are ours.
    """
    from drapolicy.policies.groups import Gang  # its solvers take longer to import than all else

    wanted = Objective().then(numa_nodes, domain_slack, still_placeable)
    gang = Gang(_labels(levels), wanted, "kueue-tas")
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best(), together=gang)


def _labels(levels: str) -> tuple[str, ...]:
    return tuple(label.strip() for label in levels.split("+") if label.strip())


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
