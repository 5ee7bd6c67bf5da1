"""Who was refused, by class of pods and reason."""

from __future__ import annotations

import pytest

from drapolicy import api
from drapolicy.evaluate import refusals
from drapolicy.evaluate.refusals import OTHERS, classes, reasons, why
from drapolicy.inventory import build
from drapolicy.policies import POLICIES
from drapolicy.simulate import DISCIPLINES, Play, Scenario, play
from drapolicy.testing.simple import row
from drapolicy.workload import Arrival, Workload

S = 10**9
CLAIM = """
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {{name: {name}, namespace: default}}
spec: {{devices: {{requests: [{{name: devices, exactly: {{deviceClassName: {cls}, count: {count}}}}}]}}}}
---
"""


def played(*pods: str, queue: str = "kubernetes", gang: int = 0) -> Play:
    """Pods ``one`` and ``two`` want so many of two devices, ``odd`` one of a class that there is not; all stay."""
    text = CLAIM.format(name="one", count=1, cls="any") + CLAIM.format(name="two", count=2, cls="any")
    text += CLAIM.format(name="odd", count=1, cls="none")
    group = ("g", gang) if gang else ()
    workload = Workload(api.loads(text), tuple(Arrival(t * S, None, pod, *group) for t, pod in enumerate(pods)))
    scenario = Scenario("s", build(row(nodes=1, devices=2)), workload, queue=DISCIPLINES[queue])
    return play(scenario, POLICIES["first-fit"], 0)


def test_refusals_are_counted_by_class() -> None:
    """Came, refused at first, never started, and the number of the first that was refused."""
    assert classes(played("one", "two", "two", "one")) == {"one": [2, 0, 0, 0], "two": [2, 2, 2, 2]}


def test_many_patterns_are_told_apart_by_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pods of one device, and of two."""
    monkeypatch.setattr(refusals, "MOST_CLASSES", 2)
    assert list(classes(played("one", "two", "odd"))) == ["1 device", "2 devices"]


def test_reasons_are_counted_by_class() -> None:
    """The commonest first; each pod that never started once, in the order of the classes."""
    made = played("one", "two", "odd", "two")
    found = reasons(made, classes(made))
    assert list(classes(made)) == ["odd", "one", "two"]
    assert list(found.values()) == [[0, 0, 2], [1, 0, 0]]
    assert next(iter(found)) == "cannot allocate all claims"
    assert [sum(each) for each in zip(*found.values(), strict=True)] == [c[2] for c in classes(made).values()]


def test_rare_reasons_are_others(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left of them stands last."""
    monkeypatch.setattr(refusals, "MOST_REASONS", 1)
    made = played("one", "two", "odd", "two")
    assert reasons(made, classes(made)) == {"cannot allocate all claims": [0, 0, 2], OTHERS: [1, 0, 0]}


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        ("0/12 nodes are available: 12 cannot allocate all claims.", "cannot allocate all claims"),
        (
            "0/3 nodes are available: 1 Insufficient cpu, 2 had a taint {a: 1}, b.",
            "Insufficient cpu, had a taint {a: 1}, b",
        ),
        ("1 of 3 fit together; 0/2 nodes are available: 2 Insufficient cpu.", "too few fit together; Insufficient cpu"),
        ("waiting for 3 pods of group g-1", "waiting for others of its group"),
        ("preempted by default/p-0000001", "preempted by another pod"),
        ("0/0 nodes are available: neither, or all are away.", "neither, or all are away"),
        ("evicted: node n-1 left", "evicted: node n-1 left"),
        ("", ""),
    ],
)
def test_reasons_lose_their_numbers(reason: str, told: str) -> None:
    """Otherwise each number of nodes were a reason of its own."""
    assert why(reason) == told


def test_what_simulations_say_is_known() -> None:
    """Pods behind others, and of groups that do not fit, are of one reason each, whoever is named."""
    behind = played("one", "two", "one", queue="fifo")
    assert reasons(behind, classes(behind)) == {
        "cannot allocate all claims": [0, 1],
        "waits behind another pod": [1, 0],
    }
    gang = played("two", "two", gang=2)
    assert list(reasons(gang, classes(gang))) == ["too few fit together; cannot allocate all claims"]
