"""Products that few pods accept nothing else than: a part of each node is kept for these."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.objective import Indices, Masks, Term
from drapolicy.policies.objectives.balance import gpus_of, milli_left
from drapolicy.policies.objectives.masks import MOST_DEVICES
from drapolicy.policies.objectives.mix import WHOLE, Mix
from drapolicy.policies.objectives.prices import Supply, coveted_parts
from drapolicy.policies.rows import Column, Rows, Scoring
from drapolicy.problem.local import LocalProblem

_ALL = 1_000
"""Thousandths of a node."""


@dataclass(frozen=True)
class _Coveted:
    parts: Supply

    def kept(self, node: LocalProblem) -> tuple[int, int]:
        """Return how many milli of a node are kept, and how many it has."""
        whole = WHOLE * gpus_of(node)
        return whole * dict(self.parts).get(node.product, 0) // _ALL if self.parts else 0, whole

    def __call__(self, node: LocalProblem, chosen: Indices) -> int:
        before = int(node.millis.left.sum())
        after = max(before - int(node.millis.takes[chosen].sum()), 0)
        kept, whole = self.kept(node)
        return (max(kept - after, 0) ** 2 - max(kept - before, 0) ** 2) // max(whole, 1)

    def many(self, node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
        kept, whole = self.kept(node)
        found: NDArray[np.int64] = _grown(kept, node.millis.left.sum(), milli_left(node, chosen)) // max(whole, 1)
        return found

    def rows(self, products: tuple[str, ...]) -> Scoring:
        known = dict(self.parts)
        part = np.array([known.get(product, 0) for product in products], np.int64)
        return lambda rows: _rows(part, rows)


def _grown(kept: Column | int, before: Column | np.int64, after: Column) -> Column:
    """Return by how much the square of what is missing of what is kept grows."""
    found: Column = np.maximum(kept - after, 0) ** 2 - np.maximum(kept - before, 0) ** 2
    return found


def _rows(part: Column, rows: Rows) -> Column:
    if not part.any() or not rows.count:
        return np.zeros((len(rows), 1), np.int64)
    whole = WHOLE * rows.gpus
    kept = whole * part[rows.product] // _ALL
    return (_grown(kept, rows.left.sum(axis=1), rows.free_after) // np.maximum(whole, 1))[:, None]


@dataclass(frozen=True)
class _Over:
    """The form for many choices: an object that equals another of the same parts, which a bound method does not."""

    term: _Coveted

    def __call__(self, node: LocalProblem, chosen: Masks) -> NDArray[np.int64]:
        return self.term.many(node, chosen)


@dataclass(frozen=True)
class _Rows:
    term: _Coveted

    def __call__(self, products: tuple[str, ...]) -> Scoring:
        return self.term.rows(products)


def coveted(mix: Mix, supply: Supply = ()) -> Term:
    """Return the term of what is taken of that part of a node that is kept for pods which accept few products.

    The part is what such pods ask for of the product, at most all of it
    (:func:`~drapolicy.policies.objectives.prices.coveted_parts`). Let s be how much of it is no longer free, in milli;
    the term is by how much s² / (milli of the node) grows. The more is missing already, the dearer is the rest, so
    what is free for all goes first, and nodes of a product that few ask for are not held back as wholes. Nothing where
    no pod of the mix wishes for a product.
    """
    parts = tuple((product, min(part, _ALL)) for product, part in coveted_parts(mix, supply) if part)
    function = _Coveted(parts)
    doc = "What is taken of the part of a node that is kept for pods which do not accept every product."
    most = WHOLE * MOST_DEVICES
    over, rows = _Over(function), _Rows(function)
    return Term("coveted", "milli GPU", "min", ("chosen",), (0, most), function, doc, over, rows=rows)
