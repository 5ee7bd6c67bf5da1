"""Reads models of NVIDIA's topograph: switches, the blocks of nodes below them and their accelerator domains."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from drapolicy.topology import slurm
from drapolicy.topology.document import Document
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.slurm import Group
from drapolicy.topology.topograph_model import Model, Reader

if TYPE_CHECKING:
    import networkx as nx

NAME: Final = "a model of topograph"
KIND: Final = "topograph-model"

_TOP = re.compile(r"^(?:switches|blocks|capacity_blocks)[ \t]*:", re.MULTILINE)
_OTHER = re.compile(r"^(?:apiVersion|kind|provider|engine)[ \t]*:", re.MULTILINE)


def recognises(text: str) -> bool:
    """Return whether the text has switches or blocks at its left edge and is no object of Kubernetes or Helm."""
    return _TOP.search(text) is not None and _OTHER.search(text) is None


def parse(text: str, file: str = "") -> Model:
    """Read the text of a model.

    Parameters
    ----------
    text
        The file, whole.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With line and column of every fault: a switch that is undefined, below itself or below two others, a node in
        two blocks or domains or called as a switch, fields that no model has.
    """
    return Reader(Document(text, file)).model()


def topology(model: Model, product: str = "") -> Topology:  # noqa: ARG001
    """Make a graph of switches, hosts, domains and racks.

    Parameters
    ----------
    model
        What `parse` gives.
    product
        Not used: a model names no devices.

    Returns
    -------
    Topology
        Switches and hosts under their names, ``domain/NAME`` and ``rack/NAME``. The speed of links is not known.
    """
    import networkx as nx

    tree = slurm.Network("tree", switches=model.switches)
    graph: nx.Graph[str] = nx.Graph(slurm.topology(tree).graph)
    graph.graph["source"] = "topograph model"
    graph.add_nodes_from(model.nodes, kind="host")
    of_domain = _add_groups(graph, "domain", model.domains)
    of_rack = _add_groups(graph, "rack", model.racks)
    nested: set[str] = set()
    for rack in model.racks:
        domains = {of_domain.get(node) for node in rack.nodes}
        domain = domains.pop() if len(domains) == 1 else None
        if domain is not None:
            graph.add_edge(f"rack/{rack.name}", domain, kind=INSIDE, count=1, bandwidth_mb_s=0)
            nested.update(rack.nodes)
    for node in model.nodes:
        around = (of_rack.get(node), None if node in nested else of_domain.get(node))
        for group in filter(None, around):
            graph.add_edge(node, group, kind=INSIDE, count=1, bandwidth_mb_s=0)
    return Topology(graph)


def facts(model: Model) -> dict[str, Any]:  # noqa: ARG001
    """Return the kind of the file; nothing is counted of it."""
    return {"kind": KIND}


def _add_groups(graph: nx.Graph[str], kind: str, groups: tuple[Group, ...]) -> dict[str, str]:
    """Add a vertex for each group; return that of each node."""
    of_node = {}
    for group in groups:
        graph.add_node(f"{kind}/{group.name}", kind=kind)
        of_node.update(dict.fromkeys(group.nodes, f"{kind}/{group.name}"))
    return of_node
