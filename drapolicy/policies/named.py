"""Ready policies: a table of functions whose keywords are the policy's parameters and whose docstring is its page.

``policy("go-gpuallocator", policy="simple")`` and ``policy("go-gpuallocator:policy=simple")`` are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Literal

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.policies.nodes import Best, First, Kube, RandomNode
from drapolicy.policies.objective import Objective
from drapolicy.policies.objectives import (
    DEFAULT_MIX,
    Mix,
    best_fit,
    cells_broken,
    chances_lost,
    domain_slack,
    dot_product,
    fgd_points,
    fragmentation,
    gpu_clustering,
    gpu_packing,
    inside,
    links_lost,
    longest_runs,
    misaligned,
    nic_distance,
    numa_nodes,
    nvlinks_left,
    pcie_roots,
    predicted_bandwidth,
    ring_sum,
    slack,
    still_placeable,
    worst_fit,
)
from drapolicy.policies.parameters import checked, split, written
from drapolicy.policies.peers import AmdDevicePlugin, GpuAllocator, IntelDevicePlugin
from drapolicy.policies.plugins import third_party
from drapolicy.policies.rule import Policy, Rule
from drapolicy.policies.solvers import Exact, FirstFit, Grow, Portfolio, RandomOrder

_STEPS = 5_000
"""Steps of exact searches; at the limit the best so far is taken."""

_RING_STEPS = 200_000
"""The same where rings are looked at: all sets of 8 of 16 devices, and more."""

_LINKED = Objective().then(inside, links_lost, still_placeable)
_PACKED = Objective().then(chances_lost, still_placeable)


def kube_scheduler() -> Rule:
    """The stock scheduler: its filters and scores choose the node, the first devices that fit are taken.

    What every other policy is compared with. Scores, sampling of nodes and ties are those of the release.

    Source: Kubernetes, pkg/scheduler; K8s S63 to S86.
    """
    return Rule(solver=FirstFit(), nodes=Kube())


def first_fit() -> Rule:
    """The first node of the fleet that has devices, and there the first that fit.

    Upstream's structured allocator on the first node, without scores.

    Source: Kubernetes, dynamic-resource-allocation/structured; K8s S33 to S36.
    """
    return Rule(solver=FirstFit(), nodes=First())


def random() -> Rule:
    """Any node that has devices, and there any devices that fit, each order with the same chance.

    What a policy must beat to be worth anything. Source: FGD (USENIX ATC'23), policy 01.
    """
    return Rule(solver=RandomOrder(), nodes=RandomNode())


def packing(*, max_steps: int | None = _STEPS) -> Rule:
    """Devices whose loss takes the least from later claims, on the node that is fullest afterwards.

    First the fewest devices and partitions that could have been allocated before and cannot any more, then the fewest
    that still can: large pieces stay whole, and full nodes are filled further.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    return Rule(_PACKED, solver=Exact(max_steps=max_steps), nodes=Best())


def bandwidth(*, rounds: int = 2) -> Rule:
    """Devices with the most bandwidth between them, which leave the best linked to others.

    First the sum over pairs of the chosen devices, then the least bandwidth taken from those that stay free, then the
    fullest node. Sets grow from each device by the nearest, which is not exact.

    Parameters
    ----------
    rounds
        How often a set is grown again from itself.
    """
    return Rule(_LINKED, solver=Grow(rounds=rounds), nodes=Best())


def best_fitting(*, max_steps: int | None = _STEPS) -> Rule:
    """The node with the least CPU and GPU left afterwards, each counted by the largest node; the fullest GPUs on it.

    Points: 100 - 50 (CPU left / 128) - 50 (GPU left / 8), cut off to an integer; then the GPUs with the least left.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    hkust-adsl/kubernetes-scheduler-simulator, pkg/simulator/plugin/best_fit_score.go.
    """
    return Rule(Objective().then(best_fit, slack), solver=Exact(max_steps=max_steps), nodes=Best())


def spread(*, max_steps: int | None = _STEPS) -> Rule:
    """The node with the most CPU and GPU left afterwards: the points of best fit, of which few are good.

    Worst fit, as KAI's and Volcano's strategies of the name spread. On the node the first devices are taken.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    return Rule(worst_fit, solver=Exact(max_steps=max_steps), nodes=Best())


def dot(*, max_steps: int | None = _STEPS) -> Rule:
    """The node whose free CPU and GPU are least alike to what is asked; the fullest GPUs on it.

    Points: 100 - 50 [(CPU free / 128)(CPU asked / 128) + (GPU free / 8)(GPU asked / 8)], cut off to an integer.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Grandl et al., Tetris, SIGCOMM'14; hkust-adsl/kubernetes-scheduler-simulator, dot_product_score.go.
    """
    return Rule(Objective().then(dot_product, slack), solver=Exact(max_steps=max_steps), nodes=Best())


def gpu_clustered(*, max_steps: int | None = _STEPS) -> Rule:
    """Nodes whose pods ask for as many GPUs, then idle nodes, then others; the fuller the better.

    Points: 75 where all allocations on the node have as many devices, 50 where some have, 25 on an idle node, 0
    elsewhere; and 25 (8 GPUs - free) / 8. Shares of devices are a size of their own. Then the fullest GPUs.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    hkust-adsl/kubernetes-scheduler-simulator, pkg/simulator/plugin/gpu_clustering_score.go.
    """
    return Rule(Objective().then(gpu_clustering, slack), solver=Exact(max_steps=max_steps), nodes=Best())


def gpu_packed(*, max_steps: int | None = _STEPS) -> Rule:
    """Shared GPUs first, then free GPUs of nodes in use, then idle nodes; the fullest GPUs first.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    hkust-adsl/kubernetes-scheduler-simulator, pkg/simulator/plugin/gpu_packing_score.go.
    """
    return Rule(Objective().then(gpu_packing, slack), solver=Exact(max_steps=max_steps), nodes=Best())


def fgd(
    *,
    mix: Mix = DEFAULT_MIX,
    rounded: bool = True,
    max_steps: int | None = _STEPS,
) -> Rule:
    """Fragmentation gradient descent: where what a workload's pods cannot use grows least.

    F(node) = sum over typical pods p of f_p x (free milli on GPUs with less than p asks of one, if p fits; else all
    free milli). The policy takes node and devices with the least growth of F.

    Parameters
    ----------
    mix
        Typical pods, joined by +: [CPU/]MILLIxGPUS[@MODEL|MODEL][*WEIGHT], CPU in milli. By default a guess.
    rounded
        Points of 0 to 100 as published, 100 / (1 + exp(growth / 1000)) cut off, with the first node of equals; false
        compares the growth itself.
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Weng et al., USENIX ATC'23, section 4; hkust-adsl/kubernetes-scheduler-simulator, pkg/utils/frag.go, fgd_score.go.
    """
    term = fgd_points(mix) if rounded else fragmentation(mix)
    return Rule(Objective().then(term), solver=Exact(max_steps=max_steps), nodes=Best())


def mapa_greedy(*, max_steps: int | None = _RING_STEPS) -> Rule:
    """MAPA's greedy policy: devices with the most bandwidth around the best ring through them.

    The ring's links are added up; of equals the first devices are taken, on the first node. Exact for sets of up to 8.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Ranganath et al., MAPA, SC'21; socal-ucr/MAPA 15e58ab, src/MapaPolicies.hh, ``greedy``.
    """
    return Rule(Objective().then(ring_sum), solver=Exact(max_steps=max_steps), nodes=Best())


def mapa_preserve(*, sensitive: bool = True, max_steps: int | None = _RING_STEPS) -> Rule:
    """MAPA's preservation policy: fast rings for jobs that need them, and for the others what spoils the least.

    A sensitive job gets the set whose best ring has the greatest predicted bandwidth. Another gets the one that leaves
    the most NVLink bandwidth between the free devices, then the one with the best ring.

    Parameters
    ----------
    sensitive
        Whether the job is sensitive to bandwidth.
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Ranganath et al., MAPA, SC'21; socal-ucr/MAPA 15e58ab, src/MapaPolicies.hh, ``preserve``; scripts/get_predBW.py.
    """
    wanted = Objective().then(predicted_bandwidth) if sensitive else Objective().then(nvlinks_left, ring_sum)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def go_gpuallocator(
    *, policy: Literal["bestEffort", "simple", "staticDGX1Pascal", "staticDGX1Volta", "staticDGX2Volta"] = "bestEffort"
) -> Rule:
    """NVIDIA's go-gpuallocator, as its device plugin for Kubernetes uses it, on the first node that fits.

    bestEffort parts all available GPUs into sets of the size asked for so that the sum of set scores is greatest, and
    takes the best set of this parting. A pair scores 10 to 60 for its PCIe path and 100 for each NVLink. simple takes
    the first GPUs, the static policies the fixed sets of a DGX; where a static policy has none, the first GPUs that fit
    complete the ask.

    Parameters
    ----------
    policy
        Which of its policies.

    References
    ----------
    NVIDIA/go-gpuallocator 876e7b7, gpuallocator/besteffort_policy.go, simple_policy.go, staticdgx_policies.go.
    """
    return Rule(solver=GpuAllocator(policy=policy), nodes=First())


def amd_device_plugin() -> Rule:
    """AMD's device plugin for Kubernetes, best-effort policy, on the first node that fits.

    The set with the least sum of pair weights, among those that fill up one GPU's partitions after the other, GPUs with
    the fewest left first. A pair weighs 10 within a GPU and 20 between two, 10 over xGMI, 40 over PCIe and 50
    otherwise, 10 within a NUMA node and 20 between two.

    References
    ----------
    ROCm/k8s-device-plugin ed76468, internal/pkg/allocator/device.go, besteffort_policy.go.
    """
    return Rule(solver=AmdDevicePlugin(), nodes=First())


def intel_device_plugin(*, policy: Literal["none", "balanced", "packed"] = "none") -> Rule:
    """Intel's GPU plugin for Kubernetes, on the first node that fits.

    none takes one share of each card before a second of any; balanced the least share of the card with the most left,
    again and again; packed the first shares by name.

    Parameters
    ----------
    policy
        Which of its policies.

    References
    ----------
    intel/intel-device-plugins-for-kubernetes 35a85bf, cmd/gpu_plugin/allocationpolicy.go.
    """
    return Rule(solver=IntelDevicePlugin(policy=policy), nodes=First())


def numa_align(*, max_steps: int | None = _STEPS) -> Rule:
    """Devices of all requests and drivers in as few NUMA nodes as possible, then in as few PCIe roots.

    Then nearest across drivers, then what takes the least from later claims. Like kubelet's topology manager, but over
    all devices of a pod, and before the node is chosen.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    wanted = Objective().then(numa_nodes, pcie_roots, misaligned, chances_lost, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def nic_align(*, max_steps: int | None = _STEPS) -> Rule:
    """Each GPU as near as possible to a network card, by PCIe path, then the most bandwidth among the GPUs.

    Cards that are asked for with the GPUs count first: each device near one of another driver. Where none is asked for,
    the node's cards count.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    wanted = Objective().then(misaligned, nic_distance, inside, chances_lost, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def hived_buddy(*, max_steps: int | None = _STEPS) -> Rule:
    """Buddy cells on each node: the smallest aligned free block that is large enough is split.

    Blocks of 2, 4, 8 … devices are aligned by their place on the node; the fewest and smallest are broken, then the
    fullest node is taken.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Zhao et al., HiveD, OSDI'20, section 3; cells of one node, without virtual clusters.
    """
    return Rule(Objective().then(cells_broken, still_placeable), solver=Exact(max_steps=max_steps), nodes=Best())


def kueue_tas(*, max_steps: int | None = _STEPS) -> Rule:
    """The domain with the least free capacity that still fits, as Kueue's topology-aware scheduling, within nodes.

    As few NUMA nodes as possible (PCIe roots where none is known), the tightest of them, then the fullest node.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Kueue, KEP-2724, topology-aware scheduling, BestFit; levels below the node, for one pod.
    """
    wanted = Objective().then(numa_nodes, domain_slack, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def hami_mig(*, max_steps: int | None = _STEPS) -> Rule:
    """Partitions that keep the longest runs of free slices, then the most placements.

    Longest runs of free numbered counters, such as MIG's memory slices, added up over the GPUs of the node; then the
    fewest devices and partitions lost to later claims; then the fullest node.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Project-HAMi/HAMi, pull request 2855.
    """
    wanted = Objective().then(longest_runs, chances_lost, still_placeable)
    return Rule(wanted, solver=Exact(max_steps=max_steps), nodes=Best())


def ilp_bandwidth(*, solver: str = "HiGHS", max_nodes: int | None = 50_000, time_limit_s: int | None = None) -> Rule:
    """What bandwidth looks for, found by an integer programme with a bound: the best, unless a limit stops it.

    Parameters
    ----------
    solver
        HiGHS, CBC, or what PuLP calls a solver that is installed.
    max_nodes
        Limit of the nodes of each search tree; none for no limit.
    time_limit_s
        Limit of a node's programmes together, in seconds; answers depend on the machine then. None for no limit.
    """
    from drapolicy.policies.solvers.ilp import Ilp

    return Rule(_LINKED, solver=Ilp(solver, time_limit_s, max_nodes), nodes=Best())


def ilp_packing(*, solver: str = "HiGHS", max_nodes: int | None = 50_000, time_limit_s: int | None = None) -> Rule:
    """What packing looks for, found by an integer programme with a bound: the best, unless a limit stops it.

    Parameters
    ----------
    solver
        HiGHS, CBC, or what PuLP calls a solver that is installed.
    max_nodes
        Limit of the nodes of each search tree; none for no limit.
    time_limit_s
        Limit of a node's programmes together, in seconds; answers depend on the machine then. None for no limit.
    """
    from drapolicy.policies.solvers.ilp import Ilp

    return Rule(_PACKED, solver=Ilp(solver, time_limit_s, max_nodes), nodes=Best())


def portfolio(*, objective: Literal["bandwidth", "packing"] = "bandwidth") -> Rule:
    """What bandwidth or packing looks for, by several solvers in turn until one proves its answer.

    An exact search with a limit of steps comes first, then local search from grown sets; the best answer of all counts.

    Parameters
    ----------
    objective
        What is better.
    """
    return Rule(_LINKED if objective == "bandwidth" else _PACKED, solver=Portfolio(), nodes=Best())


# One line a policy. The first is what every comparison is against.
TABLE: Mapping[str, Callable[..., Rule]] = MappingProxyType(
    {
        "kube-scheduler": kube_scheduler,
        "first-fit": first_fit,
        "random": random,
        "packing": packing,
        "bandwidth": bandwidth,
        "best-fit": best_fitting,
        "spread": spread,
        "dot-product": dot,
        "gpu-clustering": gpu_clustered,
        "gpu-packing": gpu_packed,
        "fgd": fgd,
        "mapa-greedy": mapa_greedy,
        "mapa-preserve": mapa_preserve,
        "go-gpuallocator": go_gpuallocator,
        "amd-device-plugin": amd_device_plugin,
        "intel-device-plugin": intel_device_plugin,
        "numa-align": numa_align,
        "nic-align": nic_align,
        "hived-buddy": hived_buddy,
        "kueue-tas": kueue_tas,
        "hami-mig": hami_mig,
        "ilp-bandwidth": ilp_bandwidth,
        "ilp-packing": ilp_packing,
        "portfolio": portfolio,
    }
)

STOCK = "kube-scheduler"

COMPARED = ("kube-scheduler", "first-fit", "random", "packing", "bandwidth")
"""Policies that are compared where none is named."""


def made(name: str, make: Callable[..., Policy], given: Mapping[str, object]) -> Policy:
    """Return the policy that a function makes, named after its parameters."""
    wanted = checked(name, make, given)
    found = make(**wanted)
    return replace(found, name=written(name, make, wanted)) if isinstance(found, Rule) else found


class _Ready(Mapping[str, Rule]):
    """The table's policies as they are by default, each made when it is first asked for.

    Libraries of integer programmes take time to import; who does not use them does not wait for them.
    """

    def __init__(self) -> None:
        self._made: dict[str, Rule] = {}

    def __getitem__(self, name: str) -> Rule:
        if name not in self._made:
            self._made[name] = replace(TABLE[name](), name=name)
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(TABLE)

    def __len__(self) -> int:
        return len(TABLE)


POLICIES: Mapping[str, Rule] = _Ready()
"""The table's policies as they are by default."""


def policy(name: str | Policy, **given: object) -> Policy:
    """Return a policy by name; a policy is returned as it is.

    Parameters
    ----------
    name
        Name in the table or of another package's policy; parameters may follow as ``name:key=value,key=value``.
    **given
        Parameters, instead of or beside those in the name.

    Raises
    ------
    UnknownReferenceError
        For a name that is not in the table and no package registers.
    InputError
        For what is neither a name nor a policy, and for parameters that the policy does not have.
    """
    if not isinstance(name, str):
        if isinstance(name, type) or not isinstance(name, Policy):
            message = f"policy: {name!r} is neither a name nor a policy; a policy has a name and place(problem, rng)"
            raise InputError(message)
        if given:
            message = f"policy {name.name}: is made already; parameters {', '.join(given)} cannot be set"
            raise InputError(message)
        return name
    own, told = split(name)
    twice = sorted(told.keys() & given.keys())
    if twice:
        message = f"policy {own}: parameter {twice[0]} is given twice; give it once"
        raise InputError(message)
    given = {**told, **given}
    if own in TABLE:
        return made(own, TABLE[own], given) if given else POLICIES[own]
    others = third_party()
    if own in others:
        return others[own].policy(given)
    message = f"policy {own!r}: unknown; use one of {', '.join([*TABLE, *others])}"
    raise UnknownReferenceError(message)
