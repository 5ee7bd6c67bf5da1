"""Which nodes a slice or a device is for."""

from __future__ import annotations

from drapolicy.api.core import Node, NodeSelector
from drapolicy.api.node_selection import Selector, SelectorError, dump
from drapolicy.api.resource import Device, ResourceSliceSpec
from drapolicy.errors import InputError


class NodeSelectionError(InputError):
    """A node selection cannot be read; the message is upstream's."""


class Reach:
    """Tells whether slices and devices are for a node; selectors are read once (K8s S23)."""

    def __init__(self) -> None:
        # With the selector that was read, so that its identity stays its own.
        self._read: dict[int, tuple[NodeSelector, Selector]] = {}

    def __call__(self, place: ResourceSliceSpec | Device, node: Node) -> bool:
        """Return whether a slice or device names the node, names all nodes, or selects it.

        Raises
        ------
        NodeSelectionError
            When its node selector cannot be read.
        """
        if place.node_name:
            return node.metadata.name == place.node_name
        if place.all_nodes:
            return True
        return place.node_selector is not None and self._selector(place.node_selector).matches(node)

    def _selector(self, published: NodeSelector) -> Selector:
        known = self._read.get(id(published))
        if known is None:
            try:
                known = self._read[id(published)] = (published, Selector(published))
            except SelectorError as error:
                message = f"failed to parse node selector {dump(published)}: {error}"
                raise NodeSelectionError(message) from error
        return known[1]
