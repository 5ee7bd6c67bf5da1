"""What expressions may be made of in each Kubernetes release: one table (K8s S57, I1).

Source: ``apiserver/pkg/cel/environment`` and ``dynamic-resource-allocation/cel`` of v0.34.13, v0.35.10, v0.36.6 and
v0.37.2, which are built with cel-go v0.26.0 up to 1.36 and v0.29.2 in 1.37.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Final

from drapolicy.cel.declarations import OVERLOADS, Overload, type_of
from drapolicy.cel.syntax import Type
from drapolicy.release import Release, release

# K: ResourceSliceMaxAttributeValuesPerDevice, which 1.36 applies to `includes`.
MAX_INCLUDED: Final = 48
DEVICE_TYPE: Final = "kubernetes.DRADevice"


@dataclass(frozen=True)
class Engine:
    """How a version of cel-go behaves where its neighbours differ.

    Attributes
    ----------
    escapes
        Fields may be written in backticks.
    dot_is_global
        A name with a leading dot is never a variable of a comprehension, and a variable hides qualified names.
    durations_of_int
        ``duration(int)`` is declared, though it always fails.
    strict_alternatives
        ``or`` and ``orValue`` of what is no optional fail; otherwise they return it.
    keeps_defaults
        Fields of an optional map are looked up as in the map itself, which matters for unknown domains (K8s S59).
    bounded_searches
        ``indexOf`` and ``lastIndexOf`` check and bound the offset even where they look for nothing; otherwise they
        return it then.
    bounded_ranges
        ``lists.range`` refuses negative sizes and those above a million.
    positive_factors
        A negative depth of ``flatten`` counts as 1 in its cost; otherwise it lowers the cost, modulo 2^64.
    charges_affixes
        ``startsWith`` and ``endsWith`` cost by what is looked for, otherwise by the whole text.
    charges_global_matches
        ``matches(text, pattern)`` costs as ``text.matches(pattern)``, otherwise 1.
    """

    escapes: bool = True
    dot_is_global: bool = True
    durations_of_int: bool = False
    strict_alternatives: bool = True
    keeps_defaults: bool = True
    bounded_searches: bool = True
    bounded_ranges: bool = True
    positive_factors: bool = True
    charges_affixes: bool = True
    charges_global_matches: bool = True


CEL_GO_29: Final = Engine()
CEL_GO_26: Final = Engine(
    escapes=False,
    dot_is_global=False,
    durations_of_int=True,
    strict_alternatives=False,
    keeps_defaults=False,
    bounded_searches=False,
    bounded_ranges=False,
    positive_factors=False,
    charges_affixes=False,
    charges_global_matches=False,
)

_SIMPLE_TYPES: Final = ("bool", "bytes", "double", "int", "string", "uint", "null_type", "type")
_GENERIC_TYPES: Final = ("list(A)", "map(A,B)", "optional_type(dyn)")
_NAMED_TYPES: Final = ("net.IP", "net.CIDR", "google.protobuf.Timestamp", "google.protobuf.Duration")


@dataclass(frozen=True)
class Environment:
    """Names, functions and behaviour that an expression meets; equal ones share programs.

    Attributes
    ----------
    engine
        Behaviour of cel-go.
    attribute
        Declared type of the values of attributes, ``dyn`` or ``any``; comprehensions run over ``dyn`` alone.
    results
        Types that a selector may have.
    shares
        ``device.allowMultipleAllocations`` is declared.
    lists
        The extended list library is there, version 3.
    includes
        How ``includes`` works: empty for not at all, ``short`` for up to 48 elements at cost 1, ``any``.
    list_values
        Attributes with lists have a value; otherwise every evaluation on such a device fails.
    list_results
        A derived attribute may be a list.
    names_in_bytes
        The formats ``qualifiedName`` and ``labelValue`` speak of bytes and label keys, otherwise of characters and
        qualified names.
    """

    engine: Engine
    attribute: str
    results: frozenset[str]
    shares: bool
    lists: bool
    includes: str
    list_values: bool
    list_results: bool
    names_in_bytes: bool = True

    @cached_property
    def fields(self) -> dict[str, Type]:
        """Fields of the variable ``device`` and their types."""
        fields = {
            "driver": "string",
            "attributes": f"map(string,map(string,{self.attribute}))",
            "capacity": "map(string,map(string,Quantity))",
        }
        if self.shares:
            fields["allowMultipleAllocations"] = "bool"
        return {name: type_of(kind) for name, kind in fields.items()}

    @cached_property
    def names(self) -> dict[str, Type]:
        """Variables and named types, each with its type."""
        kinds = [type_of(text) for text in (*_SIMPLE_TYPES, *_GENERIC_TYPES)] + [(name, ()) for name in _NAMED_TYPES]
        names: dict[str, Type] = {kind[0]: ("type", (kind,)) for kind in kinds}
        return {**names, "type": ("type", (("type", ()),)), "device": (DEVICE_TYPE, ())}

    @cached_property
    def functions(self) -> dict[str, tuple[Overload, ...]]:
        """Overloads by the name of their function."""
        left_out = set()
        if not self.lists:
            left_out.add("lists")
        if not self.includes:
            left_out.add("includes")
        if not self.engine.durations_of_int:
            left_out.add("durations_of_int")
        functions: dict[str, list[Overload]] = {}
        for overload in OVERLOADS:
            if overload.library not in left_out:
                functions.setdefault(overload.name, []).append(overload)
        return {name: tuple(overloads) for name, overloads in functions.items()}


_STORED: Final = {
    "1.34": Environment(
        CEL_GO_26,
        attribute="any",
        results=frozenset({"bool", "any"}),
        shares=True,
        lists=True,
        includes="",
        list_values=False,
        list_results=True,
        names_in_bytes=False,
    ),
    "1.37": Environment(
        CEL_GO_29,
        attribute="dyn",
        results=frozenset({"bool", "dyn"}),
        shares=True,
        lists=True,
        includes="any",
        list_values=True,
        list_results=True,
    ),
}
_STORED["1.35"] = replace(_STORED["1.34"], names_in_bytes=True)
_STORED["1.36"] = replace(_STORED["1.35"], includes="short")

# What the gate of list attributes changes for stored objects; where there is no row it changes nothing.
_STORED_LISTS: Final = {
    "1.36": replace(_STORED["1.36"], attribute="dyn", results=frozenset({"bool", "any", "dyn"}), list_values=True),
}
# Releases that take the same types of new selectors as of stored ones, not those of their attributes alone.
_RESULTS_AS_STORED: Final = frozenset({"1.36"})


def environment(kubernetes: Release | None = None, *, stored: bool = True) -> Environment:
    """Return what expressions may be made of in a release.

    Parameters
    ----------
    kubernetes
        Kubernetes release with its gates; None for 1.37.
    stored
        For objects that are stored already, as the scheduler sees them; otherwise for objects that are being created,
        of which the API server accepts only what the release before would understand, and what gates turn on.

    Examples
    --------
    >>> environment(release("1.37")) == environment(release("1.37", gates={"DRAListTypeAttributes": True}))
    True
    >>> environment(release("1.37"), stored=False).includes
    ''
    """
    kubernetes = kubernetes or release()
    minor = kubernetes.minor
    lists = "ListTypeAttributes" in kubernetes.features
    found = _STORED_LISTS.get(minor, _STORED[minor]) if lists else _STORED[minor]
    if stored:
        return found
    attribute = "dyn" if lists else "any"
    return replace(
        found,
        attribute=attribute,
        results=found.results if minor in _RESULTS_AS_STORED else frozenset({"bool", attribute}),
        shares="ConsumableCapacity" in kubernetes.features,
        lists=kubernetes.at_least("1.35"),
        includes=found.includes if lists else "",
        list_results=lists,
    )
