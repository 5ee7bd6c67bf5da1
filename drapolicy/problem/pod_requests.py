"""What a pod requests of its node.

Source: K v1.37.2 with default gates: ``component-helpers/resource`` and the scheduler's ``framework/types.go``.
Requests are defaulted as by the API server (``core/v1/defaults.go``, ``api/pod/util.go``), so a pod straight from a
user's file counts like one from a cluster.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

from drapolicy.api.core import Container, Pod
from drapolicy.api.quantity import Quantity
from drapolicy.problem.resources import CPU, HUGE_PAGES, MEMORY, counted, rounded

# A container that asks for no CPU or memory counts with these in scores, so that such pods spread too.
DEFAULT_MILLI_CPU = 100
DEFAULT_MEMORY = 200 * 1024**2
_DEFAULTS = {CPU: DEFAULT_MILLI_CPU, MEMORY: DEFAULT_MEMORY * 1000}


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
    huge = {name: amount for name, amount in aggregated.items() if name.startswith(HUGE_PAGES)}
    plain = {name: aggregated[name] for name in (CPU, MEMORY) if name in aggregated}
    merged = {**huge, **limits, **plain, **given}
    return {name: amount for name, amount in merged.items() if _at_pod_level(name)}


def _at_pod_level(name: str) -> bool:
    return name in {CPU, MEMORY} or name.startswith(HUGE_PAGES)


def _cpu_and_memory(amounts: Mapping[str, int]) -> tuple[int, int]:
    return rounded(CPU, amounts.get(CPU, 0)), rounded(MEMORY, amounts.get(MEMORY, 0))
