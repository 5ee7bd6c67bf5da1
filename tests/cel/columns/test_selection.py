"""Columns say on every device what :meth:`drapolicy.cel.Program.evaluate` says of it alone."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
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
            "device.attributes[?device.driver].orValue({{}})",
        ]
        return self.rng.choice(forms).format(self.domain())

    def constant(self) -> str:
        return self.pick(self.text, self.number, lambda: "true", lambda: '["a", "A100"]', lambda: "[1, 2, 80]")

    def value(self, depth: int) -> str:
        if depth <= 0 or self.rng.random() < 0.3:
            if self.variables and self.rng.random() < 0.5:
                return self.rng.choice(self.variables)
            return self.pick(
                lambda: f"{self.map()}.{self.name()}",
                lambda: f"{self.map()}.?{self.name()}.orValue({self.constant()})",
                lambda: f"{self.map()}[?'{self.name()}'].orValue({self.constant()})",
                lambda: f"dyn({self.constant()})",
            )
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


def differences(fleet: Fleet, expressions: Sequence[str], scale: int = 0) -> list[tuple[str, Any, Any]]:
    """Return expressions that columns answer otherwise than the evaluator does."""
    table, seen = table_of(fleet), views(fleet)
    table = replace(table, scale=max(scale, table.scale))
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


def test_keeping_account_changes_nothing() -> None:
    """Where devices are so large that costs must be counted, cheap selectors have the same outcomes."""
    assert differences(random_fleet(7), EXPRESSIONS, scale=10**6) == []
    assert differences(random_fleet(8), written(99, 100), scale=10**6) == []


@pytest.mark.parametrize("seed", range(10))
def test_columns_agree_on_random_expressions(seed: int) -> None:
    """Missing names, mixed types, several drivers, lists, absorbed errors: every device has the evaluator's outcome."""
    assert differences(random_fleet(100 + seed), written(seed, 250)) == []


