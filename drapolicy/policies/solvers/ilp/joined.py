"""The slowest link that joins the chosen devices, as large as can be, in an integer programme."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from math import gcd
from typing import Any

import numpy as np
import pulp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components

from drapolicy.policies.solvers.ilp.aim import Aim
from drapolicy.policies.solvers.ilp.rules import Rules


class Joined:
    """Links of which the slowest that is needed to join all chosen devices counts.

    Parameters
    ----------
    rules
        The programme.
    links
        Not negative; ndarray of shape (D, D), symmetric.
    count
        How many devices are chosen: two or more.
    name
        For names of variables and rows.

    Notes
    -----
    A binary variable for each speed says that links of it or more join the devices, who then lie in one component of
    these links. That is not all: they must be joined without devices that are not chosen. Rows for that are added where
    a solution needs them: of two chosen devices apart, some device next to the part of the one is chosen as well.
    """

    def __init__(self, rules: Rules, links: NDArray[np.int64], count: int, name: str) -> None:
        self._rules = rules
        self._links = links
        self._name = name
        self._number = 0
        devices = rules.devices
        own = links[np.ix_(devices, devices)]
        self._least = int(own[~np.eye(len(devices), dtype=bool)].min(initial=2**62))
        self._reached: dict[int, Any] = {}
        speeds = sorted({int(speed) for speed in own.ravel().tolist() if speed > self._least})
        known: dict[bytes, dict[int, Any]] = {}
        for speed in speeds:
            _, labels = connected_components(own >= speed, directed=False)
            large = [c for c in range(len(devices)) if (labels == c).sum() >= count]
            if not large:
                break
            reached = self._reached[speed] = rules.variable(f"speed_{name}_{speed}")
            parts = known.get(labels.tobytes())
            if parts is None:
                parts = known[labels.tobytes()] = {c: rules.variable(f"part_{name}_{speed}_{c}") for c in large}
                rules.require(pulp.lpSum(parts.values()) <= 1, f"part_{name}_{speed}")
                for d, label in zip(devices, labels.tolist(), strict=True):
                    rules.require(rules.used(d) <= parts.get(label, 0) + 1 - reached, f"part_{name}_{speed}_{d}")
        ordered = list(self._reached.items())
        for (slower, first), (faster, second) in pairwise(ordered):
            rules.require(second <= first, f"speed_{name}_{slower}_{faster}")
        rules.cuts.append(self.cut)

    def aim(self, weight: int) -> Aim:
        """Return the aim of a weight for each MB/s."""
        before, steps = self._least, []
        for speed, reached in self._reached.items():
            steps.append((speed - before, reached))
            before = speed
        unit = gcd(*(step for step, _ in steps)) or 1
        expression = pulp.lpSum((step // unit) * reached for step, reached in steps)
        return Aim(expression, weight * unit, weight * self._least)

    def cut(self, values: Mapping[str, float]) -> bool:
        """Add rows that refuse a solution whose devices are not joined by themselves; return whether there were any."""
        rules = self._rules
        chosen = [d for d in rules.devices if values[rules.used(d).name]]
        found = False
        for speed, reached in self._reached.items():
            if not values[reached.name]:
                continue
            fast = self._links >= speed
            _, labels = connected_components(fast[np.ix_(chosen, chosen)], directed=False)
            if labels.max() == 0:
                continue
            found = True
            for label in range(int(labels.max()) + 1):
                part = [d for d, own in zip(chosen, labels.tolist(), strict=True) if own == label]
                other = next(d for d, own in zip(chosen, labels.tolist(), strict=True) if own != label)
                next_to = [d for d in rules.devices if d not in part and fast[part, d].any()]
                self._number += 1
                rules.require(
                    rules.used(part[0]) + rules.used(other) + reached <= 2 + pulp.lpSum(map(rules.used, next_to)),
                    f"joined_{self._name}_{self._number}",
                )
        return found
