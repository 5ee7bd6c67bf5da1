"""What a pod asks of a node, and the room that a node has left.

Amounts are exact ints: CPU in milli units, everything else in units. As in Kubernetes each quantity is rounded up to
milli units when it is read, and sums are rounded up to units.
Source: K v1.37.2 with default gates: ``component-helpers/resource``, the scheduler's ``framework/types.go`` and
``noderesources/fit.go``. Requests are defaulted as by the API server (``core/v1/defaults.go``, ``api/pod/util.go``), so
a pod straight from a user's file counts like one from a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from drapolicy.api.core import Container, Pod
from drapolicy.api.quantity import Quantity

if TYPE_CHECKING:
    from drapolicy.problem.rooms import NodeRooms

CPU, MEMORY, EPHEMERAL_STORAGE, PODS = "cpu", "memory", "ephemeral-storage", "pods"
_BASIC = (CPU, MEMORY, EPHEMERAL_STORAGE)
_HUGE_PAGES, _VOLUMES, _NATIVE, _QUOTA = "hugepages-", "attachable-volumes-", "kubernetes.io/", "requests."

# A container that asks for no CPU or memory counts with these in scores, so that such pods spread too.
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024**2
_DEFAULTS = {CPU: DEFAULT_MILLI_CPU, MEMORY: DEFAULT_MEMORY * 1000}


BOUNDLESS = 2**50
"""CPU and memory that an :class:`Outlook` tells of a node that tells no room."""


@dataclass(frozen=True, slots=True)
class PodAsk:
    """What one pod asks of its node, computed once and used for many nodes.

    Attributes
    ----------
    requests
        Amount by resource name; milli CPU for ``cpu``, units for the others. Filters and BalancedAllocation use it.
    nonzero
        Milli CPU and bytes of memory that the pod, once on a node, adds to what LeastAllocated sees there.
    scored
        Milli CPU and bytes of memory that LeastAllocated sees of the pod while it is being placed. Unlike ``nonzero``
        it leaves out requests at pod level: K 1.37.2 does not hand that gate to the scorer.
    """

    requests: Mapping[str, int]
    nonzero: tuple[int, int]
    scored: tuple[int, int]


class Outlook(NamedTuple):
    """CPU and memory that matter to one pod on one node.

    Attributes
    ----------
    cpu, memory
        What the node has left before the pod: milli CPU, bytes. A node that tells no room has 2**50 of each.
    asked_cpu, asked_memory
        What the pod asks for.
    """

    cpu: int
    memory: int
    asked_cpu: int
    asked_memory: int


def is_scalar_resource(name: str) -> bool:
    """Tell whether the scheduler counts a resource besides CPU, memory and ephemeral storage.

    Extended resources, huge pages, prefixed native resources and attachable volumes are counted; other names are not.
    """
    if _NATIVE in name or name.startswith((_HUGE_PAGES, _VOLUMES)):
        return True
    return "/" in name and not name.startswith(_QUOTA)


def pod_requests(pod: Pod) -> dict[str, int]:
    """Return what a pod requests of a node, as the scheduler counts it.

    Containers run together, init containers one after the other with the sidecars started before them; the larger
    need counts. Requests at pod level replace those of the containers; overhead is added.

    Returns
    -------
    dict
        Amount by resource name, names sorted; milli CPU for ``cpu``, units for the others. Resources that the
        scheduler ignores are left out.

    Examples
    --------
    >>> from drapolicy.api.core import Container, Pod, PodSpec, ResourceRequirements
    >>> half = ResourceRequirements(requests={"cpu": Quantity("500m")})
    >>> pod_requests(Pod(spec=PodSpec(containers=[Container(resources=half)] * 3)))
    {'cpu': 1500}
    """
    return dict(pod_ask(pod).requests)


def pod_ask(pod: Pod, devices: Mapping[str, int] = MappingProxyType({})) -> PodAsk:
    """Return what a pod asks of a node, in the three forms that the scheduler uses.

    Parameters
    ----------
    devices
        What its devices ask of the node besides, in milli units (K8s S74). Known only once they are chosen, so it is
        no part of ``scored``.
    """
    plain = containers_need(pod)
    level = _pod_level(pod, plain)
    overhead = _milli(pod.spec.overhead)
    requests = _added({**_added(dict(plain), devices), **level}, overhead)
    missing = {name: amount for name, amount in _DEFAULTS.items() if not level or name not in requests}
    filled = _aggregate(pod, partial(request_of, missing=missing))
    nonzero = _added({**_added(dict(filled), devices), **level}, overhead)
    if missing != _DEFAULTS:
        filled = _aggregate(pod, partial(request_of, missing=_DEFAULTS))
    return PodAsk(counted(requests), _cpu_and_memory(nonzero), _cpu_and_memory(_added(filled, overhead)))


class NodeRoom:
    """Room of one node: what it can give and what the pods on it request. A view: it changes as the node does.

    Parameters
    ----------
    rooms
        Room of all nodes.
    n
        Position of the node.
    """

    __slots__ = ("_n", "_rooms")

    def __init__(self, rooms: NodeRooms, n: int) -> None:
        self._rooms = rooms
        self._n = n

    @property
    def allocatable(self) -> Mapping[str, int]:
        """Amount by resource name, as in :func:`pod_requests`."""
        return self._rooms.told(self._n)

    @property
    def requested(self) -> Mapping[str, int]:
        """Sum of the requests of the pods on the node; names with a sum of zero are left out."""
        return self._rooms.taken(self._n)

    @property
    def nonzero(self) -> tuple[int, int]:
        """Milli CPU and bytes of memory that LeastAllocated sees as taken."""
        cpu, memory = self._rooms.nonzero
        return cpu[self._n], memory[self._n]

    @property
    def pods(self) -> int:
        """Number of pods on the node."""
        return self._rooms.requested(PODS)[self._n]

    @property
    def max_pods(self) -> int:
        """Allocatable pods; 0 where the node does not say, as in Kubernetes: such a node takes no pod."""
        return self._rooms.allocatable(PODS)[self._n]

    @property
    def unbounded(self) -> bool:
        """Whether the node has no ``status.allocatable`` at all: everything fits.

        Like a node that is only named by a ResourceSlice. Kubernetes has none, every kubelet reports its resources.
        """
        return bool(self._rooms.unbounded[self._n])

    def have(self, name: str) -> int:
        """Return how much of a resource the node can give."""
        return self._rooms.allocatable(name)[self._n]

    def used(self, name: str) -> int:
        """Return how much of a resource the pods on the node request."""
        return self._rooms.requested(name)[self._n]

    def fits(self, pod: Pod | PodAsk, delegated: AbstractSet[str] = frozenset()) -> tuple[str, ...]:
        """Return the names of the resources that a pod lacks here; empty when it fits.

        Parameters
        ----------
        pod
            The pod, or what :func:`pod_ask` made of it.
        delegated
            Extended resources that device classes back: they are left to device allocation where the node itself
            has none of them (K8s S73).

        Returns
        -------
        tuple of str
            ``pods`` first, then CPU, memory and ephemeral storage, then the others by name.
        """
        if self.unbounded:
            return ()
        lacking = [PODS] if self.pods + 1 > self.max_pods else []
        for name, amount in _ask(pod).requests.items():
            if amount > 0:
                have = self.have(name)
                if amount > have - self.used(name) and not (have <= 0 and name in delegated and name not in _BASIC):
                    lacking.append(name)
        return tuple(lacking)

    def add(self, pod: Pod | PodAsk) -> None:
        """Put a pod on the node, whether it fits or not."""
        self._rooms.add(self._n, _ask(pod))

    def remove(self, pod: Pod | PodAsk) -> None:
        """Take a pod off the node: the exact inverse of :meth:`add`.

        Raises
        ------
        ValueError
            If the node has no pod.
        """
        self._rooms.remove(self._n, _ask(pod))

    def outlook(self, ask: PodAsk) -> Outlook:
        """Return CPU and memory that are left here, and that a pod asks for."""
        left = [self.have(name) - self.used(name) for name in (CPU, MEMORY)]
        cpu, memory = [BOUNDLESS] * 2 if self.unbounded else left
        return Outlook(cpu, memory, ask.requests.get(CPU, 0), ask.requests.get(MEMORY, 0))

    def __repr__(self) -> str:
        requested = self.requested
        free = {name: have - requested.get(name, 0) for name, have in self.allocatable.items()}
        return f"NodeRoom(pods={self.pods}, free={'unbounded' if self.unbounded else free})"


def _ask(pod: Pod | PodAsk) -> PodAsk:
    return pod if isinstance(pod, PodAsk) else pod_ask(pod)


# --- sums, in milli units -------------------------------------------------------------------------------------


def _milli(amounts: Mapping[str, Quantity]) -> dict[str, int]:
    return {name: amount.milli_value() for name, amount in amounts.items()}


def _added(total: dict[str, int], amounts: Mapping[str, int]) -> dict[str, int]:
    """Return ``total`` with ``amounts`` added in place."""
    for name, amount in amounts.items():
        total[name] = total.get(name, 0) + amount
    return total


def _raised(total: dict[str, int], amounts: Mapping[str, int]) -> None:
    for name, amount in amounts.items():
        if name not in total or amount > total[name]:
            total[name] = amount


def request_of(container: Container, missing: Mapping[str, int] = MappingProxyType({})) -> dict[str, int]:
    """Return what a container requests in milli units; ``missing`` stands in for requests that it does not make."""
    # The API server copies a limit to the request where the request is not given.
    return {**missing, **_milli(container.resources.limits), **_milli(container.resources.requests)}


def limit_of(container: Container) -> dict[str, int]:
    """Return a container's limits in milli units."""
    return _milli(container.resources.limits)


