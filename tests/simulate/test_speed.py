"""Bandwidth that counts, and what it does to run times."""

from __future__ import annotations

import numpy as np
import pytest

from drapolicy.problem.sites import Sites
from drapolicy.simulate import Ideal, stretched_ns
from drapolicy.workload import fleet


@pytest.mark.parametrize(
    ("duration", "percent", "ideal", "real", "stretched"),
    [
        (1000, 20, 300, 30, 2800),  # 800 + 200 * 10
        (1000, 100, 300, 100, 3000),
        (1000, 50, 300, 300, 1000),
        (1000, 50, 300, 400, 1000),  # never faster than ideal
        (1000, 0, 300, 1, 1000),
        (1000, 50, 0, 0, 1000),
        (3, 33, 10, 3, 5),  # 3 * 0.67 + 3 * 0.33 * 10 / 3 = 5.31
        (10**17, 1, 10**15, 1, (10**17 * 99 + 10**32) // 100),
    ],
)
def test_run_times_are_exact(duration: int, percent: int, ideal: int, real: int, stretched: int) -> None:
    """Whole nanoseconds, rounded down, without floats."""
    assert stretched_ns(duration, percent, ideal, real) == stretched


def test_ideal_is_the_best_that_some_node_can_give() -> None:
    """Pairs have their bridge; more devices need the slowest path between pairs; drivers are told apart."""
    bridged = Ideal(Sites(fleet("a100-pcie-bridged", 2)))
    links = Sites(fleet("a100-pcie-bridged"))[0].links
    gpu, nic = "gpu.nvidia.com", "dra.net"
    assert bridged.mb_s([gpu]) == bridged.mb_s([]) == 0
    assert bridged.mb_s([gpu, gpu]) == links.max()
    assert 0 < bridged.mb_s([gpu] * 4) < links.max()
    assert 0 < bridged.mb_s([gpu, nic]) < links.max()
    assert bridged.mb_s([gpu] * 9) == 0
    assert bridged.mb_s([nic, gpu]) == bridged.mb_s([gpu, nic])


def test_many_devices_of_several_drivers_are_not_guessed() -> None:
    """However many sets there are, the ideal counts the path between device and card."""
    bridged = Sites(fleet("a100-pcie-bridged"))
    links = bridged[0].links
    gpus = [d.index for d in bridged[0].devices if d.pool.driver == "gpu.nvidia.com"]
    assert Ideal(bridged).mb_s(["gpu.nvidia.com"] * len(gpus) + ["dra.net"]) < links[np.ix_(gpus, gpus)].max()