# Every form that is not taken apart like its neighbours, and what must not be mistaken for one.
FORMS = [
    # Domains that differ between devices, chosen by what may fail or be no domain.
    "device.attributes[device.driver].mem == 1",
    'device.attributes[device.driver == "gpu.x" ? "other.io" : device.driver].?numa.orValue(5) == 5',
    'device.attributes[device.attributes["gpu.x"].model].mem == 1',
    "device.attributes[?device.driver].?mem.orValue(1) == 1",
    'device.attributes[?device.driver].orValue({}).exists(k, k == "mem")',
    "device.attributes[?device.driver].orValue({}).mem == 1",
    "has(device.attributes[device.driver].mem)",
    "device.driver in device.attributes",
    '"mem" in device.attributes[device.driver]',
    'cel.bind(d, "gpu.x", device.attributes[d].mem == 1)',
    'cel.bind(n, "mem", device.attributes["gpu.x"][n] == 1)',
    'cel.bind(n, device.driver, device.attributes["gpu.x"][n] == 1)',
    'device.capacity[device.driver].memory.compareTo(quantity("40Gi")) >= 0',
    # Names for maps, single names and lists; shadowed names.
    'cel.bind(g, device.attributes["gpu.x"], has(g.mem) && g.mem == 1)',
    "cel.bind(g, device.attributes[device.driver], has(g.mem) && size(g) > 1)",
    'cel.bind(g, device.attributes, g["gpu.x"].mem == 1 || "gpu.y" in g)',
    'cel.bind(g, device.attributes, g["nope.io"].mem == 1)',
    'cel.bind(g, device.attributes["gpu.x"].?mem, g.orValue(1) == 1)',
    'cel.bind(m, device.attributes["gpu.x"].mem, cel.bind(m, m == 1, m) || m == 80)',
    'cel.bind(m, device.attributes["gpu.x"].mem, [1, 2].exists(m, m == 2) && m == 1)',
    'cel.bind(m, device.attributes["gpu.x"].mem, true || m == 1)',
    'cel.bind(m, device.attributes["gpu.x"].mem, [1, 80].all(v, v != m))',
    '[].exists(v, device.attributes["gpu.x"].mem == v)',
    '[device.driver, "gpu.y"].exists(d, device.attributes[d].mem == 1)',
    '["mem", "model"].all(n, n in device.attributes["gpu.x"])',
    '["mem", "model"].exists_one(n, device.attributes["gpu.x"][n] == 1)',
    # Order of names in maps, and the first element that fails.
    'device.attributes["gpu.x"].map(k, k) == ["mem", "model"]',
    'device.attributes["gpu.x"].all(k, device.attributes["gpu.x"][k] > 0)',
    'device.attributes.exists(d, device.attributes[d].exists(k, k == "numa"))',
    'device.attributes["gpu.x"].exists(k, v, v == 1)',
    'size(device.attributes["gpu.x"]) > 2',
    "size(device.attributes) == 2",
    'device.attributes["gpu.x"] == device.attributes["gpu.y"]',
    "has(device.attributes.nope)",
    'device.attributes["gpu.x"].?l[?1].orValue(2) == 2',
    'device.attributes[?"gpu.x"].hasValue()',
    # Names that are empty or hold a slash are names like others.
    'device.attributes["gpu.x"][""] == 1',
    '"" in device.attributes["gpu.x"]',
    '"" in device.attributes || device.attributes[""].mem == 1',
    'device.attributes["gpu.x/mem"].mem == 1',
    'device.attributes[?"gpu.x"]["x/mem"].orValue(5) == 5',
    'device.attributes["gpu"]["x/mem"] == 5',
    # Quantities remember how they were written.
    'string(device.capacity["gpu.x"].memory.asApproximateFloat()) == "1.5"',
    'device.capacity["gpu.x"].memory.isInteger()',
    'device.capacity["gpu.x"].memory.asInteger() == 1',
    'device.capacity["gpu.x"].memory == quantity("1")',
    'quantity("1") == device.capacity["gpu.x"].memory.add(quantity("0"))',
    # Numbers beyond what doubles tell apart, and beyond 64 bits.
    'device.attributes["gpu.x"].mem == 9007199254740993',
    'device.attributes["gpu.x"].mem > 9007199254740992.0',
    'device.attributes["gpu.x"].mem + 1 > 0',
    'device.attributes["gpu.x"].mem * 2 > 0',
    '-device.attributes["gpu.x"].mem < 0',
    'uint(device.attributes["gpu.x"].mem) > 1u',
    # Results that are no bool, or no bool until looked at.
    'device.attributes["gpu.x"].mem',
    'dyn(device.attributes["gpu.x"].?ok)',
    "dyn(device.attributes)",
    'dyn(device.capacity["gpu.x"])',
    "dyn(1.5)",
    "true",
    "dyn(1) / 0 == 1",
    'device.attributes["gpu.x"].model in ["A100", device.driver]',
    'device.attributes["gpu.x"].drv in ["A100"]',
    'device.attributes["gpu.x"].mem in dyn([])',
    'device.attributes["gpu.x"].l.sort() == [1, 2, 3]',
    'device.attributes["gpu.x"].model.split("").join("-").size() > 3',
    'type(device.attributes["gpu.x"].mem) == int',
]


@pytest.mark.parametrize("expression", FORMS)
def test_columns_agree_on_every_form(expression: str) -> None:
    """Forms with a way of their own give what the evaluator gives."""
    for seed in range(200, 206):
        assert differences(random_fleet(seed), [expression]) == []


@pytest.mark.parametrize(
    "expression",
    [
        'device.attributes[device.attributes["gpu.x"].where].mem == 1',
        'device.attributes[device.attributes["gpu.x"].where].?mem.orValue(1) == 1',
        'device.attributes[?device.attributes["gpu.x"].where].?mem.orValue(2) == 1',
        'has(device.attributes[device.attributes["gpu.x"].where].mem)',
        '"mem" in device.attributes[device.attributes["gpu.x"].where]',
        'device.attributes[device.attributes["gpu.x"].where].exists(k, k == "mem")',
    ],
)
def test_a_domain_may_be_an_attribute(expression: str) -> None:
    """Each device looks in the domain that it names; one that names none fails there and not further on."""
    places = ["nope.io", "gpu.x", "other.io", "gpu.x", None]
    devices = [
        Device(
            name=f"d{index}",
            attributes=({} if where is None else {"where": attribute(string_value=where)})
            | ({"mem": attribute(int_value=1)} if index != 3 else {"other.io/mem": attribute(int_value=2)}),
        )
        for index, where in enumerate(places)
    ]
    fleet = fleet_of({"gpu.x": devices})
    assert differences(fleet, [expression]) == []
    assert select(fleet, expression).path == ("compiled" if "exists" not in expression else "by signature")


