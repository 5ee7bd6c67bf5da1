"""What a picture of a node says of it: groups, who holds which device, partitions and links."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import combinations

from drapolicy.api.resource import AllocationResult
from drapolicy.inventory.pool_device import DeviceId, PoolDevice
from drapolicy.policies import POLICIES, Rule
from drapolicy.policies.objective import as_objective
from drapolicy.problem.placement import Placement
from drapolicy.problem.site import Site
from drapolicy.topology.attributes import role, value, values
from drapolicy.topology.links import LinkKind
from drapolicy.topology.products import link_rates

_INSIDE = {kind.value for kind in (LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE)}
_SLICE = re.compile(r"memory-slice-?(\d+)$", re.IGNORECASE)


@dataclass
class Holder:
    """Who holds a device: a placement by its position, or -1 for somebody else.

    Attributes
    ----------
    who
        Position of the placement among those that are drawn.
    part
        What the shares take of the device, from 0 to 1; 1 for the whole device.
    label
        Name of the claim that holds it.
    """

    who: int
    part: float = 1.0
    label: str = ""


@dataclass
class Group:
    """Devices behind one PCIe root (or of one NUMA node where no root is published).

    Attributes
    ----------
    label
        For people.
    plain
        Devices that draw from no counter set.
    cards
        Devices by the counter set that they draw from.
    """

    label: str
    plain: list[PoolDevice] = field(default_factory=list)
    cards: dict[tuple[str, str, str], list[PoolDevice]] = field(default_factory=dict)


def groups(site: Site) -> list[Group]:
    """Return the devices of a node in groups, in the order of their first devices.

    A root has the NUMA node that one of its devices publishes, or that of a root to which a link stays within a
    NUMA node: GPUs publish none where their drivers do not, network cards do.
    """
    found: dict[str, Group] = {}
    members: dict[str, list[int]] = {}
    numas: dict[str, set[str]] = {}
    for device in site.devices:
        driver = device.pool.driver
        root = ", ".join(map(str, values(driver, device.api, "pcie_root")))
        numa = ", ".join(map(str, values(driver, device.api, "numa_node")))
        key = root or (f"NUMA node {numa}" if numa else "")
        group = found.setdefault(key, Group(key))
        if root:
            members.setdefault(root, []).append(device.index)
            numas.setdefault(root, set()).update([numa] if numa else [])
        if device.counters:
            counter_set = device.counters[0][0][0]
            group.cards.setdefault((driver, device.pool.pool, counter_set), []).append(device)
        else:
            group.plain.append(device)
    kinds = _kinds(site)
    for root, published in numas.items():
        near = published or {
            numa
            for other, known in numas.items()
            for numa in known
            if any(kinds(int(site.links[a, b])) in _INSIDE for a in members[root] for b in members[other])
        }
        if len(near) == 1:
            found[root].label += f" · NUMA {min(near)}"
    return list(found.values())


def holders(
    site: Site, drawn: Iterable[tuple[int, str, AllocationResult]], taken: Iterable[tuple[str, AllocationResult]]
) -> dict[DeviceId, list[Holder]]:
    """Return who holds which device of a node; admin access holds nothing."""
    here = {device.id: device for device in site.devices}
    found: dict[DeviceId, list[Holder]] = {}
    everyone = [(-1, label, allocation) for label, allocation in taken] + list(drawn)
    for who, label, allocation in everyone:
        for result in allocation.devices.results:
            identity = DeviceId(result.driver, result.pool, result.device)
            if identity in here and not result.admin_access:
                part = here[identity].part(result.consumed_capacity)
                found.setdefault(identity, []).append(Holder(who, part, label))
    return found


def memory_slices(device: PoolDevice) -> frozenset[int]:
    """Return which memory slices of its GPU a partition covers; none where counters have other names."""
    matches = ((_SLICE.search(counter), amount) for (_, counter), amount in device.counters)
    return frozenset(int(match[1]) for match, amount in matches if match and amount)


def partition_label(device: PoolDevice) -> str:
    """Return what a partition is called: its profile, its type, or its name."""
    profile = device.attribute(f"{device.pool.driver}/profile")
    label = profile.scalar[1] if profile is not None and profile.scalar else ""
    return str(label) if label else device.api.name


@dataclass(frozen=True)
class Link:
    """A link between two devices of a node.

    Attributes
    ----------
    a, b
        Device indices.
    mb_s
        Per direction.
    kind
        In the words of ``nvidia-smi topo -m`` (``NV12``, ``PHB`` ...) where the bandwidth tells, else empty.
    """

    a: int
    b: int
    mb_s: int
    kind: str

    def __str__(self) -> str:
        return f"{self.kind} {self.mb_s:,} MB/s".strip()


def links(site: Site, chosen: Sequence[int]) -> list[Link]:
    """Return the links between chosen devices, each pair once."""
    kinds = _kinds(site)
    found = []
    for a, b in combinations(sorted(set(chosen)), 2):
        mb_s = int(site.links[a, b])
        if mb_s:
            found.append(Link(a, b, mb_s, kinds(mb_s)))
    return found


class _Kinds:
    def __init__(self, product: str) -> None:
        rates = link_rates(product)
        self._nvlink = rates.nvlink_mb_s
        paths = (LinkKind.PIX, LinkKind.PXB, LinkKind.PHB, LinkKind.NODE, LinkKind.SYS)
        self._paths = {rates.bandwidth_mb_s(kind): kind.value for kind in paths}

    def __call__(self, mb_s: int) -> str:
        if mb_s in self._paths:
            return self._paths[mb_s]
        return f"NV{mb_s // self._nvlink}" if mb_s % self._nvlink == 0 and mb_s // self._nvlink <= 18 else ""


def _kinds(site: Site) -> _Kinds:
    gpus = (d for d in site.devices if role(d.pool.driver, d.api) == "gpu")
    named = (str(value(d.pool.driver, d.api, "product") or "") for d in gpus)
    return _Kinds(next((name for name in named if name), ""))


def units(policy: str) -> dict[str, str]:
    """Return the unit of each term of a policy of the table; none for others, whose terms are not known here."""
    rule = POLICIES.get(policy)
    terms = as_objective(rule.objective).terms if isinstance(rule, Rule) else ()
    return {term.name: term.unit for term in terms}


def score_text(placement: Placement) -> str:
    """Return a placement's score in a line, term by term."""
    unit = units(placement.policy)
    return "; ".join(f"{name} {amount:,} {unit.get(name, '')}".strip() for name, amount in placement.score.items())
