"""The spread of a gang as an integer programme: slower than the dynamic programme, and made in another way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pulp

from drapolicy.policies.objectives.distance import Domain
from drapolicy.policies.solvers.ilp.backend import Limits, Solved, solve


def programme(domain: Domain, pods: int, worth_of: Callable[[int], Sequence[int]], unit: int) -> pulp.LpProblem:
    """Return the programme: for each domain and each number of pods, whether the domain gets just this number.

    Parameters
    ----------
    domain, pods, worth_of
        As in :func:`~drapolicy.policies.groups.counts.best_spread`.
    unit
        What a unit of distance counts against a unit of what nodes say.
    """
    model = pulp.LpProblem("gang", pulp.LpMinimize)
    cost: list[pulp.LpAffineExpression] = []
    number = 0

    def count(at: Domain, outer: int) -> pulp.LpAffineExpression:
        """Add a domain and return the number of its pods."""
        nonlocal number
        values = list(worth_of(at.node))[: pods + 1] if at.node >= 0 else [0] * (pods + 1)
        number += 1
        just = [model.add_variable(f"d{number}_{m}", cat=pulp.LpBinary) for m in range(len(values))]
        nonlocal model
        model += pulp.lpSum(just) == 1
        # Pairs inside the domain are nearer to each other than the domain around it tells.
        for m, (chosen, value) in enumerate(zip(just, values, strict=True)):
            cost.append((-unit * (outer - at.distance) * (m * (m - 1) // 2) - value) * chosen)
        own = pulp.lpSum(m * chosen for m, chosen in enumerate(just))
        if at.parts:
            model += pulp.lpSum(count(part, at.distance) for part in at.parts) == own
        return own

    model += count(domain, domain.distance) == pods
    model += pulp.lpSum(cost) + unit * domain.distance * (pods * (pods - 1) // 2)
    return model


def certificate(
    domain: Domain,
    pods: int,
    worth_of: Callable[[int], Sequence[int]],
    unit: int,
    limits: Limits = Limits(),  # noqa: B008
) -> Solved:
    """Solve the programme; its objective is unit x distance - worth, the least of all."""
    return solve(programme(domain, pods, worth_of, unit), limits=limits)
