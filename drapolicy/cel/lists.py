"""Functions on lists, sets and optional values (K8s S57, S61)."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Iterator
from typing import Any

from drapolicy.cel.comparison import compare, equal
from drapolicy.cel.declarations import COMPARABLE
from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.go_texts import number_text
from drapolicy.cel.standard import MAX_LIST, ORDERED, add, contained
from drapolicy.cel.times import Duration, Timestamp
from drapolicy.cel.values import NONE, Optional, Uint, key, no_overload, type_name, unkey

LIBRARY = Library()
_overload, _function = LIBRARY.overload, LIBRARY.function


def _comparable(name: str, function: Any) -> None:
    for kind in COMPARABLE:
        _overload(name, f"list({kind})")(function)


def _above(left: Any, right: Any) -> bool:
    """Return whether left is known to be larger; values without order between them are not."""
    try:
        return compare(left, right) > 0
    except EvaluationError:
        return False


def _orderable(values: list[Any]) -> Iterator[Any]:
    """Yield values up to the first that nothing can be compared with, which is an error."""
    for value in values:
        if type(value) not in ORDERED:
            raise no_overload()
        yield value


def is_sorted(values: list[Any]) -> bool:
    """Return whether no element is larger than the next."""
    return not any(_above(first, second) for first, second in itertools.pairwise(_orderable(values)))


def smallest(values: list[Any]) -> Any:
    """Return the first of the smallest elements."""
    if not values:
        raise EvaluationError("min called on empty list")
    return functools.reduce(lambda best, value: value if _above(best, value) else best, _orderable(values))


def largest(values: list[Any]) -> Any:
    """Return the first of the largest elements."""
    if not values:
        raise EvaluationError("max called on empty list")
    return functools.reduce(lambda best, value: value if _above(value, best) else best, _orderable(values))


_comparable("isSorted", is_sorted)
_comparable("min", smallest)
_comparable("max", largest)


@_overload("sum", "list(int)")
def sum_int(values: list[int]) -> int:
    """Return the sum of ints."""
    return int(functools.reduce(add, values, 0))


@_overload("sum", "list(uint)")
def sum_uint(values: list[Uint]) -> Uint:
    """Return the sum of uints."""
    return Uint(functools.reduce(add, values, Uint(0)))


@_overload("sum", "list(double)")
def sum_double(values: list[float]) -> float:
    """Return the sum of doubles, added from left to right."""
    return float(functools.reduce(add, values, 0.0))


@_overload("sum", "list(duration)")
def sum_duration(values: list[Duration]) -> Duration:
    """Return the sum of durations."""
    total: Duration = functools.reduce(add, values, Duration(0))
    return total


@_overload("indexOf", "list(dyn)", "dyn")
def index_of(values: list[Any], wanted: Any) -> int:
    """Return where a value first is, or -1."""
    return next((index for index, value in enumerate(values) if equal(value, wanted) is True), -1)


@_overload("lastIndexOf", "list(dyn)", "dyn")
def last_index_of(values: list[Any], wanted: Any) -> int:
    """Return where a value last is, or -1."""
    return next((index for index in reversed(range(len(values))) if equal(values[index], wanted) is True), -1)


@_overload("includes", "dyn", "dyn")
def includes(target: Any, wanted: Any) -> bool:
    """Return whether a list holds a value, or another value is it (K8s S61)."""
    values = target if type(target) is list else [target]
    return any(equal(value, wanted) is True for value in values)


@_overload("slice", "list(dyn)", "int", "int")
def slice_list(values: list[Any], start: int, end: int) -> list[Any]:
    """Return the elements between two positions."""
    if start < 0 or end < 0:
        raise EvaluationError(f"cannot slice({start}, {end}), negative indexes not supported")
    if start > end:
        raise EvaluationError(f"cannot slice({start}, {end}), start index must be less than or equal to end index")
    if end > len(values):
        raise EvaluationError(f"cannot slice({start}, {end}), list is length {len(values)}")
    return values[start:end]


@_function("flatten")
def flatten(values: Any, depth: Any = 1) -> list[Any]:
    """Return the elements of the inner lists, down to a depth."""
    if type(values) is not list or type(depth) is not int:
        kind = type_name(values)
        raise EvaluationError(f"no such overload: {kind}.flatten()")
    if depth < 0:
        raise EvaluationError("level must be non-negative")
    flat: list[Any] = []
    for value in values:
        if type(value) is list and depth:
            flat += flatten(value, depth - 1)
        else:
            flat.append(value)
        if len(flat) > MAX_LIST:
            raise EvaluationError(f"lists of more than {MAX_LIST} elements are not supported by drapolicy")
    return flat


@_overload("lists.range", "int")
def make_range(size: int) -> list[int]:
    """Return the numbers from 0 up to a size."""
    if size < 0:
        raise EvaluationError(f"lists.range: size must be non-negative, got {size}")
    if size > MAX_LIST:
        raise EvaluationError(f"lists.range: size {size} exceeds maximum allowed ({MAX_LIST})")
    return list(range(size))


@_overload("reverse", "list(dyn)")
def reverse(values: list[Any]) -> list[Any]:
    """Return the elements from last to first."""
    return values[::-1]


@_overload("distinct", "list(dyn)")
def distinct(values: list[Any]) -> list[Any]:
    """Return the first of all equal elements."""
    unique: list[Any] = []
    for value in values:
        if not any(equal(value, other) is True for other in unique):
            unique.append(value)
    return unique


# Upstream's sort keeps the order of equal keys only in short lists.
_STABLE = 12


@_function("sort")
def sort(values: Any) -> list[Any]:
    """Return the elements in order."""
    return sort_by(values, values, "sort")


@_function("@sortByAssociatedKeys")
def sort_by(values: Any, keys: Any, name: str = "@sortByAssociatedKeys") -> list[Any]:
    """Return the elements in the order of their keys; equal keys keep their order."""
    if type(values) is not list:
        raise no_overload() if type(values) is str else EvaluationError(f"no such overload: {name}")
    if type(keys) is not list:
        raise no_overload()
    if not values:
        return values
    if type_name(keys[0]).removeprefix("google.protobuf.").lower() not in COMPARABLE:
        raise EvaluationError("list elements must be comparable")
    if any(type(entry) is not type(keys[0]) for entry in keys):
        raise EvaluationError("list elements must have the same type")
    if any(type(entry) is float and math.isnan(entry) for entry in keys):
        raise EvaluationError("sorting NaN is not supported by drapolicy")
    if keys is not values and len(keys) > _STABLE and any(keys[index] in keys[:index] for index in range(len(keys))):
        raise EvaluationError(f"sorting more than {_STABLE} elements by equal keys is not supported by drapolicy")

    def order_of(left: int, right: int) -> int:
        return compare(keys[left], keys[right])

    order = sorted(range(len(values)), key=functools.cmp_to_key(order_of))
    return [values[index] for index in order]


@_overload("sets.contains", "list(dyn)", "list(dyn)")
def set_contains(values: list[Any], part: list[Any]) -> bool:
    """Return whether every element of the second list is in the first."""
    return all(contained(value, values) for value in part)


@_overload("sets.equivalent", "list(dyn)", "list(dyn)")
def set_equivalent(left: list[Any], right: list[Any]) -> bool:
    """Return whether two lists hold the same elements."""
    return set_contains(left, right) and set_contains(right, left)


@_overload("sets.intersects", "list(dyn)", "list(dyn)")
def set_intersects(left: list[Any], right: list[Any]) -> bool:
    """Return whether two lists share an element."""
    return any(contained(value, right) for value in left)


@_function("optional.of")
def optional_of(value: Any) -> Optional:
    """Return a value as optional."""
    return Optional(present=True, value=value)


@_function("optional.none")
def optional_none() -> Optional:
    """Return the missing value."""
    return NONE


_ZEROS = frozenset({"null_type", "bool", "int", "uint", "double", "string", "bytes", "list", "map"}) | {
    Duration.cel_type,
    Timestamp.cel_type,
}


@_function("optional.ofNonZeroValue")
def optional_of_non_zero(value: Any) -> Optional:
    """Return a value as optional, or nothing for zero, empty and null."""
    zero = type_name(value) in _ZEROS and not value
    return NONE if zero else Optional(present=True, value=value)


@_overload("value", "optional_type")
def optional_value(value: Optional) -> Any:
    """Return what an optional holds."""
    if not value.present:
        raise EvaluationError("optional.none() dereference")
    return value.value


@_overload("hasValue", "optional_type")
def optional_has_value(value: Optional) -> bool:
    """Return whether an optional holds something."""
    return value.present


@_overload("first", "list(dyn)")
def first(values: list[Any]) -> Optional:
    """Return the first element, if any."""
    return Optional(present=True, value=values[0]) if values else NONE


@_overload("last", "list(dyn)")
def last(values: list[Any]) -> Optional:
    """Return the last element, if any."""
    return Optional(present=True, value=values[-1]) if values else NONE


@_overload("optional.unwrap", "list(dyn)")
@_overload("unwrapOpt", "list(dyn)")
def unwrap(values: list[Any]) -> list[Any]:
    """Return the values that are there."""
    return [value.value for value in values if value.present]


@_function("cel.@mapInsert")
def map_insert(target: dict[Any, Any], *entries: Any) -> dict[Any, Any]:
    """Return a map with one more entry, or with those of another map, none of which may be there already."""
    merged = dict(target)
    insert(merged, *entries)
    return merged


def insert(target: dict[Any, Any], *entries: Any) -> None:
    """Add an entry, or those of a map, to a map that nobody else has seen."""
    added = entries[0].items() if len(entries) == 1 else [(key(entries[0]), entries[1])]
    for entry, value in added:
        if entry in target:
            raise EvaluationError(f"insert failed: key {number_text(unkey(entry))} already exists")
        target[entry] = value