def test_order_of_names_is_the_devices_own() -> None:
    """A name given with and without domain stands where the first stood and has the value of the second."""
    one = Device(name="d0", attributes={"a": attribute(int_value=1), "gpu.x/b": attribute(int_value=2)})
    two = Device(name="d1", attributes={**one.attributes, "gpu.x/a": attribute(int_value=3)})
    other = Device(name="d2", attributes={"b": attribute(int_value=1), "gpu.x/a": attribute(int_value=3)})
    fleet = fleet_of({"gpu.x": [one, two, other]})
    keys = 'device.attributes["gpu.x"].map(k, k) == ["a", "b"]'
    expressions = [
        keys,
        'device.attributes["gpu.x"].a == 3',
        'device.attributes["gpu.x"].transformList(k, v, v) == [3, 2]',
    ]
    assert differences(fleet, expressions) == []


MANY = [
    'device.attributes["gpu.x"].uuid == "GPU-7"',
    'device.attributes["gpu.x"].uuid != "GPU-7"',
    'device.attributes["gpu.x"].uuid.startsWith("GPU-1")',
    'device.attributes["gpu.x"].uuid.endsWith("7")',
    'device.attributes["gpu.x"].uuid.contains("-9")',
    'device.attributes["gpu.x"].uuid in ["GPU-7", "GPU-8"]',
    'device.attributes["gpu.x"].uuid in ["GPU-7", device.driver]',
    'device.attributes["gpu.x"].uuid < "GPU-3"',
    '"GPU-7" == device.attributes["gpu.x"].uuid',
    'device.attributes["gpu.x"].uuid.lowerAscii() == "gpu-7"',
    'device.attributes["gpu.x"].?uuid.orValue("GPU-7") == "GPU-7"',
    'device.attributes["gpu.x"].?uuid.orValue(7) == 7',
    'device.attributes["gpu.x"].serial >= 9007199254740993',
    'device.attributes["gpu.x"].serial < 9007199254740993',
    'device.attributes["gpu.x"].serial > 9007199254740992.0',
    'device.attributes["gpu.x"].serial == 9007199254740993',
    'device.attributes["gpu.x"].serial == 9007199254740993u',
    'device.attributes["gpu.x"].serial in [9007199254740993, 1]',
    'device.attributes["gpu.x"].serial * 1024 > 0',
    'device.attributes["gpu.x"].serial <= 9007199254741000 && device.attributes["gpu.x"].uuid.endsWith("5")',
    'device.attributes["gpu.x"].mixed == 5',
    'device.attributes["gpu.x"].mixed == "5"',
    'device.capacity["gpu.x"].memory.isGreaterThan(quantity("500"))',
    'device.attributes["gpu.x"].exists(k, k == "uuid")',
]


@pytest.fixture(scope="module")
def many() -> Fleet:
    """Return 3000 devices of which no two are alike, a third without the names asked for."""
    devices = [
        Device(
            name=f"d{index}",
            attributes={}
            if index % 3 == 0
            else {
                "uuid": attribute(string_value=f"GPU-{index}"),
                "serial": attribute(int_value=2**53 - 1000 + index),
                "mixed": attribute(int_value=index) if index % 2 else attribute(string_value=str(index)),
            },
            capacity={} if index % 5 == 0 else {"memory": DeviceCapacity(value=Quantity(f"{index}"))},
        )
        for index in range(3000)
    ]
    return fleet_of({"gpu.x": devices})


@pytest.mark.parametrize("expression", MANY)
def test_columns_agree_when_every_device_differs(many: Fleet, expression: str) -> None:
    """What is done in bulk on long dictionaries is what the evaluator does one by one."""
    assert differences(many, [expression]) == []


