"""Intel's plugin against its definition."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.errors import InputError
from drapolicy.policies import Rule, policy
from drapolicy.policies.cases.machine import Machine, Slot
from drapolicy.policies.cases.report import Player
from drapolicy.policies.peers import IntelDevicePlugin


def none(available: list[str], size: int) -> list[str]:
    """The first share of each card that is seen, then the others."""
    cards: dict[str, str] = {}
    for one in available:
        cards.setdefault(one.partition("-")[0], one)
    first = list(cards.values())
    return (first + [one for one in available if one not in first])[:size]


def balanced(available: list[str], size: int) -> list[str]:
    """The least share of the card with the most left, again and again."""
    left: dict[str, list[str]] = {}
    for one in sorted(available):
        left.setdefault(one.partition("-")[0], []).append(one)
    return [left[max(sorted(left), key=lambda card: len(left[card]))].pop(0) for _ in range(size)]


def packed(available: list[str], size: int) -> list[str]:
    """The least shares by name."""
    return sorted(available)[:size]


@pytest.mark.parametrize("rule", [none, balanced, packed])
def test_the_pipeline_gives_what_the_definition_says(rule) -> None:
    """Shares of up to 12 cards in any order, names of two digits included."""
    rng = np.random.default_rng(9)
    found = policy("intel-device-plugin", policy=rule.__name__)
    assert isinstance(found, Rule)
    for _ in range(150):
        ids = [f"card{card}-{share}" for card in rng.permutation(12)[:4] for share in range(int(rng.integers(1, 12)))]
        available = [str(one) for one in rng.permutation(ids)]
        cards = sorted({one.partition("-")[0] for one in available})
        slots = [
            Slot(one, {"type": "share", "pciAddress": f"0000:{cards.index(one.partition('-')[0]) + 1:02x}:00.0"})
            for one in available
        ]
        machine = Machine("gpu.intel.com", tuple(slots))
        size = int(rng.integers(1, min(len(available), 32) + 1))
        got = Player(machine, machine.state(), found).ask(size)
        assert set(got) == set(rule(available, size))


def test_required_shares_replace_the_last_chosen() -> None:
    """The plugin knows of none; the claim that asks for one gets it all the same."""
    slots = tuple(Slot(f"card{card}-0", {"type": "share", "pciAddress": f"0000:0{card}:00.0"}) for card in range(1, 5))
    machine = Machine("gpu.intel.com", slots)
    found = policy("intel-device-plugin:policy=packed")
    assert isinstance(found, Rule)
    assert set(Player(machine, machine.state(), found).ask(2, ["card4-0"])) == {"card1-0", "card4-0"}


def test_an_unknown_policy_is_refused() -> None:
    """The error lists those that there are."""
    with pytest.raises(
        InputError, match="intel-device-plugin: policy 'x' is unknown; use one of none, balanced, packed"
    ):
        IntelDevicePlugin(policy="x")  # type: ignore[arg-type]
