"""What cel-go calls attributes: values with the fields that are read from them, each charged by itself (K8s S56)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from drapolicy.cel.access import element, has_element, optional_element
from drapolicy.cel.cost import IDENT
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.steps import Frame, Run, attempt
from drapolicy.cel.tracker import Tracker
from drapolicy.cel.values import NONE, Optional, no_overload


@dataclass(slots=True)
class Qualifier:
    """One field or index of an attribute."""

    id: int
    name: Run
    optional: bool = False
    test: bool = False
    # An index that is computed by a call reports as an attribute of its own.
    computed: bool = False
    defaults: bool = True

    def apply(self, frame: Frame, value: Any) -> Any:
        """Return what is read from a value, and report it."""
        tracker: Tracker = frame[1]
        if self.optional or type(value) is Optional:
            if type(value) is Optional and not value.present:
                return False if self.test else NONE
            found = optional_element(value, self.name(frame), defaults=self.defaults)
            if found.present:
                self._report(tracker, found.value)
            return found.present if self.test else found
        found = attempt(self._plain, frame, value)
        self._report(tracker, found)
        if isinstance(found, EvaluationError):
            raise found
        return found

    def _plain(self, frame: Frame, value: Any) -> Any:
        name = self.name(frame)
        return has_element(value, name) if self.test else element(value, name)

    def _report(self, tracker: Tracker, value: Any) -> None:
        if self.computed:
            tracker.drop(self.id)
        tracker.cost += IDENT
        tracker.report(self.id, value)


@dataclass(slots=True)
class Attribute:
    """A variable or a value with the fields read from it."""

    first: int
    base: Run
    qualifiers: list[Qualifier] = field(default_factory=list)

    @property
    def id(self) -> int:
        """Step that is reported for the whole."""
        return self.qualifiers[-1].id if self.qualifiers else self.first

    def add(self, qualifier: Qualifier) -> None:
        """Read a field or index from what was read so far."""
        # Only what is read from a value as such may lose its default.
        qualifier.defaults = qualifier.defaults or bool(self.qualifiers)
        self.qualifiers.append(qualifier)

    def resolve(self, frame: Frame) -> Any:
        """Return what is read; fields report as they are read."""
        value = self.base(frame)
        for qualifier in self.qualifiers:
            value = qualifier.apply(frame, value)
        return value

    def settle(self, tracker: Tracker) -> None:
        """Charge the whole, in place of what its parts reported."""
        tracker.drop(self.id)
        tracker.cost += IDENT


@dataclass(slots=True)
class Choice:
    """A conditional; fields read from it are read from either branch."""

    own: int
    condition: Run
    condition_id: int
    then: Attribute | Choice
    otherwise: Attribute | Choice

    @property
    def id(self) -> int:
        """Step that is reported for the whole."""
        then = self.then.id
        return then if then == self.otherwise.id else self.own

    def add(self, qualifier: Qualifier) -> None:
        """Read a field or index from either branch."""
        self.then.add(qualifier)
        self.otherwise.add(qualifier)

    def resolve(self, frame: Frame) -> Any:
        """Return what is read; fields report as they are read."""
        value = self.condition(frame)
        if value is True:
            return self.then.resolve(frame)
        if value is False:
            return self.otherwise.resolve(frame)
        raise no_overload()

    def settle(self, tracker: Tracker) -> None:
        """Take what its parts reported off the stack; a choice itself is free."""
        for step in (self.otherwise.id, self.then.id, self.condition_id):
            tracker.drop(step)
