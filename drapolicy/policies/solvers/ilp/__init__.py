"""The best devices of a node by integer programmes: HiGHS by default, any solver that PuLP knows by name."""

from __future__ import annotations

from drapolicy.policies.solvers.ilp.ilp import Ilp

__all__ = ["Ilp"]
