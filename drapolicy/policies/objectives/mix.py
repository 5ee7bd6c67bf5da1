"""A workload as a mix of typical pods, under which a node's fragmentation is measured."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

from drapolicy.errors import InputError

WHOLE = 1_000
_MODEL = r"[A-Za-z0-9 ._-]+(\|[A-Za-z0-9 ._-]+)*"
_POD = re.compile(rf"((?P<cpu>\d+)/)?(?P<milli>\d+)x(?P<gpus>\d+)(@(?P<model>{_MODEL}))?(\*(?P<weight>\d+))?")


@dataclass(frozen=True)
class TypicalPod:
    """One kind of pod.

    Attributes
    ----------
    cpu
        Milli CPU.
    milli, gpus
        Thousandths of each GPU, and how many GPUs; 0 of either for a pod without.
    weight
        How often it comes, in parts of the whole mix.
    models
        Product names that it accepts; none for any.
    """

    cpu: int
    milli: int
    gpus: int
    weight: int = 1
    models: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if min(self.cpu, self.milli, self.gpus, self.weight) < 0 or self.milli > WHOLE:
            message = f"mix: {self.milli} milli of {self.gpus} GPUs, weight {self.weight}: use 0 to {WHOLE} of each GPU"
            raise InputError(message)


Mix = tuple[TypicalPod, ...]

DEFAULT_MIX: Mix = (
    TypicalPod(0, 500, 1, 3),
    TypicalPod(0, 1_000, 1, 4),
    TypicalPod(0, 1_000, 2),
    TypicalPod(0, 1_000, 4),
    TypicalPod(0, 1_000, 8),
)
"""A guess where nothing is known: mostly halves and single GPUs, some of 2, 4 and 8."""


def commonest(mix: Mix, percent: int) -> Mix:
    """Return the kinds that come most often and together are so many percent of all, kinds that are alike as one.

    Examples
    --------
    >>> write_mix(commonest(read_mix("500x1*60+1000x1*30+1000x8*7+200x1*3"), 95))
    '500x1*60+1000x1*30+1000x8*7'
    """
    counts: Counter[TypicalPod] = Counter()
    for pod in mix:
        counts[replace(pod, weight=1)] += pod.weight
    found: list[TypicalPod] = []
    seen, total = 0, counts.total()
    # Python's sort is stable: of equally common kinds the one that is named first comes first.
    for pod, count in sorted(counts.items(), key=lambda known: -known[1]):
        if 100 * seen >= percent * total:
            break
        found.append(replace(pod, weight=count))
        seen += count
    return tuple(found)


def read_mix(text: str) -> Mix:
    """Return a mix from a text: pods joined by ``+``, each ``[CPU/]MILLIxGPUS[@MODEL|MODEL][*WEIGHT]``.

    Examples
    --------
    >>> read_mix("500x1*3+8000/1000x2@A100|H100")[1]
    TypicalPod(cpu=8000, milli=1000, gpus=2, weight=1, models=('A100', 'H100'))
    """
    pods = []
    for part in text.split("+"):
        found = _POD.fullmatch(part.strip())
        if found is None:
            message = f"mix: {part!r} is no pod; write [CPU/]MILLIxGPUS[@MODEL][*WEIGHT], e.g. 500x1*3"
            raise InputError(message)
        models = tuple(found["model"].split("|")) if found["model"] else ()
        numbers = (int(found["cpu"] or 0), int(found["milli"]), int(found["gpus"]), int(found["weight"] or 1))
        pods.append(TypicalPod(*numbers, models))
    return tuple(pods)


def write_mix(mix: Mix) -> str:
    """Return a mix as :func:`read_mix` reads it.

    Examples
    --------
    >>> write_mix(read_mix("500x1*3+8000/1000x2@A100|H100"))
    '500x1*3+8000/1000x2@A100|H100'
    """
    parts = []
    for pod in mix:
        cpu = f"{pod.cpu}/" if pod.cpu else ""
        models = f"@{'|'.join(pod.models)}" if pod.models else ""
        weight = f"*{pod.weight}" if pod.weight != 1 else ""
        parts.append(f"{cpu}{pod.milli}x{pod.gpus}{models}{weight}")
    return "+".join(parts)
