"""Schedulers that see nodes as amounts of CPU and GPU: those of FGD's simulator."""

from __future__ import annotations

from drapolicy.policies.nodes import Best
from drapolicy.policies.objective import Objective
from drapolicy.policies.objectives import (
    DEFAULT_MIX,
    Mix,
    best_fit,
    dot_product,
    fgd_points,
    fragmentation,
    gpu_clustering,
    gpu_packing,
    slack,
    worst_fit,
)
from drapolicy.policies.ready.steps import STEPS
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers import Exact


def best_fitting(*, max_steps: int | None = STEPS) -> Rule:
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
    return Rule(Objective().then(best_fit, slack), solver=Exact(max_steps=max_steps), nodes=Best(levels=1))


def spread(*, max_steps: int | None = STEPS) -> Rule:
    """The node with the most CPU and GPU left afterwards: the points of best fit, of which few are good.

    Worst fit, as KAI's and Volcano's strategies of the name spread. On the node the first devices are taken.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.
    """
    return Rule(worst_fit, solver=Exact(max_steps=max_steps), nodes=Best())


def dot(*, max_steps: int | None = STEPS) -> Rule:
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
    return Rule(Objective().then(dot_product, slack), solver=Exact(max_steps=max_steps), nodes=Best(levels=1))


def gpu_clustered(*, max_steps: int | None = STEPS) -> Rule:
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
    return Rule(Objective().then(gpu_clustering, slack), solver=Exact(max_steps=max_steps), nodes=Best(levels=1))


def gpu_packed(*, max_steps: int | None = STEPS) -> Rule:
    """Shared GPUs first, then free GPUs of nodes in use, then idle nodes; the fullest GPUs first.

    Parameters
    ----------
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    hkust-adsl/kubernetes-scheduler-simulator, pkg/simulator/plugin/gpu_packing_score.go.
    """
    return Rule(Objective().then(gpu_packing, slack), solver=Exact(max_steps=max_steps), nodes=Best(levels=1))


def fgd(
    *,
    mix: Mix = DEFAULT_MIX,
    rounded: bool = True,
    counted: int | None = None,
    max_steps: int | None = STEPS,
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
    counted
        How many pods the mix was counted among. With it the points of choices that change nothing, 50, may be 49, as
        floats of the published program have it: its tables can be repeated with it alone. None for 50 always.
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Weng et al., USENIX ATC'23, section 4; hkust-adsl/kubernetes-scheduler-simulator, pkg/utils/frag.go, fgd_score.go.
    """
    term = fgd_points(mix, counted) if rounded else fragmentation(mix)
    return Rule(Objective().then(term), solver=Exact(max_steps=max_steps), nodes=Best())
