"""What releases decide differently though the gates are the same: one table (K8s I1)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


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
    remembers_all_distinct
        A distinct attribute is compared with all earlier devices, not with the last of the same request (K8s S51).
    restores_common_values
        Backtracking restores the values that a matching list attribute had in common (K8s S52).
    all_ignores_use
        Mode All leaves out what would be too small even when unused; otherwise what is too small now (K8s S30).
    capacity_errors_abort
        An amount that cannot be computed with ends the attempt; otherwise the device is passed over (K8s S42).
    counters
        What a shared counter belongs to: ``slice``, ``pool name`` or ``pool`` (K8s S45).
    clears_requests
        Configuration for every request names none (K8s S55).
    copies_tolerations
        Results carry the tolerations of their request (K8s S55).
    names_failing_device
        Runtime errors of CEL name the device and give advice (K8s S56).
    """

    ordered: bool = True
    skips_unusable_pools: bool = True
    sets: bool = True
    keeps_alternative: bool = True
    remembers_all_distinct: bool = True
    restores_common_values: bool = True
    all_ignores_use: bool = True
    capacity_errors_abort: bool = True
    counters: str = "pool"
    clears_requests: bool = True
    copies_tolerations: bool = True
    names_failing_device: bool = True


_1_37: Final = Behaviour()
_1_36: Final = Behaviour(
    remembers_all_distinct=False,
    restores_common_values=False,
    all_ignores_use=False,
    capacity_errors_abort=False,
    counters="pool name",
    clears_requests=False,
    names_failing_device=False,
)
_1_35: Final = Behaviour(
    ordered=False,
    sets=False,
    keeps_alternative=False,
    remembers_all_distinct=False,
    restores_common_values=False,
    all_ignores_use=False,
    capacity_errors_abort=False,
    counters="pool name",
    clears_requests=False,
    names_failing_device=False,
)
_1_34: Final = Behaviour(
    ordered=False,
    skips_unusable_pools=False,
    sets=False,
    keeps_alternative=False,
    remembers_all_distinct=False,
    restores_common_values=False,
    all_ignores_use=False,
    capacity_errors_abort=False,
    counters="slice",
    clears_requests=False,
    copies_tolerations=False,
    names_failing_device=False,
)
BEHAVIOURS: Final[dict[str, Behaviour]] = {"1.34": _1_34, "1.35": _1_35, "1.36": _1_36, "1.37": _1_37}
