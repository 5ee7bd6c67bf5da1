"""The nodes of a fleet: those given, and those that slices only name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Node
from drapolicy.api.meta import ObjectMeta
from drapolicy.errors import InputError

HOSTNAME = "kubernetes.io/hostname"


class NodeTable:
    """The given nodes in the order of the input, then nodes that only slices or devices name, by name.

    An implied node is bare: its name and the label ``kubernetes.io/hostname``. It is made when it is asked for.

    Attributes
    ----------
    names
        Names of all nodes.
    given
        The nodes that were given as objects.
    implied
        ndarray of shape (N,), bool; which nodes only slices name.
    index
        Position of each node by name.

    Raises
    ------
    InputError
        For two nodes of one name.
    """

    __slots__ = ("given", "implied", "index", "names")

    names: tuple[str, ...]
    given: tuple[Node, ...]
    implied: NDArray[np.bool_]
    index: dict[str, int]

    def __init__(self, given: Iterable[Node], named: Iterable[str] = ()) -> None:
        self.given = tuple(given)
        names = [node.metadata.name for node in self.given]
        self.index = {name: n for n, name in enumerate(names)}
        if len(self.index) < len(names):
            twice = next(name for n, name in enumerate(names) if self.index[name] != n)
            message = f"Node {twice}: metadata.name: given twice; remove one"
            raise InputError(message)
        for name in sorted(set(named) - self.index.keys()):
            self.index[name] = len(names)
            names.append(name)
        self.names = tuple(names)
        self.implied = np.arange(len(names)) >= len(self.given)
        self.implied.flags.writeable = False

    def __reduce__(self) -> tuple[type[NodeTable], tuple[tuple[Node, ...], tuple[str, ...]]]:
        return NodeTable, (self.given, self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, n: int) -> Node:
        n = range(len(self))[n]
        if n < len(self.given):
            return self.given[n]
        return Node(metadata=ObjectMeta(name=self.names[n], labels={HOSTNAME: self.names[n]}))

    def __iter__(self) -> Iterator[Node]:
        return (self[n] for n in range(len(self)))
