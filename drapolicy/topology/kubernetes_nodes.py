"""Reads where hosts are from Kubernetes nodes: what ``kubectl get nodes -o yaml`` (or ``json``) prints."""

from __future__ import annotations

import re
from os import PathLike, fspath
from typing import Any, Final

from drapolicy.api.core import Node
from drapolicy.api.load import loads
from drapolicy.errors import InputError, ParseError
from drapolicy.topology import labels
from drapolicy.topology.graph import Topology
from drapolicy.topology.source import refusal, text_of

NAME: Final = "Kubernetes nodes"

_HEAD: Final = 1 << 16
# An owner reference to a node has no metadata.
_NODE: Final = re.compile(
    r"""^kind:[ ]+Node[ \t]*(\#.*)?\r?$|\bkind["']?\s*:\s*["']?Node["']?\s*,?\s*["']?metadata\b""", re.MULTILINE
)


def recognises(text: str) -> bool:
    r"""Tell whether a text means to be objects of Kubernetes with nodes among them.

    Examples
    --------
    >>> recognises("apiVersion: v1\nkind: Node\n"), recognises("kind: NodePool\n")
    (True, False)
    """
    return _NODE.search(text, 0, _HEAD) is not None


def read(path: str | PathLike[str]) -> tuple[Node, ...]:
    """Read a file.

    Raises
    ------
    ParseError
        As `parse`, and if the file is too long or not UTF-8 text.
    OSError
        If it cannot be opened.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> tuple[Node, ...]:
    """Return the nodes of a text; objects of other kinds are passed over.

    Raises
    ------
    ParseError
        With what is wrong with each object, or if there is no node.
    """
    try:
        nodes = loads(text, file, strict=False, expand=False).nodes
    except InputError as error:
        raise ParseError(str(error) if not error.faults else "", faults=error.faults) from None
    if not nodes:
        raise refusal(file, "has no object of kind Node; give what kubectl get nodes -o yaml prints")
    return nodes


def topology(nodes: tuple[Node, ...], product: str = "") -> Topology:  # noqa: ARG001
    """Make a graph of where the hosts are, from the labels that are known; see `drapolicy.topology.labels`.

    ``product`` is of no use: labels tell no GPU.
    """
    return labels.topology(nodes)


def facts(nodes: tuple[Node, ...]) -> dict[str, Any]:
    """Return the number of nodes, of places of each kind, and the names of the nodes that no label places."""
    made = labels.topology(nodes)
    places = {kind: len(made.of_kind(kind)) for kind in ("domain", "rack", "switch")}
    return {"kind": "kubernetes-nodes", "nodes": len(nodes), **places, "unlabelled": [*made.graph.graph["unlabelled"]]}
