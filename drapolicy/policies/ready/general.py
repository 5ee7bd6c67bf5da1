"""What later claims keep, and bandwidth: by exact and greedy searches, integer programmes and several solvers."""

from __future__ import annotations

from typing import Literal

from drapolicy.policies.nodes import Best
from drapolicy.policies.objective import Objective
from drapolicy.policies.objectives import chances_lost, inside, links_lost, still_placeable
from drapolicy.policies.ready.steps import STEPS
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers import Exact, Portfolio

_LINKED = Objective().then(inside, links_lost, still_placeable)
_PACKED = Objective().then(chances_lost, still_placeable)


def packing(*, max_steps: int | None = STEPS) -> Rule:
    """Devices whose loss takes the least from later claims, on the node that is fullest afterwards.

    First the fewest devices and partitions that could have been allocated before and cannot any more, then the fewest
    that still can: large pieces stay whole, and full nodes are filled further.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    return Rule(_PACKED, solver=Exact(max_steps=max_steps), nodes=Best())


def bandwidth(*, max_steps: int | None = STEPS) -> Rule:
    """Devices with the most bandwidth between them, which leave the best linked to others.

    First the sum over pairs of the chosen devices, then the least bandwidth taken from those that stay free, then the
    fullest node. The best set is found; where that takes too many steps, the best that local search finds.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    return Rule(_LINKED, solver=Exact(max_steps=max_steps), nodes=Best())


def ilp_bandwidth(*, solver: str = "HiGHS", max_nodes: int | None = 1_000, time_limit_s: int | None = None) -> Rule:
    """What bandwidth looks for, found by an integer programme with a bound: the best, unless a limit stops it.

    Groups are decided together: as many asks as can be, then the objective summed over them, by integer programmes
    over patterns of asks on nodes, with a bound for each level.

    Parameters
    ----------
    solver
        HiGHS, CBC, or what PuLP calls a solver that is installed; groups have HiGHS.
    max_nodes
        Limit of the nodes of each search tree; none for no limit.
    time_limit_s
        Limit of a node's programmes together, and of each programme of a group, in seconds; answers depend on the
        machine then. None for no limit.
    """
    return _programmed(_LINKED, solver, max_nodes, time_limit_s)


def ilp_packing(*, solver: str = "HiGHS", max_nodes: int | None = 1_000, time_limit_s: int | None = None) -> Rule:
    """What packing looks for, found by an integer programme with a bound: the best, unless a limit stops it.

    Groups are decided together: as many asks as can be, then the objective summed over them, by integer programmes
    over patterns of asks on nodes, with a bound for each level.

    Parameters
    ----------
    solver
        HiGHS, CBC, or what PuLP calls a solver that is installed; groups have HiGHS.
    max_nodes
        Limit of the nodes of each search tree; none for no limit.
    time_limit_s
        Limit of a node's programmes together, and of each programme of a group, in seconds; answers depend on the
        machine then. None for no limit.
    """
    return _programmed(_PACKED, solver, max_nodes, time_limit_s)


def _programmed(wanted: Objective, solver: str, max_nodes: int | None, time_limit_s: int | None) -> Rule:
    from drapolicy.policies.groups import Patterns  # its solvers take longer to import than all else
    from drapolicy.policies.solvers.ilp import Ilp

    patterns = Patterns(wanted, max_nodes=max_nodes, time_limit_s=time_limit_s)
    return Rule(wanted, solver=Ilp(solver, time_limit_s, max_nodes), nodes=Best(), together=patterns)


def portfolio(*, objective: Literal["bandwidth", "packing"] = "bandwidth") -> Rule:
    """What bandwidth or packing looks for, by several solvers in turn until one proves its answer.

    An exact search with a limit of steps comes first, then local search from grown sets; the best answer of all counts.

    Parameters
    ----------
    objective
        What is better.
    """
    return Rule(_LINKED if objective == "bandwidth" else _PACKED, solver=Portfolio(), nodes=Best())
