"""`Fleet`: everything static about a cluster, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.objects import Objects
from drapolicy.api.resource import DeviceClass, DeviceTaintRule, ResourceSlice
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory.columns import ABSENT, Frozen
from drapolicy.inventory.devices import DeviceTable
from drapolicy.inventory.digest import digest_of
from drapolicy.inventory.links import NodeLinks
from drapolicy.inventory.name_index import positions
from drapolicy.inventory.nodes import NodeTable
from drapolicy.inventory.slices import SliceTable
from drapolicy.release import Release

Named = TypeVar("Named", DeviceClass, DeviceTaintRule)


@dataclass(frozen=True, slots=True, eq=False)
class Fleet(Frozen):
    """Slices, classes, taint rules and nodes of a cluster at one Kubernetes release.

    Made by :func:`drapolicy.inventory.build` and :func:`drapolicy.inventory.load`, once; shared by all that follows,
    across threads too. Nothing in it changes.

    Attributes
    ----------
    release
        Decides which features count.
    classes
        Device classes by name.
    taint_rules
        By name.
    nodes
        Nodes in the order of the input, and those that only slices name after them.
    devices, slices
        Columns, in upstream's order.
    digest
        sha256 of the content and the release, in hex; independent of the order of the input and of the process.
    links
        Links between a node's devices that no slice publishes, by node name (see :meth:`with_links`).
    node_of_slice
        ndarray of shape (slices,), int32; position in ``nodes`` of each slice's ``nodeName``, -1 for none.

    Notes
    -----
    Fleets are equal if their digests are and their nodes come in the same order, because "the first node" depends
    on it.
    """

    release: Release
    classes: Mapping[str, DeviceClass]
    taint_rules: tuple[DeviceTaintRule, ...]
    nodes: NodeTable
    slices: SliceTable
    devices: DeviceTable
    digest: str
    links: Mapping[str, NodeLinks] = field(default_factory=dict, repr=False)
    node_of_slice: NDArray[np.int32] = field(init=False, repr=False)
    _by_node: NDArray[np.int64] = field(init=False, repr=False)
    _first_by_node: NDArray[np.int64] = field(init=False, repr=False)
    _unbound: tuple[int, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        names = self.slices.node_name
        position = np.append(positions(self.nodes.index, names.values), np.int32(ABSENT))
        bound = self.slices.bound
        node = np.where(bound, position[names.codes], len(self.nodes))
        derived: dict[str, NDArray[Any]] = {
            "node_of_slice": position[names.codes],
            "_by_node": np.argsort(node, kind="stable"),
            "_first_by_node": np.searchsorted(np.sort(node), np.arange(len(self.nodes) + 1)),
        }
        for name, array in derived.items():
            object.__setattr__(self, name, array)
        object.__setattr__(self, "_unbound", tuple(np.flatnonzero(~bound).tolist()))
        Frozen.__post_init__(self)

    @classmethod
    def of(
        cls,
        release: Release,
        *,
        classes: Iterable[DeviceClass],
        taint_rules: Iterable[DeviceTaintRule],
        nodes: NodeTable,
        slices: SliceTable,
        devices: DeviceTable,
    ) -> Fleet:
        """Put a fleet together.

        Raises
        ------
        InputError
            For two classes or two taint rules of one name.
        """
        by_name = _by_name(classes)
        rules = _by_name(taint_rules)
        given = nodes.given
        by_node_name = sorted(range(len(given)), key=nodes.names[: len(given)].__getitem__)
        digest = digest_of(
            release,
            classes=by_name.values(),
            taint_rules=rules.values(),
            nodes=(given[n] for n in by_node_name),
            slices=slices,
            devices=devices,
        )
        return cls(release, by_name, tuple(rules.values()), nodes, slices, devices, digest)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Fleet):
            return NotImplemented
        same = self.digest == other.digest and list(self.nodes.names) == list(other.nodes.names)
        return same and self.links_digest == other.links_digest

    def __hash__(self) -> int:
        return hash(self.digest)

    def __repr__(self) -> str:
        return (
            f"Fleet({len(self.devices)} devices, {len(self.slices)} slices, {len(self.nodes)} nodes, "
            f"Kubernetes {self.release.minor}, {self.digest[:12]})"
        )

    def with_links(self, links: Mapping[str, NodeLinks]) -> Fleet:
        """Return the same fleet with links from side files, by node name; links that it has already are replaced.

        Raises
        ------
        UnknownReferenceError
            For a node that the fleet does not have.
        """
        unknown = sorted(links.keys() - self.nodes.index.keys())
        if unknown:
            message = (
                f"links: node {unknown[0]} is not in the fleet; its nodes are {', '.join(self.nodes.names[:5])} ..."
            )
            raise UnknownReferenceError(message)
        return replace(self, links={**self.links, **links})

    @property
    def links_digest(self) -> str:
        """sha256 of the links, in hex; independent of the order in which they were given."""
        digest = sha256()
        for name in sorted(self.links):
            table = self.links[name]
            digest.update(repr((name, table.devices)).encode())
            for matrix in (table.mb_s, table.paths, table.lanes):
                digest.update(b"none" if matrix is None else matrix.astype("<i8").tobytes())
        return digest.hexdigest()

    def slice(self, i: int) -> ResourceSlice:
        """Return one slice, equal to the one that was loaded."""
        i = range(len(self.slices))[i]
        start, stop = self.slices.first[i : i + 2].tolist()
        return self.slices.object(i, self.devices.between(start, stop))

    def slices_on(self, node_name: str) -> tuple[int, ...]:
        """Return the rows of all slices that may be relevant for a node, ascending (S23).

        These are the slices that name the node, and all that are not bound to the one node they name: whether such a
        slice reaches the node depends on its selectors and on the node's labels.
        """
        n = self.nodes.index.get(node_name)
        if n is None:
            return self._unbound
        own = self.slices_bound_to(n)
        return tuple(sorted([*own, *self._unbound])) if self._unbound else tuple(own)

    def slices_bound_to(self, n: int) -> list[int]:
        """Return the rows of the slices that only node ``n`` can see, ascending."""
        rows: list[int] = self._by_node[self._first_by_node[n] : self._first_by_node[n + 1]].tolist()
        return rows

    @property
    def objects(self) -> Objects:
        """All objects of the fleet, equal to those it was built from; implied nodes are left out."""
        return Objects(
            slices=tuple(map(self.slice, range(len(self.slices)))),
            classes=tuple(self.classes.values()),
            taint_rules=self.taint_rules,
            nodes=tuple(self.nodes.given),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays and packed texts; Python objects (small dictionaries) come on top."""
        return self.slices.nbytes + self.devices.nbytes + self.nodes.nbytes


def _by_name(objects: Iterable[Named]) -> dict[str, Named]:
    named: dict[str, Named] = {}
    for item in sorted(objects, key=lambda item: item.metadata.name):
        name = item.metadata.name
        if name in named:
            message = f"{type(item).__name__} {name}: metadata.name: given twice; remove one"
            raise InputError(message)
        named[name] = item
    return named
