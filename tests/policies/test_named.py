"""Ready policies by name, with parameters, and those of other packages."""

from __future__ import annotations

import pickle
from importlib.metadata import EntryPoint
from typing import Any

import numpy as np
import pytest

from drapolicy.errors import DrapolicyError, InputError, UnknownReferenceError
from drapolicy.policies import POLICIES, First, FirstFit, Rule, named, plugins, policy
from drapolicy.policies.objectives import TypicalPod, read_mix
from drapolicy.problem.placement import Placement
from drapolicy.problem.problem import Problem


def test_the_table_has_what_is_promised() -> None:
    """Published policies are there by their names; the stock scheduler comes first."""
    assert next(iter(POLICIES)) == "kube-scheduler"
    assert set(POLICIES) >= {
        *("first-fit", "random", "best-fit", "spread", "dot-product", "gpu-clustering", "gpu-packing", "fgd"),
        *("bandwidth", "mapa-greedy", "mapa-preserve", "go-gpuallocator", "amd-device-plugin", "intel-device-plugin"),
        *(
            "ilp-bandwidth",
            "ilp-packing",
            "portfolio",
            "numa-align",
            "nic-align",
            "hived-buddy",
            "kueue-tas",
            "hami-mig",
            "packing",
        ),
    }
    assert set(named.COMPARED) <= set(POLICIES)
    assert all(found.name == name for name, found in POLICIES.items())


@pytest.mark.parametrize(
    ("text", "given", "name"),
    [
        ("go-gpuallocator:policy=simple", {}, "go-gpuallocator:policy=simple"),
        ("go-gpuallocator", {"policy": "simple"}, "go-gpuallocator:policy=simple"),
        ("go-gpuallocator", {"policy": "bestEffort"}, "go-gpuallocator"),
        ("fgd:mix=500x1*3+1000x8,rounded=false", {}, "fgd:mix=500x1*3+1000x8,rounded=false"),
        ("fgd:rounded=false", {"mix": read_mix("500x1")}, "fgd:mix=500x1,rounded=false"),
        ("packing:max_steps=none", {}, "packing:max_steps=none"),
        ("packing", {"max_steps": 7}, "packing:max_steps=7"),
        ("mapa-preserve", {"sensitive": False}, "mapa-preserve:sensitive=false"),
    ],
)
def test_parameters_from_text_and_from_python_are_one(text: str, given: dict[str, Any], name: str) -> None:
    """However it is asked for, a policy is named by what is not as by default, and its name gives it again."""
    found = policy(text, **given)
    assert found.name == name
    assert policy(name) == found
    assert pickle.loads(pickle.dumps(found)) == found


@pytest.mark.parametrize(
    ("text", "given", "message"),
    [
        (
            "go-gpuallocator:policy=best",
            {},
            "policy go-gpuallocator: policy: 'best' is unknown; use one of bestEffort, s",
        ),
        ("go-gpuallocator:size=2", {}, "policy go-gpuallocator: parameter 'size' is unknown; it has policy"),
        ("first-fit:a=1", {}, "policy first-fit: parameter 'a' is unknown; it has none"),
        ("packing:max_steps", {}, "policy packing: 'max_steps' is no parameter; write packing:key=value,key=value"),
        ("packing:", {}, "policy packing: '' is no parameter"),
        ("packing:max_steps=1,max_steps=2", {}, "policy packing: parameter max_steps is given twice"),
        ("packing:max_steps=1", {"max_steps": 2}, "policy packing: parameter max_steps is given twice"),
        ("packing:max_steps=many", {}, "policy packing: max_steps: 'many' is no integer"),
        ("packing:max_steps=²", {}, "policy packing: max_steps: '²' is no integer"),
        ("packing", {"max_steps": True}, "policy packing: max_steps: True is no integer"),
        ("fgd:rounded=maybe", {}, "policy fgd: rounded: 'maybe' is neither true nor false"),
        ("fgd:mix=x", {}, "mix: 'x' is no pod"),
        ("fgd:mix=", {}, "mix: '' is no pod"),
        ("fgd:mix=2000x1", {}, "mix: 2000 milli of 1 GPUs"),
        ("fgd", {"mix": ()}, "policy fgd: mix: () is no mix"),
        ("fgd", {"mix": 3}, "policy fgd: mix: 3 is no mix"),
        ("bandwidth:max_steps=-1", {}, "solver exact: max_steps -1 is negative"),
        ("", {}, "policy '': unknown"),
        ("no-such", {"a": 1}, "policy 'no-such': unknown"),
    ],
)
def test_wrong_parameters_are_named(text: str, given: dict[str, Any], message: str) -> None:
    """An unknown name, parameter or value is told with what there is."""
    with pytest.raises(DrapolicyError, match="(?s)" + __import__("re").escape(message)):
        policy(text, **given)


