"""URLs as Go's ``net/url`` reads them, with its words (K8s S57).

Everything is done on bytes: escapes may stand for bytes that are no text.
"""

from __future__ import annotations

import ipaddress
import re
import string
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from drapolicy.cel.dispatch import Library
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.go_texts import quoted
from drapolicy.cel.network import parse_address

LIBRARY = Library()
_overload = LIBRARY.overload

_PLAIN: Final = frozenset((string.ascii_letters + string.digits + "-_.~").encode())
_HOST: Final = _PLAIN | frozenset(b"!$&'()*+,;=:[]<>\"")
_PATH: Final = _PLAIN | frozenset(b"$&+,/:;=@")
_FRAGMENT: Final = _PLAIN | frozenset(b"$&+,/:;=?@!()*")
_USER: Final = _PLAIN | frozenset(b"$&+,;=")
# What a path may hold as it is, though it would be escaped if it had to be.
_ENCODED_PATH: Final = _PATH | frozenset(b"!$&'()*+,;=:@[]%")
_ENCODED_FRAGMENT: Final = _FRAGMENT | _ENCODED_PATH
_USERINFO: Final = re.compile(rb"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*")
_PORT: Final = re.compile(rb"(?::[0-9]*)?")
_SCHEME: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.\-]*(?=:)")
_SPACE: Final = ord(" ")
_MAX_PARAMETERS: Final = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class URL:
    """A URL in its parts, decoded where Go decodes them."""

    cel_type: ClassVar[str] = "kubernetes.URL"
    strict_equality: ClassVar[bool] = True
    scheme: bytes
    opaque: bytes
    user: tuple[bytes, bytes | None] | None
    host: bytes
    path: bytes
    raw_path: bytes
    query: bytes
    forced: bool
    no_host: bool
    fragment: bytes = b""
    raw_fragment: bytes = b""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, URL) and str(self) == str(other)

    def __hash__(self) -> int:
        return hash(str(self))

    @property
    def escaped_path(self) -> bytes:
        """The path as it is written, or else with escapes where they are needed."""
        if self.raw_path and _ENCODED_PATH.issuperset(self.raw_path):
            return self.raw_path
        return b"*" if self.path == b"*" else _escaped(self.path, _PATH)

    @property
    def host_and_port(self) -> tuple[bytes, bytes]:
        """Name of the host without brackets, and the port, empty if there is none."""
        host, port = self.host, b""
        colon = host.rfind(b":")
        if colon >= 0 and _PORT.fullmatch(host[colon:]):
            host, port = host[:colon], host[colon + 1 :]
        if host.startswith(b"[") and host.endswith(b"]"):
            host = host[1:-1]
        return host, port

    def __str__(self) -> str:
        written = self.scheme + b":" if self.scheme else b""
        if self.opaque:
            written += self.opaque
        else:
            if self.scheme or self.host or self.user is not None:
                written += self._authority()
            path = self.escaped_path
            if path and path[:1] != b"/" and self.host:
                written += b"/"
            if not written and b":" in path.partition(b"/")[0]:
                written += b"./"
            written += path
        if self.forced or self.query:
            written += b"?" + self.query
        if self.fragment:
            raw = self.raw_fragment
            kept = raw and _ENCODED_FRAGMENT.issuperset(raw)
            written += b"#" + (raw if kept else _escaped(self.fragment, _FRAGMENT))
        return _text(written)

    def _authority(self) -> bytes:
        if self.no_host and not self.host and self.user is None:
            return b""
        written = b"//" if self.host or self.path or self.user is not None else b""
        if self.user is not None:
            name, password = self.user
            written += _escaped(name, _USER)
            written += (b"" if password is None else b":" + _escaped(password, _USER)) + b"@"
        return written + _escaped(self.host, _HOST)


class _URLError(Exception):
    pass


def _text(data: bytes) -> str:
    return data.decode(errors="surrogateescape")


def _escaped(data: bytes, plain: frozenset[int]) -> bytes:
    return b"".join(bytes((octet,)) if octet in plain else b"%%%02X" % octet for octet in data)


_HEX: Final = re.compile(rb"%[0-9A-Fa-f]{2}")


def _unescaped(data: bytes, *, host: bool = False, zone: bool = False, query: bool = False) -> bytes:
    """Return bytes with escapes replaced; the flags say which part of the URL they are."""
    parts = []
    at = 0
    while at < len(data):
        octet = data[at]
        if octet == ord("%"):
            escape = data[at : at + 3]
            if not _HEX.fullmatch(escape):
                raise _URLError(f"invalid URL escape {quoted(_text(escape))}")
            value = int(escape[1:], 16)
            if escape != b"%25" and ((host and value < 0x80) or (zone and value != _SPACE and value not in _HOST)):
                raise _URLError(f"invalid URL escape {quoted(_text(escape))}")
            parts.append(value)
            at += 3
            continue
        if (host or zone) and octet < 0x80 and octet not in _HOST:
            raise _URLError(f"invalid character {quoted(chr(octet))} in host name")
        parts.append(_SPACE if query and octet == ord("+") else octet)
        at += 1
    return bytes(parts)


def _authority(scheme: bytes, authority: bytes) -> tuple[tuple[bytes, bytes | None] | None, bytes]:
    info, at, host = authority.rpartition(b"@")
    found = _host(scheme, host)
    if not at:
        return None, found
    if not _USERINFO.fullmatch(info):
        raise _URLError("net/url: invalid userinfo")
    name, colon, password = info.partition(b":")
    return (_unescaped(name), _unescaped(password) if colon else None), found


