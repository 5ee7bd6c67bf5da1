"""Formats of names and short values: each function returns None, or what is wrong and how to mend it.

Lengths are bytes, as the API server counts them; all the formats are ASCII, so only the message can differ.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

from semver import Version

MAX_DRIVER: Final = 63
MAX_ID: Final = 32
MAX_SUBDOMAIN: Final = 253
MAX_ATTRIBUTE_VALUE: Final = 64

_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?")
_SUBDOMAIN: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?(?:\.[a-z0-9](?:[-a-z0-9]*[a-z0-9])?)*")
_LABEL_NAME: Final = re.compile(r"[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?")
_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,31}")
_UUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_ENDS: Final = "beginning and ending with a letter or digit"


def shown(value: object) -> str:
    """Return a value as messages quote it: at most 80 characters."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:60]}...{text[-10:]}"


def is_dns_label(value: str) -> bool:
    """Tell whether ``value`` is a DNS-1123 label."""
    return _LABEL.fullmatch(value) is not None


def dns_label(value: str) -> str | None:
    """Check a DNS-1123 label: names of devices, requests, counters and namespaces."""
    if is_dns_label(value):
        return None
    return f"{shown(value)} is not a DNS label; use 1 to 63 lower-case letters, digits and '-', {_ENDS}"


def dns_subdomain(value: str, longest: int = MAX_SUBDOMAIN) -> str | None:
    """Check a DNS-1123 subdomain: names of objects, classes and nodes."""
    if len(value) <= longest and _SUBDOMAIN.fullmatch(value):
        return None
    return (
        f"{shown(value)} is not a DNS subdomain; use 1 to {longest} lower-case letters, digits, '-' and '.', "
        f"every part {_ENDS}"
    )


def driver_name(value: str) -> str | None:
    """Check the name of a driver (A.3): a DNS subdomain of at most 63 characters, in either case."""
    if len(value) <= MAX_DRIVER and value.isascii() and _SUBDOMAIN.fullmatch(value.lower()):
        return None
    return (
        f"{shown(value)} is not the name of a driver; use a DNS subdomain of 1 to {MAX_DRIVER} characters "
        "such as gpu.example.com"
    )


def pool_name(value: str) -> str | None:
    """Check the name of a pool (A.1): DNS subdomains joined by '/', at most 253 characters together."""
    if len(value) <= MAX_SUBDOMAIN and all(map(_SUBDOMAIN.fullmatch, value.split("/"))):
        return None
    return (
        f"{shown(value)} is not the name of a pool; use DNS subdomains (lower-case letters, digits, '-', '.') "
        f"joined by '/', at most {MAX_SUBDOMAIN} characters"
    )


def label_key(value: str) -> str | None:
    """Check the key of a label or taint, or the type of a condition: a name with an optional domain."""
    domain, slash, name = value.rpartition("/")
    if _LABEL_NAME.fullmatch(name) and (not slash or dns_subdomain(domain) is None):
        return None
    return (
        f"{shown(value)} is not a label key; use 1 to 63 letters, digits, '-', '_' and '.', {_ENDS}, "
        "with an optional DNS subdomain and '/' before it"
    )


def label_value(value: str) -> str | None:
    """Check the value of a label or taint: empty, or like the name of a label key."""
    if not value or _LABEL_NAME.fullmatch(value):
        return None
    return f"{shown(value)} is not a label value; use at most 63 letters, digits, '-', '_' and '.', {_ENDS}"


def qualified_name(value: str) -> str | None:
    """Check the name of an attribute or capacity (S2): an identifier with an optional domain.

    The API server lets names with two and more slashes pass, an omission that its source admits; nothing can refer
    to them, so they are refused here.
    """
    domain, slash, name = value.partition("/")
    if not slash:
        domain, name = "", domain
    if (not slash or driver_name(domain) is None) and _IDENTIFIER.fullmatch(name):
        return None
    return (
        f"{shown(value)} is not a qualified name; use an identifier of 1 to {MAX_ID} letters, digits and '_', "
        f"with an optional DNS subdomain (at most {MAX_DRIVER} characters) and '/' before it"
    )


def fully_qualified_name(value: str) -> str | None:
    """Check the name of an attribute that must carry its domain (S2)."""
    message = qualified_name(value)
    if message is None and "/" not in value:
        return f"{shown(value)} lacks a domain; write it as gpu.example.com/{value}"
    return message


def uuid(value: str) -> str | None:
    """Check a share ID (S10): an RFC 4122 UUID in lower case."""
    if _UUID.fullmatch(value):
        return None
    return f"{shown(value)} is not a UUID; use 8-4-4-4-12 lower-case hexadecimal digits"


def interface_address(value: str) -> str | None:
    """Check an address with its prefix length in canonical form (S12), such as ``10.9.8.7/24``."""
    try:
        canonical = str(ipaddress.ip_interface(value)) if re.search(r"/[0-9]+\Z", value) else ""
    except ValueError:
        canonical = ""
    if not canonical or "%" in value:
        return f"{shown(value)} is not an address with prefix length; write it like 10.9.8.7/24 or 2001:db8::1/64"
    if value != canonical:
        return f"{shown(value)} is not in canonical form; write {canonical}"
    return None


def version(value: str) -> str | None:
    """Check a version: semver 2.0.0, at most 64 bytes."""
    if len(value) > MAX_ATTRIBUTE_VALUE:
        return f"{shown(value)} has {len(value.encode())} bytes; use at most {MAX_ATTRIBUTE_VALUE}"
    # The library's expression knows non-ASCII digits and a final line break, which semver does not.
    if not value.isascii() or value.endswith("\n") or not Version.is_valid(value):
        return f"{shown(value)} is not a version of semver 2.0.0; write it like 1.2.3 or 1.2.3-rc.1+build.5"
    return None


def extended_resource_name(value: str) -> str | None:
    """Check the name of an extended resource: a label key with a domain outside kubernetes.io."""
    own_domain = "/" in value and "kubernetes.io/" not in value and not value.startswith("requests.")
    # The quota for it is named requests.<name>, which must be a label key as well.
    if own_domain and label_key(f"requests.{value}") is None:
        return None
    return (
        f"{shown(value)} is not the name of an extended resource; use a domain other than kubernetes.io, '/' and a "
        "name, such as example.com/gpu"
    )
