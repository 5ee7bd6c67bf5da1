"""The policy of our own: nodes by what they can still earn at a workload's shadow prices (docs/shadow-price.md)."""

from __future__ import annotations

from drapolicy.policies.nodes import Best
from drapolicy.policies.objectives import (
    DEFAULT_MIX,
    Mix,
    commonest,
    coveted,
    earnings_lost,
    fragmentation,
    leftover,
    read_supply,
    shadow_prices,
    stranded,
)
from drapolicy.policies.ready.steps import STEPS
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers import Exact

_COMMON_PERCENT = 95

# In thousandths of a GPU milli. Fragmentation is in milli times the weight of the mix, what is coveted in milli,
# earnings in thousandths of a milli, what is left and what is out of step in 1/10000.
_FRAGMENTATION, _COVETED = 1_000, 2 * 1_000
_EARNINGS = 60
_LEFTOVER, _STRANDED = 100 * 1_000 // 10_000, 480 * 1_000 // 10_000


def shadow_price(*, workload: Mix = DEFAULT_MIX, supply: str = "", max_steps: int | None = STEPS) -> Rule:
    """Where the least is lost of what nodes can still earn, at the prices that a workload's pods would pay for GPUs.

    A linear programme fills the fleet with the workload; its dual prices tell what a place for each kind of pod is
    worth. What a node can earn is the best filling of its free GPUs at these prices, less what CPU costs. The policy
    takes node and devices with the least sum of: 60 x earnings lost, growth of FGD's fragmentation (both in GPU milli),
    100 milli x what is left of the node by the size of a large one, 480 milli x how far GPUs, CPU and memory left are
    out of step, and 2 x what is taken of the part of the node that is kept for pods which wish for its product.

    Parameters
    ----------
    workload
        All kinds of pods, joined by +: [CPU/]MILLIxGPUS[@MODEL|MODEL][*WEIGHT], CPU in milli. By default a guess.
        Prices and fragmentation look at the commonest kinds alone, which are 95 % of all pods.
    supply
        GPUs of each product, PRODUCT*GPUS joined by +. Needed where pods wish for products.
    max_steps
        Limit of each search; none for no limit.

    References
    ----------
    Own; docs/shadow-price.md. Prices as in cutting stock: Gilmore and Gomory, Operations Research 9, 1961.
    """
    told = read_supply(supply)
    common = commonest(workload, _COMMON_PERCENT)
    weight = max(sum(pod.weight for pod in common), 1)
    score = (
        -_FRAGMENTATION * fragmentation(common)
        - _EARNINGS * weight * earnings_lost(shadow_prices(common, told))
        - _COVETED * weight * coveted(workload, told)
        - _LEFTOVER * weight * leftover
        - _STRANDED * weight * stranded
    )
    return Rule(score, solver=Exact(max_steps=max_steps), nodes=Best())
