"""Queueing disciplines: who of those that wait is tried next, and whom a pod that does not fit holds up."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.text import instead

ORDERS = ("arrival", "priority", "fair-share")
PASSES = ("all", "none", "backfill")


@dataclass(frozen=True)
class Discipline:
    """How a queue is served.

    Attributes
    ----------
    name
        For tables.
    order
        ``arrival``; ``priority``, higher first, then by arrival; or ``fair-share``, the namespace first that holds
        least of the fleet's devices, then by arrival.
    passes
        Who may start before a pod that does not fit and comes first: ``all``, ``none``, or by ``backfill`` those that
        do not put off its start. Backfill knows how long pods run, and keeps the place of the first pod only (EASY
        backfilling).
    preempts
        Whether pods of higher priority that do not fit take the place of others. Ours: Kubernetes never preempts for
        devices (K8s S65).

    References
    ----------
    D. Lifka: The ANL/IBM SP scheduling system (1995), doi:10.1007/3-540-60153-8_35.
    """

    name: str
    order: Literal["arrival", "priority", "fair-share"] = "priority"
    passes: Literal["all", "none", "backfill"] = "all"
    preempts: bool = False

    def __post_init__(self) -> None:
        for what, value, known in (("order", self.order, ORDERS), ("passes", self.passes, PASSES)):
            if value not in known:
                message = f"discipline {self.name}: {what} {value!r}; use one of {', '.join(known)}"
                raise InputError(message)

    @property
    def upstream(self) -> bool:
        """Whether Kubernetes serves its queue so; all others are ours."""
        return (self.order, self.passes, self.preempts) == ("priority", "all", False)

    @property
    def said(self) -> str:
        """What the results of a play depend on."""
        return f"{self.order} {self.passes} {self.preempts}"


DISCIPLINES: Final = MappingProxyType(
    {
        made.name: made
        for made in (
            Discipline("kubernetes"),
            Discipline("fifo", "arrival", "none"),
            Discipline("backfill", "arrival", "backfill"),
            Discipline("priority", "priority", "all", preempts=True),
            Discipline("fair-share", "fair-share", "all"),
        )
    }
)
"""Disciplines by name; ``kubernetes`` is the stock scheduler's (K8s S75), the others are ours."""

KUBERNETES: Final = DISCIPLINES["kubernetes"]


def discipline(name: str) -> Discipline:
    """Return a discipline by name.

    Raises
    ------
    UnknownReferenceError
        For a name that is not in the table.
    """
    if name not in DISCIPLINES:
        message = f"queueing discipline {name!r}: unknown; {instead(name, DISCIPLINES)}"
        raise UnknownReferenceError(message)
    return DISCIPLINES[name]
