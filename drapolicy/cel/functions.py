"""All functions of expressions by name (K8s S57)."""

from __future__ import annotations

from typing import Final

from drapolicy.cel import conversions, formats, formatting, kubernetes, lists, network, standard, strings, times, urls
from drapolicy.cel.dispatch import Function, merge

FUNCTIONS: Final[dict[str, Function]] = merge(
    standard.LIBRARY,
    conversions.LIBRARY,
    kubernetes.LIBRARY,
    strings.LIBRARY,
    lists.LIBRARY,
    network.LIBRARY,
    formatting.LIBRARY,
    times.LIBRARY,
    urls.LIBRARY,
    formats.LIBRARY,
)
