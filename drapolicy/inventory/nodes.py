"""The nodes of a fleet: those given, and those that slices only name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.errors import InputError
from drapolicy.inventory.columns import Frozen

HOSTNAME = "kubernetes.io/hostname"


@dataclass(frozen=True, slots=True, eq=False)
class NodeTable(Frozen):
    """The given nodes in the order of the input, then nodes that only slices or devices name, by name.

    An implied node is bare: its name and the label ``kubernetes.io/hostname``. It is made when it is asked for.

    Attributes
    ----------
    given
        The nodes that were given as objects.
    names
        Names of all N nodes.
    index
        Position of each node by name.
    implied
        ndarray of shape (N,), bool; which nodes only slices name.
    """

    given: tuple[Node, ...]
    names: tuple[str, ...]
    index: Mapping[str, int]
    implied: NDArray[np.bool_]

    @classmethod
    def of(cls, given: Iterable[Node], named: Iterable[str] = ()) -> NodeTable:
        """Make the table of given nodes and of names that slices and devices use; an empty name names no node.

        Raises
        ------
        InputError
            For two given nodes of one name.
        """
        given = tuple(given)
        index: dict[str, int] = {}
        for node in given:
            name = node.metadata.name
            if name in index:
                message = f"Node {name}: metadata.name: given twice; remove one"
                raise InputError(message)
            index[name] = len(index)
        for name in sorted({*named} - {*index, ""}):
            index[name] = len(index)
        return cls(given, tuple(index), index, np.arange(len(index)) >= len(given))

    @property
    def candidates(self) -> int:
        """How many nodes a pod may go to: the given ones, which come first; all of them when none is given.

        In a cluster a slice that outlives its node makes no node.
        """
        return len(self.given) or len(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, n: int) -> Node:
        n = range(len(self))[n]
        if n < len(self.given):
            return self.given[n]
        return Node(metadata=ObjectMeta(name=self.names[n], labels={HOSTNAME: self.names[n]}))

    def __iter__(self) -> Iterator[Node]:
        return (self[n] for n in range(len(self)))
