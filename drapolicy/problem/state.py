"""The only mutable truth: which devices are taken, which claims are held, what room the nodes have left."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple, TypeAlias

from drapolicy.api.core import Pod
from drapolicy.api.resource import AllocationResult, ResourceClaim
from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.inventory import Fleet
from drapolicy.problem import node_allocatable
from drapolicy.problem.ask import Ask, claim_key
from drapolicy.problem.conditions import Conditions
from drapolicy.problem.events import (
    Change,
    Cordon,
    Event,
    Fail,
    Finish,
    Join,
    Leave,
    Repair,
    Start,
    Taint,
    Uncordon,
    Untaint,
)
from drapolicy.problem.fleet_allocated import FleetAllocated
from drapolicy.problem.held_claims import HeldClaims
from drapolicy.problem.node_allocatable import demand
from drapolicy.problem.pod_requests import PodAsk, pod_ask
from drapolicy.problem.rooms import NodeRooms
from drapolicy.problem.site import Site
from drapolicy.problem.sites import Sites
from drapolicy.problem.sizes import Sizes

Stamp: TypeAlias = tuple[object, int, int]

_LEAST_REMEMBERED = 100_000
_KEPT_AS_OBJECTS = 10_000


class Running(NamedTuple):
    """An ask that has started.

    Attributes
    ----------
    ask, node
        The ask and the position of its node.
    room
        What its pod takes of the node; None without a pod.
    """

    ask: Ask
    node: int
    room: PodAsk | None


class State:
    """What is taken of a fleet now. Changes by events alone; :meth:`trial` takes changes back.

    Parameters
    ----------
    fleet
        The fleet; nothing in it changes.
    claims
        Claims that hold an allocation already.
    pods
        Pods that are bound to a node already; they take room unless they are done or their node is not in the fleet.

    Attributes
    ----------
    allocated
        Devices and shares that are taken.
    sizes
        How many devices the allocations on each node have.
    held
        Allocation of each allocated claim, by ``namespace/name``.
    rooms
        Room of each node, in the fleet's order.
    sites
        Each node as the fleet describes it, in the fleet's order; :meth:`site` is how it is now.
    conditions
        What has come over nodes and devices since.
    version
        Grows with every change; a trial that is over leaves it as it was.
    cursor
        Where the next cycle of a scheduler that rotates over the nodes starts.
    """

    def __init__(self, fleet: Fleet, claims: Iterable[ResourceClaim] = (), pods: Iterable[Pod] = ()) -> None:
        self.fleet = fleet
        self.sites = Sites(fleet)
        self.version = self._latest = 0
        self.cursor = 0
        self.allocated = FleetAllocated(fleet, self.sites.directory)
        self._held = HeldClaims()
        self.sizes = Sizes(fleet, self.sites.directory, self.sites.home, self._held)
        # Most claims have one user or none: a set for each would weigh more than the claim.
        self._users: dict[str, tuple[str, ...]] = {}
        self._running: dict[str, Running] = {}
        self.rooms = NodeRooms(fleet.nodes)
        self.conditions = Conditions(self.sites)
        self._stamps = array("q", bytes(8 * len(fleet.nodes)))
        self._shared_stamp = 0
        self._journal = array("q")
        self._most_remembered = max(_LEAST_REMEMBERED, 2 * len(fleet.nodes))
        self._forgotten = 0
        self._identity = object()
        self._undo: list[Callable[[], None]] | None = None
        for number, claim in enumerate(claims):
            if claim.status.allocation is not None:
                self._hold(claim_key(claim), claim.status.allocation, packed=number >= _KEPT_AS_OBJECTS)
                for user in claim.status.reserved_for:
                    self._use(claim_key(claim), f"{claim.metadata.namespace}/{user.name}")
        for pod in pods:
            self._settle(pod)

    def _settle(self, pod: Pod) -> None:
        n = self.fleet.nodes.index.get(pod.spec.node_name)
        if n is not None and pod.status.phase not in {"Succeeded", "Failed"}:
            self.rooms.add(n, pod_ask(pod, node_allocatable.of_bound(pod, self.fleet.release)))

    @property
    def held(self) -> HeldClaims:
        """Allocation of each allocated claim, by ``namespace/name``; must not be changed."""
        return self._held

    def users(self, claim: ResourceClaim) -> frozenset[str]:
        """Return the names of the asks that use a held claim."""
        return frozenset(self._users.get(claim_key(claim), ()))

    @property
    def running(self) -> Mapping[str, Running]:
        """Asks that have started and not finished, by name; must not be changed."""
        return self._running

    def site(self, n: int) -> Site:
        """Return a node as it is now: without devices that failed, with the taints that came since."""
        return self.conditions.site(n)

    def stamp(self, n: int) -> Stamp:
        """Return a value that changes whenever an answer of node ``n`` may change; no two states share one."""
        return self._identity, self._stamps[n], self._shared_stamp

    @property
    def identity(self) -> object:
        """What tells this state from all others, copies included."""
        return self._identity

    @property
    def shared_changes(self) -> int:
        """How often something changed that several nodes may see."""
        return self._shared_stamp

    @property
    def changes(self) -> int:
        """How many changes of nodes there have been."""
        return self._forgotten + len(self._journal)

    def changed_since(self, changes: int) -> Sequence[int] | None:
        """Return the nodes that changed after so many changes, with repeats; None if that is too long ago to tell."""
        return self._journal[changes - self._forgotten :] if changes >= self._forgotten else None

    def apply(self, event: Event) -> None:
        """Change the state.

        Raises
        ------
        UnknownReferenceError
            For a node, a device or an ask that does not exist.
        InputError
            For an ask that runs already or whose node is away, for results that do not match its claims, and for a
            change that is no change. The state is unchanged then.
        UnsupportedFeatureError
            For a taint where the release does not heed taint rules.
        """
        if isinstance(event, Start):
            self._start(event)
        elif isinstance(event, Finish):
            self._finish(event)
        else:
            self._change(event)

    @contextmanager
    def trial(self) -> Iterator[None]:
        """Take back every change made inside the block; blocks may be nested."""
        cursor, version = self.cursor, self.version
        outer, self._undo = self._undo, []
        try:
            yield
        finally:
            for inverse in reversed(self._undo):
                inverse()
            self._undo = outer
            self.cursor, self.version = cursor, version

    def _log(self, inverse: Callable[[], None]) -> None:
        if self._undo is not None:
            self._undo.append(inverse)

    # --- events ----------------------------------------------------------------------------------------------

    def _start(self, event: Start) -> None:
        ask = event.ask
        n = self.fleet.nodes.index.get(event.node)
        if n is None:
            message = f"start of {ask.name}: node {event.node} is not in the fleet"
            raise UnknownReferenceError(message)
        if n in self.conditions.away:
            message = f"start of {ask.name}: node {event.node} is away; choose another one"
            raise InputError(message)
        new = ask.unmet(self._held)
        if ask.name in self._running:
            message = f"start of {ask.name}: it runs already on {self.fleet.nodes.names[self._running[ask.name].node]}"
            raise InputError(message)
        if len(new) != len(event.results):
            message = f"start of {ask.name}: {len(event.results)} results for {len(new)} claims without allocation"
            raise InputError(message)
        running = Running(ask, n, self._room(ask, n, new, event.results))
        taken = [claim_key(claim) for claim in new]
        for key, result in zip(taken, event.results, strict=True):
            self._hold(key, result)
        joined = [key for key in ask.keys if self._use(key, ask.name)]
        self._enter(running)
        self._log(lambda: self._withdraw(running, taken, joined))

    def _withdraw(self, running: Running, taken: list[str], joined: list[str]) -> None:
        self._leave(running)
        for key in joined:
            self._leave_claim(key, running.ask.name)
        # A claim that was held before stays held, even if nobody used it.
        for key in taken:
            self._release(key)

    def _finish(self, event: Finish) -> None:
        running = self._running.get(event.name)
        if running is None:
            message = f"finish of {event.name}: it does not run"
            raise UnknownReferenceError(message)
        self._leave(running)
        freed: list[tuple[str, AllocationResult]] = []
        for key in running.ask.keys:
            self._leave_claim(key, event.name)
            if key not in self._users:
                freed.append((key, self._release(key)))
        self._log(lambda: self._resume(running, freed))

    def _resume(self, running: Running, freed: list[tuple[str, AllocationResult]]) -> None:
        for key, result in freed:
            self._hold(key, result)
        for key in running.ask.keys:
            self._use(key, running.ask.name)
        self._enter(running)

    def _change(self, event: Change) -> None:
        conditions = self.conditions
        undo: Change
        touched: Sequence[int] | None
        match event:
            case Leave(node) | Join(node):
                leaves = isinstance(event, Leave)
                touched = conditions.set_away(self._node(node), leaves)
                undo = Join(node) if leaves else Leave(node)
            case Cordon(node) | Uncordon(node):
                closes = isinstance(event, Cordon)
                touched = conditions.set_cordoned(self._node(node), closes)
                undo = Uncordon(node) if closes else Cordon(node)
            case Fail(device) | Repair(device):
                fails = isinstance(event, Fail)
                touched = conditions.set_failed(device, fails)
                undo = Repair(device) if fails else Fail(device)
            case Taint(rule):
                touched = conditions.set_rule(rule.metadata.name, rule)
                undo = Untaint(rule.metadata.name)
            case Untaint(name):
                known = conditions.rules.get(name)
                touched = conditions.set_rule(name, None)
                assert known is not None
                undo = Taint(known)
        if touched is None:
            self._shared_stamp += 1
        for n in touched or ():
            self._note(n)
        self._moved()
        self._log(lambda: self._take_back(undo))

    def _take_back(self, change: Change) -> None:
        recorded, self._undo = self._undo, None
        self._change(change)
        self._undo = recorded

    def _node(self, name: str) -> int:
        n = self.fleet.nodes.index.get(name)
        if n is None:
            message = f"node {name}: is not in the fleet"
            raise UnknownReferenceError(message)
        return n

    def allocations(
        self, ask: Ask, new: Sequence[ResourceClaim], results: Sequence[AllocationResult]
    ) -> list[tuple[ResourceClaim, AllocationResult]]:
        """Return each claim of an ask with the allocation that it holds, or would get with ``results`` for ``new``."""
        made = {claim_key(claim): result for claim, result in zip(new, results, strict=True)}
        return [(claim, made.get(key) or self._held[key]) for claim in ask.claims if (key := claim_key(claim))]

    def _room(
        self, ask: Ask, n: int, new: Sequence[ResourceClaim], results: Sequence[AllocationResult]
    ) -> PodAsk | None:
        if ask.pod is None:
            return None
        release = self.fleet.release
        if node_allocatable.GATE not in release.gates:
            return ask.room
        allocations = self.allocations(ask, new, results)
        return pod_ask(ask.pod, demand(ask.pod, allocations, self.sites.published(n), release).amounts)

    # --- what events are made of -----------------------------------------------------------------------------

    def _enter(self, running: Running) -> None:
        if running.room is not None:
            self.rooms.add(running.node, running.room)
        self._running[running.ask.name] = running
        self._changed(running.node)

    def _leave(self, running: Running) -> None:
        if running.room is not None:
            self.rooms.remove(running.node, running.room)
        del self._running[running.ask.name]
        self._changed(running.node)

    def _use(self, key: str, name: str) -> bool:
        """Note that an ask uses a claim; return whether it did not before."""
        users = self._users.get(key, ())
        if name in users:
            return False
        self._users[key] = (*users, name)
        return True

    def _leave_claim(self, key: str, name: str) -> None:
        users = self._users[key]
        left = () if len(users) == 1 else tuple(user for user in users if user != name)
        if left:
            self._users[key] = left
        else:
            del self._users[key]

    def _hold(self, key: str, allocation: AllocationResult, *, packed: bool = False) -> None:
        (self._held.pack if packed else self._held.hold)(key, allocation)
        self.allocated.add(allocation)
        self.sizes.add(allocation)
        self._touch(allocation)

    def _release(self, key: str) -> AllocationResult:
        allocation = self._held.release(key)
        self.allocated.remove(allocation)
        self.sizes.remove(allocation)
        self._touch(allocation)
        return allocation

    def _touch(self, allocation: AllocationResult) -> None:
        """Stamp the nodes whose answers may change: the pool's own, or all if several nodes can use the pool."""
        known = None
        for result in allocation.devices.results:
            pool = result.driver, result.pool
            if pool == known:
                continue
            known = pool
            home = self.sites.home(pool)
            if home is None:
                self._shared_stamp += 1
            else:
                self._note(home)

    def _note(self, n: int) -> None:
        self._stamps[n] += 1
        self._journal.append(n)
        if len(self._journal) > self._most_remembered:
            half = len(self._journal) // 2
            del self._journal[:half]
            self._forgotten += half

    def _changed(self, n: int) -> None:
        self._note(n)
        self._moved()

    def _moved(self) -> None:
        # Versions of states that were taken back are not given again.
        self._latest += 1
        self.version = self._latest
