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
from drapolicy.topology.graph import INSIDE, Rule, Topology, integer, is_text
from drapolicy.topology.links import ICI_MB_S


@dataclass(frozen=True, slots=True)
class Param:
    """A parameter of a kind: what it is, its default, what it must be, and how it is read from text."""

    what: str
    default: Any
    rule: Rule
    read: Callable[[str], Any]


@dataclass(frozen=True)
class Kind:
    """Something that can be generated.

    Attributes
    ----------
    what
        One line that says what it is.
    source
        Where its structure is from; rates are those of `drapolicy.topology.links`.
    build
        Adds it to a `Draft`, given the parameters.
    params
        Its parameters.
    """

    what: str
    source: str
    build: Callable[..., None]
    params: Mapping[str, Param] = field(default_factory=dict)


def _int(what: str, default: int, least: int, most: int) -> Param:
    return Param(what, default, integer(least, most), _read_int)


def _word(what: str, default: str, words: tuple[str, ...]) -> Param:
    return Param(what, default, Rule(lambda value: value in words, f"one of {', '.join(map(repr, words))}"), str)


def _lengths(what: str, default: tuple[int, ...], must: str) -> Param:
    def holds(value: object) -> bool:
        one = integer(1, 1024)
        return isinstance(value, tuple) and 1 <= len(value) <= 6 and all(map(one.holds, value))

    return Param(
        what, default, Rule(holds, must), lambda text: tuple(map(_read_int, text.replace("x", ",").split(",")))
    )


def _read_int(text: str) -> int | str:
    try:
        return int(text)
    except ValueError:
        return text


def _read_bool(text: str) -> bool | str:
    return {"true": True, "false": False}.get(text.lower(), text)


def _pcie(draft: Draft, *, nodes: int, **params: Any) -> None:
    draw_nodes(draft, boxes.pcie_box(**params), nodes)


def _machine(machine: Machine, draft: Draft, *, nodes: int) -> None:
    draw_nodes(draft, machine, nodes)


_NODES = _int("how many, without a network; fat-tree and its like join machines", 1, 1, MOST_DEVICES)
_SOCKETS = _word("link between NUMA nodes", "IF", boxes.SOCKETS)
_MACHINE = _word("machine that each node is; empty for network cards alone", "", ("", *MACHINES))
_NETWORK = MappingProxyType(
    {
        "nodes": _int("nodes", 64, 1, MOST_DEVICES),
        "ports": _int("ports of a switch", 64, 2, 1024),
        "oversubscription": _int("ports of a leaf that lead down, for each that leads up", 1, 1, 16),
        "tiers": _int("layers of switches", 2, 2, 3),
        "speed": _word("speed of all ports", "NDR", fabrics.SPEEDS),
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
            {"racks": _int("racks", 1, 1, 64)},
        ),
        "pcie": Kind(
            "pcie: a box of 1 to 16 PCIe cards, with or without switches and bridges",
            "made up from the parameters",
            _pcie,
            {
                "cards": _int("GPUs", 8, 1, 16),
                "numa": _int("NUMA nodes", 2, 1, 16),
                "switches": _int("PCIe switches on each NUMA node; 0 for a root a card", 0, 0, 8),
                "nics": _int("network cards", 0, 0, 16),
                "product": Param(
                    "product name of the GPUs", "NVIDIA A100 80GB PCIe", Rule(is_text, "a product name"), str
                ),
                "bridge": _int("GPUs that a bridge joins, each to each; 0 for none", 0, 0, 16),
                "bridge_links": _int("links between two bridged GPUs", 12, 1, 18),
                "sockets": _SOCKETS,
                "nodes": _NODES,
            },
        ),
        "cpu-nic": Kind(
            "cpu-nic: a box without GPUs whose CPUs and network cards are aligned by NUMA node",
            "made up from the parameters",
            boxes.draw_cpu_nic,
            {
                "numa": _int("NUMA nodes", 2, 1, 64),
                "cpus": _int("CPU devices of each NUMA node", 1, 1, 256),
                "nics": _int("network cards of each NUMA node", 1, 0, 16),
                "sockets": _SOCKETS,
                "generation": _int("PCIe generation of the cards", 5, 1, 6),
                "lanes": _int("PCIe lanes of each card", 16, 1, 32),
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
            {**_NETWORK, "rails": _int("cards of a node without a machine", 8, 1, 16)},
        ),
        "dragonfly": Kind(
            "dragonfly: groups of switches, each to each, and links between all groups",
            "J. Kim, W. Dally, S. Scott, D. Abts, ISCA 2008, doi:10.1145/1394608.1382129",
            fabrics.draw_dragonfly,
            {
                "nodes": _int("nodes", 72, 1, MOST_DEVICES),
                "nodes_of_switch": _int("nodes of a switch, p; groups have 2p switches", 2, 1, 64),
                "speed": _word("speed of all ports", "200GbE", fabrics.SPEEDS),
                "machine": _MACHINE,
            },
        ),
        "torus": Kind(
            "torus: chips linked to their neighbours along 1 to 6 axes, like a TPU pod",
            "N. Jouppi et al., ISCA 2023, doi:10.1145/3579371.3589350: a 3D torus, 2 x 2 x 1 chips a host",
            fabrics.draw_torus,
            {
                "shape": _lengths("chips along each axis", (4, 4, 4), "1 to 6 lengths from 1 to 1024, like (4, 4, 4)"),
                "host": _lengths(
                    "chips of a host along each axis", (2, 2, 1), "as many lengths as the shape has, like (2, 2, 1)"
                ),
                "wrap": Param(
                    "whether axes are rings",
                    True,
                    Rule(lambda value: isinstance(value, bool), "True or False"),
                    _read_bool,
                ),
                "link": _word("version of TPU whose links these are", "v4", tuple(ICI_MB_S)),
            },
        ),
    }
)
"""What can be generated, by name."""


ALIASES: Mapping[str, str] = MappingProxyType(
    {
        **{f"dgx-{gpu}": f"hgx-{gpu}" for gpu in ("h100", "h200", "b200")},
        "nvl72": "gb200-nvl72",
        "rail-optimized": "rail-optimised",
    }
)
"""Other names of kinds."""


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
        One of `KINDS`, or of `ALIASES`.
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
    whole = integer(0)
    faults = [
        Fault("", -1, kind, name, f"is no parameter; it has {', '.join(row.params) or 'none'}")
        for name in params
        if name not in row.params
    ]
    given = {name: params.get(name, param.default) for name, param in row.params.items()}
    faults += [
        Fault("", -1, kind, name, f"{value!r} is not {row.params[name].rule.what}")
        for name, value in given.items()
        if not row.params[name].rule.holds(value)
    ]
    if not (0 <= failures <= 1 if type(failures) is float else whole.holds(failures)):
        faults.append(Fault("", -1, kind, "failures", f"{failures!r} is neither a count nor a part from 0.0 to 1.0"))
    if not whole.holds(seed):
        faults.append(Fault("", -1, kind, "seed", f"{seed!r} is not {whole.what}"))
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
