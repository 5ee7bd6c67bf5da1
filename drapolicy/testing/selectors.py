"""Random expressions and devices for them, near the cost limit too, and what upstream makes of them (K8s S56, S60)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random
from typing import Any, NamedTuple

from drapolicy.api.encode import to_builtins
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import Device, DeviceAttribute, DeviceCapacity
from drapolicy.cel import CompileError, DeviceView, EvaluationError, device_view
from drapolicy.cel.cost import LIMIT
from drapolicy.cel.derived import AttributeProgram
from drapolicy.cel.environment import environment
from drapolicy.cel.program import Program, compile_in
from drapolicy.release import Release
from drapolicy.testing.oracle import Oracle
from drapolicy.testing.templates import INCLUDING, TEMPLATES

DRIVER = "gpu.example.com"
_HOLE = re.compile(r"\{(\w+)\}")
# Ways to spend much: step by step, which takes long to run, and at once.
_LOOPS = ("all(i, true || {})", "map(i, i % 2 == 0 && {}).size() >= 0", "exists(i, i < 0 && {})")
_WALKS = ("reverse().size() >= 0 && {}", "reverse().slice(0, 2).size() < 0 || {}", "reverse().size() < 0 ? true : {}")
# Upstream meets attributes in random order, and so finds one fault or another.
_FAULTY = ("unsupported attribute value", "parse semantic version")


def random_expression(rng: Random, release: Release, *, kind: str = "bool", depth: int = 3) -> str:
    """Return a random expression; most compile in the release, and many fail on some devices.

    Parameters
    ----------
    rng
        Source of randomness.
    release
        Kubernetes release with its gates.
    kind
        Type of the expression, a key of the templates.
    depth
        How deep forms nest at most.
    """
    forms = TEMPLATES[kind]
    if kind == "bool" and "includes" in environment(release).functions:
        forms += INCLUDING
    if depth <= 0:
        forms = tuple(form for form in forms if not re.search(r"\{(?!name|pattern)\w+\}", form)) or forms
    text = _HOLE.sub(lambda hole: random_expression(rng, release, kind=hole[1], depth=depth - 1), rng.choice(forms))
    text = text.replace("{{", "{").replace("}}", "}")
    if rng.random() < 0.02 and kind in {"int", "string"}:
        text = random_expression(rng, release, kind=rng.choice(("int", "string", "dyn", "bool")), depth=0)
    return text.replace("§", f'device.attributes["{DRIVER}"]').replace("¤", f'device.capacity["{DRIVER}"]')


def random_device(rng: Random, release: Release, number: int = 0) -> Device:
    """Return a device with the names that random expressions ask for, some absent and some of another type."""
    values = {
        "count": DeviceAttribute(int_value=rng.choice((0, 1, -7, 80, 2**53 + 1, 2**63 - 1))),
        "text": DeviceAttribute(string_value=rng.choice(("", "h100", "a-b.c", "10.0.0.1", "é日", "x" * 64))),
        "flag": DeviceAttribute(bool_value=rng.random() < 0.5),
        "release": DeviceAttribute(version_value=rng.choice(("1.2.0", "2.0.0-rc.1+b7"))),
    }
    if environment(release).list_values:
        values |= {
            "counts": DeviceAttribute(int_values=rng.choice(([1], [3, 1, 2], [2**53, 2**53 + 1]))),
            "texts": DeviceAttribute(string_values=rng.choice((["a"], ["b", "h100"], [f"t{i}" for i in range(48)]))),
            "flags": DeviceAttribute(bool_values=[True, False]),
            "releases": DeviceAttribute(version_values=["1.0.0", "2.0.0"]),
        }
    names = [name for name in values if rng.random() < 0.85]
    odd = {name: rng.choice(list(values.values())) for name in names if rng.random() < 0.1}
    amounts = {"memory": rng.choice(("80Gi", "0", "-1", "1e3")), "parts": rng.choice(("1500m", "7", "0.5"))}
    return Device(
        name=f"d{number}",
        attributes={name: odd.get(name, values[name]) for name in names},
        capacity={name: DeviceCapacity(value=Quantity(text)) for name, text in amounts.items() if rng.random() < 0.9},
        allow_multiple_allocations=rng.choice((None, True, False)),
    )


def near_limit(rng: Random, release: Release, view: DeviceView, *, estimated: bool) -> str:
    """Return an expression whose cost is within 20 % of the limit as far as a first look tells.

    Parameters
    ----------
    rng
        Source of randomness.
    release
        Kubernetes release with its gates.
    view
        The device of which the cost is meant.
    estimated
        Whether the estimate is meant; otherwise the cost of running.
    """
    made_of = environment(release)
    while True:
        body = random_expression(rng, release, depth=2)
        form = f"lists.range(SIZE).{rng.choice(_LOOPS if estimated else _WALKS).format(body)}"
        sized = [form.replace("SIZE", size) for size in ("100", "200")]
        try:
            costs = [_cost(compile_in(text, made_of), view, estimated=estimated) for text in sized]
        except CompileError:
            continue
        step = (costs[1] - costs[0]) / 100
        wanted = LIMIT * rng.uniform(0.8, 1.2)
        size = int((wanted - costs[0]) / step) + 100 if step > 0 else 0
        if 0 < size < LIMIT:
            return form.replace("SIZE", str(size))


def _cost(program: Program, view: DeviceView, *, estimated: bool) -> int:
    return program.estimated_cost.max if estimated else program.actual_cost(view)


class Difference(NamedTuple):
    """Where drapolicy and upstream differ: the compile error, the estimate, or the outcome or cost on a device."""

    what: str
    expression: str
    upstream: Any
    drapolicy: Any


def differences(
    oracle: Oracle,
    release: Release,
    expression: str,
    devices: Sequence[Device],
    *,
    stored: bool = True,
    derived: bool = False,
    costs: bool = True,
) -> list[Difference]:
    """Return where drapolicy and upstream differ on an expression.

    Parameters
    ----------
    oracle
        Upstream of the same release.
    release
        Kubernetes release with its gates.
    expression, devices
        What to evaluate on what, all of one driver.
    stored
        As for objects that are stored already.
    derived
        As for a derived attribute.
    costs
        Compare the costs of evaluations too, which are random upstream where an expression runs over a map.
    """
    asked = {
        "features": dict.fromkeys({"ConsumableCapacity", "ListTypeAttributes"} & release.features, True),
        "cel": {
            "expression": expression,
            "driver": DRIVER,
            "devices": [to_builtins(device) for device in devices],
            "new": not stored,
            **({"derived": True} if derived else {}),
        },
    }
    told = oracle.ask(asked)["cel"]
    try:
        program = compile_in(expression, environment(release, stored=stored), derived)
    except CompileError as error:
        found = told.get("compileError")
        return [] if found == str(error) else [Difference("compile error", expression, found, str(error))]
    if "compileError" in told:
        return [Difference("compile error", expression, told["compileError"], None)]
    views = [device_view(DRIVER, device) for device in devices]
    pairs = [("estimate", told["maxCost"], program.estimated_cost.max)]
    for theirs, view in zip(told.get("devices", ()), views, strict=True):
        outcome = theirs.get("attribute", theirs.get("value", theirs.get("error")))
        pairs.append(("outcome", _known(outcome), _known(_outcome(program, view))))
        if costs and "cost" in theirs:
            pairs.append(("cost", theirs["cost"], program.actual_cost(view)))
    return [Difference(what, expression, theirs, ours) for what, theirs, ours in pairs if theirs != ours]


def _outcome(program: Program, view: DeviceView) -> Any:
    try:
        return to_builtins(AttributeProgram(program).evaluate(view)) if program.derived else program.evaluate(view)
    except EvaluationError as error:
        return error.message


def _known(outcome: Any) -> Any:
    """Return an outcome without what is random upstream."""
    if isinstance(outcome, str):
        return next((fault for fault in _FAULTY if fault in outcome), outcome)
    return outcome
