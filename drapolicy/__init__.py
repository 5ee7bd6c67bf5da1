"""Policies for Kubernetes Dynamic Resource Allocation: modelled, compared and explained.

What a notebook needs stands here; the packages hold the parts.
"""

from __future__ import annotations

__version__ = "0.1.0.dev0"

from drapolicy import topology, view, workload
from drapolicy.api import Objects, Quantity, loads
from drapolicy.api import load as load_claims
from drapolicy.evaluate import evaluate
from drapolicy.inventory import Fleet, build, load
from drapolicy.policies import (
    Best,
    Engine,
    Exact,
    First,
    FirstFit,
    Grow,
    Ilp,
    Kube,
    Objective,
    RandomNode,
    RandomOrder,
    Rule,
    objective,
    policy,
)
from drapolicy.policies.place import place, place_all, place_groups
from drapolicy.problem.placement import Placement
from drapolicy.problem.pool_status import pool_status
from drapolicy.release import release
from drapolicy.simulate import Scenario
from drapolicy.topology.fleet import bind_fleet as bind
from drapolicy.verify import verify

# Some of these functions have the name of the package that holds them; the function is what `dp.` means.
__all__ = [
    "Best",
    "Engine",
    "Exact",
    "First",
    "FirstFit",
    "Fleet",
    "Grow",
    "Ilp",
    "Kube",
    "Objective",
    "Objects",
    "Placement",
    "Quantity",
    "RandomNode",
    "RandomOrder",
    "Rule",
    "Scenario",
    "__version__",
    "bind",
    "build",
    "evaluate",
    "load",
    "load_claims",
    "loads",
    "objective",
    "place",
    "place_all",
    "place_groups",
    "policy",
    "pool_status",
    "release",
    "topology",
    "verify",
    "view",
    "workload",
]
