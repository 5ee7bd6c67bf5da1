"""IP addresses and networks (K8s S57)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import ClassVar

from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.go_texts import quoted
from drapolicy.cel.values import no_overload

LIBRARY = Library()
_overload = LIBRARY.overload

_HEX = re.compile(r"[0-9a-fA-F]*")

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class IP:
    """An IP address."""

    cel_type: ClassVar[str] = "net.IP"
    strict_equality: ClassVar[bool] = True
    address: Address


@dataclass(frozen=True, slots=True)
class CIDR:
    """An address with the length of its network prefix; bits after the prefix are kept."""

    cel_type: ClassVar[str] = "net.CIDR"
    strict_equality: ClassVar[bool] = True
    address: Address
    bits: int

    def masked(self) -> CIDR:
        """Return the network with the bits after the prefix cleared."""
        host = self.address.max_prefixlen - self.bits
        return CIDR(type(self.address)(int(self.address) >> host << host), self.bits)

    def __str__(self) -> str:
        return f"{self.address}/{self.bits}"


def _ipv4_fault(text: str) -> str:
    """Return Go's reason why a text with dots is no IPv4 address, or nothing."""
    fields = 0
    value = digits = 0
    for index, character in enumerate(text):
        if character.isascii() and character.isdigit():
            if digits == 1 and value == 0:
                return "IPv4 field has octet with leading zero"
            value, digits = value * 10 + int(character), digits + 1
            if value > 255:
                return "IPv4 field has value >255"
        elif character == ".":
            if index in {0, len(text) - 1} or text[index - 1] == ".":
                return f"IPv4 field must have at least one digit (at {quoted(text[index:])})"
            if fields == 3:
                return "IPv4 address too long"
            fields, value, digits = fields + 1, 0, 0
        else:
            return f"unexpected character (at {quoted(text[index:])})"
    return "" if fields == 3 else "IPv4 address too short"


def _ipv6_fault(text: str) -> str:
    """Return Go's reason why a text with colons is no IPv6 address, or nothing."""
    rest, percent, zone = text.partition("%")
    if percent and not zone:
        return "zone must be a non-empty string"
    ellipsis = rest.startswith("::")
    rest = rest.removeprefix("::") if ellipsis else rest
    fields = 0
    while fields < 8 and (rest or not (fields or ellipsis)):
        digits = _HEX.match(rest)
        size = len(digits[0]) if digits else 0
        if size > 4:
            return f"each group must have 4 or less digits (at {quoted(rest)})"
        if not size:
            return "each colon-separated field must have at least one digit" + (f" (at {quoted(rest)})" if rest else "")
        if rest[size : size + 1] == ".":
            if not ellipsis and fields != 6:
                return f"embedded IPv4 address must replace the final 2 fields of the address (at {quoted(rest)})"
            if fields > 6:
                return f"too many hex fields to fit an embedded IPv4 at the end of the address (at {quoted(rest)})"
            if fault := _ipv4_fault(rest):
                return fault
            rest, fields = "", fields + 2
            break
        fields, rest = fields + 1, rest[size:]
        if rest and rest[0] != ":":
            return f"unexpected character, want colon (at {quoted(rest)})"
        if rest == ":":
            return f"colon must be followed by more characters (at {quoted(rest)})"
        rest = rest[1:]
        if rest[:1] == ":":
            if ellipsis:
                return f"multiple :: in address (at {quoted(rest)})"
            ellipsis, rest = True, rest[1:]
    if rest:
        return f"trailing garbage after address (at {quoted(rest)})"
    if fields < 8:
        return "" if ellipsis else "address string too short"
    return "the :: must expand to at least one field of zeros" if ellipsis else ""


def parse_address(text: str) -> Address | str:
    """Return an address, or Go's reason why a text is none."""
    kind = next((character for character in text if character in ".:%"), "")
    if kind == "%":
        return f"ParseAddr({quoted(text)}): missing IPv6 address"
    if kind == ".":
        fault = _ipv4_fault(text)
        return f"ParseAddr({quoted(text)}): {fault}" if fault else ipaddress.IPv4Address(text)
    if kind == ":":
        fault = _ipv6_fault(text)
        return f"ParseAddr({quoted(text)}): {fault}" if fault else ipaddress.IPv6Address(text.replace("%", "%z", 1))
    return f"ParseAddr({quoted(text)}): unable to parse IP"


def _parse_ip(text: str) -> IP:
    found = parse_address(text)
    if isinstance(found, str):
        raise EvaluationError(f"IP Address {quoted(text)} parse error during conversion from string: {found}")
    if isinstance(found, ipaddress.IPv6Address):
        if found.scope_id is not None:
            raise EvaluationError(f"IP address {quoted(text)} with zone value is not allowed")
        if found.ipv4_mapped is not None:
            raise EvaluationError(f"IPv4-mapped IPv6 address {quoted(text)} is not allowed")
    return IP(found)


