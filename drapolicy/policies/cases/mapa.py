"""Cases of MAPA: machines, and the best ring through so many GPUs of each."""

from __future__ import annotations

from itertools import permutations

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError
from drapolicy.inventory.links import Path
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.reading import MOST_DEVICES, Fields, read
from drapolicy.policies.cases.report import Player, Report, Row, listed
from drapolicy.policies.named import policy
from drapolicy.policies.objectives.ring import ring_sum_of
from drapolicy.policies.rule import Rule

DRIVER = "gpu.nvidia.com"
_LANES = {"PCIe": 0, "SingleNVLink": 1, "DoubleNVLink": 2}


class _Topology(Fields, frozen=True):
    links: list[tuple[int, int, int | float, str]]
    gpus: int | None = None


class _Ideal(Fields, frozen=True):
    best_ring: int | float | None = None
    first_set: list[int] = []
    artefact_ideal: int | float | None = None


class _File(Fields, frozen=True):
    topologies: dict[str, _Topology]
    ideal: dict[str, dict[str, _Ideal]] = {}
    source: str = ""
    socket_size: dict[str, int] = {}


def run(data: object) -> Report:
    """Play all cases of a file: the set that ``mapa-greedy`` takes of an idle machine against the best ring.

    Rows of the artefact's own table that say otherwise than the best ring are named as wrong.

    Raises
    ------
    InputError
        For what cannot be read, with its place.
    """
    given = read(data, _File)
    rule = policy("mapa-greedy")
    assert isinstance(rule, Rule)
    rows, wrong = [], []
    for name, sizes in given.ideal.items():
        if name not in given.topologies:
            raise InputError(f"ideal.{name}: is not among the topologies: {', '.join(given.topologies) or 'none'}")
        links, lanes = _tables(name, given.topologies[name])
        machine = _machine(links, lanes, given.socket_size.get(name, 0))
        for text, ideal in sizes.items():
            where = f"ideal.{name}.{text}"
            if not text.isdecimal():
                raise InputError(f"{where}: {text!r} is no number of GPUs")
            got = [int(one) for one in Player(machine, machine.state(), rule).ask(int(text))]
            found = ring_sum_of(links, [d - 1 for d in got])
            expected = ideal.artefact_ideal if ideal.best_ring is None else ideal.best_ring
            if expected is None:
                raise InputError(f"{where}: neither best_ring nor artefact_ideal is given; give one")
            agrees = len(got) == int(text) and found == round(1_000 * expected)
            told = f"ring {expected} GB/s" + (f" through {listed(ideal.first_set)}" if ideal.first_set else "")
            note = (
                "another ring of the same bandwidth"
                if agrees and ideal.first_set and set(got) != set(ideal.first_set)
                else ""
            )
            rows.append(
                Row(where, rule.name, told, f"ring {found / 1_000:g} GB/s through {listed(sorted(got))}", agrees, note)
            )
            if ideal.artefact_ideal is not None and ideal.artefact_ideal != expected:
                wrong.append(f"{where}: the artefact says {ideal.artefact_ideal}, the best ring has {expected}")
    return Report("mapa", given.source, tuple(rows), tuple(wrong))


def _tables(name: str, topology: _Topology) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
    size = topology.gpus or max((max(a, b) for a, b, _, _ in topology.links), default=0)
    if not 0 <= size <= MOST_DEVICES:
        raise InputError(f"topologies.{name}: {size} GPUs; a node has at most {MOST_DEVICES}")
    links, lanes = np.zeros((size, size), np.int64), np.zeros((size, size), np.int16)
    for number, (a, b, gb_s, kind) in enumerate(topology.links):
        where = f"topologies.{name}.links[{number}]"
        if not (1 <= a <= size and 1 <= b <= size and a != b):
            raise InputError(f"{where}: {a} and {b} are no two of {size} GPUs, counted from 1")
        if kind not in _LANES or gb_s < 0:
            raise InputError(f"{where}: {gb_s} GB/s of {kind!r} is no link; use one of {', '.join(_LANES)}")
        links[a - 1, b - 1] = links[b - 1, a - 1] = round(1_000 * gb_s)
        lanes[a - 1, b - 1] = lanes[b - 1, a - 1] = _LANES[kind]
    return links, lanes


def _machine(links: NDArray[np.int64], lanes: NDArray[np.int16], socket: int) -> Machine:
    slots = []
    paths = np.full(links.shape, Path.SYS, np.int8)
    for d in range(len(links)):
        attributes: dict[str, int | str] = {"index": d}
        if socket > 0:
            attributes["numa"] = d // socket
        slots.append(Slot(str(d + 1), attributes))
    for a, b in permutations(range(len(links)), 2):
        if socket > 0 and a // socket == b // socket:
            paths[a, b] = Path.NODE
    np.fill_diagonal(paths, Path.NONE)
    return Machine(DRIVER, tuple(slots), links, paths, lanes)
