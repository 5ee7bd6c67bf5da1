"""Outcomes of expressions on three devices, as Kubernetes 1.37.2 gives them.

``facts.jsonl`` holds one expression a line with what ``dynamic-resource-allocation/cel`` v0.37.2 answered: ``compile``
is the text of a compile error, ``outcomes`` the bool or the text of the runtime error on each device below.
``costs.jsonl`` holds what expressions may cost by its estimate, and what they did cost on each device; none runs over a
map, whose order is random there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from drapolicy import cel
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceAttribute, DeviceCapacity

FACTS = [json.loads(line) for line in (Path(__file__).parent / "facts.jsonl").read_text().splitlines()]

COSTS = [json.loads(line) for line in (Path(__file__).parent / "costs.jsonl").read_text().splitlines()]


def attribute(**value: Any) -> DeviceAttribute:
    return DeviceAttribute(**value)


FULL = Device(
    name="d0",
    attributes={
        "model": attribute(string_value="A100"),
        "mem": attribute(int_value=80),
        "drv": attribute(version_value="1.2.3"),
        "ok": attribute(bool_value=True),
        "s": attribute(string_value="a-b.c"),
        "neg": attribute(int_value=-7),
        "empty": attribute(string_value=""),
        "other.io/numa": attribute(int_value=1),
        "other.io/name": attribute(string_value="n1"),
    },
    capacity={
        "memory": DeviceCapacity(value=Quantity("80Gi")),
        "frac": DeviceCapacity(value=Quantity("1500m")),
        "big": DeviceCapacity(value=Quantity("123456789012345678901234567890")),
        "other.io/bw": DeviceCapacity(value=Quantity("100G")),
    },
)
BARE = Device(name="d1")
# The same names as on the full device with values of other types, and lists.
ODD = Device(
    name="d2",
    allow_multiple_allocations=True,
    attributes={
        "gpu.x/model": attribute(int_value=5),
        "gpu.x/mem": attribute(string_value="eighty"),
        "gpu.x/drv": attribute(string_value="1.2.3"),
        "gpu.x/ok": attribute(string_value="true"),
        "gpu.x/s": attribute(bool_value=False),
        "gpu.x/l": attribute(int_values=[3, 1, 2]),
        "gpu.x/ls": attribute(string_values=["a", "b"]),
        "gpu.x/lv": attribute(version_values=["1.0.0", "2.0.0"]),
        "gpu.x/lb": attribute(bool_values=[True, False]),
    },
    capacity={"gpu.x/memory": DeviceCapacity(value=Quantity("40Gi"))},
)
VIEWS = [cel.device_view("gpu.x", FULL), cel.device_view("gpu.x", BARE), cel.device_view("gpu.y", ODD)]


def outcome(program: cel.Program, view: cel.DeviceView) -> bool | str:
    try:
        return program.evaluate(view)
    except cel.EvaluationError as error:
        return error.message


def test_the_table_is_not_empty() -> None:
    """A lost table would make every fact pass."""
    assert len(FACTS) > 500


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: fact["expression"][:60])
def test_expression_has_upstreams_outcome(fact: dict[str, Any]) -> None:
    """Values, compile errors and runtime errors are upstream's, word for word."""
    if "compile" in fact:
        with pytest.raises(cel.CompileError) as raised:
            cel.compile(fact["expression"])
        assert str(raised.value) == fact["compile"]
        assert not raised.value.unsupported
    else:
        program = cel.compile(fact["expression"])
        assert [outcome(program, view) for view in VIEWS] == fact["outcomes"]


@pytest.mark.parametrize("fact", COSTS, ids=lambda fact: fact["expression"][:60])
def test_expression_costs_what_it_costs_upstream(fact: dict[str, Any]) -> None:
    """Estimate and account are cel-go's, unit for unit, errors and short circuits included."""
    program = cel.compile(fact["expression"])
    assert program.estimated_cost.max == fact["estimate"]
    assert [program.actual_cost(view) for view in VIEWS] == fact["costs"]
