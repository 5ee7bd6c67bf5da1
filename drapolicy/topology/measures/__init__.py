"""How well a set of devices is linked, and where it is: one measure a file.

========================  ==========================================================================
`pairwise`                bandwidth along the best path; `roads` says what paths are
`hops`, `levels`          links between devices; the lowest part that two share
`pairs`                   total bandwidth of a set, greatest distance in it
`bottleneck`, `best`      slowest link that a collective crosses; the best sets of a size
`rings`                   best ring through a set; ring and tree all-reduce after NCCL
`bisection`               what crosses between halves
`spread`                  NUMA nodes, PCIe roots, hosts, racks, rails that a set touches
`alignment`               GPUs against network cards
`tori`                    boxes in a torus
`quality`                 against the best on the machine and in the fleet; what was delivered
========================  ==========================================================================

A measure of one set is a loop, the reference; its plural or its namesake without ``_loop`` does the same at once, and
tests hold them equal.
"""

from drapolicy.topology.measures.alignment import Alignment, alignment
from drapolicy.topology.measures.best import MOST_DEVICES, best_sets
from drapolicy.topology.measures.bisection import bisection_bounds, bisection_mb_s, bisections_mb_s
from drapolicy.topology.measures.bottleneck import best_bottleneck_mb_s, bottleneck_mb_s, bottlenecks_mb_s
from drapolicy.topology.measures.hops import hops
from drapolicy.topology.measures.levels import LEVELS, levels
from drapolicy.topology.measures.pairs import bandwidth_mb_s, bandwidths_mb_s, farthest, farthests
from drapolicy.topology.measures.pairwise import pairwise
from drapolicy.topology.measures.quality import Quality, Summary, quality, rejected, summary
from drapolicy.topology.measures.rings import (
    Ring,
    ns_per_mb,
    ring,
    ring_all_reduce_mb_s,
    rings_mb_s,
    tree_all_reduce_mb_s,
)
from drapolicy.topology.measures.spread import GROUPS, groups, touched, touched_by
from drapolicy.topology.measures.tori import free_boxes, free_boxes_any_way, is_box, torus_bisection

__all__ = [
    "GROUPS",
    "LEVELS",
    "MOST_DEVICES",
    "Alignment",
    "Quality",
    "Ring",
    "Summary",
    "alignment",
    "bandwidth_mb_s",
    "bandwidths_mb_s",
    "best_bottleneck_mb_s",
    "best_sets",
    "bisection_bounds",
    "bisection_mb_s",
    "bisections_mb_s",
    "bottleneck_mb_s",
    "bottlenecks_mb_s",
    "farthest",
    "farthests",
    "free_boxes",
    "free_boxes_any_way",
    "groups",
    "hops",
    "is_box",
    "levels",
    "ns_per_mb",
    "pairwise",
    "quality",
    "rejected",
    "ring",
    "ring_all_reduce_mb_s",
    "rings_mb_s",
    "summary",
    "torus_bisection",
    "touched",
    "touched_by",
    "tree_all_reduce_mb_s",
]
