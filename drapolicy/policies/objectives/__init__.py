"""What makes one choice of devices better than another: terms by subject, one a file.

Each is an integer with a unit and bounds, says what it sees, and has a plain loop (``of``) and a form for many choices
at once (``over``); tests hold them equal. Alternatives of prioritized lists come before all terms unless an objective
weighs them by a term of their own, see :class:`~drapolicy.policies.nodes.Best`.
"""

from __future__ import annotations

from drapolicy.policies.objectives.alignment import misaligned, nic_distance, numa_nodes, pcie_roots
from drapolicy.policies.objectives.alternatives import alternatives
from drapolicy.policies.objectives.amounts import best_fit, dot_product, gpu_clustering, gpu_packing, slack, worst_fit
from drapolicy.policies.objectives.balance import leftover, stranded
from drapolicy.policies.objectives.bandwidth import bottleneck, inside, links_lost, nvlinks_left
from drapolicy.policies.objectives.cells import cells_broken, domain_slack
from drapolicy.policies.objectives.cost import cost
from drapolicy.policies.objectives.coveted import coveted
from drapolicy.policies.objectives.earnings import earnings_lost
from drapolicy.policies.objectives.fragmentation import fgd_points, fragmentation
from drapolicy.policies.objectives.mix import DEFAULT_MIX, Mix, TypicalPod, commonest, read_mix
from drapolicy.policies.objectives.packing import chances_lost, still_placeable
from drapolicy.policies.objectives.partitions import longest_runs
from drapolicy.policies.objectives.prices import Prices, Supply, read_supply, shadow_prices
from drapolicy.policies.objectives.ring import all_reduce, predicted_bandwidth, ring_sum
from drapolicy.policies.objectives.spreading import milli_left, roots_touched

__all__ = [
    "DEFAULT_MIX",
    "Mix",
    "Prices",
    "Supply",
    "TypicalPod",
    "all_reduce",
    "alternatives",
    "best_fit",
    "bottleneck",
    "cells_broken",
    "chances_lost",
    "commonest",
    "cost",
    "coveted",
    "domain_slack",
    "dot_product",
    "earnings_lost",
    "fgd_points",
    "fragmentation",
    "gpu_clustering",
    "gpu_packing",
    "inside",
    "leftover",
    "links_lost",
    "longest_runs",
    "milli_left",
    "misaligned",
    "nic_distance",
    "numa_nodes",
    "nvlinks_left",
    "pcie_roots",
    "predicted_bandwidth",
    "read_mix",
    "read_supply",
    "ring_sum",
    "roots_touched",
    "shadow_prices",
    "slack",
    "still_placeable",
    "stranded",
    "worst_fit",
]
