"""What asks may hold: by hand, and no play holds more or less."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drapolicy import api
from drapolicy.evaluate.demand import demands
from drapolicy.policies import POLICIES
from drapolicy.simulate import Scenario, play
from drapolicy.simulate.record import NANO
from drapolicy.testing.scenarios import a_scenario
from drapolicy.workload import Workload, fleet

CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: c, namespace: default}}
spec: {{devices: {{requests: [{{name: r, {request}}}]}}}}
"""
GPU = "gpu.nvidia.com"


@pytest.mark.parametrize(
    ("model", "request_", "least", "most"),
    [
        ("philly-2", f"exactly: {{deviceClassName: {GPU}, count: 2}}", 2.0, 2.0),
        (
            "philly-2",
            f"firstAvailable: [{{name: a, deviceClassName: {GPU}, count: 2}}, {{name: b, deviceClassName: {GPU}}}]",
            1.0,
            2.0,
        ),
        ("philly-2", "exactly: {deviceClassName: none}", 0.0, 0.0),
        ("philly-2", f"exactly: {{deviceClassName: {GPU}, adminAccess: true}}", 0.0, 0.0),
    ],
)
def test_whole_devices_by_hand(model: str, request_: str, least: float, most: float) -> None:
    """Counts, alternatives, what nothing suits and admin access."""
    workload = Workload(api.loads(CLAIM.format(request=request_)), ())
    found = demands(Scenario("s", fleet(model, 2), workload))["c"]
    assert found == (least * NANO, most * NANO)


@settings(max_examples=25)
@given(st.integers(0, 10**6))
def test_no_pod_holds_more_or_less(seed: int) -> None:
    """Of whole devices, of shares and of partitions, wherever they are placed."""
    scenario = a_scenario(seed)
    known = demands(scenario)
    for record in play(scenario, POLICIES["first-fit"], 1, quality=False).records:
        if record.node and record.devices:
            least, most = known[record.pattern]
            assert least - 9 <= NANO * record.drawn <= most + 9
