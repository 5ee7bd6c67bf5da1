"""Who was refused in a play: by class of pods, and of those that never started by class and reason."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import Final

import numpy as np

from drapolicy.simulate import Play
from drapolicy.text import counted

MOST_CLASSES: Final = 12
"""Classes of pods that are told apart by their patterns."""

MOST_REASONS: Final = 10
"""Reasons that are told apart, the commonest; all others are one."""

OTHERS: Final = "other reasons"

_NOWHERE = re.compile(r"0/\d+ nodes are available: (.*)\.", re.DOTALL)
_AND = re.compile(r", (?=\d+ )")
_COUNT = re.compile(r"\d+ ")
_TOGETHER = re.compile(r"\d+ of \d+ fit together; (.*)", re.DOTALL)
_NAMED = (
    (re.compile(r"(waits behind|would put off|preempted by) .*", re.DOTALL), r"\1 another pod"),
    (re.compile(r"waiting for \d+ pods of group .*", re.DOTALL), "waiting for others of its group"),
    (re.compile(r"no devices for \d+ asks of its group"), "no devices for its group"),
)


def _class_of(play: Play) -> list[str]:
    """Return the class of each arrival."""
    names = play.records.texts("pattern")
    if len(set(names)) > MOST_CLASSES:
        wanted = play.records.column("wanted").tolist()
        names = [counted(count, "device") for count in wanted]
    return list(names)


def classes(play: Play) -> dict[str, list[int]]:
    """Return by class of pods how many came, were refused at first, and never started.

    Classes are the patterns of the workload; where there are more than :data:`MOST_CLASSES`, the numbers of devices
    that pods want. The fourth number is that of the arrival, from 1 on, that was refused first; 0 where none was.
    """
    wanted, refused = play.records.column("wanted"), play.records.column("refused_ns") >= 0
    never = play.records.column("started_ns") < 0
    names = np.array(_class_of(play))
    # In order of size, and of names among those that want as many.
    order = sorted({(count, name) for count, name in zip(wanted.tolist(), names.tolist(), strict=True)})
    found = {}
    for name in dict.fromkeys(name for _, name in order):
        own = names == name
        first = np.flatnonzero(own & refused)
        found[name] = [
            int(own.sum()),
            int((own & refused).sum()),
            int((own & never).sum()),
            int(first[0]) + 1 if len(first) else 0,
        ]
    return found


def reasons(play: Play, classes: Mapping[str, list[int]]) -> dict[str, list[int]]:
    """Return why pods never started, commonest first: by reason, how many of each class, in the order of `classes`."""
    never = np.flatnonzero(play.records.column("started_ns") < 0).tolist()
    names, texts = _class_of(play), play.records.texts("reason")
    counts = Counter((why(texts[at]), names[at]) for at in never)
    totals: Counter[str] = Counter()
    for (reason, _), count in counts.items():
        totals[reason] += count
    common = sorted(totals, key=lambda reason: (-totals[reason], reason))
    found = {reason: [counts[reason, name] for name in classes] for reason in common[:MOST_REASONS]}
    rest = common[MOST_REASONS:]
    if rest:
        found[OTHERS] = [sum(counts[reason, name] for reason in rest) for name in classes]
    return found


def why(reason: str) -> str:
    """Return a reason without numbers and names, by which else each were one of its own.

    Examples
    --------
    >>> why("0/3 nodes are available: 1 Insufficient cpu, 2 cannot allocate all claims.")
    'Insufficient cpu, cannot allocate all claims'
    """
    nowhere = _NOWHERE.fullmatch(reason)
    if nowhere:
        return ", ".join(_COUNT.sub("", part, count=1) for part in _AND.split(nowhere[1]))
    together = _TOGETHER.fullmatch(reason)
    if together:
        return f"too few fit together; {why(together[1])}"
    return next((found.expand(told) for pattern, told in _NAMED if (found := pattern.fullmatch(reason))), reason)
