"""Functions that Kubernetes adds to standard CEL, as the type checker must know them (K8s S57).

One row is one overload: ``target.name(parameters) -> result`` for members, ``name(parameters) -> result`` otherwise.
Types: ``list(T)``, ``map(K,V)``, ``optional(T)``, type parameters ``A`` and ``T``; a capital name with a dot is an
abstract type of Kubernetes.
"""

from __future__ import annotations

from typing import NamedTuple

COMPARABLE = ("int", "uint", "double", "bool", "duration", "timestamp", "string", "bytes")
_SUMMABLE = ("int", "uint", "double", "duration")
_NUMERIC = ("int", "uint", "double")


class Overload(NamedTuple):
    """One overload of a function.

    Attributes
    ----------
    name
        Function name, with its namespace.
    member
        Whether the first parameter is written before the dot.
    parameters
        Parameter types.
    result
        Result type.
    """

    name: str
    member: bool
    parameters: tuple[str, ...]
    result: str


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
dyn.includes(dyn) -> bool

optional.unwrap(list(optional(T))) -> list(T)
list(optional(T)).unwrapOpt() -> list(T)

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

FORMATS = (
    "dns1123Label",
    "dns1123Subdomain",
    "dns1035Label",
    "qualifiedName",
    "dns1123LabelPrefix",
    "dns1123SubdomainPrefix",
    "dns1035LabelPrefix",
    "labelValue",
    "uri",
    "uuid",
    "byte",
    "date",
    "datetime",
)

_NAMESPACES = ("strings", "sets", "optional", "ip", "format")


def _overload(line: str) -> Overload:
    signature, _, result = line.partition(" -> ")
    # A generic target, as in list(A).indexOf(A), has brackets of its own.
    opening = signature.index("(", signature.rfind(").") + 1 if signature.startswith("list(") else 0)
    target, _, name = signature[:opening].rpartition(".")
    parameters = tuple(part for part in split_types(signature[opening + 1 : -1]) if part)
    if target and target not in _NAMESPACES:
        return Overload(name, member=True, parameters=(target, *parameters), result=result)
    return Overload(signature[:opening], member=False, parameters=parameters, result=result)


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


def _all() -> list[Overload]:
    rows = [_overload(line) for line in _TEXT.splitlines() if line]
    rows += [Overload("isSorted", member=True, parameters=(f"list({kind})",), result="bool") for kind in COMPARABLE]
    for name, kinds in (("min", COMPARABLE), ("max", COMPARABLE), ("sum", _SUMMABLE)):
        rows += [Overload(name, member=True, parameters=(f"list({kind})",), result=kind) for kind in kinds]
    rows += [Overload(f"format.{name}", member=False, parameters=(), result="NamedFormat") for name in FORMATS]
    for operator in REPLACED[:4]:
        pairs = [(kind, kind) for kind in COMPARABLE] + [
            (left, right) for left in _NUMERIC for right in _NUMERIC if left != right
        ]
        rows += [Overload(operator, member=False, parameters=pair, result="bool") for pair in pairs]
    written = ("string", "bool", "int", "uint", "double", "bytes", "timestamp", "duration", "net.IP", "net.CIDR")
    rows += [Overload("string", member=False, parameters=(kind,), result="string") for kind in written]
    return rows


# Standard functions that Kubernetes gives more overloads; the library takes a function whole or not at all.
REPLACED: tuple[str, ...] = ("_<_", "_<=_", "_>_", "_>=_", "string")
OVERLOADS: tuple[Overload, ...] = tuple(_all())
