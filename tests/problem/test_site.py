"""What never changes about a node."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.problem.sites import Sites
from drapolicy.workload import fleet


def test_short_names_know_the_spellings_of_drivers() -> None:
    """The GPUs of a p4d stand in pairs behind four PCIe roots."""
    site = Sites(fleet("aws-p4d"))[0]
    gpus = [d.index for d in site.devices if d.pool.driver == "gpu.nvidia.com"]
    assert np.unique(site.group("pcieRoot")[gpus]).size == 4


@pytest.mark.parametrize(("model", "whole"), [("a100-mig", 4), ("aws-p4d", 8 + 4 + 3)])
def test_whole_devices(model: str, whole: int) -> None:
    """Counter sets, and devices that draw from none; a partition is its mean share of the counters."""
    site = Sites(fleet(model))[0]
    assert site.whole == whole
    assert site.share(site.devices[0].index) == 1.0
    if model == "a100-mig":
        smallest = min(site.share(d.index) for d in site.devices)
        assert 0 < smallest < 0.2
