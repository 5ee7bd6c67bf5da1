"""Functions of expressions, as the type checker must know them (K8s S57): Kubernetes' own, and all in one table.

One line is one overload: ``target.name(parameters) -> result`` for members, ``name(parameters) -> result`` otherwise.
Types: ``list(T)``, ``map(K,V)``, ``optional(T)``, single capitals for type parameters; a longer name that begins with a
capital is a type of Kubernetes.
"""

from __future__ import annotations

from functools import cache
from typing import Final, NamedTuple

from drapolicy.cel.formats import NAMES
from drapolicy.cel.standard_declarations import DURATIONS_OF_INT, LISTS, STANDARD, TIMES
from drapolicy.cel.syntax import Type

COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_SUMMABLE = ("int", "uint", "double", "duration")
_NUMERIC = ("int", "uint", "double")
_LONG: Final = {"duration": "google.protobuf.Duration", "timestamp": "google.protobuf.Timestamp"}
_LONG_OUTER: Final = {"optional": "optional_type"}


class Overload(NamedTuple):
    """One overload of a function.

    Attributes
    ----------
    id
        Names it among all overloads.
    name
        Function name, with its namespace.
    member
        Whether the first parameter is written before the dot.
    kinds
        Parameter types.
    result_kind
        Result type.
    generics
        Names of its type parameters.
    library
        The part of an environment that it belongs to, empty for what is always there.
    """

    id: str
    name: str
    member: bool
    kinds: tuple[Type, ...]
    result_kind: Type
    generics: tuple[str, ...]
    library: str


_TEXT = """
quantity(string) -> Quantity
isQuantity(string) -> bool
sign(Quantity) -> int
Quantity.isGreaterThan(Quantity) -> bool
Quantity.isLessThan(Quantity) -> bool
Quantity.compareTo(Quantity) -> int
Quantity.asApproximateFloat() -> double
Quantity.asInteger() -> int
Quantity.isInteger() -> bool
Quantity.add(Quantity) -> Quantity
Quantity.add(int) -> Quantity
Quantity.sub(Quantity) -> Quantity
Quantity.sub(int) -> Quantity

semver(string) -> Semver
semver(string,bool) -> Semver
isSemver(string) -> bool
isSemver(string,bool) -> bool
Semver.isGreaterThan(Semver) -> bool
Semver.isLessThan(Semver) -> bool
Semver.compareTo(Semver) -> int
Semver.major() -> int
Semver.minor() -> int
Semver.patch() -> int

string.charAt(int) -> string
string.indexOf(string) -> int
string.indexOf(string,int) -> int
string.lastIndexOf(string) -> int
string.lastIndexOf(string,int) -> int
string.lowerAscii() -> string
string.upperAscii() -> string
string.replace(string,string) -> string
string.replace(string,string,int) -> string
string.split(string) -> list(string)
string.split(string,int) -> list(string)
string.substring(int) -> string
string.substring(int,int) -> string
string.trim() -> string
string.format(list(dyn)) -> string
strings.quote(string) -> string
list(string).join() -> string
list(string).join(string) -> string

string.find(string) -> string
string.findAll(string) -> list(string)
string.findAll(string,int) -> list(string)

sets.contains(list(T),list(T)) -> bool
sets.equivalent(list(T),list(T)) -> bool
sets.intersects(list(T),list(T)) -> bool

list(A).indexOf(A) -> int
list(A).lastIndexOf(A) -> int
url(string) -> URL
isURL(string) -> bool
URL.getScheme() -> string
URL.getHost() -> string
URL.getHostname() -> string
URL.getPort() -> string
URL.getEscapedPath() -> string
URL.getQuery() -> map(string,list(string))

ip(string) -> net.IP
isIP(string) -> bool
ip.isCanonical(string) -> bool
net.IP.family() -> int
net.IP.isUnspecified() -> bool
net.IP.isLoopback() -> bool
net.IP.isLinkLocalMulticast() -> bool
net.IP.isLinkLocalUnicast() -> bool
net.IP.isGlobalUnicast() -> bool
cidr(string) -> net.CIDR
isCIDR(string) -> bool
net.CIDR.containsIP(string) -> bool
net.CIDR.containsIP(net.IP) -> bool
net.CIDR.containsCIDR(string) -> bool
net.CIDR.containsCIDR(net.CIDR) -> bool
net.CIDR.ip() -> net.IP
net.CIDR.prefixLength() -> int
net.CIDR.masked() -> net.CIDR

format.named(string) -> optional(NamedFormat)
NamedFormat.validate(string) -> optional(list(string))
"""


