"""Products that few pods accept nothing else than: others had better leave them alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objective import Indices, Masks, Term
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.policies.objectives.mix import WHOLE, Mix
from drapolicy.policies.objectives.prices import Supply, coveted_parts
from drapolicy.policies.rows import Column, Rows, Scoring
from drapolicy.problem.local import LocalProblem

_MOST_PART = 1_000 * WHOLE


@dataclass(frozen=True)
class _Coveted:
    parts: Supply

    def part(self, node: LocalProblem) -> int:
        return dict(self.parts).get(node.product, 0) if self.parts else 0

    def __call__(self, node: LocalProblem, chosen: Indices) -> int:
        return self.part(node) * int(node.millis.takes[chosen].sum())

    def rows(self, products: tuple[str, ...]) -> Scoring:
        known = dict(self.parts)
        part = np.array([known.get(product, 0) for product in products], np.int64)
        return lambda rows: _taken(part, rows)


def _taken(part: Column, rows: Rows) -> Column:
    return (part[rows.product] * (rows.count * rows.takes))[:, None]


@dataclass(frozen=True)
class _Over:
    """The form for many choices: an object that equals another of the same parts, which a bound method does not."""

    term: _Coveted

    def __call__(self, node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
        taken: NDArray[np.int64] = chosen.astype(np.int64) @ node.millis.takes
        return self.term.part(node) * taken


@dataclass(frozen=True)
class _Rows:
    term: _Coveted

    def __call__(self, products: tuple[str, ...]) -> Scoring:
        return self.term.rows(products)


def coveted(mix: Mix, supply: Supply = ()) -> Term:
    """Return the term of the milli taken of a product, times the part of it that pods ask for who accept few products.

    Thousandths of a milli GPU; nothing where no pod of the mix wishes for a product. See
    :func:`~drapolicy.policies.objectives.prices.coveted_parts`.
    """
    parts = tuple((product, min(part, _MOST_PART)) for product, part in coveted_parts(mix, supply) if part)
    function = _Coveted(parts)
    doc = "GPU milli taken, times the part of the product that pods ask for which do not accept every product."
    most = WHOLE * MOST_DEVICES * max([1, *(part for _, part in parts)])
    over, rows = _Over(function), _Rows(function)
    return Term("coveted", "milli GPU / 1000", "min", ("chosen",), (0, most), function, doc, over, rows=rows)
