"""One node for one ask, as an objective sees it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.api.core import Pod
from drapolicy.api.resource import DeviceClass, ResourceClaim
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.problem.allocated import AllocatedState
from drapolicy.problem.counters_left import CountersLeft
from drapolicy.problem.decided import decided
from drapolicy.problem.millis import Millis, millis
from drapolicy.problem.node_search import NodeSearch
from drapolicy.problem.pod_requests import pod_ask
from drapolicy.problem.reference.capacity import charge
from drapolicy.problem.room import NodeRoom, Outlook
from drapolicy.problem.site import SHORT_NAMES, Site
from drapolicy.problem.solution import rank_of
from drapolicy.problem.wishes import Wish, masks, wishes_of
from drapolicy.release import Release
from drapolicy.topology.attributes import value

_NONE = np.empty(0, np.intp)


class LocalProblem(NodeSearch):
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
        super().__init__(site, claims, allocated, classes, release)
        self._pod = pod
        self._sizes = sizes
        self._room = room
        self.reads: set[str] = set()
        self.reads_state = False

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
        return wishes_of(self.claims)

    @cached_property
    def count(self) -> NDArray[np.int64]:
        """Devices that each request asks for; ndarray of shape (R,), int64. 0 stands for all."""
        return _frozen([wish.wanted.count for wish in self.wishes], np.int64)

    @cached_property
    def _masks(self) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        return masks(self.wishes, self._site.devices, self._classes, self._release)

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
    def _counters(self) -> CountersLeft:
        return CountersLeft(self._site, self._allocated, self._release.behaviour)

    @property
    def counters(self) -> NDArray[np.int64]:
        """What is left of each shared counter; ndarray of shape (K,), int64, each in a unit of its own."""
        self.reads_state = True
        return self._counters.left

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
        return self._counters.placeable(left, np.setdiff1d(self.left(_NONE), left, assume_unique=True))

    @cached_property
    def _placeable_now(self) -> NDArray[np.bool_]:
        mask = self._counters.placeable(self.left(_NONE))
        mask.flags.writeable = False
        return mask


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
