"""Shared counters of the pools that a node sees, as columns (K8s S45)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory.pool_device import DeviceId, PoolDevice, PoolId
from drapolicy.inventory.pools import Pool

_HUGE = 2**50  # amounts beyond this many units are as good as unlimited and keep sums within int64


@dataclass(frozen=True)
class Ledger:
    """Shared counters of a node's pools as columns, each in a unit of its own so that exact amounts fit int64.

    Attributes
    ----------
    totals
        What the pools publish; ndarray of shape (K,), int64.
    draws
        What each device draws; ndarray of shape (D, K), int64.
    bears
        Counters of the pool that a device draws from, its own or not: below zero any of them refuses the device (K8s
        S45); ndarray of shape (D, K), bool.
    elsewhere, draws_elsewhere
        Devices of the pools that only other nodes can use, E in number, and what they draw; shape (E, K), int64.
    """

    totals: NDArray[np.int64]
    draws: NDArray[np.int64]
    bears: NDArray[np.bool_]
    elsewhere: tuple[DeviceId, ...]
    draws_elsewhere: NDArray[np.int64]


def ledger_of(pools: Sequence[Pool], devices: Sequence[PoolDevice]) -> Ledger:
    """Return the shared counters of a node's pools as columns.

    Parameters
    ----------
    pools
        The pools that the node sees.
    devices
        Devices of all pools, in the order of the rows.
    """
    column = {(pool.id, key): k for k, (pool, key) in enumerate((p, key) for p in pools for key in p.counters or {})}
    totals = [(pool.counters or {})[key] for pool in pools for key in pool.counters or {}]
    here = [(d.index, column.get((d.pool, key)), amount) for d in devices for key, amount in d.counters]
    others = [(pool, identity, drawn) for pool in pools for identity, drawn in pool.elsewhere]
    away = [
        (e, column.get((pool.id, key)), amount) for e, (pool, _, drawn) in enumerate(others) for key, amount in drawn
    ]
    units = [0] * len(totals)
    for _, k, amount in (*here, *away):
        if k is not None:
            units[k] = math.gcd(units[k], amount)
    units = [unit or 1 for unit in units]

    def scaled(rows: int, entries: Sequence[tuple[int, int | None, int]]) -> NDArray[np.int64]:
        matrix = np.zeros((rows, len(totals)), np.int64)
        for row, k, amount in entries:
            if k is not None:
                matrix[row, k] += min(amount // units[k], _HUGE)
        matrix.flags.writeable = False
        return matrix

    return Ledger(
        # Whole units are enough: what devices draw are multiples of the unit.
        np.array([min(total // unit, _HUGE) for total, unit in zip(totals, units, strict=True)], np.int64),
        scaled(len(devices), here),
        _bearing(list(column), devices),
        tuple(identity for _, identity, _ in others),
        scaled(len(others), away),
    )


def _bearing(counters: Sequence[tuple[PoolId, tuple[str, str]]], devices: Sequence[PoolDevice]) -> NDArray[np.bool_]:
    number = {pool: p for p, pool in enumerate(dict.fromkeys(pool for pool, _ in counters))}
    owners = np.array([number[pool] for pool, _ in counters], np.intp)
    pools = np.array([number.get(device.pool, -1) if device.counters else -1 for device in devices], np.intp)
    bears: NDArray[np.bool_] = pools[:, None] == owners[None, :]
    bears.flags.writeable = False
    return bears
