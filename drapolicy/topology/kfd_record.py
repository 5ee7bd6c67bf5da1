"""What a capture of AMD's KFD says."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Node:
    """A node of the KFD: the CPUs of a NUMA node, a GPU or part of one, or an APU, which is both.

    Attributes
    ----------
    number
        Its folder's name.
    cores, simds
        Of its CPUs and of its GPU; 0 for none. A node with neither is memory.
    location
        Domain, bus, device and function of the GPU; of a part, the function is the part's number.
    hive
        Number that GPUs have in common that are linked by xGMI; 0 for none.
    unique
        Number of the GPU, the same for all its parts; 0 where not told.
    gfx
        Version of the architecture as in 90010 for gfx90a; 0 where not told.
    """

    number: int
    cores: int
    simds: int
    location: tuple[int, int, int, int] = (0, 0, 0, 0)
    hive: int = 0
    unique: int = 0
    gfx: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """A link in one direction.

    Attributes
    ----------
    kind
        ``xgmi``, ``pcie``, or between sockets ``hypertransport`` (AMD's Infinity Fabric too) or ``qpi``.
    direct
        Whether it is among the ``io_links``; else among the ``p2p_links``, which lead over other links.
    weight
        Cost by the driver.
    least_mb_s, most_mb_s
        MB/s per direction, before what the protocol takes; 0 where not told.
    """

    kind: str
    start: int
    end: int
    direct: bool
    weight: int
    least_mb_s: int
    most_mb_s: int


@dataclass(frozen=True)
class Capture:
    """Nodes and links of one machine, in order.

    Attributes
    ----------
    notes
        What is in doubt, one sentence each.
    """

    nodes: tuple[Node, ...]
    links: tuple[Link, ...]
    notes: tuple[str, ...] = ()

    @property
    def gpus(self) -> tuple[Node, ...]:
        """Nodes that are GPUs, or parts of them."""
        return tuple(node for node in self.nodes if node.simds)

    def between_gpus(self, kind: str) -> tuple[Link, ...]:
        """Links of a kind whose two ends are GPUs, each direction once."""
        gpus = {node.number for node in self.gpus}
        return tuple(link for link in self.links if link.kind == kind and {link.start, link.end} <= gpus)

    @property
    def hives(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of the nodes of each hive."""
        found: dict[int, list[int]] = defaultdict(list)
        for node in self.gpus:
            if node.hive:
                found[node.hive].append(node.number)
        return tuple(map(tuple, found.values()))
