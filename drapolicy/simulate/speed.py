"""How much longer a pod runs on the devices it got than on the best that a node of the fleet could give it.

The model is the usual one of a part that waits for communication: of the run time on ideal devices, ``share`` grows
with the ratio of the ideal to the real bandwidth, the rest stays. The bandwidth that counts is the slowest link that a
collective over the devices has to cross: that of a spanning tree whose slowest link is as fast as possible.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from drapolicy.problem.site import Site
from drapolicy.problem.sites import Sites
from drapolicy.simulate.bound import Wants, best_of_each_mb_s


class Ideal:
    """The best bandwidth that a number of devices of a driver can have on any node of a fleet.

    Parameters
    ----------
    sites
        The fleet's nodes.
    """

    def __init__(self, sites: Sites) -> None:
        self._sites = sites
        self._known: dict[tuple[str, ...], int] = {}
        self._of_links: dict[tuple[bytes, tuple[str, ...]], int] = {}

    def mb_s(self, drivers: Sequence[str]) -> int:
        """Return the greatest bottleneck of a set with one device for each driver named; 0 for fewer than two."""
        key = tuple(sorted(drivers))
        if key not in self._known:
            nodes = range(self._sites.fleet.nodes.candidates) if len(key) > 1 else ()
            found = [self._on(self._sites[n], key) for n in nodes]
            self._known[key] = max(found, default=0)
        return self._known[key]

    def _on(self, site: Site, drivers: tuple[str, ...]) -> int:
        of_driver = np.array([device.pool.driver for device in site.devices])
        own = np.flatnonzero(np.isin(of_driver, drivers))
        signature = (site.links[np.ix_(own, own)].tobytes() + "\n".join(of_driver[own]).encode(), drivers)
        if signature not in self._of_links:
            self._of_links[signature] = self._best(site, drivers)
        return self._of_links[signature]

    @staticmethod
    def _best(site: Site, drivers: tuple[str, ...]) -> int:
        of_driver = np.array([device.pool.driver for device in site.devices])
        counts = Counter(drivers)
        rows = np.array([of_driver == driver for driver in counts], np.bool_)
        return best_of_each_mb_s(site.links, Wants(rows, np.array(list(counts.values()), np.int64)))


def stretched_ns(duration_ns: int, percent: int, ideal_mb_s: int, real_mb_s: int) -> int:
    """Return how long a pod runs: ``percent`` of it grows as ``ideal / real``, exactly and in whole nanoseconds.

    Examples
    --------
    >>> stretched_ns(1000, 20, 300, 30)
    2800
    """
    if percent == 0 or ideal_mb_s == 0 or real_mb_s >= ideal_mb_s:
        return duration_ns
    real = max(real_mb_s, 1)
    return (duration_ns * (100 - percent) + duration_ns * percent * ideal_mb_s // real) // 100