def _parse_cidr(text: str) -> CIDR:
    head, slash, bits = text.rpartition("/")
    fault = ""
    found = parse_address(head)
    if not slash:
        fault = "no '/'"
    elif isinstance(found, str):
        fault = found
    elif isinstance(found, ipaddress.IPv6Address) and found.scope_id is not None:
        fault = "IPv6 zones cannot be present in a prefix"
    elif not re.fullmatch(r"0|[1-9][0-9]*", bits) or len(bits) > 18:
        fault = f"bad bits after slash: {quoted(bits)}"
    elif int(bits) > found.max_prefixlen:
        fault = "prefix length out of range"
    elif isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        raise EvaluationError(f"IPv4-mapped IPv6 address {quoted(text)} is not allowed")
    if fault or isinstance(found, str):
        reason = "network address parse error during conversion from string"
        raise EvaluationError(f"{reason}: netip.ParsePrefix({quoted(text)}): {fault}")
    return CIDR(found, int(bits))


@_overload("ip", "string")
def ip(text: str) -> IP:
    """Return the address in a text."""
    return _parse_ip(text)


@_overload("isIP", "string")
def is_ip(text: str) -> bool:
    """Return whether a text is an address."""
    try:
        _parse_ip(text)
    except EvaluationError:
        return False
    return True


@_overload("ip.isCanonical", "string")
def is_canonical(text: str) -> bool:
    """Return whether an address is spelled the shortest way."""
    return str(_parse_ip(text).address) == text


@_overload("family", "IP")
def family(value: IP) -> int:
    """Return 4 or 6."""
    return value.address.version


@_overload("isUnspecified", "IP")
def is_unspecified(value: IP) -> bool:
    """Return whether all bits are zero."""
    return value.address.is_unspecified


@_overload("isLoopback", "IP")
def is_loopback(value: IP) -> bool:
    """Return whether the address is the host itself."""
    return value.address.is_loopback


@_overload("isLinkLocalMulticast", "IP")
def is_link_local_multicast(value: IP) -> bool:
    """Return whether the address is a multicast one of the link."""
    first = int.from_bytes(value.address.packed[:3])
    return first == 0xE00000 if value.address.version == 4 else first >> 8 & 0xFF0F == 0xFF02


@_overload("isLinkLocalUnicast", "IP")
def is_link_local_unicast(value: IP) -> bool:
    """Return whether the address is one of the link."""
    return value.address.is_link_local


@_overload("isGlobalUnicast", "IP")
def is_global_unicast(value: IP) -> bool:
    """Return whether the address is none of the special ones; private ones count as global, as in Go."""
    address = value.address
    special = address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local
    return not special and str(address) != "255.255.255.255"


@_overload("string", "IP")
def ip_text(value: IP) -> str:
    """Return an address as text."""
    return str(value.address)


@_overload("cidr", "string")
def cidr(text: str) -> CIDR:
    """Return the network in a text."""
    try:
        return _parse_cidr(text)
    except EvaluationError as error:
        raise EvaluationError(f"network address parse error during conversion from string: {error}") from None


@_overload("isCIDR", "string")
def is_cidr(text: str) -> bool:
    """Return whether a text is a network."""
    try:
        _parse_cidr(text)
    except EvaluationError:
        return False
    return True


@_overload("containsIP", "CIDR", "string")
def contains_ip_text(value: CIDR, text: str) -> bool:
    """Return whether a network holds an address; upstream loses what is wrong with a bad one."""
    if not is_ip(text):
        raise no_overload()
    return contains_ip(value, _parse_ip(text))


@_overload("containsIP", "CIDR", "IP")
def contains_ip(value: CIDR, other: IP) -> bool:
    """Return whether a network holds an address."""
    if value.address.version != other.address.version:
        return False
    return CIDR(other.address, value.bits).masked() == value.masked()


@_overload("containsCIDR", "CIDR", "string")
def contains_cidr_text(value: CIDR, text: str) -> bool:
    """Return whether a network holds another."""
    return contains_cidr(value, cidr(text))


@_overload("containsCIDR", "CIDR", "CIDR")
def contains_cidr(value: CIDR, other: CIDR) -> bool:
    """Return whether a network holds another."""
    return value.bits <= other.bits and contains_ip(value, IP(other.address))


@_overload(".ip", "CIDR")
def cidr_ip(value: CIDR) -> IP:
    """Return the address of a network as it was given."""
    return IP(value.address)


@_overload("prefixLength", "CIDR")
def prefix_length(value: CIDR) -> int:
    """Return the number of bits that addresses of a network share."""
    return value.bits


@_overload("masked", "CIDR")
def masked(value: CIDR) -> CIDR:
    """Return a network with the bits after its prefix cleared."""
    return value.masked()


@_overload("string", "CIDR")
def cidr_text(value: CIDR) -> str:
    """Return a network as text."""
    return str(value)