def containers_need(
    pod: Pod, devices: Mapping[str, int] = MappingProxyType({}), of: Callable[[Container], dict[str, int]] = request_of
) -> dict[str, int]:
    """Return what all containers of a pod and its devices need in milli units, by resource name."""
    return _added(_aggregate(pod, of), devices)


def pod_level_requests(pod: Pod) -> dict[str, int]:
    """Return the requests at pod level in milli units, with the API server's defaults; empty where there are none."""
    return _pod_level(pod, containers_need(pod))


def _aggregate(pod: Pod, of: Callable[[Container], dict[str, int]]) -> dict[str, int]:
    """Return the need of all containers, ``of`` each."""
    running: dict[str, int] = {}
    for container in pod.spec.containers:
        _added(running, of(container))
    sidecars: dict[str, int] = {}
    starting: dict[str, int] = {}
    for container in pod.spec.init_containers:
        need = of(container)
        if container.restart_policy == "Always":
            _added(running, need)
            _added(sidecars, need)
            need = sidecars
        else:
            _added(need, sidecars)
        _raised(starting, need)
    _raised(running, starting)
    return running


def _pod_level(pod: Pod, aggregated: Mapping[str, int]) -> dict[str, int]:
    """Return the requests at pod level, with the API server's defaults; empty where the pod has none.

    CPU and memory default to what the containers request, then to the limit at pod level; huge pages the other way
    round.
    """
    resources = pod.spec.resources
    if resources is None:
        return {}
    given, limits = _milli(resources.requests), _milli(resources.limits)
    if not given and not limits:
        return {}
    huge = {name: amount for name, amount in aggregated.items() if name.startswith(_HUGE_PAGES)}
    plain = {name: aggregated[name] for name in (CPU, MEMORY) if name in aggregated}
    merged = {**huge, **limits, **plain, **given}
    return {name: amount for name, amount in merged.items() if _at_pod_level(name)}


def _at_pod_level(name: str) -> bool:
    return name in {CPU, MEMORY} or name.startswith(_HUGE_PAGES)


def counted(amounts: Mapping[str, int]) -> dict[str, int]:
    """Return amounts in milli units as the scheduler counts them; those that it ignores are left out."""
    scalars: Iterable[str] = sorted(name for name in amounts if name not in _BASIC and is_scalar_resource(name))
    return {name: rounded(name, amounts[name]) for name in (*_BASIC, *scalars) if name in amounts}


def _cpu_and_memory(amounts: Mapping[str, int]) -> tuple[int, int]:
    return rounded(CPU, amounts.get(CPU, 0)), rounded(MEMORY, amounts.get(MEMORY, 0))


def rounded(name: str, milli: int) -> int:
    """Return an amount in milli units as the scheduler counts it: milli CPU, units of everything else."""
    return milli if name == CPU else -(-milli // 1000)
