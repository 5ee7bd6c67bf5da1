"""Seeded random problems: everything that can meet in one allocation, small enough to check by brute force."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from drapolicy.api.core import Namespace, Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.resource import ResourceClaim
from drapolicy.errors import InputError
from drapolicy.release import Release
from drapolicy.release import release as kubernetes
from drapolicy.testing import demand, supply


@dataclass(frozen=True)
class Size:
    """At most so many pools a driver, devices a pool, claims to place and claims that hold devices."""

    pools: int
    devices: int
    claims: int
    held: int


SIZES = {"tiny": Size(1, 3, 1, 1), "small": Size(2, 6, 4, 3), "large": Size(4, 24, 4, 12)}


@dataclass(frozen=True)
class Case:
    """One problem: the claims of one pod and one node to place them on.

    Attributes
    ----------
    objects
        Nodes, slices, classes, taint rules, namespaces and all claims.
    node
        The node; it is among the objects.
    claims
        Claims without allocation, in the order of the pod.
    existing
        Claims that hold devices.
    release
        Kubernetes release with its gates; what they turn off does not occur.
    """

    objects: Objects
    node: Node
    claims: tuple[ResourceClaim, ...]
    existing: tuple[ResourceClaim, ...]
    release: Release


def problem(seed: int, *, size: str = "small", release: Release | None = None) -> Case:
    """Return the problem of a seed, the same in any process.

    Parameters
    ----------
    seed
        Any integer.
    size
        ``tiny``, ``small`` or ``large``.
    release
        Kubernetes release with its gates, 1.37 with its defaults if None. Every allocator feature that is on is used.

    Returns
    -------
    Case
        Valid by the rules of the release's API, with defaults set; it may have no solution, an incomplete or invalid
        pool, or an expression that fails on some device.

    Raises
    ------
    InputError
        For an unknown size.

    Examples
    --------
    >>> [claim.metadata.name for claim in problem(7, size="tiny").claims]
    ['claim-0']
    """
    if size not in SIZES:
        message = f"size {size!r} is unknown; use one of {', '.join(SIZES)}"
        raise InputError(message)
    most = SIZES[size]
    rng = Random(f"{size}/{seed}")
    release = release or kubernetes()
    nodes = supply.nodes(rng, release)
    pools = supply.pools(rng, most.pools, release)
    slices = [item for pool in pools for item in supply.slices(rng, pool, most.devices)]
    rng.shuffle(slices)
    devices = [(item.spec.driver, item.spec.pool.name, device.name) for item in slices for device in item.spec.devices]
    namespace = "ops" if rng.random() < 0.12 and "AdminAccess" in release.features else "default"
    existing = demand.allocated(rng, slices, most.held)
    drivers = sorted({driver for driver, _, _ in devices})
    claims = demand.claims(rng, namespace, drivers, most.claims, release)
    objects = Objects(
        nodes=nodes,
        slices=tuple(slices),
        classes=supply.classes(rng),
        taint_rules=supply.taint_rules(rng, devices, release),
        namespaces=(
            Namespace(metadata=ObjectMeta(name="default")),
            Namespace(metadata=ObjectMeta(name="ops", labels={"resource.kubernetes.io/admin-access": "true"})),
        ),
        claims=(*existing, *claims),
    )
    return Case(objects, nodes[0], claims, existing, release)
