"""One node for one ask: what a solver and an objective see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy import cel
from drapolicy.api.core import Pod
from drapolicy.api.resource import (
    AllocationResult,
    DeviceClass,
    DeviceSubRequest,
    ExactDeviceRequest,
    ResourceClaim,
)
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.decided import decided
from drapolicy.problem.formulation import Assignment, Formulation, formulate
from drapolicy.problem.millis import Millis, millis
from drapolicy.problem.outcome import Abort, Fits, Outcome
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.reference import Allocator
from drapolicy.problem.reference.capacity import charge
from drapolicy.problem.reference.counters import drawing, drawn_for_shares
from drapolicy.problem.room import NodeRoom, Outlook
from drapolicy.problem.site import SHORT_NAMES, Site
from drapolicy.problem.solution import Solution, rank_of
from drapolicy.release import Release
from drapolicy.topology.attributes import value

_NONE = np.empty(0, np.intp)


class Wish(NamedTuple):
    """One request or alternative of a claim, a row of the masks.

    Attributes
    ----------
    claim, request, alternative
        Positions; ``alternative`` is 0 for ``exactly``.
    wanted
        Class, selectors and count.
    """

    claim: int
    request: int
    alternative: int
    wanted: ExactDeviceRequest | DeviceSubRequest


class LocalProblem:
    """One node, the claims that an ask still needs, and what is free: made for one decision, read-only.

    D is the number of devices that the node can use, R the number of requests and alternatives (one row each).
    Arrays are made when they are first read and must not be changed.

    Attributes
    ----------
    claims
        Claims to allocate, in order.
    reads
        What was read so far of that which tells nodes apart beyond what all of them are compared by: ``links``,
        ``group:NAME``, ``room``, ``product``, ``devices``, ``site``, ``rank``. Whoever hands one node's answer
        to another looks here.
    reads_state
        Whether anything was read that depends on what is taken of the node.
    """

    def __init__(
        self,
        site: Site,
        claims: Sequence[ResourceClaim],
        allocated: AllocatedState,
        room: NodeRoom,
        *,
        classes: Mapping[str, DeviceClass],
        release: Release,
        pod: Pod | None = None,
        sizes: Callable[[], frozenset[int]] = frozenset,
    ) -> None:
        self.claims = tuple(claims)
        self._pod = pod
        self._sizes = sizes
        self.reads: set[str] = set()
        self.reads_state = False
        self._site = site
        self._room = room
        self._allocated = allocated
        self._classes = classes
        self._release = release
        self._allocator = Allocator(release, allocated, classes, (), pools=lambda _node: site.pools)

    # --- what objectives see ---------------------------------------------------------------------------------

    @property
    def site(self) -> Site:
        """The node's static side; ``site.devices[d]`` is device ``d``."""
        self.reads.add("site")
        return self._site

    @property
    def devices(self) -> tuple[PoolDevice, ...]:
        """The node's devices, in upstream's order."""
        self.reads.add("devices")
        return self._site.devices

    @property
    def product(self) -> str:
        """Product of the first device that tells one; empty where none does."""
        self.reads.add("product")
        names = (value(device.pool.driver, device.api, "product") for device in self._site.devices)
        return str(next((name for name in names if name), ""))

    @property
    def index(self) -> int:
        """Position of the node in its fleet, for whoever keeps answers; no score may depend on it."""
        return self._site.index

    @property
    def size(self) -> int:
        """Number of the node's devices, D."""
        return len(self._site.devices)

    @cached_property
    def drivers(self) -> NDArray[np.int16]:
        """Driver of each device, numbered by first occurrence; ndarray of shape (D,), int16."""
        number: dict[str, int] = {}
        codes = [number.setdefault(device.pool.driver, len(number)) for device in self._site.devices]
        return _frozen(codes, np.int16)

    @property
    def room(self) -> NodeRoom:
        """Room of the node."""
        self.reads.add("room")
        return self._room

    @property
    def outlook(self) -> Outlook:
        """CPU and memory that the node has left and the ask's pod wants; claims on their own want none."""
        return self.room.outlook(pod_ask(self._pod or Pod()))

    @property
    def rank(self) -> int:
        """Points of the alternatives that the claims get here: 8 for each first, 7 for each second (K8s S40, S68)."""
        if not any(request.first_available for claim in self.claims for request in claim.spec.devices.requests):
            return 0
        self.reads.add("rank")
        self.reads_state = True
        return self._rank

    @cached_property
    def _rank(self) -> int:
        _, solution = decided(self)
        return 0 if solution is None else rank_of(solution, self.claims)

    @property
    def sizes(self) -> frozenset[int]:
        """How many devices each allocation on the node has: the numbers that occur, 0 for shares."""
        self.reads.add("sizes")
        self.reads_state = True
        return self._sizes()

    @property
    def millis(self) -> Millis:
        """The node's GPUs in thousandths: what is left of each, and what each device takes of it."""
        # Structure tells all else that they are made of.
        self.reads_state = True
        return self._millis

    @cached_property
    def _millis(self) -> Millis:
        wanted = [wish.wanted.capacity for wish in self.wishes]
        capacities = [{} if capacity is None else capacity.requests for capacity in wanted]
        return millis(self._site, self._allocated, self.eligible, capacities)

    @property
    def free(self) -> NDArray[np.bool_]:
        """Devices that nobody holds as a whole, those with shares included; ndarray of shape (D,), bool."""
        self.reads_state = True
        return self._free

    @cached_property
    def _free(self) -> NDArray[np.bool_]:
        holds = self._allocated.holds
        return _frozen([device.on_node and not holds(device.id) for device in self._site.devices], np.bool_)

    @cached_property
    def wishes(self) -> tuple[Wish, ...]:
        """Requests and alternatives of all claims, in order; the rows of ``eligible`` and ``count``."""
        found = []
        for c, claim in enumerate(self.claims):
            for r, request in enumerate(claim.spec.devices.requests):
                choices: Sequence[ExactDeviceRequest | DeviceSubRequest] = request.first_available or (
                    [request.exactly] if request.exactly else []
                )
                found += [Wish(c, r, a, wanted) for a, wanted in enumerate(choices)]
        return tuple(found)

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Devices that each request asks for; ndarray of shape (R,), int64. 0 stands for all."""
        return _frozen([wish.wanted.count for wish in self.wishes], np.int64)

    @cached_property
    def _masks(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        shape = (len(self.wishes), len(self._site.devices))
        eligible, failing = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
        for r, wish in enumerate(self.wishes):
            programs = self._programs(wish)
            for d, device in enumerate(self._site.devices):
                verdict: bool | str = programs is not None
                for text, program in programs or ():
                    verdict = device.verdict(text, program)
                    if verdict is not True:
                        break
                failing[r, d] = isinstance(verdict, str)
                eligible[r, d] = verdict is True and device.on_node
        eligible.flags.writeable = failing.flags.writeable = False
        return eligible, failing

    def _programs(self, wish: Wish) -> list[tuple[str, cel.Program]] | None:
        cls = self._classes.get(wish.wanted.device_class_name)
        if cls is None:
            return None
        texts = [s.cel.expression for s in (*cls.spec.selectors, *wish.wanted.selectors) if s.cel is not None]
        try:
            return [(text, cel.compile(text, self._release)) for text in texts]
        except cel.CompileError:
            return None

    @property
    def eligible(self) -> NDArray[np.bool_]:
        """Devices that class and selectors of each request accept; ndarray of shape (R, D), bool."""
        return self._masks[0]

    @property
    def lazily_failing(self) -> NDArray[np.bool_]:
        """Devices on which a selector fails, which aborts once it is reached (K8s S39); shape (R, D), bool."""
        return self._masks[1]

    @property
    def links(self) -> NDArray[np.int64]:
        """Bandwidth between devices; ndarray of shape (D, D), int64, MB/s per direction, symmetric, zero diagonal."""
        self.reads.add("links")
        return self._site.links

    @property
    def paths(self) -> NDArray[np.int8]:
        """How near devices are over PCIe, a `drapolicy.inventory.links.Path` each; shape (D, D), symmetric, int8."""
        self.reads.add("links")
        return self._site.paths

    @property
    def lanes(self) -> NDArray[np.int16]:
        """How many links go straight between two devices (NVLink, xGMI); shape (D, D), symmetric, int16."""
        self.reads.add("links")
        return self._site.lanes

    @property
    def groups(self) -> Mapping[str, NDArray[np.int16]]:
        """Group of each device by attribute: ``groups["numa"]``, ``groups["pcieRoot"]`` or any qualified name.

        Each an ndarray of shape (D,), int16; values numbered by first occurrence, -1 where the attribute is missing.
        The short names know the drivers' own spellings.
        """
        return _Groups(self._site, self.reads)

    def left(self, chosen: NDArray[np.intp]) -> NDArray[np.intp]:
        """Return the free devices of the ask's drivers that are not chosen, eligible or not; ascending indices."""
        self.reads_state = True
        mask = self._free & self._of_drivers
        mask[chosen] = False
        return np.flatnonzero(mask)

    @property
    def of_drivers(self) -> NDArray[np.bool_]:
        """Devices of the drivers whose devices the ask can use, eligible or not; ndarray of shape (D,), bool."""
        return self._of_drivers

    @cached_property
    def _of_drivers(self) -> NDArray[np.bool_]:
        drivers = {self._site.devices[d].pool.driver for d in np.flatnonzero(self.eligible.any(axis=0))}
        return _frozen([device.pool.driver in drivers for device in self._site.devices], np.bool_)

    def amounts(self, r: int, d: int) -> dict[str, int]:
        """Return what a share of a device consumes for a row of ``wishes``, by capacity, in nano units (K8s S41)."""
        device, wanted = self._site.devices[d], self.wishes[r].wanted.capacity
        behaviour, features = self._release.behaviour, self._release.features
        taken = charge(
            device,
            {} if wanted is None else wanted.requests,
            fractional="FractionalCapacityRange" in features,
            checked=behaviour.capacity_errors_abort,
        )
        return dict(zip((name for name, _ in device.capacity), taken.amounts, strict=False))

    def capacity(self, d: int) -> tuple[tuple[str, int], ...]:
        """Return the amount of each capacity of a device, in nano units."""
        return self._site.devices[d].capacity

    # --- counters --------------------------------------------------------------------------------------------

    @cached_property
    def _available(self) -> NDArray[np.int64]:
        ledger = self._site.ledger
        drawn_by = drawing(self._allocated, self._release.behaviour)
        taken = [d for d, device in enumerate(self._site.devices) if drawn_by(device.id)]
        elsewhere = [e for e, identity in enumerate(ledger.elsewhere) if drawn_by(identity)]
        drawn = ledger.draws[taken].sum(axis=0) + ledger.draws_elsewhere[elsewhere].sum(axis=0)
        available: NDArray[np.int64] = ledger.totals - drawn
        available.flags.writeable = False
        return available

    @cached_property
    def _needs(self) -> NDArray[np.int64]:
        """What each device would still have to draw: nothing once a share of it is taken."""
        drawn = drawn_for_shares(self._allocated, self._release.behaviour)
        shared = [d for d, device in enumerate(self._site.devices) if drawn(device.id)]
        needs = self._site.ledger.draws.copy()
        needs[shared] = 0
        return needs

    @property
    def counters(self) -> NDArray[np.int64]:
        """What is left of each shared counter; ndarray of shape (K,), int64, each in a unit of its own."""
        self.reads_state = True
        return self._available

    @property
    def draws(self) -> NDArray[np.int64]:
        """What each device draws of each shared counter; ndarray of shape (D, K), int64, units as in ``counters``."""
        return self._site.ledger.draws

    def placeable(self, left: NDArray[np.intp] | None = None) -> NDArray[np.bool_]:
        """Return which devices could each still be allocated on its own; ndarray of shape (D,), bool.

        Parameters
        ----------
        left
            Devices that stay free after a choice, as an objective gets them; None for the state as it is.
        """
        self.reads_state = True
        if left is None:
            return self._placeable_now
        chosen = np.setdiff1d(self.left(_NONE), left, assume_unique=True)
        return self._fitting(left, self._available - self._needs[chosen].sum(axis=0))

    @cached_property
    def _placeable_now(self) -> NDArray[np.bool_]:
        mask = self._fitting(self.left(_NONE), self._available)
        mask.flags.writeable = False
        return mask

    def _fitting(self, devices: NDArray[np.intp], available: NDArray[np.int64]) -> NDArray[np.bool_]:
        mask = np.zeros(len(self._site.devices), np.bool_)
        needs = self._needs[devices]
        short = (needs > available) & self._site.ledger.bears[devices]
        mask[devices] = ~(short.any(axis=1) & needs.any(axis=1))
        return mask

    # --- searching -------------------------------------------------------------------------------------------

    @property
    def timeout_s(self) -> float | None:
        """Time that the next search may take, in seconds; None, no limit: results should not depend on a clock."""
        return None

    def first(self, max_steps: int | None = None) -> tuple[Outcome, Solution | None]:
        """Return what the reference decides, just as the release's scheduler would, and its solution if it fits.

        Parameters
        ----------
        max_steps
            Limit of the search.
        """
        found = self._allocator.find(self._site.node, self.claims, max_steps=max_steps, timeout_s=self.timeout_s)
        if not isinstance(found, Solution):
            return found, None
        outcome = self.written(found)
        return outcome, found if isinstance(outcome, Fits) else None

    def search(
        self,
        order: Sequence[int] | None = None,
        visit: Callable[[Solution], bool] | None = None,
        max_steps: int | None = None,
    ) -> Outcome:
        """Return what the reference finds with the devices tried in an order of one's own.

        Parameters
        ----------
        order
            Permutation of the device indices; None for upstream's order.
        visit
            Called with each complete assignment; True accepts it, False searches on.
        max_steps
            Limit of the search.
        """
        return self._allocator.allocate(
            self._site.node, self.claims, order=order, visit=visit, max_steps=max_steps, timeout_s=self.timeout_s
        )

    @cached_property
    def formulation(self) -> Formulation | Abort:
        """What may be assigned, as arrays; or why the attempt ends before any device is looked at."""
        return formulate(self._site.pools, self.claims, self._allocated, self._classes, self._release)

    def seat(self, assignment: Assignment) -> Solution | None:
        """Return the solution that an assignment of :attr:`formulation` is, each device taken by the reference.

        Parameters
        ----------
        assignment
            A complete assignment; None is returned where the reference refuses one of its devices.
        """
        chosen: list[list[tuple[int, Sequence[int]]]] = [[] for _ in self.claims]
        if isinstance(self.formulation, Abort):
            return None
        for r, devices in assignment:
            row = self.formulation.rows[r]
            chosen[row.claim].append((row.alternative, devices))
        return self.taking(chosen)

    def taking(self, chosen: Sequence[Sequence[tuple[int, Sequence[int]]]]) -> Solution | None:
        """Return the solution in which given devices are taken, by the reference; None where it refuses one.

        Parameters
        ----------
        chosen
            For each claim and request the alternative, 0 without alternatives, and the devices, ascending.
        """
        return self._allocator.seat(self._site.node, self.claims, chosen)

    def written(self, solution: Solution) -> Outcome:
        """Return a solution as Kubernetes would write it."""
        return self._allocator.results(self._site.node, self.claims, solution)

    def indices(self, results: Sequence[AllocationResult]) -> NDArray[np.intp]:
        """Return the distinct devices of some results; ascending indices."""
        at = {device.id: device.index for device in self._site.devices}
        found = {at[r.driver, r.pool, r.device] for result in results for r in result.devices.results}  # type: ignore[index]
        return np.array(sorted(found), np.intp)


class _Groups(Mapping[str, NDArray[np.int16]]):
    """Groups of a site's devices, made when they are asked for."""

    def __init__(self, site: Site, reads: set[str]) -> None:
        self._site = site
        self._reads = reads

    def __getitem__(self, name: str) -> NDArray[np.int16]:
        self._reads.add(f"group:{name}")
        return self._site.group(name)

    def __iter__(self) -> Iterator[str]:
        return iter(SHORT_NAMES)

    def __len__(self) -> int:
        return len(SHORT_NAMES)


def _frozen(values: Sequence[object], dtype: type) -> NDArray[Any]:
    array: NDArray[Any] = np.array(values, dtype)
    array.flags.writeable = False
    return array
