"""Formats of names."""

from __future__ import annotations

import pytest

from drapolicy.api import names

L63 = "a" * 63
ROWS = [
    (names.dns_label, ["a", "gpu-0", "0", L63], ["", "A", "-a", "a-", "a.b", "a_b", L63 + "a", "a\n", "ä", "a/b"]),
    (
        names.dns_subdomain,
        ["a", "a.b-c.d", "n1.example.com", "a" * 253],
        ["", "a..b", ".a", "a.", "A.b", "a.-b", "a" * 254, "a\n"],
    ),
    (names.driver_name, ["gpu.example.com", "GPU.Example.com", L63], ["", L63 + "a", "a_b", "\u212a.x", "a/b", "a.\n"]),
    (
        names.pool_name,
        ["p", "a/b.c/d", "/".join(["a" * 63] * 3)],
        ["", "/", "a/", "/a", "a//b", "A", "a" * 254, "a/b\n"],
    ),
    (
        names.label_key,
        ["a", "A_b.c-1", "example.com/x", L63, "a" * 253 + "/x"],
        ["", "/a", "a/", "a/b/c", "-a", "a-", L63 + "a", "Ex.com/a", "a" * 254 + "/x", "a\n", "a b"],
    ),
    (names.label_value, ["", "a", "A_b.c-1", L63], ["-a", "a-", L63 + "a", "a/b", "a b", "a\n"]),
    (
        names.qualified_name,
        ["model", "_a1", "A" * 32, "gpu.x/model", "GPU.x/m", "a" * 63 + "/" + "b" * 32],
        ["", "/m", "gpu.x/", "a/b/c", "gpu.x/1m", "gpu_x/m", "a" * 64 + "/m", "b" * 33, "m\n", "1a", "a-b", "é"],
    ),
    (names.fully_qualified_name, ["gpu.x/model"], ["model", "", "/m", "a/b/c", "gpu.x/"]),
    (
        names.uuid,
        ["01234567-89ab-cdef-0123-456789abcdef"],
        [
            "",
            "01234567-89AB-cdef-0123-456789abcdef",
            "0123456789abcdef0123456789abcdef",
            "g" * 36,
            "{01234567-89ab-cdef-0123-456789abcdef}",
            "urn:uuid:01234567-89ab-cdef-0123-456789abcdef",
        ],
    ),
    (
        names.interface_address,
        ["10.9.8.7/24", "0.0.0.0/0", "2001:db8::1/64", "::/128"],
        [
            "",
            "10.9.8.7",
            "10.9.8.7/33",
            "10.9.8.7/255.255.255.0",
            "010.9.8.7/24",
            "10.9.8.7/024",
            "fe80::1%eth0/64",
            "2001:DB8::1/64",
            "2001:db8:0::1/64",
            "x/24",
            "10.9.8.7/24\n",
            "10.9.8/24",
        ],
    ),
    (
        names.version,
        ["0.0.0", "1.2.3-rc.1+build.5", "1.2.3--", "1.2.3+001", "1.2.3-" + "a" * 58],
        [
            "",
            "1",
            "1.2",
            "v1.2.3",
            "01.2.3",
            "1.2.3-01",
            "1.2.3-",
            "1.2.3+",
            "1.2.3\n",
            " 1.2.3",
            "1.2.3-" + "a" * 59,
            "١.2.3",
            "1.2.3-١",
        ],
    ),
    (
        names.extended_resource_name,
        ["example.com/gpu", "example.com/" + "a" * 63],
        [
            "",
            "gpu",
            "kubernetes.io/gpu",
            "x.kubernetes.io/gpu",
            "requests.example.com/gpu",
            "example.com/",
            "example.com/" + "a" * 64,
            "Example.com/gpu",
            "a/b/c",
        ],
    ),
]
GOOD = [(check, value) for check, good, _ in ROWS for value in good]
BAD = [(check, value) for check, _, bad in ROWS for value in bad]


@pytest.mark.parametrize(("check", "value"), GOOD)
def test_well_formed_names_pass(check, value):
    """What the API server takes is taken."""
    assert check(value) is None


@pytest.mark.parametrize(("check", "value"), BAD)
def test_malformed_names_are_quoted_with_the_fix(check, value):
    """A message names the value and says what to write, at a length that can be read."""
    message = check(value)
    assert message is not None
    assert names.shown(value) in message
    assert ";" in message
    assert len(message) < 320


def test_long_values_are_shortened_in_messages():
    """A value of a megabyte does not flood the report."""
    assert len(names.shown("x" * 1_000_000)) < 100
