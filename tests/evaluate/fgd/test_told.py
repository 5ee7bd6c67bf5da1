"""Policies are told of a trace what they may know, and nothing that they are given already."""

from __future__ import annotations

from drapolicy.evaluate.fgd import Setting
from drapolicy.evaluate.fgd.experiment import made
from drapolicy.policies import policy
from drapolicy.policies.objectives import commonest, read_mix
from drapolicy.policies.rule import Rule
from drapolicy.workload.openb import NodeRow, PodRow, Trace

PODS = (
    *(PodRow(f"a{i:02}", 4_000, 1_024, 1, 500, ()) for i in range(19)),
    PodRow("b", 8_000, 1_024, 2, 1_000, ("T4",)),
)
NODES = (NodeRow("n0", 64_000, 65_536, 4, "T4"), NodeRow("n1", 64_000, 65_536, 8, "A10"), NodeRow("n2", 1, 1, 0, "A10"))
SETTING = Setting(Trace("made", PODS, NODES))


def objective(name: str, **given: object) -> object:
    """Return a policy's objective, told of the trace or given all it needs."""
    found = policy(name, **given) if given else made(name, SETTING)
    assert isinstance(found, Rule)
    return found.objective


def test_shadow_price_is_told_all_pods_and_the_gpus() -> None:
    """A rare kind with a wish counts for what is coveted."""
    whole = read_mix("4000/500x1*19+8000/1000x2@T4*1")
    assert objective("shadow-price") == objective("shadow-price", workload=whole, supply="A10*8+T4*4")
    assert commonest(whole, 95) == SETTING.mix


def test_what_a_name_gives_is_kept() -> None:
    """Nothing is told instead of it."""
    told = objective("shadow-price", workload=read_mix("200x1"), supply="A10*8+T4*4")
    assert objective("shadow-price:workload=200x1") == told


def test_policies_that_ask_for_nothing_are_told_nothing() -> None:
    """They are as they are everywhere."""
    assert objective("best-fit") == objective("best-fit", max_steps=5_000)
