"""docs/upstream/releases.md tells the tables that drapolicy decides by."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import fields

from drapolicy.release import MINORS, Behaviour, Gate, release
from drapolicy.release.behaviour import BEHAVIOURS
from drapolicy.release.gates import FEATURES, GATES, NEEDS, VARIANTS

INTRO = """\
# Four releases

What drapolicy takes for each minor release of Kubernetes: `--k8s 1.36`, in Python `dp.release("1.36")`. Sources are the
schedulers v1.34.4, v1.35.4, v1.36.3 and v1.37.2 and the allocators v0.34.13, v0.35.10, v0.36.6 and v0.37.2. Which of the
differences are defects is told in [quirks](quirks.md); which API versions a release serves, in the
[semantics](../semantics.md) (S1). `make golden` makes this page of the tables in `drapolicy/release/`.
"""
GATES_INTRO = """
## Feature gates

`drapolicy gates --k8s 1.36` tells the same. `--feature-gates NAME=true,NAME=false` changes what is not locked, `AllAlpha`
and `AllBeta` a whole stage; in Python `dp.release("1.36", gates={"DRAListTypeAttributes": True})`. Gates that Kubernetes
refuses to start without one another are refused here too.
"""
COPIES_INTRO = """
## Copies of the allocator

Upstream keeps three copies of its allocator, and the first that handles every feature that is on decides (S19). They do
not answer alike, so a gate can change more than its own feature.
"""
BEHAVIOUR_INTRO = """
## Behaviour

What differs though the gates are the same. Where a copy of the allocator differs from the experimental one it is named.
In 1.34 and 1.35, and in the stable copy, upstream's order of pools is random; drapolicy uses the sorted one, so that the same
input gives the same devices, and a cluster may choose others. What the scheduler does besides devices is that of 1.37 in all
releases.
"""


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(head)
    lines = [names, ["---"] * len(names), *rows]
    return "\n" + "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def gate(found: Gate | None) -> str:
    if found is None:
        return "–"
    return f"{found.stage}, {'on' if found.on else 'off'}" + (", locked" if found.locked else "")


def gates() -> Iterator[list[str]]:
    for name, row in GATES.items():
        needs = ", ".join(f"`{needed}`" for needed in NEEDS.get(name, ()))
        yield [f"`{name}`", *map(gate, row), needs]


def features() -> Iterator[list[str]]:
    """A row for each feature: the first copy that handles it, by release."""
    for name in dict.fromkeys(name for minor in MINORS for name in FEATURES[minor]):
        gates = dict.fromkeys(gate for minor in MINORS for gate in FEATURES[minor].get(name, ()))
        first = [
            next((copy for copy, handled in VARIANTS[minor].items() if name in handled), "–")
            if name in FEATURES[minor]
            else "–"
            for minor in MINORS
        ]
        yield [f"`{name}`", *first, ", ".join(f"`{gate}`" for gate in gates)]
    yield ["*run by default*", *(release(minor).variant for minor in MINORS), ""]


def meanings() -> dict[str, str]:
    """What each switch means, as its docstring tells."""
    text = inspect.getdoc(Behaviour) or ""
    found = re.findall(r"^(\w+)\n((?:    .+\n?)+)", text.split("----------\n", 1)[1], re.MULTILINE)
    return {name: re.sub(r"``(.+?)``", r"`\1`", " ".join(words.split())) for name, words in found}


def value(switch: str, minor: str) -> str:
    copies = {copy: told(getattr(behaviour, switch)) for copy, behaviour in BEHAVIOURS[minor].items()}
    others: dict[str, list[str]] = {}
    for copy, text in copies.items():
        if text != copies["experimental"]:
            others.setdefault(text, []).append(copy)
    besides = "; ".join(f"{', '.join(names)}: {text}" for text, names in others.items())
    return copies["experimental"] + (f" ({besides})" if besides else "")


def told(setting: object) -> str:
    return {True: "yes", False: "no"}[setting] if isinstance(setting, bool) else str(setting)


def render() -> str:
    known = meanings()
    switches = [[known[field.name], *(value(field.name, minor) for minor in MINORS)] for field in fields(Behaviour)]
    return (
        INTRO
        + GATES_INTRO
        + table(["gate", *MINORS, "needs"], gates())
        + COPIES_INTRO
        + table(["feature", *MINORS, "gates"], features())
        + BEHAVIOUR_INTRO
        + table(["what", *MINORS], switches)
    )


def test_the_page_tells_the_tables(page: Callable[[str, str], None]) -> None:
    """A gate or switch that changes is read where the page is read."""
    page("releases.md", render())


def test_every_switch_says_what_it_means() -> None:
    """And none is told that does not exist."""
    assert list(meanings()) == [field.name for field in fields(Behaviour)]


def test_no_switch_is_idle() -> None:
    """A switch that is the same in every release and copy would not be needed."""
    idle = [
        field.name
        for field in fields(Behaviour)
        if len({getattr(copy, field.name) for copies in BEHAVIOURS.values() for copy in copies.values()}) == 1
    ]
    assert idle == []
