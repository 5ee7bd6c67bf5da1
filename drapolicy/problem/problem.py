"""A decision to be made: asks over a fleet in a state."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from drapolicy.errors import InputError
from drapolicy.inventory import Fleet
from drapolicy.problem.ask import Ask
from drapolicy.problem.group import Group
from drapolicy.problem.local import LocalProblem
from drapolicy.problem.state import State


@dataclass(frozen=True, init=False)
class Problem:
    """Asks over a fleet in a state: a stamped view that holds references only.

    Attributes
    ----------
    state
        What is taken.
    asks
        What is wanted; :meth:`~drapolicy.policies.Rule.place` decides problems of one ask.
    now_ns
        Time of the decision in nanoseconds.
    version
        Version of the state that the problem is about; the state's own by default.
    groups
        Which asks are decided together, all of them in order; without any, each ask is decided on its own.
    """

    state: State
    asks: tuple[Ask, ...]
    now_ns: int
    version: int
    groups: tuple[Group, ...]

    # The constructor that a frozen data class gets sets each field by a call, which every decision would pay for.
    def __init__(
        self,
        state: State,
        asks: tuple[Ask, ...],
        now_ns: int = 0,
        version: int = -1,
        groups: tuple[Group, ...] = (),
    ) -> None:
        fields = self.__dict__
        fields["state"] = state
        fields["asks"] = asks
        fields["now_ns"] = now_ns
        fields["version"] = state.version if version < 0 else version
        fields["groups"] = groups
        if groups and tuple(ask for group in groups for ask in group.asks) != asks:
            message = "problem: its asks are not those of its groups in order; use Problem.of_groups"
            raise InputError(message)

    @classmethod
    def of_groups(cls, state: State, groups: Iterable[Group], now_ns: int = 0) -> Problem:
        """Return the problem of groups of asks."""
        given = tuple(groups)
        return cls(state, tuple(ask for group in given for ask in group.asks), now_ns, groups=given)

    @property
    def fleet(self) -> Fleet:
        """The fleet."""
        return self.state.fleet

    @property
    def ask(self) -> Ask:
        """The one ask.

        Raises
        ------
        InputError
            When there are several.
        """
        if len(self.asks) != 1:
            message = f"problem: {len(self.asks)} asks; decide one at a time"
            raise InputError(message)
        return self.asks[0]

    def local(self, n: int, ask: Ask) -> LocalProblem:
        """Return one node's part of the problem.

        Parameters
        ----------
        n
            Position of the node in the fleet.
        ask
            One of ``asks``.

        Raises
        ------
        InputError
            When the state has moved on since the problem was made.
        """
        if self.version != self.state.version:
            message = "problem: the state has changed since it was made; make a new one"
            raise InputError(message)
        state = self.state
        return LocalProblem(
            state.site(n),
            ask.unmet(state.held),
            state.allocated,
            state.rooms[n],
            classes=state.fleet.classes,
            release=state.fleet.release,
            pod=ask.pod,
            sizes=lambda: state.sizes.of(n),
        )
