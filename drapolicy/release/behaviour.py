"""What releases decide differently though the gates are the same: one table (K8s I1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from drapolicy.release.gates import MINORS, VARIANTS


@dataclass(frozen=True)
class Behaviour:
    """How a release's allocator behaves where its neighbours differ; one row of a table for each switch.

    Attributes
    ----------
    ordered
        Pools are tried by driver and name, slices by name. Otherwise upstream's order is random, and drapolicy uses
        the sorted one (K8s S26, S27).
    skips_unusable_pools
        Nothing is allocated from incomplete pools, and invalid ones are passed over; slices of other nodes count
        towards completeness. Otherwise an incomplete pool serves requests for a number of devices, an invalid one
        ends the attempt, and only slices that matter for the node are counted (K8s S24, S25).
    sets
        Inside one request the next device is sought after the one before. Otherwise from the beginning, so that
        one request may take a shareable device twice (K8s S34).
    keeps_alternative
        The search remembers which alternative it is in after the first device of mode All (K8s Q21).
    compares_distinct
        Values of a distinct attribute are compared. Otherwise only where they are kept, so that they always differ
        between devices.
    remembers_all_distinct
        A distinct attribute is compared with all earlier devices, not with the last of the same request (K8s S51).
    restores_common_values
        Backtracking restores the values that a matching list attribute had in common (K8s S52).
    all_ignores_use
        Mode All leaves out what would be too small even when unused; otherwise what is too small now (K8s S30).
    capacity_errors_abort
        An amount that leaves 64 bits ends the attempt; otherwise it wraps around (K8s S42).
    rolls_back
        What is refused, or given back while searching on, leaves nothing behind. Otherwise a device that a taint or a
        constraint refuses keeps its counters, one that is too small its counters and its place in constraints, and a
        share that is given back its counters (K8s S38).
    counters
        What a shared counter belongs to: ``slice``, ``pool name`` or ``pool`` (K8s S45).
    counters_follow_nodes
        A slice with shared counters matters for the nodes that it names, otherwise for every node (K8s S23).
    shares_draw_once
        A shareable device draws counters once, otherwise once for each share (K8s S45).
    counts_held_shares
        What devices draw that are held as shares is gone from their counters (K8s S45).
    notices_empty_shares
        A device draws nothing more once a share of it is held, otherwise once such a share consumes capacity (K8s
        S45).
    clears_requests
        Configuration for every request names none (K8s S55).
    copies_tolerations
        Results carry the tolerations of their request (K8s S55).
    names_failing_device
        Runtime errors of CEL name the device and give advice (K8s S56).
    lists_config_once
        Configuration of a claim is listed once, not once for each request that it names (K8s S55).
    blames_alternative
        A sub-request that asks for capacity while the gate is off is named itself, not its request (K8s S29).
    matches_each_alternative
        Each alternative of mode All asks its own selectors; otherwise the second gets the devices that those of the
        first let through, if the first is of mode All too (K8s S30).
    ignores_unknown_effects
        A taint keeps nobody off whose effect is neither NoSchedule nor NoExecute (K8s S47).
    bare_rules_taint_nothing
        A taint rule without a selector taints no device, otherwise every one (K8s S49).
    alpha_fields
        Derived attributes and compatibility groups are fields of the API; other releases do not see them (K8s S46,
        S53).
    complete
        The allocator knows distinct attributes, requests for capacity, and devices that bind to a node or wait for
        conditions. Otherwise the first are unknown constraints, and it looks past the others (K8s S19).
    heeds_node_operations
        Devices that skip node operations need a gate and a node that can do without; otherwise they are like any
        other (K8s S38).
    devices_have_overhead
        Devices may cost resources of their node besides those they stand for, and a claim of such devices need not
        be used by a container (K8s S74).
    pool_views
        The status of a pool counts each device once, leaves admin access out, knows taints, and has views of
        partitions and shares (K8s S15).
    timeouts_end_attempt
        A search that ran out of time ends the attempt, otherwise its node is passed over (K8s S67).
    scored_claims
        Whose alternatives a node's score counts: ``none``; ``new`` claims, so that a pod with allocated ones besides
        cannot be scored; ``all`` (K8s S68).
    """

    ordered: bool
    skips_unusable_pools: bool
    sets: bool
    keeps_alternative: bool
    compares_distinct: bool
    remembers_all_distinct: bool
    restores_common_values: bool
    all_ignores_use: bool
    capacity_errors_abort: bool
    rolls_back: bool
    counters: str
    counters_follow_nodes: bool
    shares_draw_once: bool
    counts_held_shares: bool
    notices_empty_shares: bool
    clears_requests: bool
    copies_tolerations: bool
    names_failing_device: bool
    lists_config_once: bool
    blames_alternative: bool
    matches_each_alternative: bool
    ignores_unknown_effects: bool
    bare_rules_taint_nothing: bool
    alpha_fields: bool
    complete: bool
    heeds_node_operations: bool
    devices_have_overhead: bool
    pool_views: bool
    timeouts_end_attempt: bool
    scored_claims: str


# One row a switch, one column a release of MINORS: what the experimental copy of the allocator does.
_ROWS: Final[dict[str, tuple[Any, ...]]] = {
    "ordered": (False, False, True, True),
    "skips_unusable_pools": (False, True, True, True),
    "sets": (False, False, True, True),
    "keeps_alternative": (False, False, True, True),
    "compares_distinct": (False, True, True, True),
    "remembers_all_distinct": (False, False, False, True),
    "restores_common_values": (False, False, False, True),
    "all_ignores_use": (False, False, False, True),
    "capacity_errors_abort": (False, False, False, True),
    "rolls_back": (False, False, True, True),
    "counters": ("slice", "pool name", "pool", "pool"),
    "counters_follow_nodes": (True, False, False, True),
    "shares_draw_once": (False, True, True, True),
    "counts_held_shares": (False, False, True, True),
    "notices_empty_shares": (False, False, False, True),
    "clears_requests": (False, False, False, True),
    "copies_tolerations": (False, True, True, True),
    "names_failing_device": (False, False, False, True),
    "lists_config_once": (False, False, False, True),
    "blames_alternative": (False, True, True, True),
    "matches_each_alternative": (False, False, True, True),
    "ignores_unknown_effects": (False, True, True, True),
    "bare_rules_taint_nothing": (False, False, False, True),
    "alpha_fields": (False, False, False, True),
    "complete": (True, True, True, True),
    "heeds_node_operations": (False, False, False, True),
    "devices_have_overhead": (False, False, False, True),
    "pool_views": (False, False, False, True),
    "timeouts_end_attempt": (False, False, True, True),
    "scored_claims": ("none", "new", "all", "all"),
}

# Upstream's copies of the allocator differ where a feature was worked on: the rows of the other two that do.
_ROWS_OF_COPIES: Final[dict[str, dict[str, tuple[Any, ...]]]] = {
    "incubating": {
        "complete": (False, False, True, True),
        "heeds_node_operations": (False, False, False, False),
    },
    "stable": {
        "ordered": (False, False, False, False),
        "sets": (False, False, False, False),
        "counters": ("slice", "slice", "pool", "pool"),
        "counters_follow_nodes": (False, False, False, False),
        "copies_tolerations": (False, False, True, True),
        "complete": (False, False, False, False),
        "heeds_node_operations": (False, False, False, False),
    },
}


def _column(column: int, variant: str) -> Behaviour:
    rows = _ROWS | _ROWS_OF_COPIES.get(variant, {})
    return Behaviour(**{switch: row[column] for switch, row in rows.items()})


# By minor release and variant.
BEHAVIOURS: Final[dict[str, dict[str, Behaviour]]] = {
    minor: {variant: _column(column, variant) for variant in VARIANTS[minor]} for column, minor in enumerate(MINORS)
}
