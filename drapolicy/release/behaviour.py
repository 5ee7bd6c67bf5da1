"""What releases decide differently though the gates are the same: one table (K8s I1)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Final


@dataclass(frozen=True)
class Behaviour:
    """How a release's allocator behaves where its neighbours differ.

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

    ordered: bool = True
    skips_unusable_pools: bool = True
    sets: bool = True
    keeps_alternative: bool = True
    compares_distinct: bool = True
    remembers_all_distinct: bool = True
    restores_common_values: bool = True
    all_ignores_use: bool = True
    capacity_errors_abort: bool = True
    rolls_back: bool = True
    counters: str = "pool"
    counters_follow_nodes: bool = True
    shares_draw_once: bool = True
    counts_held_shares: bool = True
    notices_empty_shares: bool = True
    clears_requests: bool = True
    copies_tolerations: bool = True
    names_failing_device: bool = True
    lists_config_once: bool = True
    blames_alternative: bool = True
    matches_each_alternative: bool = True
    ignores_unknown_effects: bool = True
    bare_rules_taint_nothing: bool = True
    alpha_fields: bool = True
    complete: bool = True
    heeds_node_operations: bool = True
    devices_have_overhead: bool = True
    pool_views: bool = True
    timeouts_end_attempt: bool = True
    scored_claims: str = "all"


_1_37: Final = Behaviour()
_1_36: Final = Behaviour(
    remembers_all_distinct=False,
    restores_common_values=False,
    all_ignores_use=False,
    capacity_errors_abort=False,
    counters_follow_nodes=False,
    notices_empty_shares=False,
    clears_requests=False,
    names_failing_device=False,
    lists_config_once=False,
    bare_rules_taint_nothing=False,
    alpha_fields=False,
    heeds_node_operations=False,
    devices_have_overhead=False,
    pool_views=False,
)
_1_35: Final = Behaviour(
    ordered=False,
    sets=False,
    keeps_alternative=False,
    remembers_all_distinct=False,
    restores_common_values=False,
    all_ignores_use=False,
    capacity_errors_abort=False,
    rolls_back=False,
    counters="pool name",
    counters_follow_nodes=False,
    counts_held_shares=False,
    notices_empty_shares=False,
    clears_requests=False,
    names_failing_device=False,
    lists_config_once=False,
    matches_each_alternative=False,
    bare_rules_taint_nothing=False,
    alpha_fields=False,
    heeds_node_operations=False,
    devices_have_overhead=False,
    pool_views=False,
    timeouts_end_attempt=False,
    scored_claims="new",
)
_1_34: Final = Behaviour(
    ordered=False,
    skips_unusable_pools=False,
    sets=False,
    keeps_alternative=False,
    compares_distinct=False,
    remembers_all_distinct=False,
    restores_common_values=False,
    all_ignores_use=False,
    capacity_errors_abort=False,
    rolls_back=False,
    counters="slice",
    shares_draw_once=False,
    counts_held_shares=False,
    notices_empty_shares=False,
    clears_requests=False,
    copies_tolerations=False,
    names_failing_device=False,
    lists_config_once=False,
    blames_alternative=False,
    matches_each_alternative=False,
    ignores_unknown_effects=False,
    bare_rules_taint_nothing=False,
    alpha_fields=False,
    heeds_node_operations=False,
    devices_have_overhead=False,
    pool_views=False,
    timeouts_end_attempt=False,
    scored_claims="none",
)


def _variants(experimental: Behaviour, *, incubating_complete: bool = True, **stable: Any) -> dict[str, Behaviour]:
    """Return the behaviour of each variant of a release; ``stable`` is what the stable one kept of a release before."""
    incubating = replace(experimental, complete=incubating_complete, heeds_node_operations=False)
    oldest = replace(incubating, ordered=False, sets=False, counters_follow_nodes=False, complete=False)
    return {"stable": replace(oldest, **stable), "incubating": incubating, "experimental": experimental}


# By minor release and variant: upstream's copies of the allocator differ where a feature was worked on.
BEHAVIOURS: Final[dict[str, dict[str, Behaviour]]] = {
    "1.34": _variants(_1_34, incubating_complete=False),
    "1.35": _variants(_1_35, incubating_complete=False, counters="slice", copies_tolerations=False),
    "1.36": _variants(_1_36),
    "1.37": _variants(_1_37),
}
