"""Resources of a node besides devices: which ones the scheduler counts, and in which unit.

Amounts are exact ints: CPU in milli units, everything else in units. As in Kubernetes each quantity is rounded up to
milli units when it is read, and sums are rounded up to units.
Source: K v1.37.2: the scheduler's ``framework/types.go`` and ``noderesources/fit.go``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

CPU, MEMORY, EPHEMERAL_STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"
BASIC = (CPU, MEMORY, EPHEMERAL_STORAGE)
HUGE_PAGES = "hugepages-"
"""What names of huge pages begin with."""

_VOLUMES, _NATIVE, _QUOTA = "attachable-volumes-", "kubernetes.io/", "requests."


def is_scalar_resource(name: str) -> bool:
    """Tell whether the scheduler counts a resource besides CPU, memory and ephemeral storage.

    Extended resources, huge pages, prefixed native resources and attachable volumes are counted; other names are not.
    """
    if _NATIVE in name or name.startswith((HUGE_PAGES, _VOLUMES)):
        return True
    return "/" in name and not name.startswith(_QUOTA)


def counted(amounts: Mapping[str, int]) -> dict[str, int]:
    """Return amounts in milli units as the scheduler counts them; those that it ignores are left out."""
    scalars: Iterable[str] = sorted(name for name in amounts if name not in BASIC and is_scalar_resource(name))
    return {name: rounded(name, amounts[name]) for name in (*BASIC, *scalars) if name in amounts}


def rounded(name: str, milli: int) -> int:
    """Return an amount in milli units as the scheduler counts it: milli CPU, units of everything else."""
    return milli if name == CPU else -(-milli // 1000)
