"""Books kept twice: what a state says is taken is counted again from the claims and pods that hold it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np

from drapolicy.api.resource import AllocationResult
from drapolicy.errors import VerificationError
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.pod_requests import PodAsk
from drapolicy.problem.resources import PODS
from drapolicy.problem.room import NodeRoom
from drapolicy.problem.state import State


class Conservation:
    """Checks that nothing of a fleet is given twice and nothing is lost.

    Parameters
    ----------
    state
        At the start: what is held then may stay held though nobody uses it.

    Notes
    -----
    Time: all that is held, each time; for tests and on demand.
    """

    def __init__(self, state: State) -> None:
        self._state = state
        self._standing = dict(state.held)
        self._given_twice = {device for device, count in _wholes(state.held.values()).items() if count > 1}
        self._pods = state.rooms.requested(PODS).cut.copy()
        self._rooms = {n: dict(state.rooms.taken(n)) for n in np.flatnonzero(self._pods).tolist()}

    def check(self) -> None:
        """Raise for the first thing that does not add up.

        Raises
        ------
        VerificationError
            Names the device, the claim or the node.
        """
        self._devices()
        self._claims()
        self._room()

    def _devices(self) -> None:
        state, held = self._state, self._state.held.values()
        wholes = _wholes(held)
        shares: dict[DeviceId, Counter[str]] = {}
        amounts: dict[DeviceId, Counter[str]] = {}
        for device, share, consumed in _shares(held):
            shares.setdefault(device, Counter())[share] += 1
            for name, amount in consumed.items():
                amounts.setdefault(device, Counter())[name] += amount
        for device in {**wholes, **shares}:
            taken, parts = wholes.get(device, 0), shares.get(device, Counter())
            twice = taken > 1 or (taken and parts) or max(parts.values(), default=0) > 1
            if twice and device not in self._given_twice:
                message = f"device {device}: is allocated {taken} times as a whole and in shares {sorted(parts)}"
                raise VerificationError("conservation", message)
            said = state.allocated.holds(device), state.allocated.shared(device), state.allocated.consumed(device)
            counted = bool(taken), bool(parts), dict(amounts.get(device, {}))
            if said != counted:
                raise VerificationError("conservation", f"device {device}: the books say {said}, claims {counted}")
        leaked = {device for device, _ in state.allocated.taken} - wholes.keys() - shares.keys()
        if leaked:
            raise VerificationError("conservation", f"device {min(leaked)}: is taken, and no claim holds it")

    def _claims(self) -> None:
        state = self._state
        used: set[str] = set()
        for name, running in state.running.items():
            used.update(running.ask.keys)
            for claim in running.ask.claims:
                if name not in state.users(claim):
                    raise VerificationError("conservation", f"{name}: runs, and does not use its claim")
            missing = [key for key in running.ask.keys if key not in state.held]
            if missing:
                raise VerificationError("conservation", f"{name}: runs, and its claim {missing[0]} holds nothing")
        for key in state.held.keys() - used:
            if key not in self._standing:
                raise VerificationError("conservation", f"claim {key}: holds devices, and nobody uses it")

    def _room(self) -> None:
        state = self._state
        asked: dict[int, list[PodAsk]] = {}
        for running in state.running.values():
            if running.room is not None:
                asked.setdefault(running.node, []).append(running.room)
        for n in {*np.flatnonzero(state.rooms.requested(PODS).cut).tolist(), *self._rooms}:
            room, own, pods = state.rooms[n], asked.pop(n, []), int(self._pods[n])
            total = Counter(self._rooms.get(n, {}))
            for one in own:
                total.update(one.requests)
            counted = {name: amount for name, amount in total.items() if amount}
            if counted != dict(room.requested) or pods + len(own) != room.pods:
                message = f"node {state.fleet.nodes.names[n]}: the books say {room.requested}, its pods ask {counted}"
                raise VerificationError("conservation", message)
            self._full(n, room, own)
        if asked:
            message = f"node {state.fleet.nodes.names[min(asked)]}: pods run there that its books do not know"
            raise VerificationError("conservation", message)

    def _full(self, n: int, room: NodeRoom, own: list[PodAsk]) -> None:
        if room.unbounded or not own:
            return
        # What was bound from the start may be too much; what came since may not.
        over = [
            name
            for name, amount in room.requested.items()
            if amount > room.have(name) and any(one.requests.get(name) for one in own)
        ]
        if over or room.pods > room.max_pods:
            what = over[0] if over else "pods"
            raise VerificationError("conservation", f"node {self._state.fleet.nodes.names[n]}: more {what} than it has")


def _wholes(allocations: Iterable[AllocationResult]) -> Counter[DeviceId]:
    return Counter(
        DeviceId(item.driver, item.pool, item.device)
        for allocation in allocations
        for item in allocation.devices.results
        if not item.admin_access and item.share_id is None
    )


def _shares(allocations: Iterable[AllocationResult]) -> Iterable[tuple[DeviceId, str, dict[str, int]]]:
    for allocation in allocations:
        for item in allocation.devices.results:
            if not item.admin_access and item.share_id is not None:
                consumed = {name: amount.nano for name, amount in item.consumed_capacity.items()}
                yield DeviceId(item.driver, item.pool, item.device), item.share_id, consumed
