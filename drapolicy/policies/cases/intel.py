"""Cases of Intel's GPU plugin: shares of cards, and which of them a policy prefers."""

from __future__ import annotations

from drapolicy.errors import InputError
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.reading import Fields, read
from drapolicy.policies.cases.report import Player, Report, Row, listed
from drapolicy.policies.named import policy
from drapolicy.policies.rule import Rule

DRIVER = "gpu.intel.com"


class _Case(Fields, frozen=True):
    policy: str
    available: list[str]
    size: int
    expect: list[str] | None = None
    expect_sorted: list[str] | None = None
    required: list[str] | None = None
    name: str = ""


class _File(Fields, frozen=True):
    cases: list[_Case]
    source: str = ""


def run(data: object) -> Report:
    """Play all cases of a file.

    Raises
    ------
    InputError
        For what cannot be read, with its place.
    """
    given = read(data, _File)
    rows = tuple(_play(f"cases[{number}]", case) for number, case in enumerate(given.cases))
    return Report("intel-device-plugin", given.source, rows)


def _play(where: str, case: _Case) -> Row:
    if len(set(case.available)) < len(case.available):
        raise InputError(f"{where}: available: a device is given twice; give each once")
    cards = list(dict.fromkeys(one.partition("-")[0] for one in case.available))
    slots = []
    for one in case.available:
        card = cards.index(one.partition("-")[0])
        slots.append(Slot(one, {"type": "share", "pciAddress": f"{card:04x}:00:00.0"}))
    machine = Machine(DRIVER, tuple(slots))
    rule = policy("intel-device-plugin", policy=case.policy)
    assert isinstance(rule, Rule)
    got = Player(machine, machine.state(), rule).ask(case.size, case.required or ())
    expected = case.expect_sorted if case.expect is None else case.expect
    return Row(
        f"{where} {case.name}".strip(),
        rule.name,
        listed(sorted(expected or ())),
        listed(sorted(got)),
        set(expected or ()) == set(got),
    )
