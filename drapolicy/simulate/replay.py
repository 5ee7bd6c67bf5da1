"""A play that was written down, at any moment: the state as it was, and what happened next."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import takewhile
from typing import NamedTuple

from drapolicy.errors import InputError
from drapolicy.problem.events import Finish, Start
from drapolicy.problem.state import State
from drapolicy.simulate import log as log_of
from drapolicy.simulate.incidents import befall, said
from drapolicy.simulate.scenario import Scenario
from drapolicy.simulate.streams import Streams


class Happened(NamedTuple):
    """Something that happened in a play.

    Attributes
    ----------
    now_ns
        When.
    what
        In a few words.
    state
        The state after it, which the next one changes.
    """

    now_ns: int
    what: str
    state: State


def replay(scenario: Scenario, path: str | os.PathLike[str], *, until_ns: int | None = None) -> Iterator[Happened]:
    """Yield what happened in a play, in order, with the state after it; no policy is asked.

    Parameters
    ----------
    scenario
        What was played.
    path
        The log that :func:`drapolicy.simulate.play` wrote; one that was broken off is replayed as far as it goes.
    until_ns
        What happened later is left out.

    Raises
    ------
    InputError
        When the log is of another scenario, or says what cannot happen.
    """
    lines = log_of.read(path)
    first = next(lines, None)
    if first is None or not isinstance(first[1], log_of.Head):
        message = f"{path}: is empty, or breaks off in its first line; play anew"
        raise InputError(message)
    head = first[1]
    if head.inputs != dict(scenario.inputs):
        named = sorted(name for name, told in scenario.inputs.items() if head.inputs.get(name) != told)
        message = f"{path}: is the log of another scenario (other {', '.join(named) or 'inputs'})"
        raise InputError(message)
    told = (line for _, line in lines)
    within = told if until_ns is None else takewhile(lambda line: getattr(line, "t", 0) <= until_ns, told)
    return _happened(scenario, head, within)


def _happened(scenario: Scenario, head: log_of.Head, lines: Iterator[log_of.Line]) -> Iterator[Happened]:
    arrivals, incidents, _ = scenario.world(head.seed, Streams(head.seed))
    state = scenario.state()
    for line in lines:
        match line:
            case log_of.Decided():
                for name in line.victims:
                    state.apply(Finish(name))
                    yield Happened(line.t, f"{name} is preempted", state)
                for start in line.starts:
                    if not 0 <= start.number < len(arrivals):
                        message = f"log: arrival {start.number} of {len(arrivals)} starts; give the log of this play"
                        raise InputError(message)
                    ask = scenario.ask(arrivals[start.number], start.number)
                    state.apply(Start(ask, start.node, start.results))
                    yield Happened(line.t, f"{ask.name} starts on {start.node}", state)
            case log_of.Finished(t, name):
                state.apply(Finish(name))
                yield Happened(t, f"{name} finishes", state)
            case log_of.Evicted(t, name, why) if name in state.running:
                state.apply(Finish(name))
                yield Happened(t, f"{name} is evicted: {why}", state)
            case log_of.Befell(t, number):
                if not 0 <= number < len(incidents):
                    message = f"log: incident {number} of {len(incidents)} happens; give the log of this play"
                    raise InputError(message)
                what = incidents[number].what
                befall(state, what)
                yield Happened(t, said(what), state)
            case log_of.End(t):
                yield Happened(t, "the end", state)


def state_at(scenario: Scenario, path: str | os.PathLike[str], now_ns: int) -> State:
    """Return the state of a play after all that happened up to a time.

    Raises
    ------
    InputError
        As :func:`replay`.
    """
    state = scenario.state()
    for happened in replay(scenario, path, until_ns=now_ns):
        state = happened.state
    return state
