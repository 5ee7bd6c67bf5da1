"""Baselines: the stock scheduler, first fit and random."""

from __future__ import annotations

from drapolicy.policies.nodes import First, Kube, RandomNode
from drapolicy.policies.rule import Rule
from drapolicy.policies.solvers import FirstFit, RandomOrder


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
