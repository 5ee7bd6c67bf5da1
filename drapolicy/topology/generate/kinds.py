"""The table of what can be generated, with its parameters, and the one entry to it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from fractions import Fraction
from functools import partial
from random import Random
from types import MappingProxyType
from typing import Any

from drapolicy.errors import Fault, InputError
from drapolicy.topology.generate import boxes, fabrics, nvl72
from drapolicy.topology.generate.catalogue import MACHINES
from drapolicy.topology.generate.draft import MOST_DEVICES, Draft
from drapolicy.topology.generate.machine import Machine, draw_nodes
from drapolicy.topology.generate.params import Param, flag, lengths, text, whole, word
from drapolicy.topology.graph import INSIDE, Topology, integer
from drapolicy.topology.rates import ICI_MB_S


@dataclass(frozen=True)
class Kind:
    """Something that can be generated.

    Attributes
    ----------
    what
        One line that says what it is.
    source
        Where its structure is from; rates are those of `drapolicy.topology.rates`.
    build
        Adds it to a `Draft`, given the parameters.
    params
        Its parameters.
    """

    what: str
    source: str
    build: Callable[..., None]
    params: Mapping[str, Param] = field(default_factory=dict)


def _pcie(draft: Draft, *, nodes: int, **params: Any) -> None:
    draw_nodes(draft, boxes.pcie_box(**params), nodes)


def _machine(machine: Machine, draft: Draft, *, nodes: int) -> None:
    draw_nodes(draft, machine, nodes)


_NODES = whole("how many, without a network; fat-tree and its like join machines", 1, 1, MOST_DEVICES)
ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **{f"dgx-{gpu}": f"hgx-{gpu}" for gpu in ("h100", "h200", "b200")},
        "nvl72": "gb200-nvl72",
        "rail-optimized": "rail-optimised",
    }
)
"""Other names of kinds."""

_SOCKETS = word("link between NUMA nodes", "IF", boxes.SOCKETS)
_MACHINE = word("machine that each node is; empty for network cards alone", "", ("", *MACHINES), ALIASES)
_NETWORK = MappingProxyType(
    {
        "nodes": whole("nodes", 64, 1, MOST_DEVICES),
        "ports": whole("ports of a switch", 64, 2, 1024),
        "oversubscription": whole("ports of a leaf that lead down, for each that leads up", 1, 1, 16),
        "tiers": whole("layers of switches", 2, 2, 3),
        "speed": word("speed of all ports", "NDR", fabrics.SPEEDS),
        "machine": _MACHINE,
    }
)

KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        **{
            name: Kind(
                f"{name}: {sum(token[0] == 'G' for token in machine.tokens)} x {machine.product}",
                machine.source,
                partial(_machine, machine),
                {"nodes": _NODES},
            )
            for name, machine in MACHINES.items()
        },
        "gb200-nvl72": Kind(
            "gb200-nvl72: racks of 72 x NVIDIA GB200; 8 racks are 576 GPUs",
            nvl72.SOURCE,
            nvl72.draw_nvl72,
            {"racks": whole("racks", 1, 1, 64)},
        ),
        "pcie": Kind(
            "pcie: a box of 1 to 16 PCIe cards, with or without switches and bridges",
            "made up from the parameters",
            _pcie,
            {
                "cards": whole("GPUs", 8, 1, 16),
                "numa": whole("NUMA nodes", 2, 1, 16),
                "switches": whole("PCIe switches on each NUMA node; 0 for a root a card", 0, 0, 8),
                "nics": whole("network cards", 0, 0, 16),
                "product": text("product name of the GPUs", "NVIDIA A100 80GB PCIe"),
                "bridge": whole("GPUs that a bridge joins, each to each; 0 for none", 0, 0, 16),
                "bridge_links": whole("links between two bridged GPUs", 12, 1, 18),
                "sockets": _SOCKETS,
                "nodes": _NODES,
            },
        ),
        "cpu-nic": Kind(
            "cpu-nic: a box without GPUs whose CPUs and network cards are aligned by NUMA node",
            "made up from the parameters",
            boxes.draw_cpu_nic,
            {
                "numa": whole("NUMA nodes", 2, 1, 64),
                "cpus": whole("CPU devices of each NUMA node", 1, 1, 256),
                "nics": whole("network cards of each NUMA node", 1, 0, 16),
                "sockets": _SOCKETS,
                "generation": whole("PCIe generation of the cards", 5, 1, 6),
                "lanes": whole("PCIe lanes of each card", 16, 1, 32),
                "nodes": _NODES,
            },
        ),
        "fat-tree": Kind(
            "fat-tree: leaves and spines, or three tiers; every card of a node on one leaf",
            "M. Al-Fares, A. Loukissas, A. Vahdat, SIGCOMM 2008, doi:10.1145/1402958.1402967",
            fabrics.draw_fat_tree,
            _NETWORK,
        ),
        "rail-optimised": Kind(
            "rail-optimised: a leaf a rail, and spines above; card r of a node on leaf r of its group",
            "NVIDIA DGX SuperPOD reference architecture RA-11333, compute fabric: a leaf a rail of a scalable unit",
            fabrics.draw_rails,
            {**_NETWORK, "rails": whole("cards of a node without a machine", 8, 1, 16)},
        ),
        "dragonfly": Kind(
            "dragonfly: groups of switches, each to each, and links between all groups",
            "J. Kim, W. Dally, S. Scott, D. Abts, ISCA 2008, doi:10.1145/1394608.1382129",
            fabrics.draw_dragonfly,
            {
                "nodes": whole("nodes", 72, 1, MOST_DEVICES),
                "nodes_of_switch": whole("nodes of a switch, p; groups have 2p switches", 2, 1, 64),
                "speed": word("speed of all ports", "200GbE", fabrics.SPEEDS),
                "machine": _MACHINE,
            },
        ),
        "torus": Kind(
            "torus: chips linked to their neighbours along 1 to 6 axes, like a TPU pod",
            "N. Jouppi et al., ISCA 2023, doi:10.1145/3579371.3589350: a 3D torus, 2 x 2 x 1 chips a host",
            fabrics.draw_torus,
            {
                "shape": lengths(
                    "chips along each axis", (4, 4, 4), 1, "a tuple of 1 to 6 lengths from 1 to 1024, like (4, 4, 4)"
                ),
                "host": lengths(
                    "chips of a host along each axis; empty for 2 along each of the first two, where that divides it",
                    (),
                    0,
                    "a tuple of as many lengths as the shape has, like (2, 2, 1), or empty",
                ),
                "wrap": flag("whether axes are rings", True),
                "link": word("version of TPU whose links these are", "v4", tuple(ICI_MB_S)),
            },
        ),
    }
)
"""What can be generated, by name."""


def kind_of(name: str) -> str:
    """Return the kind that a name means: itself, or the one it is another name of, in any case.

    Raises
    ------
    InputError
        If there is none; it names those that are spelt alike, and all.

    Examples
    --------
    >>> kind_of("DGX-H100")
    'hgx-h100'
    """
    spelt = str(name).lower()
    kind = ALIASES.get(spelt, spelt)
    if kind in KINDS:
        return kind
    alike = get_close_matches(spelt, KINDS, 3)
    meant = f"did you mean {' or '.join(alike)}? All are" if alike else "use one of"
    raise InputError(f"kind: {name!r} is unknown; {meant} {', '.join(KINDS)}")


def generate(kind: str, *, failures: float = 0, seed: int = 0, **params: Any) -> Topology:
    """Make a machine or a network.

    Parameters
    ----------
    kind
        One of `KINDS`, or of `ALIASES`, in any case; the error for another one names all.
    failures
        How many links have failed: a count as an int, or a part of all as a float from 0 to 1, rounded to a whole link
        (half up). Containment is no link; links that are parallel fail together.
    seed
        Chooses which.
    **params
        As the kind has them; see `KINDS`.

    Returns
    -------
    Topology
        The same for the same parameters. Its graph says kind, source, seed and parameters.

    Raises
    ------
    InputError
        With every parameter that is unknown or not as it must be, or why they do not fit together.

    Examples
    --------
    >>> dgx = generate("dgx-1-v100")
    >>> len(dgx.of_kind("gpu")), dgx.graph.edges["GPU0", "GPU3"]["count"]
    (8, 2)
    """
    kind = kind_of(kind)
    row = KINDS[kind]
    natural = integer(0)
    faults = [
        Fault("", -1, kind, name, f"is no parameter; it has {', '.join(row.params) or 'none'}")
        for name in params
        if name not in row.params
    ]
    given = {name: param.meant(params.get(name, param.default)) for name, param in row.params.items()}
    faults += [
        Fault("", -1, kind, name, f"{value!r} is not {row.params[name].rule.what}")
        for name, value in given.items()
        if not row.params[name].rule.holds(value)
    ]
    if not (0 <= failures <= 1 if type(failures) is float else natural.holds(failures)):
        faults.append(Fault("", -1, kind, "failures", f"{failures!r} is neither a count nor a part from 0.0 to 1.0"))
    if not natural.holds(seed):
        faults.append(Fault("", -1, kind, "seed", f"{seed!r} is not {natural.what}"))
    if faults:
        raise InputError(faults=faults)
    draft = Draft(kind=kind, source=row.source, seed=seed, **given)
    row.build(draft, **given)
    _fail(draft, kind, failures, seed)
    return draft.topology()


def _fail(draft: Draft, kind: str, failures: float, seed: int) -> None:
    links = sorted(tuple(sorted((a, b))) for a, b, data in draft.graph.edges(data=True) if data["kind"] != INSIDE)
    count = failures if type(failures) is int else int(Fraction(failures) * len(links) + Fraction(1, 2))
    if count > len(links):
        raise InputError(f"failures: {count} links cannot fail, {kind} has {len(links)} so")
    for a, b in Random(seed).sample(links, count):
        draft.graph.edges[a, b]["failed"] = True


def from_text(kind: str, texts: Mapping[str, str]) -> dict[str, Any]:
    """Read the parameters of a kind from text, as a command line has them; `generate` checks the values.

    Raises
    ------
    InputError
        If there is no such kind.

    Examples
    --------
    >>> from_text("torus", {"shape": "4x4x8", "wrap": "false"})
    {'shape': (4, 4, 8), 'wrap': False}
    """
    params = KINDS[kind_of(kind)].params
    return {name: params[name].read(text) if name in params else text for name, text in texts.items()}
