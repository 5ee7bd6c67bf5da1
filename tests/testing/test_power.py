"""Random problems tell releases apart: were one switch of the table wrong, fuzzing would notice."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import msgspec
import pytest

from drapolicy.release import Behaviour
from drapolicy.release.behaviour import BEHAVIOURS
from drapolicy.testing.fuzz import random_line
from drapolicy.testing.lines import difference, outcomes, read, solve
from drapolicy.testing.modes import Mode

MODE = Mode("1.37", "experimental")
MOST = 1500
# Decided outside of the allocator, or only together with another switch.
ELSEWHERE = {
    "compares_distinct",
    "bare_rules_taint_nothing",
    "devices_have_overhead",
    "pool_views",
    "timeouts_end_attempt",
}
SWITCHES = [
    field.name for field in dataclasses.fields(Behaviour) if field.type == "bool" and field.name not in ELSEWHERE
]


@functools.cache
def text(index: int) -> bytes:
    return msgspec.json.encode({**random_line(31, index, MODE), "timeoutMs": 100})


def answer(index: int) -> dict[str, Any]:
    try:
        return solve(read(text(index)), MODE.minor)
    except Exception:  # noqa: BLE001 - a switch that does not go with the others may well end in a crash
        return {"fit": False, "errorKind": "panic"}


right = functools.cache(answer)


@pytest.mark.slow
@pytest.mark.parametrize("switch", SWITCHES)
def test_a_wrong_switch_is_noticed(monkeypatch: pytest.MonkeyPatch, switch: str) -> None:
    """Some problem among the first has another answer when the switch is the other way."""
    now = BEHAVIOURS[MODE.minor][MODE.variant]
    wrong = dataclasses.replace(now, **{switch: not getattr(now, switch)})
    for index in range(MOST):
        told = right(index)
        with monkeypatch.context() as patch:
            patch.setitem(BEHAVIOURS[MODE.minor], MODE.variant, wrong)
            other = answer(index)
        late = "timeout" in {each.get("errorKind") for each in (*outcomes(told), *outcomes(other))}
        if not late and difference(told, other):
            return
    pytest.fail(f"no problem of {MOST} depends on {switch}")
