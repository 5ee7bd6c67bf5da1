"""What is wrong with the slices of an input taken together, which no single slice shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from drapolicy.api.names import shown
from drapolicy.api.objects import Objects
from drapolicy.api.resource import ResourceSlice
from drapolicy.errors import Fault
from drapolicy.inventory.pool_device import PoolId
from drapolicy.release import Release


def check(objects: Objects) -> list[Fault]:
    """Return what makes the pools of an input contradict themselves.

    Kubernetes lives with all of it: it uses a pool's newest generation alone (K8s S24) and nothing of an invalid pool
    (K8s S25). In files it is a snapshot of a driver at work, or two inputs mixed, and the answer would not be about
    the devices that the reader of the files has in mind.

    Parameters
    ----------
    objects
        Everything loaded.

    Returns
    -------
    list of Fault
        In the order of driver, pool and slice: slices of an older generation than their pool's newest, slices of one
        generation that disagree about ``resourceSliceCount``, devices and counter sets of one name in two slices of
        a pool.

    Examples
    --------
    >>> check(Objects())
    []
    """
    faults: list[Fault] = []
    for pool, slices in _pools(objects.slices):
        newest = max(published.spec.pool.generation for published in slices)
        current = [published for published in slices if published.spec.pool.generation == newest]
        faults += _stale(pool, slices, newest)
        faults += _counts(pool, current)
        # Several nodes may see different slices of a pool, and a name need be unique for each node alone (S25).
        if len({published.spec.node_name for published in current}) == 1:
            faults += _twice(pool, current)
    return faults


def incomplete(objects: Objects, kubernetes: Release) -> list[Fault]:
    """Return the pools that have fewer slices in an input than their driver published, and what that means.

    No fault of the input: so it is whenever a driver is about to publish a pool (K8s S25).

    Examples
    --------
    >>> from drapolicy.release import release
    >>> incomplete(Objects(), release())
    []
    """
    means = "allocates none of its devices until all are there"
    if not kubernetes.behaviour.skips_unusable_pools:
        means = f"{kubernetes.minor} allocates its devices all the same, though not to requests for all devices"
    notes = []
    for pool, slices in _pools(objects.slices):
        newest = max(published.spec.pool.generation for published in slices)
        current = [published for published in slices if published.spec.pool.generation == newest]
        want = current[0].spec.pool.resource_slice_count
        if len(current) < want:
            message = f"pool {pool} has {len(current)} of its {want} slices; Kubernetes {means}"
            notes.append(Fault("", -1, _label(current[0]), "spec.pool.resourceSliceCount", message))
    return notes


def _pools(slices: Iterable[ResourceSlice]) -> Iterator[tuple[PoolId, list[ResourceSlice]]]:
    pools: dict[PoolId, list[ResourceSlice]] = {}
    for published in slices:
        pools.setdefault(PoolId(published.spec.driver, published.spec.pool.name), []).append(published)
    for pool in sorted(pools):
        yield pool, sorted(pools[pool], key=lambda published: published.metadata.name)


def _stale(pool: PoolId, slices: Sequence[ResourceSlice], newest: int) -> Iterator[Fault]:
    for published in slices:
        generation = published.spec.pool.generation
        if generation < newest:
            message = (
                f"{generation} is stale: pool {pool} is there with generation {newest} too, and only the newest "
                "counts; remove this slice"
            )
            yield Fault("", -1, _label(published), "spec.pool.generation", message)


def _counts(pool: PoolId, current: Sequence[ResourceSlice]) -> Iterator[Fault]:
    first = current[0].spec.pool.resource_slice_count
    for published in current[1:]:
        count = published.spec.pool.resource_slice_count
        if count != first:
            message = f"{count} differs from {first} in another slice of pool {pool}; give all the same"
            yield Fault("", -1, _label(published), "spec.pool.resourceSliceCount", message)
    if all(published.spec.pool.resource_slice_count == first for published in current) and len(current) > first:
        message = f"{first}, but pool {pool} has {len(current)} slices of this generation; remove what is too much"
        yield Fault("", -1, _label(current[-1]), "spec.pool.resourceSliceCount", message)


def _twice(pool: PoolId, current: Sequence[ResourceSlice]) -> Iterator[Fault]:
    devices: dict[str, str] = {}
    sets: dict[str, str] = {}
    for published in current:
        named = [("devices", devices, [device.name for device in published.spec.devices])]
        named += [("sharedCounters", sets, [counters.name for counters in published.spec.shared_counters])]
        for field, seen, names in named:
            for position, name in enumerate(names):
                first = seen.setdefault(name, published.metadata.name)
                if first != published.metadata.name:
                    message = (
                        f"{shown(name)} is in slice {first} of pool {pool} too, which makes the pool invalid; "
                        "rename or drop one"
                    )
                    yield Fault("", -1, _label(published), f"spec.{field}[{position}].name", message)


def _label(published: ResourceSlice) -> str:
    return f"ResourceSlice {published.metadata.name}"
