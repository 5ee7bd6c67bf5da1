"""Policies of other packages, registered by entry points of the group ``drapolicy.policies``.

An entry point gives a policy, or a function that makes one; its keywords are the policy's parameters then. In the other
package's ``pyproject.toml``::

    [project.entry-points."drapolicy.policies"]
    keep-quads = "my_package.policies:keep_quads"

Nothing is imported before the policy is asked for. A name of drapolicy's own table stays drapolicy's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from drapolicy.errors import InputError
from drapolicy.policies.parameters import checked, written
from drapolicy.policies.rule import Policy, Rule

GROUP = "drapolicy.policies"


@dataclass(frozen=True)
class Plugin:
    """A policy of another package.

    Attributes
    ----------
    name
        As it is registered.
    entry
        Where it is.
    """

    name: str
    entry: EntryPoint

    @property
    def origin(self) -> str:
        """Package and object, for people."""
        package = self.entry.dist.name if self.entry.dist is not None else "?"
        return f"{self.entry.value} of {package}"

    def load(self) -> Any:
        """Return what the entry point names.

        Raises
        ------
        InputError
            When it cannot be imported; the message says which package and why.
        """
        try:
            return self.entry.load()
        except Exception as error:
            message = f"policy {self.name}: {self.origin} cannot be loaded: {type(error).__name__}: {error}"
            raise InputError(message) from error

    def policy(self, given: Mapping[str, object]) -> Policy:
        """Return the policy with some parameters.

        Raises
        ------
        InputError
            When it cannot be loaded, is no policy, or has not these parameters.
        """
        loaded = self.load()
        if not isinstance(loaded, type) and isinstance(loaded, Policy):
            checked(self.name, _without, given)
            return loaded
        if not callable(loaded):
            message = f"policy {self.name}: {self.origin} is neither a policy nor a function that makes one"
            raise InputError(message)
        make: Callable[..., Any] = loaded
        wanted = checked(self.name, make, given)
        made = make(**wanted)
        if isinstance(made, type) or not isinstance(made, Policy):
            message = f"policy {self.name}: {self.origin} made {made!r}, which is no policy"
            raise InputError(message)
        return replace(made, name=written(self.name, make, wanted)) if isinstance(made, Rule) else made


def _without() -> None:
    """Have no parameters."""


def third_party() -> Mapping[str, Plugin]:
    """Return the policies of other packages by name; of two with one name the first in order of the package's name."""
    found: dict[str, Plugin] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        found.setdefault(entry.name, Plugin(entry.name, entry))
    return found