def test_a_policy_that_is_made_takes_no_parameters() -> None:
    """Parameters belong to names."""
    with pytest.raises(InputError, match="policy packing: is made already; parameters max_steps cannot be set"):
        policy(POLICIES["packing"], max_steps=3)
    with pytest.raises(InputError, match="is neither a name nor a policy"):
        policy(Rule)  # type: ignore[arg-type]


def test_mixes_are_written_as_they_are_read() -> None:
    """CPU, models and weights survive."""
    mix = (TypicalPod(4_000, 500, 1, 3, ("A100", "H100 NVL")), TypicalPod(100, 0, 0))
    assert read_mix("4000/500x1@A100|H100 NVL*3+100/0x0") == mix


ready = Rule(solver=FirstFit(), nodes=First(), name="theirs")


def make(*, steps: int = 3) -> Rule:
    """Their policy."""
    return Rule(solver=FirstFit(max_steps=steps), nodes=First())


class Bare:
    """A policy that is no rule."""

    name = "bare"

    def place(self, problem: Problem, rng: np.random.Generator) -> Placement:
        raise NotImplementedError


bare = Bare()
nothing = 3


def wrong() -> int:
    """Make something else."""
    return 4


@pytest.fixture
def others(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entry points of another package, which are in this file."""
    targets = {"ready": "ready", "make": "make", "bare": "bare", "wrong": "wrong", "nothing": "nothing", "gone": "gone"}
    here = [EntryPoint(name, f"{__name__}:{target}", plugins.GROUP) for name, target in targets.items()]
    here += [EntryPoint("broken", "no_such_module_at_all:x", plugins.GROUP)]
    here += [EntryPoint("packing", f"{__name__}:ready", plugins.GROUP)]
    monkeypatch.setitem(__import__("sys").modules, __name__, __import__("types").SimpleNamespace(**globals()))
    monkeypatch.setattr(plugins, "entry_points", lambda group: here if group == plugins.GROUP else [])


@pytest.mark.usefixtures("others")
def test_policies_of_other_packages_are_found() -> None:
    """A policy as it is, or a function with parameters; nothing replaces one of the table."""
    assert policy("ready") is ready
    assert policy("make:steps=9") == Rule(solver=FirstFit(max_steps=9), nodes=First(), name="make:steps=9")
    assert policy("bare") is bare
    assert policy("packing") is POLICIES["packing"]
    with pytest.raises(UnknownReferenceError, match="portfolio, bare, broken, gone, make"):
        policy("unheard-of")


@pytest.mark.usefixtures("others")
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ready:steps=1", "policy ready: parameter 'steps' is unknown; it has none"),
        ("make:count=1", "policy make: parameter 'count' is unknown; it has steps"),
        ("broken", r"policy broken: no_such_module_at_all:x of \? cannot be loaded: ModuleNotFoundError"),
        ("gone", "cannot be loaded: AttributeError"),
        ("nothing", "is neither a policy nor a function that makes one"),
        ("wrong", "made 4, which is no policy"),
    ],
)
def test_faults_of_other_packages_are_named(text: str, message: str) -> None:
    """The error says which policy, where it is and what is wrong."""
    with pytest.raises(InputError, match=message):
        policy(text)
