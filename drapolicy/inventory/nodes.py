"""The nodes of a fleet as columns: those given, and those that slices only name."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import overload

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.inventory.columns import ABSENT, Codes, Frozen
from drapolicy.inventory.maps import Maps, Quantities
from drapolicy.inventory.name_index import index_of

HOSTNAME = "kubernetes.io/hostname"

_METADATA = msgspec.json.Decoder(ObjectMeta)
_UNREAD = msgspec.json.Decoder()


@dataclass(frozen=True, slots=True, eq=False)
class NodeTable(Frozen):
    """The given nodes in the order of the input, then nodes that only slices or devices name, by name.

    An implied node is bare: its name and the label ``kubernetes.io/hostname``. Nodes are made when they are asked for.

    Attributes
    ----------
    names
        Names of all N nodes.
    labels, capacity, allocatable
        Labels and resources of each given node.
    metadata
        Metadata of each given node without name and labels, as JSON.
    rest
        Everything else of a given node (taints, declared features ...), interned as a node.
    unread
        What the document of a given node says and the node does not, as JSON; no value where there is no document.
    index
        Position of each node by name.
    implied
        ndarray of shape (N,), bool; which nodes only slices name.
    """

    names: Sequence[str]
    labels: Maps[Codes[str]]
    capacity: Maps[Quantities]
    allocatable: Maps[Quantities]
    metadata: Codes[str]
    rest: Codes[Node]
    unread: Codes[str]
    index: Mapping[str, int] = field(init=False, repr=False)
    implied: NDArray[np.bool_] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "index", index_of(self.names))
        object.__setattr__(self, "implied", np.arange(len(self.names)) >= len(self.rest))
        Frozen.__post_init__(self)

    @property
    def given(self) -> Sequence[Node]:
        """The nodes that were given as objects."""
        return SomeNodes(self.__getitem__, range(len(self.rest)))

    @property
    def documented(self) -> Sequence[Node]:
        """Given nodes whose documents say something else each, all there is, without those that say nothing."""
        codes = self.unread.codes
        first = np.unique(codes, return_index=True)[1]
        return SomeNodes(self.__getitem__, first[codes[first] != ABSENT].tolist())

    @property
    def candidates(self) -> int:
        """How many nodes a pod may go to: the given ones, which come first; all of them when none is given.

        In a cluster a slice that outlives its node makes no node.
        """
        return len(self.rest) or len(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, n: int) -> Node:
        """Return a node, equal to the one that was given; its source holds what the node does not say."""
        n = range(len(self))[n]
        name = self.names[n]
        if n >= len(self.rest):
            return Node(metadata=ObjectMeta(name=name, labels={HOSTNAME: name}))
        rest, metadata, unread = self.rest[n], self.metadata[n], self.unread[n]
        assert rest is not None
        assert metadata is not None
        return replace(
            rest,
            metadata=replace(_METADATA.decode(metadata), name=name, labels=self.labels[n]),
            status=replace(rest.status, capacity=self.capacity[n], allocatable=self.allocatable[n]),
            source=None if unread is None else _UNREAD.decode(unread),
        )

    def __iter__(self) -> Iterator[Node]:
        return (self[n] for n in range(len(self)))

    def bare(self, n: int) -> Node:
        """Return what filters and preferences look at: a node's name, labels and taints."""
        if n >= len(self.rest):
            return self[n]
        rest = self.rest[n]
        assert rest is not None
        return replace(rest, metadata=ObjectMeta(name=self.names[n], labels=self.labels[n]))

    def values(self, label: str) -> NDArray[np.int32]:
        """Return a number of each candidate, equal for nodes that have the same value of a label; -1 for none."""
        if not len(self.rest):
            numbers = np.arange(len(self), dtype=np.int32)
            return numbers if label == HOSTNAME else np.full(len(self), ABSENT, np.int32)
        found = np.full(len(self.rest), ABSENT, np.int32)
        rows, places = self.labels.having(label)
        found[rows] = self.labels.cells.codes[places]
        return found

    def rests(self, of: Callable[[Node], Hashable]) -> NDArray[np.int32]:
        """Return a number of each candidate, equal for nodes of which ``of`` says the same.

        Parameters
        ----------
        of
            Told a node without its metadata and resources.
        """
        if not len(self.rest):
            return np.zeros(len(self), np.int32)
        number: dict[Hashable, int] = {}
        numbers = [number.setdefault(of(rest), len(number)) for rest in self.rest.values]
        return np.array(numbers, np.int32)[self.rest.codes]


class SomeNodes(Sequence[Node]):
    """Some nodes of a table, each made when it is asked for.

    Parameters
    ----------
    make
        Returns the node at a position.
    places
        The positions.
    """

    __slots__ = ("_make", "_places")

    def __init__(self, make: Callable[[int], Node], places: Sequence[int]) -> None:
        self._make = make
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, n: int) -> Node: ...
    @overload
    def __getitem__(self, n: slice) -> list[Node]: ...
    def __getitem__(self, n: int | slice) -> Node | list[Node]:
        found = self._places[n]
        return self._make(found) if isinstance(found, int) else list(map(self._make, found))

    def __iter__(self) -> Iterator[Node]:
        return map(self._make, self._places)
