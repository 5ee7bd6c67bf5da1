"""What a model of topograph says, and how its fields are read.

Three forms are in use and may be mixed: switches as a list of records or by name; nodes in ``blocks`` that name their
switch, in ``capacity_blocks`` that a switch names, or directly below a switch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from drapolicy.api.values import join
from drapolicy.topology import slurm
from drapolicy.topology.document import Document
from drapolicy.topology.slurm import Group, Switch

DOMAIN_KEYS: Final = (
    "accelerator.topology.test/domain",
    "network.topology.nvidia.com/accelerator",
    "nvidia.com/gpu.clique",
)
"""Annotations and labels of a block that name its accelerator domain; the first that is there counts."""

RACK_KEYS: Final = ("accelerator.topology.test/sub-domain", "test.topology/rack")
"""Annotations and labels of a block that name a part of its domain."""

# physical_layers, of models of 2024, tells placement groups of clouds, which are no part of the network.
_MODEL = frozenset({"topology", "switches", "blocks", "capacity_blocks", "nodes", "physical_layers"})
_NOTES = frozenset({"labels", "annotations", "metadata"})
_SWITCH = frozenset({"name", "switches", "nodes", "capacity_blocks"}) | _NOTES
_BLOCK = frozenset({"name", "switch", "nodes", "nvlink", "type", "attributes"}) | _NOTES
_NODE = frozenset({"name", "capacity_block", "type", "attributes"}) | _NOTES


@dataclass(frozen=True)
class Model:
    """What a model says.

    Attributes
    ----------
    switches
        With the nodes directly below each, those of its blocks included.
    domains
        Accelerator (NVLink) domains and their nodes.
    racks
        Parts of domains, and capacity blocks, with their nodes.
    nodes
        All nodes in the order of the file; those below no switch as well.
    labels
        Labels of each switch that has some: region, zone.
    """

    switches: tuple[Switch, ...]
    domains: tuple[Group, ...]
    racks: tuple[Group, ...]
    nodes: tuple[str, ...]
    labels: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass
class _Block:
    """Nodes that the file lists together."""

    path: str
    nodes: tuple[str, ...]
    switch: str
    domain: str
    rack: str


class Reader:
    """Makes a model of a document, which remembers what is wrong."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._paths: dict[str, str] = {}
        self._below: dict[str, list[str]] = {}
        self._nodes_below: dict[str, list[str]] = {}
        self._labels: dict[str, Mapping[str, str]] = {}
        self._switch_of_block: dict[str, str] = {}

    def model(self) -> Model:
        """Return what the document says, or raise all that is wrong with it."""
        document = self._document
        fields = document.mapping(document.value, "", _MODEL)
        for path, name, record in self._records(fields, "switches", _SWITCH):
            self._switch(path, name, record)
        blocks = [
            self._block(path, "", record) for path, _, record in self._records(fields, "blocks", _BLOCK, named=False)
        ]
        for path, name, record in self._records(fields, "capacity_blocks", _BLOCK):
            blocks.append(self._block(path, name, record))
        alone = list(self._node_blocks(fields))
        place: dict[str, str] = {}
        for block in blocks:
            self._attach(block, place)
        domains, racks = self._groups([*blocks, *alone], "domain"), self._groups([*blocks, *alone], "rack")
        switches = tuple(
            Switch(name, tuple(below), tuple(dict.fromkeys(self._nodes_below.get(name, ()))), None, self._paths[name])
            for name, below in self._below.items()
        )
        nodes = [node for switch in switches for node in switch.nodes]
        nodes += [node for block in (*blocks, *alone) for node in block.nodes]
        if document.sound:
            self._check(switches)
            if not switches and not nodes:
                document.refuse("names no switch and no node")
            for node in dict.fromkeys(nodes):
                if node in self._paths:
                    document.fault(self._paths[node], f"{node} is the name of a switch and of a node; rename one")
        document.close()
        return Model(switches, domains, racks, tuple(dict.fromkeys(nodes)), self._labels)

    def _switch(self, path: str, name: str, record: Mapping[str, Any]) -> None:
        document = self._document
        self._paths[name] = path
        below = self._names(record, path, "switches")
        self._below[name] = list(below)
        for child in below:
            self._below.setdefault(child, [])
            self._paths.setdefault(child, join(path, "switches"))
        self._nodes_below.setdefault(name, []).extend(self._names(record, path, "nodes"))
        for block in self._names(record, path, "capacity_blocks"):
            if block in self._switch_of_block:
                message = f"{block} is below {self._switch_of_block[block]} already"
                document.fault(join(path, "capacity_blocks"), message)
            self._switch_of_block[block] = name
        labels = {**self._notes(record, path, "metadata"), **self._notes(record, path, "labels")}
        if labels:
            self._labels[name] = labels

    def _block(self, path: str, name: str, record: Mapping[str, Any]) -> _Block:
        document = self._document
        notes = {**self._notes(record, path, "labels"), **self._notes(record, path, "annotations")}
        domain = next((notes[key] for key in DOMAIN_KEYS if key in notes), "")
        if "nvlink" in record:
            domain = document.text(record["nvlink"], join(path, "nvlink"))
        rack = next((notes[key] for key in RACK_KEYS if key in notes), name)
        switch = document.text(record["switch"], join(path, "switch")) if "switch" in record else ""
        nodes = self._names(record, path, "nodes")
        if not record.get("nodes"):
            document.fault(path, "has no nodes")
        return _Block(path, nodes, switch or self._switch_of_block.pop(name, ""), domain, rack)

    def _node_blocks(self, fields: Mapping[str, Any]) -> Iterator[_Block]:
        """Yield what records of single nodes say of their domain and capacity block."""
        for path, name, record in self._records(fields, "nodes", _NODE):
            document = self._document
            attributes = document.mapping(record.get("attributes", {}), join(path, "attributes"))
            text = (
                document.text(attributes["nvlink"], join(path, "attributes.nvlink")) if "nvlink" in attributes else ""
            )
            rack = (
                document.text(record["capacity_block"], join(path, "capacity_block"))
                if "capacity_block" in record
                else ""
            )
            yield _Block(path, (name,), "", text, rack)

    def _attach(self, block: _Block, place: dict[str, str]) -> None:
        """Put the nodes of a block below its switch."""
        document = self._document
        twice = next((node for node in block.nodes if node in place), None)
        if twice is not None:
            document.fault(block.path, f"{twice} is in {place[twice]} already")
        place.update(dict.fromkeys(block.nodes, block.path))
        if not block.switch:
            return
        if block.switch not in self._below:
            if self._below:
                document.fault(join(block.path, "switch"), f"{block.switch} is not among the switches")
                return
            self._paths[block.switch] = block.path
        self._below.setdefault(block.switch, [])
        self._nodes_below.setdefault(block.switch, []).extend(block.nodes)

    def _groups(self, blocks: list[_Block], kind: str) -> tuple[Group, ...]:
        groups: dict[str, dict[str, str]] = {}
        of_node: dict[str, str] = {}
        for block in blocks:
            name = getattr(block, kind)
            if not name:
                continue
            for node in block.nodes:
                if of_node.setdefault(node, name) != name:
                    self._document.fault(block.path, f"{node} is in {kind} {of_node[node]} already, not in {name}")
            groups.setdefault(name, {}).update(dict.fromkeys(block.nodes, block.path))
        return tuple(Group(name, tuple(nodes)) for name, nodes in groups.items())

    def _check(self, switches: tuple[Switch, ...]) -> None:
        """Find what makes the switches no tree."""
        document = self._document
        above: dict[str, str] = {}
        height = slurm.heights(switches)
        for switch in switches:
            if switch.name not in height:
                document.fault(switch.where, f"switch {switch.name} is below itself, or above a switch that is")
            for child in switch.switches:
                if child in above:
                    document.fault(switch.where, f"switch {child} is below {above[child]} already")
                above[child] = switch.name
        for block, name in self._switch_of_block.items():
            document.fault(self._paths[name], f"capacity block {block} is not defined")

    def _records(
        self, fields: Mapping[str, Any], key: str, known: frozenset[str], *, named: bool = True
    ) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
        """Yield path, name and fields of the records of a section, be they a list or under their names."""
        document = self._document
        value = fields.get(key, {})
        if isinstance(value, dict) and named:
            for name, record in value.items():
                path = join(key, name)
                yield path, name, document.mapping(record, path, known - {"name"})
            return
        seen: set[str] = set()
        for path, record in document.entries(value if key in fields else [], key):
            inner = document.mapping(record, path, known)
            name = document.text(inner.get("name"), join(path, "name")) if named else ""
            if name and name in seen:
                document.fault(path, f"{name} is given twice")
            seen.add(name)
            yield path, name, inner

    def _names(self, record: Mapping[str, Any], path: str, key: str) -> tuple[str, ...]:
        return self._document.names(record[key], join(path, key)) if key in record else ()

    def _notes(self, record: Mapping[str, Any], path: str, key: str) -> dict[str, str]:
        where = join(path, key)
        notes = self._document.mapping(record.get(key, {}), where)
        return {name: self._document.text(value, join(where, name)) for name, value in notes.items()}
