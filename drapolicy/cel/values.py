"""CEL values as Python values, and what CEL does to all of them: type names, equality, order, keys (K8s S57).

===========  =======================================  =================
CEL          Python                                   note
===========  =======================================  =================
int          int                                      64 bits, checked
uint         Uint                                     64 bits, checked
bool         bool
double       float
string       str
bytes        bytes
null_type    None
list         list                                     never changed
map          dict, keys through :func:`key`           never changed
optional     Optional
type         TypeName
Quantity     drapolicy.api.quantity.Quantity, Sum     exact
others       classes of their libraries               ``cel_type`` names the type
===========  =======================================  =================
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from drapolicy.api.quantity import Quantity
from drapolicy.cel.errors import EvaluationError, FinalError

# Go's shortest format writes an exponent from this power of ten on.
_EXPONENT_FROM = 6
INT_MIN, INT_MAX, UINT_MAX = -(2**63), 2**63 - 1, 2**64 - 1


class Uint(int):
    """A CEL unsigned integer."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Sum:
    """A quantity that came out of ``add`` or ``sub``.

    Upstream returns a pointer there, which its own equality does not recognise on the right-hand side: a sum equals
    a quantity, but asking whether a quantity equals a sum is an error.
    """

    cel_type: ClassVar[str] = "kubernetes.Quantity"
    quantity: Quantity


@dataclass(frozen=True, slots=True)
class Optional:
    """A value that may be missing; ``value`` means something only when ``present``."""

    cel_type: ClassVar[str] = "optional_type"
    present: bool
    value: Any = None


NONE = Optional(present=False)


@dataclass(frozen=True, slots=True)
class TypeName:
    """A type as a value."""

    cel_type: ClassVar[str] = "type"
    name: str


class TextMap(dict[Any, Any]):
    """A map of the device, which holds texts alone and looks for nothing else."""

    __slots__ = ()


class DefaultMap(TextMap):
    """A map whose missing keys hold an empty map when they are looked up, but not when they are tested (K8s S59)."""

    __slots__ = ()


MAPS: frozenset[type] = frozenset({dict, TextMap, DefaultMap})


EMPTY: dict[Any, Any] = TextMap()


@dataclass(frozen=True, slots=True)
class BoolKey:
    """A boolean as a map key; Python's ``True`` would equal 1."""

    value: bool


class IdentityKey:
    """A value as a map key that upstream tells apart by where it is stored; hardly two are ever the same."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        if isinstance(other, IdentityKey) and other.value is self.value:
            raise EvaluationError(f"map keys of type {type_name(self.value)} are not supported by drapolicy")
        return False


_TRUE, _FALSE = BoolKey(value=True), BoolKey(value=False)

_NAMES: dict[type, str] = {
    int: "int",
    Uint: "uint",
    bool: "bool",
    float: "double",
    str: "string",
    bytes: "bytes",
    type(None): "null_type",
    list: "list",
    dict: "map",
    TextMap: "map",
    DefaultMap: "map",
    Quantity: "kubernetes.Quantity",
}


def type_name(value: Any) -> str:
    """Return the name of a value's type as CEL error texts write it."""
    name = _NAMES.get(type(value))
    return name if name is not None else str(value.cel_type)


_GO_NAMES = {
    "int": "types.Int",
    "uint": "types.Uint",
    "double": "types.Double",
    "string": "types.String",
    "bool": "types.Bool",
    "bytes": "types.Bytes",
    "null_type": "types.Null",
    "kubernetes.Quantity": "cel.Quantity",
    "kubernetes.Semver": "cel.Semver",
    "list": "*types.baseList",
    "map": "*types.baseMap",
    "optional_type": "*types.Optional",
    "type": "*types.Type",
}


def go_name(value: Any) -> str:
    """Return the Go type behind a value, which some error texts name."""
    if type(value) is Sum:
        return "*cel.Quantity"
    name = type_name(value)
    return _GO_NAMES.get(name) or f"cel.{name.rpartition('.')[2]}"


_GO_VALUES = {
    "int": "int64",
    "uint": "uint64",
    "double": "float64",
    "bytes": "[]uint8",
    "null_type": "structpb.NullValue",
    "list": "[]ref.Val",
    "map": "map[ref.Val]ref.Val",
    "kubernetes.Quantity": "*resource.Quantity",
    "kubernetes.Semver": "semver.Version",
    "kubernetes.URL": "*url.URL",
    "kubernetes.NamedFormat": "cel.Format",
    "net.IP": "netip.Addr",
    "net.CIDR": "netip.Prefix",
    "google.protobuf.Duration": "time.Duration",
    "google.protobuf.Timestamp": "time.Time",
    "optional_type": "<nil>",
}


def go_value_name(value: Any) -> str:
    """Return the type of the Go value inside a CEL value, which some error texts name."""
    if isinstance(value, TextMap):
        amounts = any(type(inner) is Quantity for inner in value.values())
        return "map[string]cel.Quantity" if amounts else "map[string]interface {}"
    name = type_name(value)
    return _GO_VALUES.get(name, name)


