"""Networks between hosts: leaves and spines, rails, dragonflies, tori; any number of hosts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from math import prod

from drapolicy.errors import InputError
from drapolicy.topology.generate.catalogue import MACHINES
from drapolicy.topology.generate.draft import MOST_DEVICES, Draft, check_size
from drapolicy.topology.generate.machine import draw
from drapolicy.topology.links import LinkKind
from drapolicy.topology.rates import ICI_MB_S, INFINIBAND_LANE_MBIT_S, ethernet_mb_s, infiniband_mb_s

SPEEDS = (*INFINIBAND_LANE_MBIT_S, *(f"{gbit_s}GbE" for gbit_s in (1, 10, 25, 40, 50, 100, 200, 400, 800)))
"""Speeds of a network's ports: InfiniBand of four lanes, and Ethernet."""


@dataclass(frozen=True)
class Network:
    """Draws links of one speed.

    Attributes
    ----------
    draft
        Picture to add to.
    speed
        One of `SPEEDS`.
    ports
        Ports of a switch.
    """

    draft: Draft
    speed: str
    ports: int

    def link(self, a: str, b: str, count: int = 1) -> None:
        """Add links of the network's speed."""
        ethernet = self.speed.endswith("GbE")
        mb_s = ethernet_mb_s(int(self.speed.removesuffix("GbE"))) if ethernet else infiniband_mb_s(self.speed)
        self.draft.link(a, b, LinkKind.ETHERNET if ethernet else LinkKind.INFINIBAND, mb_s, count)

    def down(self, oversubscription: int) -> int:
        """Return how many ports of a leaf lead down, as many times as many as lead up."""
        up = self.ports // (oversubscription + 1)
        if up == 0:
            raise InputError(
                f"oversubscription: {oversubscription} leaves none of {self.ports} ports to go up; give less"
            )
        return up * oversubscription

    def tree(self, leaves: int, up: int, pod: int, tiers: int) -> list[str]:
        """Add leaves and what joins them; return the leaves.

        Parameters
        ----------
        leaves
            How many.
        up
            Ports of each that lead up.
        pod
            Leaves that a spine of three tiers joins.
        tiers
            2: every spine joins all leaves. 3: spines join the leaves of a pod, and cores the spines of a rank.

        Raises
        ------
        InputError
            If the switches have too few ports.
        """
        names = [self.draft.vertex(f"leaf{n}", "switch", layer="leaf") for n in range(leaves)]
        if leaves == 1:
            return names
        if tiers == 2:
            spines = next((n for n in range(1, up + 1) if up % n == 0 and leaves * (up // n) <= self.ports), None)
            if spines is None:
                raise InputError(
                    f"tiers: {leaves} leaves are too many for spines of {self.ports} ports; give 3, or more ports"
                )
            for n in range(spines):
                spine = self.draft.vertex(f"spine{n}", "switch", layer="spine")
                for leaf in names:
                    self.link(leaf, spine, up // spines)
            return names
        pods = -(-leaves // pod)
        if pods > self.ports:
            raise InputError(
                f"nodes: {pods} pods are too many for cores of {self.ports} ports; give fewer, or more ports"
            )
        cores = [
            [self.draft.vertex(f"core{rank}-{n}", "switch", layer="core") for n in range(self.ports // 2)]
            for rank in range(up if pods > 1 else 0)
        ]
        for p in range(pods):
            for rank in range(up):
                spine = self.draft.vertex(f"spine{p}-{rank}", "switch", layer="spine")
                for leaf in names[p * pod : (p + 1) * pod]:
                    self.link(leaf, spine)
                for core in cores[rank] if cores else ():
                    self.link(spine, core)
        return names


def _add_nodes(draft: Draft, nodes: int, machine: str, nics: int = 1) -> list[list[str]]:
    """Add hosts, machines or only their cards, and return for each the cards of its rails in order."""
    check_size(nodes, _devices(machine, nics))
    return [_add_node(draft, n, machine, nics=nics) for n in range(nodes)]


def _devices(machine: str, nics: int) -> int:
    return len(MACHINES[machine].tokens) if machine else nics


def _add_node(draft: Draft, n: int, machine: str, inside: str | None = None, nics: int = 1) -> list[str]:
    host = f"node{n}"
    if machine:
        draw(draft, MACHINES[machine], host, prefix=f"{host}/", inside=inside)
        return [f"{host}/NIC{nic}" for nic in MACHINES[machine].rails]
    draft.vertex(host, "host", inside)
    return [
        draft.vertex(f"{host}/NIC{nic}", "nic", host, index=nic, rdma=f"mlx5_{nic}", rail=nic) for nic in range(nics)
    ]


def draw_fat_tree(
    draft: Draft, *, nodes: int, ports: int, oversubscription: int, tiers: int, speed: str, machine: str
) -> None:
    """Add a fat tree: each host is on one leaf with all its cards.

    With three tiers and no oversubscription it is the k-ary fat tree of M. Al-Fares, A. Loukissas and A. Vahdat,
    SIGCOMM 2008, doi:10.1145/1402958.1402967, with k ports a switch and room for k³/4 cards.
    """
    network = Network(draft, speed, ports)
    down = network.down(oversubscription)
    cards = _add_nodes(draft, nodes, machine)
    room = down // len(cards[0])
    if room == 0:
        raise InputError(f"ports: {down} ports lead down, too few for the {len(cards[0])} cards of a host; give more")
    leaves = network.tree(-(-nodes // room), down // oversubscription, ports // 2, tiers)
    for n, own in enumerate(cards):
        for card in own:
            network.link(card, leaves[n // room])


def draw_rails(
    draft: Draft, *, nodes: int, ports: int, oversubscription: int, tiers: int, speed: str, machine: str, rails: int
) -> None:
    """Add rails: the cards of a rail of neighbouring hosts share a leaf, and spines join the leaves.

    After NVIDIA DGX SuperPOD reference architecture RA-11333, where a scalable unit has a leaf a rail. ``rails`` are
    the cards of a host without a machine.
    """
    network = Network(draft, speed, ports)
    down = network.down(oversubscription)
    cards = _add_nodes(draft, nodes, machine, rails)
    width = len(cards[0])
    leaves = network.tree(-(-nodes // down) * width, down // oversubscription, ports // 2, tiers)
    for n, own in enumerate(cards):
        for rail, card in enumerate(own):
            network.link(card, leaves[n // down * width + rail])


def draw_dragonfly(draft: Draft, *, nodes: int, nodes_of_switch: int, speed: str, machine: str) -> None:
    """Add a balanced dragonfly: p hosts a switch, 2p switches a group, each to each, and p links to other groups.

    After J. Kim, W. Dally, S. Scott and D. Abts, ISCA 2008, doi:10.1145/1394608.1382129: a = 2p = 2h. All pairs of
    groups have as many links as can be the same for all. A group is a rack.
    """
    check_size(nodes, _devices(machine, 1))
    p, a = nodes_of_switch, 2 * nodes_of_switch
    groups = -(-nodes // (p * a))
    if groups > a * p + 1:
        raise InputError(
            f"nodes: {groups} groups are more than {a * p + 1}, which each can reach; give more nodes_of_switch"
        )
    network = Network(draft, speed, 4 * p)
    switches = []
    for g in range(groups):
        rack = draft.vertex(f"group{g}", "rack")
        switches.append([draft.vertex(f"group{g}/leaf{s}", "switch", rack, layer="leaf") for s in range(a)])
        for one, other in combinations(switches[g], 2):
            network.link(one, other)
    for n in range(nodes):
        g, s = n // (p * a), n // p % a
        for card in _add_node(draft, n, machine, f"group{g}"):
            network.link(card, switches[g][s])
    used = [0] * groups
    for _ in range(a * p // (groups - 1) if groups > 1 else 0):
        for here, there in combinations(range(groups), 2):
            network.link(switches[here][used[here] % a], switches[there][used[there] % a])
            used[here] += 1
            used[there] += 1


def draw_torus(draft: Draft, *, shape: tuple[int, ...], wrap: bool, host: tuple[int, ...], link: str) -> None:
    """Add a torus, or a grid, of accelerators: each is linked to its neighbours along each axis.

    After Google's TPU pods, N. Jouppi et al., ISCA 2023, doi:10.1145/3579371.3589350: chips in a torus, blocks of them
    in a host. Along an axis of length 2 that wraps around, two chips have two links.
    """
    host = host or tuple(2 if axis < 2 and length % 2 == 0 else 1 for axis, length in enumerate(shape))
    if len(host) != len(shape) or any(length % block for length, block in zip(shape, host, strict=False)):
        raise InputError(f"host: {host} does not divide {shape}; give as many lengths, each a divisor")
    if prod(shape) > MOST_DEVICES:
        raise InputError(f"shape: {shape} has {prod(shape):,} chips; ask for at most {MOST_DEVICES:,}")
    domain = draft.vertex("torus", "domain")
    one_mb_s = ICI_MB_S[link].bandwidth_mb_s
    for at in product(*(range(length // block) for length, block in zip(shape, host, strict=True))):
        draft.vertex(_named("host", at), "host", domain)
    for index, at in enumerate(product(*map(range, shape))):
        inside = _named("host", tuple(c // block for c, block in zip(at, host, strict=True)))
        draft.vertex(_named("chip", at), "gpu", inside, index=index, position=at)
    for at in product(*map(range, shape)):
        for axis, length in enumerate(shape):
            if length > 1 and (wrap or at[axis] + 1 < length):
                beside = (*at[:axis], (at[axis] + 1) % length, *at[axis + 1 :])
                draft.link(_named("chip", at), _named("chip", beside), LinkKind.ICI, one_mb_s)


def _named(what: str, at: tuple[int, ...]) -> str:
    return f"{what}{'-'.join(map(str, at))}"
