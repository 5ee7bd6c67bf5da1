"""CEL values as Python values, and what CEL does to all of them: type names and keys (K8s S57).

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

from dataclasses import dataclass
from typing import Any, ClassVar

from drapolicy.api.quantity import Quantity
from drapolicy.cel.errors import EvaluationError, FinalError

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


_IDENTICAL = MAPS | {list, Quantity, Sum, Optional}
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
