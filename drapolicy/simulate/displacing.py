"""What disciplines of ours need to know of other moments: when a unit can start, and whom it could displace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeAlias

from drapolicy.problem.events import Finish, Start
from drapolicy.problem.state import State
from drapolicy.simulate.deciding import Decider, Verdict
from drapolicy.simulate.queue import Unit

End: TypeAlias = tuple[int, str]
"""When an ask is going to end, and its name."""

Together: TypeAlias = tuple[str, ...]
"""Names of running asks that can only be taken off their nodes together."""


def start_ns(state: State, decider: Decider, unit: Unit, ends: Sequence[End], now_ns: int) -> int | None:
    """Return when a unit that does not fit now can start, if nobody else does before it.

    Parameters
    ----------
    ends
        When those that run are going to end, ascending.

    Returns
    -------
    int or None
        The first of these ends after which it fits; None if it does not fit even after all of them.

    Notes
    -----
    Of a policy that refuses after an end what it took before it, the time found may be a later one. Time: a decision
    for each halving of the ends.
    """

    def fits_after(count: int) -> bool:
        with state.trial():
            _finish(state, (name for _, name in ends[:count]))
            return decider.fits(unit, now_ns)

    low, high = 0, len(ends)
    if not high or not fits_after(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits_after(middle) else (middle, high)
    return ends[high - 1][0]


def puts_off(  # noqa: PLR0917 - a moment that might be
    state: State,
    decider: Decider,
    unit: Unit,
    at_ns: int,
    others: Sequence[tuple[Start, int | None]],
    ends: Sequence[End],
) -> bool:
    """Tell whether a unit that could start at a time no longer could if some asks started now.

    Parameters
    ----------
    at_ns
        When the unit is to start.
    others
        What would start now, each with its end; None for never.
    ends
        When those that run are going to end.
    """
    if all(end is not None and end <= at_ns for _, end in others):
        return False
    with state.trial():
        for start, _ in others:
            state.apply(start)
        _finish(state, (name for end, name in ends if end <= at_ns))
        _finish(state, (start.ask.name for start, end in others if end is not None and end <= at_ns))
        return not decider.fits(unit, at_ns)


def preemption(state: State, decider: Decider, unit: Unit, lower: Sequence[Together], now_ns: int) -> Verdict | None:
    """Return how a unit starts by taking others off their nodes; None if it could not even without all of them.

    Parameters
    ----------
    lower
        Asks that may be displaced, the most important first.

    Returns
    -------
    Verdict or None
        With victims none of whom could stay alone.

    Notes
    -----
    The shape of Kubernetes' preemption for pod groups (K8s S86), with the difference that devices come free: all are
    taken away, the nodes are chosen, and each victim is spared again if the unit still fits.
    """
    with state.trial():
        _finish(state, (name for names in lower for name in names))
        found = decider.decide(unit, now_ns)
        if not found.starts:
            return None
    nodes = {begin.node for begin in found.begins}
    names = state.fleet.nodes.names
    there = [own for own in lower if any(names[state.running[name].node] in nodes for name in own)]
    victims = there if _fits_without(state, decider, unit, there, now_ns) else list(lower)
    for own in list(victims):
        rest = [other for other in victims if other is not own]
        if _fits_without(state, decider, unit, rest, now_ns):
            victims = rest
    with state.trial():
        gone = tuple(name for own in victims for name in own)
        _finish(state, gone)
        return decider.decide(unit, now_ns)._replace(victims=gone)


def _fits_without(state: State, decider: Decider, unit: Unit, gone: Sequence[Together], now_ns: int) -> bool:
    with state.trial():
        _finish(state, (name for names in gone for name in names))
        return decider.fits(unit, now_ns)


def _finish(state: State, names: Iterable[str]) -> None:
    for name in names:
        state.apply(Finish(name))
