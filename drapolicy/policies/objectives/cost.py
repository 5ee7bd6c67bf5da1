"""What devices cost: by an attribute, or by a table of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.policies.objective import Indices, Masks, Term
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.problem.local import LocalProblem

_MOST = 2**40


@dataclass(frozen=True)
class _Cost:
    attribute: str
    table: tuple[tuple[str, int], ...]
    otherwise: int

    def prices(self, node: LocalProblem) -> NDArray[np.int64]:
        """Return what each device costs; ndarray of shape (D,), int64."""
        table = dict(self.table)
        prices = []
        for device in node.devices:
            found = device.attribute(self.attribute)
            held = None if found is None or found.scalar is None else found.scalar[1]
            if table:
                prices.append(table.get(str(held), self.otherwise))
            else:
                prices.append(held if isinstance(held, int) and not isinstance(held, bool) else self.otherwise)
        return np.clip(np.array(prices, np.int64), 0, _MOST)

    def __call__(self, node: LocalProblem, chosen: Indices) -> int:
        prices = self.prices(node)
        return sum(int(prices[d]) for d in chosen.tolist())


@dataclass(frozen=True)
class _Over:
    cost: _Cost

    def __call__(self, node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
        total: NDArray[np.int64] = chosen.astype(np.int64) @ self.cost.prices(node)
        return total


@dataclass(frozen=True)
class _Pairs:
    cost: _Cost

    def __call__(self, node: LocalProblem) -> NDArray[np.int64]:
        return np.diag(self.cost.prices(node))


def cost(
    attribute: str, table: Mapping[str, int] | None = None, *, otherwise: int = 0, unit: str = "price units"
) -> Term:
    """Return the term of what the chosen devices cost together; less is better.

    Parameters
    ----------
    attribute
        Fully qualified name: an integer price, or what the table is by, such as ``gpu.nvidia.com/productName``.
    table
        Price by value of the attribute, each 0 to 2**40; None where the attribute is the price itself.
    otherwise
        Price of a device without the attribute, or whose value is not in the table.
    unit
        For tables and charts.

    Raises
    ------
    InputError
        For a price that is no integer from 0 to 2**40.
    """
    rows = tuple(sorted((table or {}).items()))
    for name, price in (*rows, ("otherwise", otherwise)):
        if type(price) is not int or not 0 <= price <= _MOST:
            message = f"cost: price {price!r} of {name} is no integer from 0 to 2**40; choose another unit"
            raise InputError(message)
    function = _Cost(attribute, rows, otherwise)
    doc = f"Price of the chosen devices together, by {attribute}."
    bounds = (0, _MOST * MOST_DEVICES)
    return Term("cost", unit, "min", ("chosen",), bounds, function, doc, _Over(function), _Pairs(function))
