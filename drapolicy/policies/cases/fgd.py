"""Cases of FGD's own unit tests: fragmentation of one node, and points of GPU packing."""

from __future__ import annotations

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.reading import Fields, read
from drapolicy.policies.cases.report import Report, Row
from drapolicy.policies.named import policy
from drapolicy.policies.objectives.fragmentation import fragmentation_at
from drapolicy.policies.objectives.mix import Mix, TypicalPod
from drapolicy.problem.ask import Ask, kind_of
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.problem import Problem

DRIVER = "gpu.fgd"
TOLERANCE = 0.01
_PARTS = 10**9

_Pod = tuple[int, int, int, str, float]


class _Frag(Fields, frozen=True):
    cpu: int
    gpus: list[int]
    typical: str | list[_Pod]
    frag: float
    model: str = ""
    tolerance: float = TOLERANCE


class _Lack(Fields, frozen=True):
    gpus: list[int]
    gpu_milli: int
    expect: int


class _Packing(Fields, frozen=True):
    gpus: list[int]
    pod: tuple[int, int, int]
    expect: int


class _File(Fields, frozen=True):
    source: str = ""
    frag: list[_Frag] = []
    frag_milli_lack_gpu: list[_Lack] = []
    packing_score: list[_Packing] = []


def run(data: object) -> Report:
    """Play all cases of a file.

    Raises
    ------
    InputError
        For what cannot be read, with its place.
    """
    given = read(data, _File)
    rows = []
    for number, case in enumerate(given.frag):
        where = f"frag[{number}]"
        node = _node(where, case.gpus, case.cpu, case.model)
        found = fragmentation_at(node, _mix(where, case.typical, data)) / _PARTS
        agrees = abs(found - case.frag) <= case.tolerance
        rows.append(Row(where, "fgd", f"{case.frag:g} milli", f"{found:.2f} milli", agrees))
    for number, lack in enumerate(given.frag_milli_lack_gpu):
        where = f"frag_milli_lack_gpu[{number}]"
        node = _node(where, lack.gpus, 0, "")
        wasted = fragmentation_at(node, (_pod(where, (0, lack.gpu_milli, 1), (), 1),))
        rows.append(Row(where, "fgd", f"{lack.expect} milli", f"{wasted} milli", wasted == lack.expect))
    for number, packing in enumerate(given.packing_score):
        rows.append(_packed(f"packing_score[{number}]", packing))
    return Report("fgd-units", given.source, tuple(rows))


def _machine(where: str, gpus: list[int], cpu: int | None, model: str) -> Machine:
    if any(not 0 <= milli <= 1_000 for milli in gpus) or (cpu is not None and cpu < 0):
        raise InputError(f"{where}: GPUs {gpus}, CPU {cpu}: use 0 to 1000 milli of each GPU and no negative CPU")
    attributes: dict[str, int | str] = {"productName": model} if model else {}
    return Machine(DRIVER, tuple(Slot(f"gpu-{d}", attributes, milli) for d, milli in enumerate(gpus)), cpu=cpu)


def _node(where: str, gpus: list[int], cpu: int, model: str) -> LocalProblem:
    machine = _machine(where, gpus, cpu, model)
    claims = machine.claims(1, milli=1)
    asked = Ask("case/ask", claims, None, kind_of(claims, None))
    return Problem(machine.state(), (asked,)).local(0, asked)


def _mix(where: str, typical: str | list[_Pod], data: object) -> Mix:
    if isinstance(typical, str):
        table = data.get(typical) if isinstance(data, dict) else None
        if table is None:
            raise InputError(f"{where}: typical: {typical!r} is not in the file")
        typical = read(table, list[_Pod], typical)
    # Published lists add up to less than 1 and are not scaled.
    return tuple(
        _pod(where, (cpu, milli, gpus), tuple(filter(None, model.split("|"))), round(_PARTS * share))
        for cpu, milli, gpus, model, share in typical
    )


def _pod(where: str, asked: tuple[int, int, int], models: tuple[str, ...], weight: int) -> TypicalPod:
    try:
        return TypicalPod(*asked, weight, models)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _packed(where: str, case: _Packing) -> Row:
    cpu, milli, count = case.pod
    machine = _machine(where, case.gpus, max(cpu, 0), "")
    if not 0 < milli <= 1_000 or not 0 < count <= len(case.gpus):
        raise InputError(f"{where}: pod: {count} GPUs of {milli} milli on a node of {len(case.gpus)}")
    claims = machine.claims(count, milli=milli)
    asked = Ask("case/ask", claims, None, kind_of(claims, None))
    placement = policy("gpu-packing").place(Problem(machine.state(), (asked,)), np.random.default_rng(0))
    if placement.node is None:
        return Row(where, "gpu-packing", f"{case.expect} points", "no devices", agrees=False)
    points = placement.score["gpu_packing"]
    return Row(where, "gpu-packing", f"{case.expect} points", f"{points} points", points == case.expect)