def _host(scheme: bytes, host: bytes) -> bytes:
    opening = host.rfind(b"[")
    if opening > 0:
        raise _URLError("invalid IP-literal")
    if opening == 0:
        return _literal_host(host)
    colon = host.find(b":")
    if colon >= 0:
        if scheme not in {b"http", b"https"}:
            colon = host.rfind(b":")
        _check_port(host[colon:])
    return _unescaped(host, host=True)


def _check_port(port: bytes) -> None:
    if not _PORT.fullmatch(port):
        raise _URLError(f"invalid port {quoted(_text(port))} after host")


def _literal_host(host: bytes) -> bytes:
    closing = host.rfind(b"]")
    if closing < 0:
        raise _URLError("missing ']' in host")
    _check_port(host[closing + 1 :])
    port = _unescaped(host[closing + 1 :], host=True)
    name = host[1:closing]
    zone = name.find(b"%25")
    if zone >= 0:
        name = _unescaped(name[:zone], host=True) + _unescaped(name[zone:], zone=True)
    else:
        name = _unescaped(name, host=True)
    address = parse_address(_text(name))
    if isinstance(address, str):
        raise _URLError(f"invalid host: {address}")
    if isinstance(address, ipaddress.IPv4Address):
        raise _URLError("invalid IP-literal")
    return b"[" + name + b"]" + port


def _parsed(raw: bytes, *, request: bool) -> URL:
    """Return a URL without its fragment; as in a request, only what begins with a scheme or a slash."""
    if any(octet < _SPACE or octet == 0x7F for octet in raw):
        raise _URLError("net/url: invalid control character in URL")
    if not raw and request:
        raise _URLError("empty url")
    if raw == b"*":
        return URL(b"", b"", None, b"", b"*", b"", b"", forced=False, no_host=False)
    if raw.startswith(b":"):
        raise _URLError("missing protocol scheme")
    match = _SCHEME.match(raw)
    scheme = match[0].lower() if match else b""
    rest = raw[match.end() + 1 :] if match else raw
    forced = rest.endswith(b"?") and rest.count(b"?") == 1
    rest, _, query = rest.partition(b"?")
    user: tuple[bytes, bytes | None] | None = None
    host = b""
    no_host = False
    if not rest.startswith(b"/"):
        if scheme:
            return URL(scheme, rest, None, b"", b"", b"", query, forced=forced, no_host=False)
        if request:
            raise _URLError("invalid URI for request")
        if b":" in rest.partition(b"/")[0]:
            raise _URLError("first path segment in URL cannot contain colon")
    if (scheme or (not request and not rest.startswith(b"///"))) and rest.startswith(b"//"):
        authority, slash, path = rest[2:].partition(b"/")
        rest = slash + path
        user, host = _authority(scheme, authority)
    elif scheme and rest.startswith(b"/"):
        no_host = True
    path = _unescaped(rest)
    raw_path = b"" if _escaped(path, _PATH) == rest else rest
    return URL(scheme, b"", user, host, path, raw_path, query, forced=forced, no_host=no_host)


def request_fault(text: str) -> str | None:
    """Return why a text is no URL of a request, None if it is one."""
    try:
        _parsed(text.encode(errors="surrogateescape"), request=True)
    except _URLError as error:
        return f"parse {quoted(text)}: {error}"
    return None


def _whole(text: str) -> URL:
    head, _, fragment = text.encode(errors="surrogateescape").partition(b"#")
    failed = _text(head)
    try:
        url = _parsed(head, request=False)
        failed = text
        decoded = _unescaped(fragment)
    except _URLError as error:
        raise EvaluationError(f"{_FAILED}: parse {quoted(failed)}: {error}") from None
    raw = b"" if _escaped(decoded, _FRAGMENT) == fragment else fragment
    return replace(url, fragment=decoded, raw_fragment=raw)


_FAILED: Final = "URL parse error during conversion from string"


@_overload("url", "string")
def url(text: str) -> URL:
    """Return the URL in a text."""
    if fault := request_fault(text):
        raise EvaluationError(f"{_FAILED}: {fault}")
    return _whole(text)


@_overload("isURL", "string")
def is_url(text: str) -> bool:
    """Return whether a text is a URL."""
    return request_fault(text) is None


@_overload("getScheme", "URL")
def scheme(value: URL) -> str:
    """Return the scheme in lower case."""
    return _text(value.scheme)


@_overload("getHost", "URL")
def host(value: URL) -> str:
    """Return host and port."""
    return _text(value.host)


@_overload("getHostname", "URL")
def hostname(value: URL) -> str:
    """Return the host without port and brackets."""
    return _text(value.host_and_port[0])


@_overload("getPort", "URL")
def port(value: URL) -> str:
    """Return the port."""
    return _text(value.host_and_port[1])


@_overload("getEscapedPath", "URL")
def escaped_path(value: URL) -> str:
    """Return the path with escapes."""
    return _text(value.escaped_path)


@_overload("getQuery", "URL")
def query(value: URL) -> dict[str, list[str]]:
    """Return the parameters; those that are not well-formed are left out."""
    found: dict[str, list[str]] = {}
    if value.query.count(b"&") >= _MAX_PARAMETERS:
        return found
    for part in value.query.split(b"&"):
        if not part or b";" in part:
            continue
        name, _, content = part.partition(b"=")
        try:
            key, decoded = _unescaped(name, query=True), _unescaped(content, query=True)
        except _URLError:
            continue
        found.setdefault(_text(key), []).append(_text(decoded))
    return found
