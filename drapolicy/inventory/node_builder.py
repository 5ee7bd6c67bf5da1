"""Turns nodes into columns, a batch at a time, so that the objects of a batch can be forgotten."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
import numpy as np
from msgspec.structs import replace

from drapolicy.api.core import Node
from drapolicy.api.encode import unread
from drapolicy.api.meta import ObjectMeta
from drapolicy.errors import InputError
from drapolicy.inventory.columns import texts
from drapolicy.inventory.growing import GrowingCodes, canonical
from drapolicy.inventory.growing_maps import GrowingMaps, GrowingQuantities
from drapolicy.inventory.growing_texts import GrowingTexts
from drapolicy.inventory.nodes import NodeTable

_BATCH = 1024

_NO_METADATA = ObjectMeta()
_METADATA = msgspec.json.Encoder(order="deterministic")
_UNREAD = msgspec.json.Encoder(decimal_format="number")


class NodeBuilder:
    """Collects nodes in the order of the input; nothing of a node is kept but its columns, once a batch is full."""

    def __init__(self) -> None:
        self._waiting: list[Node] = []
        self._known: dict[str, None] = {}
        self._twice: list[str] = []
        self._count = 0
        self._labels = GrowingMaps(GrowingTexts())
        self._capacity, self._allocatable = (GrowingMaps(GrowingQuantities()) for _ in range(2))
        self._metadata = GrowingTexts()
        self._rest = GrowingCodes[Node](canonical)
        self._unread = GrowingTexts()

    def add(self, nodes: Iterable[Node]) -> None:
        """Take nodes over."""
        for node in nodes:
            name = node.metadata.name
            if name in self._known:
                self._twice.append(name)
            self._known[name] = None
            self._waiting.append(node)
            if len(self._waiting) >= _BATCH:
                self._flush()

    def finish(self, named: Iterable[str] = ()) -> NodeTable:
        """Return the table of all nodes and of names that slices and devices use; an empty name names no node.

        The builder must not be used afterwards.

        Raises
        ------
        InputError
            For two nodes of one name.
        """
        if self._twice:
            message = f"Node {self._twice[0]}: metadata.name: given twice; remove one"
            raise InputError(message)
        self._flush()
        count, known = self._count, self._known
        names = [*known, *sorted({name for name in named if name and name not in known})]
        known.clear()
        return NodeTable(
            names=texts(names),
            labels=self._labels.column(),
            capacity=self._capacity.column(),
            allocatable=self._allocatable.column(),
            metadata=self._metadata.column(count, None),
            rest=self._rest.column(count, None),
            unread=self._unread.column(count, None),
        )

    def _flush(self) -> None:
        nodes, self._waiting = self._waiting, []
        rows = np.arange(self._count, self._count + len(nodes))
        self._count += len(nodes)
        self._labels.add([node.metadata.labels for node in nodes])
        self._capacity.add([node.status.capacity for node in nodes])
        self._allocatable.add([node.status.allocatable for node in nodes])
        metadata = [replace(node.metadata, name="", labels={}) for node in nodes]
        self._metadata.add(rows, [_METADATA.encode(each).decode() for each in metadata])
        self._rest.add(rows, list(map(_rest, nodes)))
        places = [place for place, node in enumerate(nodes) if node.source is not None]
        documents = [_UNREAD.encode(unread(nodes[place]) or {}).decode() for place in places]
        self._unread.add(rows[places], documents)


def node_table(given: Iterable[Node], named: Iterable[str] = ()) -> NodeTable:
    """Return the table of given nodes and of names that slices and devices use.

    Raises
    ------
    InputError
        For two given nodes of one name.
    """
    builder = NodeBuilder()
    builder.add(given)
    return builder.finish(named)


def _rest(node: Node) -> Node:
    """Return what `NodeTable` has no column for."""
    return replace(node, metadata=_NO_METADATA, status=replace(node.status, capacity={}, allocatable={}), source=None)
