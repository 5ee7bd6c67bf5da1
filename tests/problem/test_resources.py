"""Which resources the scheduler counts."""

from __future__ import annotations

import pytest

from drapolicy.problem.resources import is_scalar_resource
from drapolicy.testing.pods import GPU


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        (GPU, True),
        ("hugepages-1Gi", True),
        ("attachable-volumes-csi", True),
        ("x.kubernetes.io/y", True),
        ("cpu", False),
        ("gpu", False),
        ("requests.example.com/gpu", False),
    ],
)
def test_scalar_resources(name: str, counted: bool) -> None:
    """The scheduler counts extended, huge page, prefixed and volume resources besides the basic ones."""
    assert is_scalar_resource(name) is counted
