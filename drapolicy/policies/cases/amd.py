"""Cases of AMD's device plugin: GPUs or partitions, the weight of each pair, and a set or its weight."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from drapolicy.errors import InputError
from drapolicy.inventory.links import Path
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.reading import Fields, read
from drapolicy.policies.cases.report import Player, Report, Row, listed
from drapolicy.policies.named import policy
from drapolicy.policies.peers.amd import OTHER_GPU, OTHER_LINK, OTHER_NUMA, PCIE, SAME_GPU, SAME_NUMA, XGMI
from drapolicy.policies.rule import Rule

DRIVER = "gpu.amd.com"


class _Device(Fields, frozen=True):
    Id: str
    NodeId: int
    NumaNode: int = 0
    DevId: str | int | None = None


class _Pair(Fields, frozen=True):
    A: int
    B: int
    W: int


class _Case(Fields, frozen=True):
    size: int
    name: str = ""
    machine: str = ""
    available: list[str] | None = None
    filtered: list[str] | None = None
    required: list[str] | None = None
    result: list[str] | None = None
    expectedIds: list[str] | None = None
    weight: int | None = None
    error: str = ""


class _Machine(Fields, frozen=True):
    devices: list[_Device]
    pair_weights: list[_Pair] = []
    cases: list[_Case] = []


class _File(Fields, frozen=True):
    machines: dict[str, _Machine]
    source: str = ""
    cases: dict[str, list[_Case]] | list[_Case] = {}


class _Known:
    """A machine of the file with what its pairs weigh."""

    def __init__(self, name: str, given: _Machine) -> None:
        where = f"machines.{name}"
        devices = sorted(given.devices, key=lambda device: device.NodeId)
        self.number = {device.Id: d for d, device in enumerate(devices)}
        place = {device.NodeId: d for d, device in enumerate(devices)}
        if len(self.number) < len(devices) or len(place) < len(devices):
            raise InputError(f"{where}.devices: an Id or NodeId is given twice; give each once")
        gpus = [device.Id if device.DevId is None else str(device.DevId) for device in devices]
        self.weights = np.zeros((len(devices),) * 2, np.int64)
        paths, lanes = np.zeros(self.weights.shape, np.int8), np.zeros(self.weights.shape, np.int16)
        for number, pair in enumerate(given.pair_weights):
            if pair.A not in place or pair.B not in place or pair.A == pair.B:
                raise InputError(f"{where}.pair_weights[{number}]: {pair.A} and {pair.B} are no NodeIds of two devices")
            a, b = place[pair.A], place[pair.B]
            self.weights[a, b] = self.weights[b, a] = pair.W
        for a, b in combinations(range(len(devices)), 2):
            numa = SAME_NUMA if devices[a].NumaNode == devices[b].NumaNode else OTHER_NUMA
            link = int(self.weights[a, b]) - numa - (SAME_GPU if gpus[a] == gpus[b] else OTHER_GPU)
            if link not in {XGMI, PCIE, OTHER_LINK}:
                told = f"{devices[a].Id} and {devices[b].Id} weigh {self.weights[a, b]}"
                raise InputError(f"{where}.pair_weights: {told}, which no link between them does")
            lanes[a, b] = lanes[b, a] = link == XGMI
            paths[a, b] = paths[b, a] = Path.NONE if link == OTHER_LINK else Path.SYS
        address = {gpu: f"0000:{number + 1:02x}:00.0" for number, gpu in enumerate(dict.fromkeys(gpus))}
        slots = []
        for device, gpu in zip(devices, gpus, strict=True):
            attributes: dict[str, int | str] = {"numaNode": device.NumaNode, "pciAddr": address[gpu]}
            if gpus.count(gpu) > 1:
                attributes["type"] = "amdgpu-partition"
            slots.append(Slot(device.Id, attributes))
        self.machine = Machine(DRIVER, tuple(slots), None, paths, lanes)

    def weight(self, ids: list[str]) -> int:
        """Return what a set weighs."""
        chosen = [self.number[one] for one in ids]
        return int(self.weights[np.ix_(chosen, chosen)].sum()) // 2


def run(data: object) -> Report:
    """Play all cases of a file.

    Raises
    ------
    InputError
        For what cannot be read, with its place.
    """
    given = read(data, _File)
    known = {name: _Known(name, machine) for name, machine in given.machines.items()}
    rows = []
    for where, name, case in _cases(given):
        if name not in known:
            raise InputError(f"{where}: machine {name!r} is not in the file; it has {', '.join(known) or 'none'}")
        rows.append(_play(where, case, known[name]))
    return Report("amd-device-plugin", given.source, tuple(rows))


def _cases(given: _File) -> Iterator[tuple[str, str, _Case]]:
    if isinstance(given.cases, list):
        yield from ((f"cases[{number}]", case.machine, case) for number, case in enumerate(given.cases))
    else:
        for name, cases in given.cases.items():
            yield from ((f"cases.{name}[{number}]", name, case) for number, case in enumerate(cases))
    for name, machine in given.machines.items():
        for number, case in enumerate(machine.cases):
            yield f"machines.{name}.cases[{number}]", name, case


def _play(where: str, case: _Case, known: _Known) -> Row:
    expected = case.result if case.expectedIds is None else case.expectedIds
    for field, ids in (("available", case.available), ("expected", expected), ("filtered", case.filtered)):
        unknown = [one for one in ids or () if one not in known.number]
        if unknown:
            raise InputError(f"{where}: {field}: {unknown[0]!r} is no device of the machine")
    free = set(known.number if case.available is None else case.available) - set(case.filtered or ())
    rule = policy("amd-device-plugin")
    assert isinstance(rule, Rule)
    got = sorted(Player(known.machine, known.machine.state(free), rule).ask(case.size, case.required or ()))
    name = f"{where} {case.name}".strip()
    if case.error:
        return Row(name, rule.name, f"none ({case.error})", listed(got), not got)
    weight = known.weight(got)
    if expected is None and case.weight is None:
        return Row(name, rule.name, f"{case.size} devices", listed(got), len(got) == case.size)
    wanted = known.weight(expected or []) if case.weight is None else case.weight
    same = expected is not None and set(got) == set(expected)
    told_weight = wanted if expected is None else known.weight(expected)
    agrees = len(got) == (case.size if expected is None else len(expected)) and weight == wanted == told_weight
    note = "another set of the same weight" if agrees and expected is not None and not same else ""
    told = "" if expected is None else f"{listed(expected)} "
    return Row(name, rule.name, f"{told}(weight {wanted})", f"{listed(got)} (weight {weight})", agrees, note)
