"""Columns say on every device what :meth:`drapolicy.cel.Program.evaluate` says of it alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drapolicy import cel
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.objects import Objects
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import (
    Device,
    DeviceAttribute,
    DeviceCapacity,
    ResourcePool,
    ResourceSlice,
    ResourceSliceSpec,
)
from drapolicy.inventory import Fleet, build
from drapolicy.inventory.selecting import select, table_of

EXPRESSIONS = [
    fact["expression"]
    for fact in map(json.loads, (Path(__file__).parents[1] / "facts.jsonl").read_text().splitlines())
    if "compile" not in fact
]


def attribute(**value: Any) -> DeviceAttribute:
    return DeviceAttribute(**value)


def fleet_of(drivers: dict[str, Sequence[Device]]) -> Fleet:
    """Return a fleet of one pool a driver."""
    return build(
        Objects(
            slices=tuple(
                ResourceSlice(
                    metadata=ObjectMeta(name=driver),
                    spec=ResourceSliceSpec(
                        driver=driver,
                        pool=ResourcePool(name=driver, generation=1, resource_slice_count=1),
                        node_name="n",
                        devices=list(devices),
                    ),
                )
                for driver, devices in drivers.items()
            )
        )
    )


def views(fleet: Fleet) -> list[cel.DeviceView]:
    """Return every device as the evaluator sees it."""
    drivers = [fleet.slices.driver[i] or "" for i in fleet.devices.slice.tolist()]
    return [cel.device_view(driver, fleet.devices[d]) for d, driver in enumerate(drivers)]


def outcome(program: cel.Program, view: cel.DeviceView) -> bool | str:
    try:
        return program.evaluate(view)
    except cel.EvaluationError as error:
        return error.message


def outcomes(fleet: Any, expression: str) -> list[bool | str]:
    """Return what the columns say."""
    found = select(fleet, expression)
    assert np.array_equal(found.errors, found.message >= 0)
    assert not (found.matches & found.errors).any()
    pairs = zip(found.matches.tolist(), found.message.tolist(), strict=True)
    return [found.messages[code] if code >= 0 else matches for matches, code in pairs]


VALUES: list[Callable[[random.Random], dict[str, Any]]] = [
    lambda rng: {"string_value": rng.choice(["A100", "H100-SXM", "h100", "", "ä", "1.2.3", "a"])},
    lambda rng: {"int_value": rng.choice([0, 1, 1, 5, 80, -7, 2**53, 2**53 + 1, 2**63 - 1, -(2**63)])},
    lambda rng: {"bool_value": rng.random() < 0.5},
    lambda rng: {"version_value": rng.choice(["1.2.3", "1.10.0", "1.2.3-rc.1", "1.2.3+b", "2.0.0"])},
    lambda rng: {"int_values": rng.choice([[1, 2], [3, 1, 2], [5], [0, 2**63 - 1]])},
    lambda rng: {"string_values": rng.choice([["a", "b"], ["A100"], ["a", "a"]])},
    lambda rng: {"version_values": ["1.2.3", "2.0.0"]},
    lambda rng: {"bool_values": rng.choice([[True, False], [True]])},
]
AMOUNTS = [
    "80Gi",
    "40Gi",
    "0",
    "1500m",
    "1",
    "1000m",
    "100G",
    "-1",
    "123456789012345678901234567890",
    "9223372036854775807",
]
NAMES = ["model", "mem", "drv", "ok", "l", "gpu.x/model", "gpu.x/mem", "gpu.y/mem", "other.io/numa", "other.io/name"]


def device(rng: random.Random, index: int, fault: float) -> Device:
    attributes = {name: attribute(**rng.choice(VALUES)(rng)) for name in rng.sample(NAMES, rng.randrange(len(NAMES)))}
    if rng.random() < fault:
        attributes[rng.choice(NAMES)] = rng.choice([attribute(), attribute(version_value="1.x")])
    names = rng.sample(["memory", "frac", "gpu.x/memory", "other.io/bw"], rng.randrange(5))
    return Device(
        name=f"d{index}",
        attributes=attributes,
        capacity={name: DeviceCapacity(value=Quantity(rng.choice(AMOUNTS))) for name in names},
        allow_multiple_allocations=rng.choice([None, True, False]),
    )


def random_fleet(seed: int, size: int = 24, fault: float = 0.03) -> Fleet:
    """Return a fleet whose devices have little in common."""
    rng = random.Random(seed)
    drivers: dict[str, list[Device]] = {"gpu.x": [], "gpu.y": [], "nic.z": []}
    for index in range(size):
        drivers[rng.choice(list(drivers))].append(device(rng, index, fault))
    return fleet_of(drivers)


class Writer:
    """Writes random expressions, most of which compile."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.variables: list[str] = []

    def pick(self, *choices: Callable[[], str]) -> str:
        return self.rng.choice(choices)()

    def text(self) -> str:
        return json.dumps(self.rng.choice(["A100", "a", "gpu.x", "H", "model", "", "ä", "1.2.3"]), ensure_ascii=False)

    def number(self) -> str:
        whole = [
            "0",
            "1",
            "2",
            "80",
            "-7",
            "9223372036854775807",
            "9007199254740993",
            "1.0",
            "80.5",
            "9007199254740992.0",
        ]
        return self.rng.choice([*whole, "1u", "80u", "-9223372036854775808"])

    def domain(self) -> str:
        return self.rng.choice(["gpu.x", "gpu.y", "other.io", "nope.io"])

    def name(self) -> str:
        return self.rng.choice(["model", "mem", "drv", "ok", "l", "numa", "name", "nope"])

    def map(self) -> str:
        forms = ['device.attributes["{}"]'] * 6 + [
            'device.attributes[?"{}"].orValue({{}})',
            "device.attributes[device.driver]",
        ]
        return self.rng.choice(forms).format(self.domain())

    def constant(self) -> str:
        return self.pick(self.text, self.number, lambda: "true", lambda: '["a", "A100"]', lambda: "[1, 2, 80]")

    def value(self, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.3:
            if self.variables and self.rng.random() < 0.5:
                return self.rng.choice(self.variables)
            return f"{self.map()}.{self.name()}" if self.rng.random() < 0.75 else f"dyn({self.constant()})"
        inner = depth - 1
        return self.pick(
            lambda: f"{self.map()}.?{self.name()}.orValue({self.constant()})",
            lambda: f'device.attributes[?"{self.domain()}"].?{self.name()}.orValue({self.value(inner)})',
            lambda: f"({self.test(inner)} ? {self.value(inner)} : {self.value(inner)})",
            lambda: f"({self.value(inner)} {self.rng.choice('+-*/%')} {self.rng.choice([self.number(), self.text()])})",
            lambda: f"{self.value(inner)}.lowerAscii()",
            lambda: f'{self.value(inner)}.split("-")',
            lambda: f"dyn(size({self.value(inner)}))",
            lambda: f"{self.value(inner)}[0]",
            lambda: f"{self.value(inner)}.major()",
            lambda: f"{self.over(inner)}.map({self.bound(lambda v: v, inner)})",
            lambda: f"{self.over(inner)}.filter({self.bound(lambda _: self.test(inner), inner)})",
            lambda: f"cel.bind({self.bind(inner)})",
            lambda: f"string({self.value(inner)})",
            lambda: f"-{self.value(inner)}",
        )

    def over(self, depth: int) -> str:
        return self.pick(
            lambda: '["a", "A100", "model"]',
            lambda: "[1, 80]",
            lambda: f"[{self.map()}.{self.name()}, {self.map()}.{self.name()}]",
            lambda: f"{self.map()}.{self.name()}",
            self.map,
            lambda: self.value(depth),
        )

    def bound(self, body: Callable[[str], str], depth: int) -> str:
        variable = self.rng.choice(["v", "w"])
        self.variables.append(variable)
        text = self.value(depth) if self.rng.random() < 0.3 else body(variable)
        self.variables.pop()
        return f"{variable}, {text}"

    def bind(self, depth: int) -> str:
        variable = self.rng.choice(["g", "h"])
        held = self.rng.choice([self.map(), self.value(depth)])
        self.variables.append(f"{variable}.{self.name()}" if held.startswith("device.attributes") else variable)
        text = self.value(depth)
        self.variables.pop()
        return f"{variable}, {held}, {text}"

    def amount(self) -> str:
        kept = 'device.capacity["{}"].{}'.format(self.domain(), self.rng.choice(["memory", "frac", "bw"]))
        return self.rng.choice([kept, kept, f'quantity("{self.rng.choice(AMOUNTS)}")', f"{kept}.add(quantity('1'))"])

    def test(self, depth: int) -> str:
        if depth <= 0:
            return self.pick(
                lambda: f'device.driver == "{self.domain()}"',
                lambda: "device.allowMultipleAllocations",
                lambda: f"{self.map()}.{self.name()}",
                lambda: f"has({self.map()}.{self.name()})",
                lambda: f'"{self.name()}" in {self.map()}',
                lambda: f'"{self.domain()}" in device.attributes',
                lambda: f"{self.map()}.?{self.name()}.hasValue()",
            )
        inner = depth - 1
        operator = self.rng.choice(["==", "!=", "<", "<=", ">", ">="])
        return self.pick(
            lambda: f"({self.test(inner)} && {self.test(inner)})",
            lambda: f"({self.test(inner)} || {self.test(inner)})",
            lambda: f"!{self.test(inner)}",
            lambda: f"({self.test(inner)} ? {self.test(inner)} : {self.test(inner)})",
            lambda: f"{self.value(inner)} {operator} {self.value(inner)}",
            lambda: f"{self.value(inner)} {operator} {self.constant()}",
            lambda: f"{self.value(inner)} in {self.over(inner)}",
            lambda: f"{self.value(inner)}.includes({self.constant()})",
            lambda: f'{self.value(inner)}.{self.rng.choice(["startsWith", "contains", "matches"])}("A")',
            lambda: (
                f"{self.over(inner)}.{self.rng.choice(['exists', 'all', 'exists_one'])}"
                f"({self.bound(lambda _: self.test(inner), inner)})"
            ),
            lambda: f"{self.over(inner)}.exists({self.bound(lambda v: f'{v} == {self.constant()}', inner)})",
            lambda: f"cel.bind({self.bind(inner)}) == {self.constant()}",
            lambda: f"{self.amount()}.compareTo({self.amount()}) {operator} 0",
            lambda: f"{self.amount()} {self.rng.choice(['==', '!='])} {self.amount()}",
            lambda: f"{self.amount()}.isGreaterThan({self.amount()})",
            lambda: f"{self.value(inner)}.isLessThan(semver('1.2.3'))",
            lambda: f"sets.intersects({self.value(inner)}, ['a', 'A100'])",
            lambda: self.test(0),
        )


def written(seed: int, count: int) -> list[str]:
    """Return random expressions that compile."""
    rng = random.Random(seed)
    kept: list[str] = []
    while len(kept) < count:
        expression = Writer(rng).test(rng.randrange(1, 5))
        try:
            cel.compile(expression)
        except cel.CompileError:
            continue
        kept.append(expression)
    return kept


def differences(fleet: Fleet, expressions: Sequence[str]) -> list[tuple[str, Any, Any]]:
    """Return expressions that columns answer otherwise than the evaluator does."""
    table, seen = table_of(fleet), views(fleet)
    wrong = []
    for expression in expressions:
        program = cel.compile(expression)
        expected = [outcome(program, view) for view in seen]
        found = outcomes(table, expression)
        if found != expected:
            wrong.append((expression, expected, found))
    return wrong


@pytest.mark.parametrize("seed", range(3))
def test_columns_agree_on_the_facts(seed: int) -> None:
    """What is known of Kubernetes on single devices holds for columns too, errors and texts included."""
    assert differences(random_fleet(seed), EXPRESSIONS) == []


@pytest.mark.parametrize("seed", range(10))
def test_columns_agree_on_random_expressions(seed: int) -> None:
    """Missing names, mixed types, several drivers, lists, absorbed errors: every device has the evaluator's outcome."""
    assert differences(random_fleet(100 + seed), written(seed, 250)) == []
