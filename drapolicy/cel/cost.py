"""Units of cost of cel-go's cost model, and ranges of them that saturate at 64 bits."""

from __future__ import annotations

import math
from typing import NamedTuple

# K: CELSelectorExpressionMaxCost, for the estimate (API validation) and for each evaluation (scheduler).
LIMIT = 1_000_000

MAX = 2**64 - 1
IDENT = 1
LIST_BASE = 10
MAP_BASE = 30
STRUCT_BASE = 40
TRAVERSAL = 0.1
PATTERN = 0.25


def scaled(size: int, factor: float) -> int:
    """Return a size times a factor, rounded up as doubles round and kept within 64 bits."""
    value = float(size)
    if value > 0 and factor > 0 and value > float(MAX) / factor:
        return MAX
    product = math.ceil(value * factor)
    return MAX if product >= 2**64 else product


class Range(NamedTuple):
    """The least and the most that a size or a cost may be."""

    min: int
    max: int

    def plus(self, other: Range) -> Range:
        """Return the sum of two ranges."""
        return Range(min(self.min + other.min, MAX), min(self.max + other.max, MAX))

    def times(self, other: Range) -> Range:
        """Return the product of two ranges."""
        return Range(min(self.min * other.min, MAX), min(self.max * other.max, MAX))

    def by(self, factor: float) -> Range:
        """Return a range scaled by a factor."""
        return Range(scaled(self.min, factor), scaled(self.max, factor))

    def union(self, other: Range) -> Range:
        """Return the smallest range that holds both."""
        return Range(min(self.min, other.min), max(self.max, other.max))


def exactly(amount: int) -> Range:
    """Return the range of one amount."""
    return Range(amount, amount)


NOTHING = exactly(0)
ONE = exactly(1)
UNKNOWN = Range(0, MAX)
