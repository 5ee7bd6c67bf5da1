"""The room that one node has left for pods, devices aside.

Source: K v1.37.2: the scheduler's ``noderesources/fit.go``.
"""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, NamedTuple

from drapolicy.api.core import Pod
from drapolicy.problem.pod_requests import PodAsk, pod_ask
from drapolicy.problem.resources import BASIC, CPU, MEMORY, PODS

if TYPE_CHECKING:
    from drapolicy.problem.rooms import NodeRooms

BOUNDLESS = 2**50
"""CPU and memory that an :class:`Outlook` tells of a node that tells no room."""


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
        """Amount by resource name, as in :func:`drapolicy.problem.pod_requests.pod_requests`."""
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
                if amount > have - self.used(name) and not (have <= 0 and name in delegated and name not in BASIC):
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
