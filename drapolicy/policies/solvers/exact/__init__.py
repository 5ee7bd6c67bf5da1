"""The best devices of a node, and the proof that there are no better ones."""

from __future__ import annotations

from drapolicy.policies.solvers.exact.exact import Exact

__all__ = ["Exact"]
