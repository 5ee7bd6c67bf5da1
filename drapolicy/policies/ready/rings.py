"""MAPA's policies."""

from __future__ import annotations

from drapolicy.policies.nodes import Best
from drapolicy.policies.objective import Objective
from drapolicy.policies.objectives import nvlinks_left, predicted_bandwidth, ring_sum
from drapolicy.policies.ready.steps import RING_STEPS
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers import Exact


def mapa_greedy(*, max_steps: int | None = RING_STEPS) -> Rule:
    """MAPA's greedy policy: devices with the most bandwidth around the best ring through them.

    The ring's links are added up; of equals the first devices are taken, on the first node. Exact for sets of up to 8.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Ranganath et al., MAPA, SC'21; socal-ucr/MAPA 15e58ab, src/MapaPolicies.hh, ``greedy``.
    """
    return Rule(Objective().then(ring_sum), solver=Exact(max_steps=max_steps), nodes=Best())


def mapa_preserve(*, sensitive: bool = True, max_steps: int | None = RING_STEPS) -> Rule:
    """MAPA's preservation policy: fast rings for jobs that need them, and for the others what spoils the least.

    A sensitive job gets the set whose best ring has the greatest predicted bandwidth. Another gets the one that leaves
    the most NVLink bandwidth between the free devices, then the one with the best ring.

    Parameters
    ----------
    sensitive
        Whether the job is sensitive to bandwidth.
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Ranganath et al., MAPA, SC'21; socal-ucr/MAPA 15e58ab, src/MapaPolicies.hh, ``preserve``; scripts/get_predBW.py.
    """
    wanted = Objective().then(predicted_bandwidth) if sensitive else Objective().then(nvlinks_left, ring_sum)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())
