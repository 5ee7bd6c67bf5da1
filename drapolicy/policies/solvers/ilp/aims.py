"""Levels of an objective in an integer programme: counts in blocks, pairs of devices, or a table of choices."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import combinations
from math import comb, gcd
from typing import Any

import numpy as np
import pulp
from numpy.typing import NDArray

from drapolicy.errors import UnsupportedFeatureError
from drapolicy.policies.objective import Objective, Term
from drapolicy.policies.solvers.exact.tree import Tree, tree_of
from drapolicy.policies.solvers.ilp.aim import Aim
from drapolicy.policies.solvers.ilp.joined import Joined
from drapolicy.policies.solvers.ilp.rules import Rules
from drapolicy.problem.local import LocalProblem

MOST_SETS = 1_000
"""Most choices of devices of which a table is made; of more, a solver is slower than looking at each."""


def aims_of(rules: Rules, local: LocalProblem, objective: Objective, count: int | None) -> tuple[Aim, ...]:
    """Add an objective to a programme; return what is to be maximised, one after the other.

    Parameters
    ----------
    rules
        The programme.
    count
        How many devices are chosen; None where that is not fixed.

    Raises
    ------
    UnsupportedFeatureError
        For a term that is neither linear nor of pairs on this node, where choices are too many for a table.
    """
    forms = [form_of(rules, local, level, count) for level in objective.levels]
    for term in forms:
        if isinstance(term, Term):
            return (_ranks(rules, local, objective, count, term),)
    nothing = objective.of(local, np.empty(0, np.intp))
    aims = []
    for number, (form, constant) in enumerate(zip(forms, nothing, strict=True)):
        if isinstance(form, tuple):
            weight, links = form
            aims.append(Joined(rules, links, count or 0, f"{number}").aim(weight))
        elif not isinstance(form, Term):
            aims.append(_Pairs(rules, form, count, f"{number}").aim(constant))
    return tuple(aims)


def form_of(
    rules: Rules, local: LocalProblem, level: Sequence[tuple[int, Term]], count: int | None
) -> NDArray[Any] | tuple[int, NDArray[np.int64]] | Term:
    """Return the weights of pairs of a level, or a weight and links of which the slowest counts, or a term without."""
    (weight, term), *others = level
    if not others and weight > 0 and term.joins is not None and (count or 0) > 1:
        return weight, term.joins(local)
    return weights_of(rules, local, level)


def weights_of(rules: Rules, local: LocalProblem, level: Sequence[tuple[int, Term]]) -> NDArray[Any] | Term:
    """Return the weights of pairs and, on the diagonal, of devices of a level, or the first term that has none.

    Returns
    -------
    ndarray of Python ints
        Shape (D, D), symmetric.
    """
    total = np.zeros((local.size, local.size), object)
    free = set(local.left(np.empty(0, np.intp)).tolist())
    for weight, term in level:
        made = term.pairs(local) if term.pairs is not None and free.issuperset(rules.devices) else None
        if made is None:
            return term
        total += weight * made.astype(object)
    return total


def _aim(terms: Sequence[tuple[int, Any]], constant: int, *, pairs: bool) -> Aim:
    """Return the aim of a sum of coefficients and variables, some of which may be numbers."""
    fixed = sum(c * v for c, v in terms if isinstance(v, int))
    own = [(c, v) for c, v in terms if c and not isinstance(v, int)]
    unit = gcd(*(c for c, _ in own)) or 1
    return Aim(pulp.lpSum((c // unit) * v for c, v in own), unit, constant + fixed, pairs)


class _Pairs:
    """Weights of pairs: by counts in blocks where weights have such, by a variable a pair where not.

    In a block of q chosen devices, with one weight v between all its parts, pairs bring v (q over 2), and each part
    what it brings more than that: so only (q over 2) is needed of each block, and a block has few counts.
    """

    def __init__(self, rules: Rules, weights: NDArray[Any], count: int | None, name: str) -> None:
        self._rules = rules
        self._weights = weights
        self._count = count
        self._name = name
        self._terms: list[tuple[int, Any]] = []
        self._number = 0

    def aim(self, nothing: int) -> Aim:
        """Return the aim.

        Parameters
        ----------
        nothing
            The level's score of no devices.
        """
        devices = self._rules.devices
        for d in devices:
            self._terms.append((int(self._weights[d, d]), self._rules.used(d)))
        tree = tree_of(self._weights[np.ix_(devices, devices)]) if devices else None
        if tree is not None:
            self._block(tree, 0)
        elif self._count is None:
            self._pairs(devices, 0)
        else:
            self._all_pairs(devices, self._count)
        return _aim(self._terms, nothing, pairs=tree is None)

    def _block(self, tree: Tree, between: int) -> list[int]:
        """Add what pairs in a block bring more than a weight each; return the devices."""
        devices = self._rules.devices
        if isinstance(tree, int):
            return [devices[tree]]
        if isinstance(tree, list):
            own = [devices[i] for i in tree]
            self._pairs(own, between)
            return own
        value, parts = tree
        own = [d for part in parts for d in self._block(part, value)]
        if value != between:
            self._pairs_among(own, value - between)
        return own

    def _pairs_among(self, own: Sequence[int], weight: int) -> None:
        """Add a weight for each pair among devices, by their count."""
        if self._count is not None and len(own) == len(self._rules.devices):
            self._terms.append((weight * comb(self._count, 2), 1))
            return
        most = len(own) if self._count is None else min(len(own), self._count)
        least = 0 if self._count is None else max(0, self._count - (len(self._rules.devices) - len(own)))
        self._number += 1
        name = f"count_{self._name}_{self._number}"
        counts = {q: self._rules.variable(f"{name}_{q}") for q in range(least, most + 1)}
        self._rules.require(pulp.lpSum(counts.values()) == 1, name)
        total = pulp.lpSum(self._rules.used(d) for d in own)
        self._rules.require(pulp.lpSum(q * z for q, z in counts.items()) == total, f"{name}_devices")
        self._terms += [(weight * comb(q, 2), z) for q, z in counts.items()]

    def _pairs(self, own: Sequence[int], less: int) -> None:
        """Add weights, each less something, of the pairs among devices."""
        rules, used = self._rules, self._rules.used
        most = sum(rules.formulation.rows[r].count for (r,) in rules.formulation.requests)
        at: dict[int, list[Any]] = {d: [] for d in own}
        for a, b in combinations(own, 2):
            weight = int(self._weights[a, b]) - less
            if not weight:
                continue
            y = self._rules.implied(f"pair_{self._name}_{a}_{b}")
            if weight > 0:
                self._rules.require(y <= used(a), f"pair_{self._name}_{a}_{b}_first")
                self._rules.require(y <= used(b), f"pair_{self._name}_{a}_{b}_second")
                at[a].append(y)
                at[b].append(y)
            else:
                self._rules.require(y >= used(a) + used(b) - 1, f"pair_{self._name}_{a}_{b}")
            self._terms.append((weight, y))
        for d, pairs in at.items():
            if len(pairs) >= most:
                rules.require(pulp.lpSum(pairs) <= (most - 1) * used(d), f"pairs_{self._name}_{d}")

    def _all_pairs(self, own: Sequence[int], count: int) -> None:
        """Add the weights of all pairs; each chosen device is in as many as others are chosen, which bounds well."""
        used = self._rules.used
        at: dict[int, list[Any]] = {d: [] for d in own}
        for a, b in combinations(own, 2):
            y = self._rules.implied(f"pair_{self._name}_{a}_{b}")
            self._rules.require(y <= used(a), f"pair_{self._name}_{a}_{b}_first")
            self._rules.require(y <= used(b), f"pair_{self._name}_{a}_{b}_second")
            at[a].append(y)
            at[b].append(y)
            self._terms.append((int(self._weights[a, b]), y))
        for d, pairs in at.items():
            self._rules.require(pulp.lpSum(pairs) == (count - 1) * used(d), f"pairs_{self._name}_{d}")


def _ranks(rules: Rules, local: LocalProblem, objective: Objective, count: int | None, term: Term) -> Aim:
    """Return the aim of a table, with a variable for each choice of devices: for terms that may be anything."""
    devices = rules.devices
    total = sum(rules.formulation.rows[r].count for (r,) in rules.formulation.requests)
    sizes = range(min(total, 1), min(total, len(devices)) + 1) if count is None else (count,)
    if sum(comb(len(devices), size) for size in sizes) > MOST_SETS:
        message = (
            f"objective {term.name}: no weights of pairs on node {local.site.name}, and more than {MOST_SETS} choices, "
            f"too many for a table; give the term its pairs, or use Exact()"
        )
        raise UnsupportedFeatureError(message, [term.name])
    sets = [own for size in sizes for own in combinations(devices, size)]
    masks = np.zeros((len(sets), local.size), np.bool_)
    for row, own in enumerate(sets):
        masks[row, list(own)] = True
    scores = [tuple(map(int, score)) for score in objective.of_many(local, masks).tolist()]
    # The worst first, of equal ones that of later devices.
    order = sorted(range(len(sets)), key=lambda row: sets[row], reverse=True)
    order.sort(key=lambda row: scores[row])
    taken = [rules.variable(f"set_{rank}") for rank in range(len(sets))]
    rules.require(pulp.lpSum(taken) == 1, "set")
    for d in devices:
        having = pulp.lpSum(variable for variable, row in zip(taken, order, strict=True) if masks[row, d])
        rules.require(having == rules.used(d), f"set_{d}")
    expression = pulp.lpSum(rank * variable for rank, variable in enumerate(taken))
    return Aim(expression, ranked=tuple(scores[row] for row in order))


def alike(rules: Rules, matrices: Sequence[NDArray[Any]]) -> Mapping[int, int]:
    """Return for devices the one before them that neither rules nor weights tell from them.

    Parameters
    ----------
    matrices
        Weights of pairs by level.
    """
    devices = rules.devices
    before: dict[int, int] = {}
    kinds: dict[Hashable, list[int]] = {}
    for d in devices:
        own = kinds.setdefault(_kind(rules, d), [])
        for other in reversed(own):
            if all(_swappable(weights, devices, other, d) for weights in matrices):
                before[d] = other
                break
        own.append(d)
    return before


def _kind(rules: Rules, d: int) -> Hashable:
    """Return all that the rules say about a device."""
    f = rules.formulation
    return (
        tuple(r for r in rules.choice if (r, d) in rules.given),
        f.draws[d].tobytes(),
        *((bool(joint.drawing[d]), joint.groups[d].tobytes()) for joint in f.joints),
        *(match.codes[:, d].tobytes() for match in f.matches),
        *(distinct.codes[:, d].tobytes() for distinct in f.distincts),
    )


def _swappable(weights: NDArray[Any], devices: Sequence[int], a: int, b: int) -> bool:
    rest = [d for d in devices if d not in {a, b}]
    return bool(weights[a, a] == weights[b, b] and (weights[a, rest] == weights[b, rest]).all())
