"""Documents for tests."""

from __future__ import annotations

import json

import pytest

from drapolicy.api.load import loads
from drapolicy.release import MINORS
from drapolicy.testing import documents

MADE = {
    "slice": documents.a_slice(documents.a_device()),
    "shareable": documents.shareable({"default": "1Gi", "validValues": ["1Gi"]}),
    "claim": documents.a_claim(),
    "alternatives": documents.a_claim(documents.alternatives(2)),
    "allocated": documents.allocated(),
    "reported": documents.reported(),
    "class": documents.a_class(),
}


@pytest.mark.parametrize("minor", MINORS)
@pytest.mark.parametrize("what", MADE)
def test_documents_are_valid_and_nothing_of_them_is_dropped_with_all_gates_on(what, minor):
    """A test that changes one thing must see the fault of that thing alone."""
    text = json.dumps(MADE[what] | {"apiVersion": "resource.k8s.io/v1"})
    objects = loads(text, release=documents.full(minor))
    assert len(objects) == 1
    assert objects.ignored_fields == ()


def test_a_gate_is_off_with_all_that_need_it():
    """Kubernetes would not start otherwise."""
    gates = documents.without("1.37", "DRAPartitionableDevices").gates
    assert not gates & {"DRAPartitionableDevices", "DRADeviceCompatibilityGroups", "DRAPartitionableDevicesType"}