def no_overload() -> EvaluationError:
    """Return the error of an operation that does not exist for the types at hand."""
    return EvaluationError("no such overload")


def no_lister(value: Any) -> FinalError:
    """Return the error of comparing the elements of a value, or of an error in its place, that is no list."""
    name = "*types.Err" if isinstance(value, EvaluationError) else go_name(value)
    method = "Contains" if type(value) in {int, Uint, float, str, bytes} else "Add"
    return FinalError(f"internal error: interface conversion: {name} is not traits.Lister: missing method {method}")


def key(value: Any) -> Any:
    """Return a value as dict key: numbers by amount, bools apart from numbers, lists and the like by identity.

    Raises
    ------
    FinalError
        For values that upstream cannot hash.
    """
    kind = type(value)
    if kind is str:
        return value
    if kind is bool:
        return _TRUE if value else _FALSE
    if kind is float:
        return int(value) if value.is_integer() else value
    if kind in _IDENTICAL:
        return IdentityKey(value)
    if kind is bytes or getattr(value, "unhashable", False):
        raise FinalError(f"internal error: runtime error: hash of unhashable type {go_name(value)}")
    return value


def unkey(entry: Any) -> Any:
    """Return the CEL value of a dict key."""
    return entry.value if type(entry) is BoolKey or type(entry) is IdentityKey else entry


def number_text(value: Any) -> str:
    """Return a value as Go prints it with ``%v`` in error texts."""
    if type(value) is bool:
        return "true" if value else "false"
    if type(value) is float:
        return double_text(value)
    return str(value)


def double_text(value: float) -> str:
    """Return a double as Go's ``%v`` and ``strconv`` format 'g' with shortest digits do."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    # Python and Go both take the fewest digits that read back; they differ in when to write an exponent.
    sign, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    text = "".join(map(str, digits))
    power = len(text) - 1 + exponent
    minus = "-" if sign else ""
    if not -4 <= power < _EXPONENT_FROM:
        point = "." if len(text) > 1 else ""
        return f"{minus}{text[0]}{point}{text[1:]}e{'-' if power < 0 else '+'}{abs(power):02}"
    return minus + format(Decimal(text).scaleb(exponent), "f")


def quoted(text: str) -> str:
    """Return a text as Go's ``%q`` writes it."""
    written = json.dumps(text, ensure_ascii=False)
    return (
        re.sub(r"\\u00([0-9a-f]{2})", r"\\x\1", written)
        .replace("\\x07", "\\a")
        .replace("\\x0b", "\\v")
        .replace("\x7f", "\\x7f")
    )


_NUMBERS = frozenset({int, Uint, float})
_IDENTICAL = MAPS | {list, Quantity, Sum, Optional}


def same_number(left: Any, right: Any) -> bool:
    """Return whether two numbers are equal; beside a double, an integer counts as the nearest double."""
    if type(left) is float or type(right) is float:
        return float(left) == float(right)
    return bool(left == right)


def equal(left: Any, right: Any) -> bool | None:
    """Return whether two values are equal; None where upstream's comparison is an error.

    Inside lists and maps such an error counts as equal, because upstream only looks for a clear "no" there.
    """
    if left is None or right is None:
        return left is None and right is None
    kind = type(left)
    if kind in _NUMBERS:
        return type(right) in _NUMBERS and same_number(left, right)
    if kind is Quantity or kind is Sum:
        if type(right) is not Quantity:
            return None
        return bool((left.quantity if kind is Sum else left) == right)
    if kind is list:
        if type(right) is not list or len(left) != len(right):
            return False
        return all(equal(mine, other) is not False for mine, other in zip(left, right, strict=True))
    if kind in MAPS:
        return _equal_maps(left, right)
    if kind is Optional:
        if type(right) is not Optional or left.present != right.present:
            return False
        return equal(left.value, right.value) if left.present else True
    if getattr(left, "strict_equality", False) and type(right) is not kind:
        return None
    return type(right) is kind and bool(left == right)


def _equal_maps(left: dict[Any, Any], right: Any) -> bool:
    if not isinstance(right, dict) or len(left) != len(right):
        return False
    for entry, value in left.items():
        if entry in right:
            other = right[entry]
        elif type(right) is DefaultMap:
            other = EMPTY
        else:
            return False
        if equal(value, other) is False:
            return False
    return True


def compare(left: Any, right: Any) -> int:
    """Return -1, 0 or 1 for two values that have an order.

    Raises
    ------
    EvaluationError
        For values without order between them (``no such overload``) and for NaN.
    """
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        if math.isnan(left) or math.isnan(right):
            raise EvaluationError("NaN values cannot be ordered")
        if type(left) is float or type(right) is float:
            left, right = float(left), float(right)
    elif type(left) is not type(right) or not (isinstance(left, (str, bytes, bool)) or getattr(left, "ordered", False)):
        raise no_overload()
    if type(left) is str and not (left.isascii() and right.isascii()):
        left, right = left.encode(), right.encode()
    return int(left > right) - int(left < right)
