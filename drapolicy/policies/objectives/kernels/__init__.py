"""The loops over nodes and GPUs that scores by columns are made of: compiled where numba is installed, else numpy.

Both give the same numbers, held by a property test. Kinds read few nodes at a time, on which calls of numpy take longer
than what they do.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import Any

from drapolicy.policies.objectives.kernels import plain

growth: Callable[..., Any] = plain.growth

if find_spec("numba") is not None:
    from drapolicy.policies.objectives.kernels import compiled

    growth = compiled.growth

__all__ = ["growth"]
