"""How much of a fleet each ask of a workload may hold, at least and at most, wherever it is placed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.resource import DeviceSubRequest, ExactDeviceRequest
from drapolicy.evaluate.eligible import Eligible, choices
from drapolicy.evaluate.parts import parts_of
from drapolicy.simulate import Scenario


class Demand(NamedTuple):
    """What an ask holds at least and at most, in billionths of whole devices."""

    least: int
    most: int


def demands(scenario: Scenario) -> Mapping[str, Demand]:
    """Return the demand of each pattern of a workload, by its name.

    A partition is its share of its card. Of a device that many can have at once an ask may hold all, or as good as
    nothing. Of alternatives the least and the greatest count. Admin access and what nothing suits hold nothing.
    """
    eligible, share = Eligible(scenario.fleet), parts_of(scenario.fleet).share
    rest = scenario.fleet.devices.rest
    many = np.array([kind.allow_multiple_allocations is True for kind in rest.values] + [False])[rest.codes]
    lowest = np.where(many, 0, share)
    known: dict[bytes, Demand] = {}
    for ask in scenario.workload.patterns.values():
        if ask.wishes not in known:
            each = [
                [_of(wanted, eligible(wanted), lowest, share) for wanted in choices(request)]
                for claim in ask.claims
                for request in claim.spec.devices.requests
            ]
            known[ask.wishes] = Demand(
                sum(min((demand.least for demand in some), default=0) for some in each),
                sum(max((demand.most for demand in some), default=0) for some in each),
            )
    return {name: known[ask.wishes] for name, ask in scenario.workload.patterns.items()}


def _of(
    wanted: ExactDeviceRequest | DeviceSubRequest,
    rows: NDArray[np.bool_],
    lowest: NDArray[np.int64],
    share: NDArray[np.int64],
) -> Demand:
    if not rows.any():
        return Demand(0, 0)
    count = max(wanted.count, 1)
    return Demand(count * int(lowest[rows].min()), count * int(share[rows].max()))
