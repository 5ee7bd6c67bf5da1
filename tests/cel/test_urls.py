"""URLs: what is one, its parts, and Go's words for what is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy import cel
from drapolicy.api.resource import Device, DeviceAttribute
from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.urls import request_fault, url

PARTS = ("getScheme", "getHost", "getHostname", "getPort", "getEscapedPath")


def parts(text: str) -> list[str]:
    """Return the parts of a URL as expressions read them."""
    view = cel.device_view("x", Device(name="d", attributes={"u": DeviceAttribute(string_value=text)}))
    found = []
    for name in PARTS:
        program = cel.compile_attribute(f'url(device.attributes["x"].u).{name}()')
        found.append(program.evaluate(view).string_value)
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("https://a.example:8443/x", ["https", "a.example:8443", "a.example", "8443", "/x"]),
        ("HTTP://u:p@[fe80::1%25en0]:80", ["http", "[fe80::1%en0]:80", "fe80::1%en0", "80", ""]),
        ("/only/a%2Fpath%20", ["", "", "", "", "/only/a%2Fpath%20"]),
        ("mailto:a@b", ["mailto", "", "", "", ""]),
        ("https://a/é b?q#f", ["https", "a", "a", "", "/%C3%A9%20b"]),
        ("x://a:1:2/", ["x", "a:1:2", "a:1", "2", "/"]),
    ],
)
def test_parts(text: str, wanted: list[str]) -> None:
    """Schemes are lowered, brackets and ports taken off, and paths escaped unless they are already."""
    assert parts(text) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty url"),
        ("a/b", "invalid URI for request"),
        (":a", "missing protocol scheme"),
        ("http://a\x7f", "net/url: invalid control character in URL"),
        ("http://[::1", "missing ']' in host"),
        ("http://[10.0.0.1]", "invalid IP-literal"),
        ("http://a:b", 'invalid port ":b" after host'),
        ("http://a:1:2", 'invalid port ":1:2" after host'),
        ("http://a b", 'invalid character " " in host name'),
        ("http://%41", 'invalid URL escape "%41"'),
        ("/%zz", 'invalid URL escape "%zz"'),
        ("http://é@a", "net/url: invalid userinfo"),
    ],
)
def test_faults(text: str, reason: str) -> None:
    """Each has Go's words."""
    fault = request_fault(text)
    assert fault is not None
    assert fault.startswith("parse ")
    assert fault.endswith(f": {reason}")
    with pytest.raises(EvaluationError, match="^URL parse error during conversion from string: parse "):
        url(text)


def test_queries_hold_what_is_well_formed() -> None:
    """Names may repeat; parts with a semicolon or a broken escape are left out."""
    view = cel.device_view("x", Device(name="d"))
    text = 'url("http://a?k=v&k=w&b=%zz&c=1;2&d+e=f%20g&&h").getQuery()'
    wanted = '{"k": ["v", "w"], "d e": ["f g"], "h": [""]}'
    assert cel.compile(f"{text} == {wanted}").evaluate(view)


def test_urls_are_equal_when_they_are_written_alike() -> None:
    """Escapes that need not be are kept, so they tell URLs apart; the case of the scheme does not."""
    assert url("HTTP://a/b?c#d") == url("http://a/b?c#d")
    assert url("http://a/%62") != url("http://a/b")
    assert str(url("http://u:p@a/b?#é")) == "http://u:p@a/b?#%C3%A9"


@given(st.text(max_size=20))
def test_any_text_is_a_url_or_not(text: str) -> None:
    """Nothing else may come out, and what is one can be written and read again."""
    try:
        found = url("http://a/" + text)
    except EvaluationError:
        return
    assert url(str(found)) == found
