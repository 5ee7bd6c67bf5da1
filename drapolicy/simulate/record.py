"""What is kept of a play."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Record:
    """What happened to one arrival.

    Attributes
    ----------
    name, pattern
        Name of the ask, and of the pod that it copies.
    arrived_ns, started_ns, finished_ns
        Times; None where it did not come to that.
    ideal_ns
        How long it runs on ideal devices; None for ever.
    node
        Where it ran.
    devices
        ``driver/pool/device`` of its devices.
    drawn
        How much of the fleet it holds, in whole devices: a partition counts as its mean share of its counters, a
        share of a device as the largest part of a capacity that it consumes.
    ideal_mb_s, real_mb_s
        Slowest link of its devices: the best that devices of these drivers have on this fleet, by which its run time
        stretches, and the one it got; 0 for fewer than two.
    machine_mb_s, fleet_mb_s
        Slowest link of the best set of as many devices that it could have been allocated: on an empty machine of the
        fleet, and of all that was free at that moment. 0 for fewer than two; None where it did not start, or a search
        reached its limit. What the fleet had free is None too where it joined a claim.
    joined
        Whether a claim of it held its devices before: they were not the policy's to choose.
    reason
        Why it waits still; empty when it started.
    unmodelled
        What its pod uses that the node choice does not model.
    """

    name: str
    pattern: str
    arrived_ns: int
    ideal_ns: int | None
    started_ns: int | None = None
    finished_ns: int | None = None
    node: str = ""
    devices: tuple[str, ...] = ()
    drawn: float = 0.0
    ideal_mb_s: int = 0
    real_mb_s: int = 0
    machine_mb_s: int | None = None
    fleet_mb_s: int | None = None
    joined: bool = False
    reason: str = ""
    unmodelled: tuple[str, ...] = ()


@dataclass(frozen=True)
class Play:
    """A scenario as it went with one policy.

    Attributes
    ----------
    records
        One for each arrival, in order of arrival.
    end_ns
        When the last arrival came: rates are taken up to here, because afterwards the fleet only empties.
    decisions
        How often the policy was asked.
    answers_kept, answers_found
        Nodes' answers that were known already, and that had to be found.
    seconds
        Time that the policy took; depends on the machine and is no result.
    """

    records: tuple[Record, ...]
    end_ns: int
    decisions: int
    answers_kept: int
    answers_found: int
    seconds: float
