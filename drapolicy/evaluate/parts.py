"""Which devices of a fleet are parts of one, how much of it each is, and what they draw of shared counters."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory import Fleet
from drapolicy.policies.engine.layout import Layout
from drapolicy.problem.sites import Sites
from drapolicy.simulate.record import NANO


@dataclass(frozen=True)
class Parts:
    """Devices of a fleet, D in number, on N nodes, and the K counters of their pools, of which they draw E times.

    Attributes
    ----------
    node
        Node of each device, -1 where several can use it; ndarray of shape (D,), int64.
    whole, share
        Of which device each is a part, and how much of it in billionths: partitions of one counter set are parts of the
        first of them, other devices are whole; ndarrays of shape (D,), int64.
    is_whole
        Which devices are whole and of one node; ndarray of shape (D,), bool.
    totals, home
        Counters of pools that one node alone can use, each in a unit of its own in which all that is drawn is exact,
        and the node; ndarrays of shape (K,), int64, the latter ascending. 0 of what nobody draws.
    row, counter, amount
        Device and counter of each draw; ndarrays of shape (E,), int64, the first ascending.
    """

    node: NDArray[np.int64]
    whole: NDArray[np.int64]
    share: NDArray[np.int64]
    is_whole: NDArray[np.bool_]
    totals: NDArray[np.int64]
    home: NDArray[np.int64]
    row: NDArray[np.int64]
    counter: NDArray[np.int64]
    amount: NDArray[np.int64]


@lru_cache(maxsize=4)
def parts_of(fleet: Fleet) -> Parts:
    """Return the parts of a fleet; known fleets are kept."""
    count = len(fleet.devices)
    node = fleet.node_of_slice[fleet.devices.slice].astype(np.int64)
    whole, share = np.arange(count), np.full(count, NANO, np.int64)
    blocks = [_Block.nothing()]
    if any(kind.consumes_counters for kind in fleet.devices.rest.values):
        sites = Sites(fleet)
        for nodes, rows in _alike(sites):
            site = sites[int(nodes[0])]
            drawing = [d for d, device in enumerate(site.devices) if device.counters]
            first: dict[object, int] = {}
            for d in drawing:
                device = site.devices[d]
                (counter_set, _), _ = device.counters[0]
                whole[rows[:, d]] = rows[:, first.setdefault((device.pool, counter_set), d)]
                share[rows[:, d]] = round(NANO * site.share(d))
            blocks.append(_Block.of(sites, nodes, rows))
    is_whole = (whole == np.arange(count)) & (node >= 0)
    return Parts(node, whole, share, is_whole, *_joined(blocks))


def _alike(sites: Sites) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Return for each kind of node which are alike, and the rows of their devices; shapes (n,) and (n, devices)."""
    layout = Layout(sites.fleet, troubled=sites.troubled)
    kinds: dict[tuple[int, int], list[int]] = {}
    for n, (structure, regular) in enumerate(zip(layout.structure.tolist(), layout.regular.tolist(), strict=True)):
        kinds.setdefault((structure, -1) if regular else (-1, n), []).append(n)
    found = []
    for (_, alone), nodes in kinds.items():
        devices = sites[nodes[0]].devices
        rows = [layout.of(n) for n in nodes] if alone < 0 else [_rows(sites, alone)]
        if devices:
            found.append((np.array(nodes, np.int64), np.stack(rows)))
    return found


def _rows(sites: Sites, n: int) -> NDArray[np.int64]:
    return np.array([sites.directory.rows_of(device.id)[0] for device in sites[n].devices], np.int64)


@dataclass(frozen=True)
class _Block:
    """Counters and draws of nodes that are alike; attributes as of :class:`Parts`, counters from 0 on."""

    totals: NDArray[np.int64]
    home: NDArray[np.int64]
    row: NDArray[np.int64]
    counter: NDArray[np.int64]
    amount: NDArray[np.int64]

    @classmethod
    def nothing(cls) -> _Block:
        """Return a block without counters."""
        return cls(*(np.zeros(0, np.int64) for _ in range(5)))

    @classmethod
    def of(cls, sites: Sites, nodes: NDArray[np.int64], rows: NDArray[np.int64]) -> _Block:
        """Return the block of nodes that are alike, with the rows of their devices."""
        site = sites[int(nodes[0])]
        ledger, counters = site.ledger, len(site.ledger.totals)
        own = [sites.home(pool.id) == site.index for pool in site.pools for _ in pool.counters or {}]
        draws = ledger.draws * np.array(own, np.int64)
        device, counter = np.nonzero(draws)
        return cls(
            np.tile(np.where(draws.any(axis=0), ledger.totals, 0), len(nodes)),
            np.repeat(nodes, counters),
            rows[:, device].ravel(),
            (counters * np.arange(len(nodes))[:, None] + counter[None, :]).ravel(),
            np.tile(draws[device, counter], len(nodes)),
        )


def _joined(blocks: list[_Block]) -> tuple[NDArray[np.int64], ...]:
    """Return the counters and draws of all blocks, counters in the order of nodes and draws in that of devices."""
    begins = np.cumsum([0, *(len(block.totals) for block in blocks)])
    totals, home, row, amount = (
        np.concatenate([getattr(block, name) for block in blocks]) for name in ("totals", "home", "row", "amount")
    )
    counter = np.concatenate([begin + block.counter for begin, block in zip(begins, blocks, strict=False)])
    by_node, by_row = np.argsort(home, kind="stable"), np.argsort(row, kind="stable")
    place = np.empty(len(by_node), np.int64)
    place[by_node] = np.arange(len(by_node))
    return totals[by_node], home[by_node], row[by_row], place[counter[by_row]], amount[by_row]
