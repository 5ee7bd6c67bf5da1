"""Random expressions give upstream's values, errors, estimates and costs, in every release (K8s S56, S60, I2)."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

import pytest

from drapolicy.cel import device_view
from drapolicy.errors import InputError
from drapolicy.release import MINORS, Release, release
from drapolicy.testing.oracle import Oracle
from drapolicy.testing.selectors import DRIVER, differences, near_limit, random_device, random_expression

LISTS = {"DRAListTypeAttributes": True}
SETTINGS = [(minor, {}) for minor in MINORS] + [("1.36", LISTS), ("1.37", LISTS)]
IDS = [minor + " lists" * bool(gates) for minor, gates in SETTINGS]
# Of expressions in all; larger numbers are run by hand.
COUNT, NEAR = 2000, 240
# Kinds of expressions that may compute an attribute.
KINDS = ("int", "string", "bool", "semver", "ints", "strings", "dyn", "optional", "double")


@pytest.fixture(params=SETTINGS, ids=IDS)
def upstream(request: pytest.FixtureRequest) -> Iterator[tuple[Oracle, Release]]:
    """Upstream of a release with its gates."""
    minor, gates = request.param
    try:
        oracle = Oracle(minor)
    except InputError as error:
        pytest.skip(str(error))
    with oracle:
        yield oracle, release(minor, gates=gates)


def costs_at_random(text: str) -> bool:
    """Return whether an expression asks of the names of a map, which come in random order, until one decides."""
    return any(part in text for part in (".all(k", ".exists(k"))


def is_random(text: str) -> bool:
    """Return whether an expression makes a list of the names of a map."""
    return ".map(k" in text


@pytest.mark.go
def test_expressions_give_upstreams_outcome(upstream: tuple[Oracle, Release]) -> None:
    """Values, errors, compile errors and costs; as for stored objects and, less often, as for new ones."""
    oracle, kubernetes = upstream
    for seed in range(COUNT // len(SETTINGS)):
        rng = Random(f"{kubernetes.minor}/{seed}")
        text = random_expression(rng, kubernetes, depth=rng.choice((2, 3, 4)))
        devices = [random_device(rng, kubernetes, number) for number in range(2)]
        stored, costs = rng.random() < 0.7, not costs_at_random(text)
        if not is_random(text):
            assert differences(oracle, kubernetes, text, devices, stored=stored, costs=costs) == [], seed


@pytest.mark.go
@pytest.mark.parametrize("estimated", [True, False], ids=["estimate", "run time"])
def test_verdicts_near_the_limit_are_upstreams(upstream: tuple[Oracle, Release], estimated: bool) -> None:
    """Within 20 % of the limit, by the estimate or when it runs, the same expressions are too dear."""
    oracle, kubernetes = upstream
    for seed in range(NEAR // len(SETTINGS) // 2):
        rng = Random(f"{kubernetes.minor}/{seed}/{estimated}")
        device = random_device(rng, kubernetes)
        text = near_limit(rng, kubernetes, device_view(DRIVER, device), estimated=estimated)
        devices = [] if estimated else [device]
        if not is_random(text):
            assert differences(oracle, kubernetes, text, devices, costs=not costs_at_random(text)) == [], seed


@pytest.mark.go
def test_derived_attributes_are_upstreams() -> None:
    """Only 1.37 has them."""
    try:
        oracle = Oracle("1.37")
    except InputError as error:
        pytest.skip(str(error))
    kubernetes = release("1.37", gates={**LISTS, "DRADerivedAttributes": True})
    with oracle:
        for seed in range(300):
            rng = Random(f"derived/{seed}")
            text = random_expression(rng, kubernetes, kind=rng.choice(KINDS))
            devices = [random_device(rng, kubernetes)]
            if not is_random(text):
                costs = not costs_at_random(text)
                assert differences(oracle, kubernetes, text, devices, derived=True, costs=costs) == [], seed