_NAMESPACES = frozenset({"strings", "sets", "optional", "ip", "format", "lists", "cel"})


def split_types(text: str) -> list[str]:
    """Return the types that a text lists, with commas between them and within their brackets."""
    parts, depth = [""], 0
    for character in text:
        depth += (character == "(") - (character == ")")
        if character == "," and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return [part.strip() for part in parts]


@cache
def type_of(text: str) -> Type:
    """Return the type that a text names.

    Examples
    --------
    >>> type_of("list(optional(T))")
    ('list', (('optional_type', (('?T', ()),)),))
    """
    outer, bracket, inner = text.partition("(")
    if bracket:
        return (_LONG_OUTER.get(outer, outer), tuple(type_of(part) for part in split_types(inner[:-1])))
    if len(text) == 1:
        return (f"?{text}", ())
    return (f"kubernetes.{text}" if text[0].isupper() else _LONG.get(text, text), ())


def _generics(kind: Type) -> list[str]:
    if kind[0].startswith("?"):
        return [kind[0]]
    return [name for part in kind[1] for name in _generics(part)]


def _overload(line: str, library: str = "") -> Overload:
    """Return the overload that a line declares; without an id of its own the signature names it."""
    ident, colon, signature = line.partition(": ")
    if not colon:
        signature = line
    signature, _, result = signature.partition(" -> ")
    opening = _opening(signature)
    target, _, name = signature[:opening].rpartition(".")
    texts = [part for part in split_types(signature[opening + 1 : -1]) if part]
    member = bool(target) and target not in _NAMESPACES
    if member:
        texts.insert(0, target)
    else:
        name = signature[:opening]
    kinds, result_kind = tuple(map(type_of, texts)), type_of(result)
    generics = dict.fromkeys(generic for kind in (*kinds, result_kind) for generic in _generics(kind))
    return Overload(
        ident if colon else f"{name}({','.join(texts)})", name, member, kinds, result_kind, tuple(generics), library
    )


def _opening(signature: str) -> int:
    """Return where the parameters of a signature begin; its target may have brackets too."""
    depth = 0
    for at in range(len(signature) - 1, -1, -1):
        depth += (signature[at] == ")") - (signature[at] == "(")
        if not depth:
            return at
    raise ValueError(signature)


def _lines() -> list[str]:
    lines = [line for line in _TEXT.splitlines() if line]
    lines += [f"list({kind}).isSorted() -> bool" for kind in COMPARABLE]
    for name, kinds in (("min", COMPARABLE), ("max", COMPARABLE), ("sum", _SUMMABLE)):
        lines += [f"list({kind}).{name}() -> {kind}" for kind in kinds]
    lines += [f"format.{name}() -> NamedFormat" for name in NAMES]
    for operator in ("<", "<=", ">", ">="):
        pairs = [("bool", "bool")]
        pairs += [(left, right) for left in _NUMERIC for right in (left, *(kind for kind in _NUMERIC if kind != left))]
        pairs += [(kind, kind) for kind in ("string", "bytes", "timestamp", "duration")]
        lines += [f"_{operator}_({left},{right}) -> bool" for left, right in pairs]
    for name, part in TIMES.items():
        lines.append(f"timestamp_to_{part}: timestamp.{name}() -> int")
        lines.append(f"timestamp_to_{part}_with_tz: timestamp.{name}(string) -> int")
    return lines + [f"string({kind}) -> string" for kind in ("net.IP", "net.CIDR")]


def _list_lines() -> list[str]:
    lines = [line for line in LISTS.splitlines() if line]
    for kind in COMPARABLE:
        lines.append(f"list_{kind}_sort: list({kind}).sort() -> list({kind})")
        lines.append(f"list_{kind}_sortByAssociatedKeys: list(T).@sortByAssociatedKeys(list({kind})) -> list(T)")
    return lines


def _all() -> list[Overload]:
    rows = [_overload(line) for line in STANDARD.splitlines() if line]
    rows += map(_overload, _lines())
    rows += [_overload(line, "lists") for line in _list_lines()]
    rows.append(_overload("includes(dyn,dyn): dyn.includes(dyn) -> bool", "includes"))
    return rows + [_overload(line, "durations_of_int") for line in DURATIONS_OF_INT.splitlines() if line]


OVERLOADS: Final[tuple[Overload, ...]] = tuple(_all())
