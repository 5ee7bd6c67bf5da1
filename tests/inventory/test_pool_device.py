"""One device of a pool."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from drapolicy.api.quantity import Quantity
from drapolicy.inventory.pool_device import PoolDevice


@pytest.mark.parametrize(
    ("consumed", "part"),
    [
        ({}, 1.0),  # the whole device
        ({"memory": "20Gi"}, 0.25),
        ({"memory": "20Gi", "cores": "50"}, 0.5),  # the largest part counts
        ({"memory": "160Gi"}, 1.0),
        ({"unknown": "1", "none": "1"}, 1.0),
    ],
)
def test_a_share_takes_the_largest_part_of_a_capacity(consumed: dict[str, str], part: float) -> None:
    """What is no amount of a capacity says nothing, and no share is more than the device."""
    capacity = tuple(
        (name, Quantity(text).nano) for name, text in (("memory", "80Gi"), ("cores", "100"), ("none", "0"))
    )
    device = SimpleNamespace(capacity=capacity)
    amounts = {name: Quantity(text) for name, text in consumed.items()}
    assert PoolDevice.part(device, amounts) == part  # type: ignore[arg-type]