@pytest.mark.parametrize(
    ("expression", "path"),
    [
        ('device.driver == "gpu.x" && device.attributes["gpu.x"].model == "A100"', "compiled"),
        ('device.attributes["gpu.x"].?l.orValue([]).exists(v, v == 1)', "compiled"),
        ("device.attributes[device.driver].mem == 1", "compiled"),
        ('cel.bind(g, device.attributes["gpu.x"], g.mem == 1 && "model" in g)', "compiled"),
        ('"gpu.x" in device.attributes', "compiled"),
        ('device.attributes["gpu.x"].model.split("-").size() == 2', "compiled"),
        ('device.attributes["gpu.x"].exists(k, k == "mem")', "by signature"),
        ("size(device.capacity) == 2", "by signature"),
        ('cel.bind(g, device.attributes, "gpu.x" in g)', "by signature"),
    ],
)
def test_the_result_says_how_it_was_found(expression: str, path: str) -> None:
    """Whoever waits long can see that the expression needs whole maps."""
    assert select(random_fleet(0), expression).path == path


def test_cost_limit_ends_the_same_devices() -> None:
    """A device whose list is too long fails with the limit's text; the others keep their outcome."""
    lists = {"d0": [1], "d1": list(range(60)), "d2": list(range(900))}
    devices = [Device(name=name, attributes={"l": attribute(int_values=held)}) for name, held in lists.items()]
    devices.append(Device(name="d3", attributes={"s": attribute(string_value="x" * 20_000)}))
    fleet = fleet_of({"gpu.x": devices})
    held = 'device.attributes["gpu.x"].l'
    dear = f"{held}.all(a, {held}.all(b, a + b >= 0))"
    found = select(fleet, dear)
    assert found.path == "by signature"
    assert found.matches.tolist() == [True, True, False, False]
    texts = [found.messages[code] for code in found.message.tolist()[2:]]
    assert texts == ["operation cancelled: actual cost limit exceeded", "no such key: l"]


def test_parts_that_no_device_runs_cost_nothing() -> None:
    """What could be dear on a long string stays exact where it is cheap, and where another operand decides."""
    devices = [Device(name="d0", attributes={"s": attribute(string_value="x" * 20_000)}), Device(name="d1")]
    fleet = fleet_of({"gpu.x": devices})
    text = 'device.attributes["gpu.x"].?s.orValue("")'
    expressions = [
        f'{text}.matches("x+(y|z)*x(abc|def)*$")',
        f'{text}.split("").size() == 20000',
        f'device.driver == "nope" && {text}.replace("", "{"y" * 400}").replace("", "yyyy").size() > 7',
        f'{text}.replace("", "{"y" * 40}").size() > 7',
    ]
    assert differences(fleet, expressions) == []


def test_a_faulty_device_fails_whatever_is_asked() -> None:
    """An attribute without value is an error even of a selector that does not mention it."""
    devices = [Device(name="d0"), Device(name="d1", attributes={"odd": attribute()})]
    found = select(fleet_of({"gpu.x": devices}), "true")
    assert found.matches.tolist() == [True, False]
    assert found.error(0) is None
    assert found.error(1) == "attribute odd: unsupported attribute value"


@pytest.mark.parametrize(
    "expression", ["true", 'device.driver == "a"', 'device.attributes["gpu.x"].mem == 1', "size(device.attributes) > 0"]
)
def test_no_devices_give_empty_arrays(expression: str) -> None:
    """A fleet without devices has no outcomes, and no errors."""
    found = select(fleet_of({"gpu.x": []}), expression)
    assert found.matches.shape == found.errors.shape == found.message.shape == (0,)
    assert select(build(Objects()), expression).matches.shape == (0,)


def test_a_selector_that_does_not_compile_is_refused() -> None:
    """The error is that of the evaluator's compiler."""
    with pytest.raises(cel.CompileError, match="undeclared reference"):
        select(random_fleet(0), "nope == 1")


def test_a_table_serves_many_selectors() -> None:
    """Columns that one selector had made serve the next."""
    fleet = random_fleet(1)
    table = table_of(fleet)
    for expression in FORMS[:5] * 2:
        assert outcomes(table, expression) == outcomes(fleet, expression)


def test_a_row_of_the_table_is_the_device() -> None:
    """The table holds of each device what its view holds, names in the same order."""
    for seed in range(5):
        fleet = random_fleet(seed, fault=0.2)
        table = table_of(fleet)
        for d, view in enumerate(views(fleet)):
            mine = table.view(d)
            assert (repr(mine.device), mine.fault) == (repr(view.device), view.fault)
            assert mine.scale >= view.scale
