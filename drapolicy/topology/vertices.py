"""What the vertices of one machine's graph say of themselves, by which devices can be told."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.pci import address

CALLED = {"pci": "PCI address", "uuid": "UUID", "index": "index", "rdma": "RDMA device name"}
"""What a vertex may say, and how people call it."""

Key: TypeAlias = tuple[int | str, ...]
"""A fact in a form that can be compared."""

_NUMA = re.compile(r"(?:.*/)?numa(\d+)")


class Vertices:
    """What the vertices of one machine say of themselves.

    Attributes
    ----------
    memory
        Names of the memory nodes.
    """

    def __init__(self, topology: Topology) -> None:
        self.topology = topology
        self.memory = topology.of_kind("numa")
        self.kind = {name: str(topology.graph.nodes[name]["kind"]) for name in topology.devices}
        self._facts: dict[str, dict[str, Key]] = {way: {} for way in CALLED}
        for name in topology.devices:
            for way, key in _said(topology.graph.nodes[name]).items():
                self._facts[way][name] = key
        self._named: dict[str, dict[Key, list[str]]] = {way: defaultdict(list) for way in CALLED}
        for way, facts in self._facts.items():
            for name, key in facts.items():
                self._named[way][key].append(name)
        self.of_numa = dict(self._cpus())

    def _cpus(self) -> list[tuple[int, str]]:
        graph = self.topology.graph
        cpus = {
            name: [other for other, data in graph[name].items() if data["kind"] == INSIDE and other in self.memory]
            for name, kind in self.kind.items()
            if kind == "cpu"
        }
        found = []
        for memory in self.memory:
            own = [cpu for cpu, of in cpus.items() if of == [memory]]
            if number := _NUMA.fullmatch(memory):
                found.append((int(number[1]), own[0] if len(own) == 1 else memory))
        return found

    def equal(self, way: str, key: Key, kinds: Sequence[str]) -> list[str]:
        """Return the vertices of some kinds that say this."""
        return [name for name in self._named[way].get(key, ()) if self.kind[name] in kinds]

    def says(self, way: str, kinds: Sequence[str]) -> bool:
        """Tell whether any vertex of some kinds says such a thing."""
        return any(self.kind[name] in kinds for name in self._facts[way])

    def fact(self, way: str, name: str) -> Key | None:
        """Return what a vertex says, None for nothing."""
        return self._facts[way].get(name)

    def gpus_in_order(self) -> list[str]:
        """Return the GPUs by their place in the listing; those without one come first."""
        return sorted(self.topology.of_kind("gpu"), key=lambda name: self._facts["index"].get(name, (-1,)))

    def why_free(self, name: str) -> str:
        """Return why a vertex that nothing was matched to is free."""
        data = self.topology.graph.nodes[name]
        told = [f"{called} {data[way]}" for way, called in CALLED.items() if data.get(way, "") != ""]
        if data["kind"] == "cpu":
            return "no device of a CPU driver names its memory node, or it is not the only CPU there"
        if not told:
            return "nothing says its PCI address, UUID, index or RDMA device name"
        return f"no device has its {', '.join(told)}"


def _said(data: Mapping[str, Any]) -> dict[str, Key]:
    facts: dict[str, Key] = {way: (data[way],) for way in ("uuid", "rdma") if data.get(way)}
    if data.get("pci") and (told := address(data["pci"])) is not None:
        facts["pci"] = told
    if "index" in data and data["kind"] == "gpu":
        facts["index"] = (data["index"],)
    return facts
