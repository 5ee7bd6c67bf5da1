"""The loops over nodes that a decision is made of: compiled where numba is installed, numpy where it is not.

Both give the same answers, held by a property test. The compiled ones save what calls of numpy cost on few numbers.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

from drapolicy.policies.engine.kernels import plain

refresh: Callable[..., int] = plain.refresh
foremost: Callable[..., int] = plain.foremost
best: Callable[..., int] = plain.best
best_with: Callable[..., int] = plain.best_with

if find_spec("numba") is not None:
    from drapolicy.policies.engine.kernels import compiled

    refresh, foremost = compiled.refresh, compiled.foremost
    best, best_with = compiled.best, compiled.best_with

__all__ = ["best", "best_with", "foremost", "refresh"]
