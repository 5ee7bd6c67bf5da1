"""Reads Slurm's ``topology.yaml``: several named topologies, each of one plugin, after the rules of its manual page."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from drapolicy.api.values import join
from drapolicy.errors import UnknownReferenceError
from drapolicy.topology import slurm
from drapolicy.topology.document import Document
from drapolicy.topology.graph import Topology
from drapolicy.topology.slurm import Group, Network, Switch, Torus

NAME: Final = "Slurm's topology.yaml"
KIND: Final = "slurm-yaml"

PLUGINS: Final = ("tree", "block", "ring", "torus3d", "flat")

_COMMON: Final = frozenset({"alpha_step_rank"})
_NETWORK: Final = frozenset({"topology", "cluster_default", *PLUGINS})
_SWITCH: Final = frozenset({"switch", "children", "nodes"})
_TORUS: Final = frozenset({"name", "dims", "nodes", "regions", "placements"})
_REGION: Final = frozenset({"nodes", "anchor", "dims"})
_PLACEMENT: Final = frozenset({"dims", "anchor_seed", "anchor_spacing"})
_AXES: Final = frozenset("xyz")
_LONGEST_AXIS: Final = 2**16 - 1

_NAMED = re.compile(r"^(?:-[ \t]+|[ \t]*)topology[ \t]*:", re.MULTILINE)
_OF_A_PLUGIN = re.compile(rf"^[ \t]*(?:-[ \t]+)?(?:{'|'.join(PLUGINS)})[ \t]*:", re.MULTILINE)


def recognises(text: str) -> bool:
    """Return whether the text has a line for the name of a topology and one for its plugin."""
    return _NAMED.search(text) is not None and _OF_A_PLUGIN.search(text) is not None


def parse(text: str, file: str = "") -> tuple[Network, ...]:
    """Read the text of a ``topology.yaml``.

    Parameters
    ----------
    text
        The file, whole.
    file
        Name for messages.

    Returns
    -------
    tuple of Network
        In the order of the file.

    Raises
    ------
    ParseError
        With line and column of every fault, those that Slurm finds in the network itself included: see
        `drapolicy.topology.slurm.flaws`.
    """
    reader = _Reader(Document(text, file))
    networks = tuple(reader.networks())
    reader.document.close()
    return networks


def topology(
    networks: tuple[Network, ...],
    product: str = "",  # noqa: ARG001
    *,
    name: str = "",
) -> Topology:
    """Make a graph of one of the topologies.

    Parameters
    ----------
    networks
        What `parse` gives.
    product
        Not used: no product is in the file.
    name
        Which topology; by default the first marked ``cluster_default``, else the first. Where that is ``flat``, which
        says nothing of the network, the first that is not stands in, and the graph's attribute ``notes`` tells it.

    Raises
    ------
    UnknownReferenceError
        If there is none of this name.
    InputError
        As `drapolicy.topology.slurm.topology`.
    """
    if not name:
        default = next((network for network in networks if network.is_default), networks[0])
        drawn = next((network for network in (default, *networks) if network.plugin != "flat"), default)
        made = slurm.topology(drawn)
        if drawn is not default:
            note = (
                f"topology {default.name}, the default, is flat and says nothing of the network; this is {drawn.name}"
            )
            made.graph.graph["notes"] = (note,)
        return made
    chosen = next((network for network in networks if network.name == name), None)
    if chosen is None:
        known = ", ".join(network.name for network in networks)
        raise UnknownReferenceError(f"topology {name}: is not in the file, which has {known}")
    return slurm.topology(chosen)


def facts(networks: tuple[Network, ...]) -> dict[str, Any]:
    """Return the counts of switches and blocks in all topologies, and the block sizes of each that has some."""
    return {"kind": KIND, **slurm.counts(networks)}


class _Reader:
    """Makes networks of a document, which remembers what is wrong."""

    def __init__(self, document: Document) -> None:
        self.document = document

    def networks(self) -> Iterator[Network]:
        document = self.document
        value = document.value
        first: dict[str, str] = {}
        for path, member in [("", value)] if isinstance(value, dict) else document.entries(value, ""):
            fields = document.mapping(member, path, _NETWORK)
            name = document.text(fields.get("topology"), join(path, "topology"))
            if name in first:
                document.fault(join(path, "topology"), f"{name} is given twice, first in {first[name]}")
            first.setdefault(name, path)
            is_default = "cluster_default" in fields and document.flag(
                fields["cluster_default"], join(path, "cluster_default")
            )
            plugins = [plugin for plugin in PLUGINS if plugin in fields and not self._is_off(fields, path, plugin)]
            if len(plugins) != 1:
                found = f"has {' and '.join(plugins)}" if plugins else "has no plugin"
                document.fault(path, f"{found}; give one of {', '.join(PLUGINS)}")
                continue
            below = join(path, plugins[0])
            read: Mapping[str, Any] = getattr(self, f"_{plugins[0]}")(fields[plugins[0]], below)
            network = Network(plugins[0], name, is_default, **read)
            if document.sound:
                for where, field, message in slurm.flaws(network):
                    document.fault(where or below, f"{field} {message}")
            yield network
        if not first and document.sound:
            document.refuse("holds no topology")

    def _tree(self, value: Any, path: str) -> Mapping[str, Any]:
        switches = []
        for where, fields in self._records(value, path, "switches", _SWITCH):
            name = self.document.text(fields.get("switch"), join(where, "switch"))
            children, nodes = self._names(fields, where, "children"), self._names(fields, where, "nodes")
            switches.append(Switch(name, children, nodes, where=where))
        return {"switches": tuple(switches)}

    def _block(self, value: Any, path: str) -> Mapping[str, Any]:
        sizes: tuple[int, ...] = ()
        if isinstance(value, dict) and "block_sizes" in value:
            where = join(path, "block_sizes")
            members = self.document.entries(value["block_sizes"], where)
            sizes = tuple(self.document.number(member, inner, 1) for inner, member in members)
        return {"block_sizes": sizes, "blocks": self._groups(value, path, "block", frozenset({"block_sizes"}))}

    def _ring(self, value: Any, path: str) -> Mapping[str, Any]:
        return {"rings": self._groups(value, path, "ring")}

    def _flat(self, value: Any, path: str) -> Mapping[str, Any]:
        if isinstance(value, dict):
            self.document.mapping(value, path, _COMMON)
        return {}

    def _is_off(self, fields: Mapping[str, Any], path: str, plugin: str) -> bool:
        """Return whether a plugin is named only to say no; flat alone can be."""
        value = fields[plugin]
        return plugin == "flat" and not isinstance(value, dict) and not self.document.flag(value, join(path, plugin))

    def _torus3d(self, value: Any, path: str) -> Mapping[str, Any]:
        records = self._records(value, path, "toruses", _TORUS)
        return {"toruses": tuple(self._torus(fields, where) for where, fields in records)}

    def _torus(self, fields: Mapping[str, Any], path: str) -> Torus:
        document = self.document
        name = document.text(fields.get("name"), join(path, "name"))
        dims = self._triple(fields.get("dims"), join(path, "dims"), 1)
        for where, placement in self._members(fields.get("placements", []), join(path, "placements"), _PLACEMENT):
            sides = self._triple(placement.get("dims"), join(where, "dims"), 1)
            for key in ("anchor_seed", "anchor_spacing"):
                if key in placement:
                    self._triple(placement[key], join(where, key), 0)
            if any(side > size for side, size in zip(sides, dims, strict=True)):
                document.fault(join(where, "dims"), f"{_times(sides)} is larger than the torus, {_times(dims)}")
        places = dims[0] * dims[1] * dims[2]
        if places > slurm.MAX_TORUS:
            document.fault(join(path, "dims"), f"is more than {slurm.MAX_TORUS:,} places")
            return Torus(name, (1, 1, 1), ("",), path)
        if "regions" in fields:
            if "nodes" in fields:
                document.fault(path, "has both nodes and regions; give it one of them")
            return Torus(name, dims, self._regions(fields["regions"], join(path, "regions"), dims), path)
        nodes = self._names(fields, path, "nodes")
        if len(nodes) != places:
            document.fault(join(path, "nodes") if nodes else path, f"{len(nodes)} nodes for {places} places")
            return Torus(name, (1, 1, 1), ("",), path)
        return Torus(name, dims, nodes, path)

    def _regions(self, value: Any, path: str, dims: tuple[int, int, int]) -> tuple[str, ...]:
        """Return the node of each place of a torus that is given by boxes."""
        placed = [""] * (dims[0] * dims[1] * dims[2])
        taken: set[str] = set()
        for where, region in self._members(value, path, _REGION):
            sides = self._triple(region.get("dims"), join(where, "dims"), 1)
            anchor = self._triple(region.get("anchor", {}), join(where, "anchor"), 0)
            nodes = self._names(region, where, "nodes")
            if any(at + side > size for at, side, size in zip(anchor, sides, dims, strict=True)):
                self.document.fault(where, f"{_times(sides)} at {_times(anchor)} is not inside {_times(dims)}")
            elif len(nodes) != sides[0] * sides[1] * sides[2]:
                self.document.fault(where, f"{len(nodes)} nodes for {sides[0] * sides[1] * sides[2]} places")
            else:
                for position, node in enumerate(nodes):
                    rest, x = divmod(position, sides[0])
                    z, y = divmod(rest, sides[1])
                    at = anchor[0] + x + dims[0] * (anchor[1] + y + dims[1] * (anchor[2] + z))
                    if placed[at] or node in taken:
                        self.document.fault(where, f"{node} or its place is in a region before this one")
                        break
                    placed[at] = node
                    taken.add(node)
        return tuple(placed)

    def _groups(self, value: Any, path: str, kind: str, more: frozenset[str] = frozenset()) -> tuple[Group, ...]:
        groups = []
        for where, fields in self._records(value, path, f"{kind}s", frozenset({kind, "nodes"}), more):
            name = self.document.text(fields.get(kind), join(where, kind))
            groups.append(Group(name, self._names(fields, where, "nodes"), where))
        return tuple(groups)

    def _records(
        self, value: Any, path: str, key: str, known: frozenset[str], more: frozenset[str] = frozenset()
    ) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield path and fields of the records under the one key of a plugin."""
        fields = self.document.mapping(value, path, _COMMON | more | {key})
        if not isinstance(value, dict):
            return
        if not fields.get(key):
            self.document.fault(path, f"has no {key}")
            return
        yield from self._members(fields[key], join(path, key), known)

    def _members(self, value: Any, path: str, known: frozenset[str]) -> Iterator[tuple[str, Mapping[str, Any]]]:
        """Yield path and fields of mappings in a list; one mapping stands for a list of it."""
        for where, member in [(path, value)] if isinstance(value, dict) else self.document.entries(value, path):
            yield where, self.document.mapping(member, where, known)

    def _names(self, fields: Mapping[str, Any], path: str, key: str) -> tuple[str, ...]:
        return self.document.names(fields[key], join(path, key)) if key in fields else ()

    def _triple(self, value: Any, path: str, least: int) -> tuple[int, int, int]:
        fields = self.document.mapping(value, path, _AXES)
        x, y, z = (
            self.document.number(fields.get(a, None if least else 0), join(path, a), least, _LONGEST_AXIS)
            for a in "xyz"
        )
        return x, y, z


def _times(sides: tuple[int, int, int]) -> str:
    return "x".join(map(str, sides))
