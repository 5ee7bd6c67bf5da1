"""The sizes that Kubernetes declares for ``device`` and everything below it (K8s S58)."""

from __future__ import annotations

from typing import NamedTuple

from drapolicy.cel.cost import Range


class Declared(NamedTuple):
    """A declared type.

    Attributes
    ----------
    size
        Most elements or characters; 0 where none are declared.
    fields, key, element
        Types below.
    """

    size: int
    fields: dict[str, Declared]
    key: Declared | None = None
    element: Declared | None = None


_DOMAIN, _IDENTIFIER, _DRIVER = Declared(63, {}), Declared(32, {}), Declared(63, {})
# A string of 64 characters or, in stored selectors, a list of 48 values.
_ATTRIBUTE = Declared(64, {})
_QUANTITY, _FLAG = Declared(0, {}), Declared(1, {})
# The names of one domain, and the domains: 32 each.
_ATTRIBUTES = Declared(32, {}, _DOMAIN, Declared(32, {}, _IDENTIFIER, _ATTRIBUTE))
_CAPACITIES = Declared(32, {}, _DOMAIN, Declared(32, {}, _IDENTIFIER, _QUANTITY))
_DEVICE = Declared(
    0,
    {
        "driver": _DRIVER,
        "allowMultipleAllocations": _FLAG,
        "attributes": _ATTRIBUTES,
        "capacity": _CAPACITIES,
    },
)


class Path(NamedTuple):
    """Where below a variable a value is: the variable, then fields, ``@keys``, ``@values``, ``@items``.

    Upstream appends to paths without copying them, so two paths that go on from one may share their next step, and
    the later one wins; sizes depend on it. ``names`` is the shared part, as long as upstream's allocation.
    """

    names: list[str]
    length: int


def extended(path: Path | None, name: str) -> Path:
    """Return a path one step longer."""
    names, length = path or Path([], 0)
    if length == len(names):
        names = names + [""] * max(1, length)
    names[length] = name
    return Path(names, length + 1)


def declared_size(path: Path | None) -> Range | None:
    """Return the declared size of what a path leads to, None if there is none."""
    if path is None or path.names[0] != "device":
        return None
    here: Declared | None = _DEVICE
    for name in path.names[1 : path.length]:
        assert here is not None
        if name in {"@items", "@values"}:
            here = here.element
        elif name == "@keys":
            here = here.key
        elif name in here.fields:
            here = here.fields[name]
        else:
            # Every name may be an attribute's.
            here = _ATTRIBUTE if here.element is _ATTRIBUTE else None
        if here is None:
            return None
    assert here is not None
    return Range(0, here.size)
