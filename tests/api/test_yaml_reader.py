"""YAML as Kubernetes reads it; the expected values were produced by sigs.k8s.io/yaml v1.6.0."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.api.values import Doubled, ReadFault, broken
from drapolicy.api.yaml_reader import MAX_DEPTH, read_yaml
from drapolicy.api.yaml_scalars import resolve


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, True) for word in ("y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "true", "True", "TRUE")),
        *((word, False) for word in ("n", "N", "no", "No", "NO", "off", "Off", "OFF", "false", "False", "FALSE")),
        *((word, None) for word in ("~", "null", "Null", "NULL", "")),
        *(
            (word, word)
            for word in ("tRUE", "oN", "nULL", "yEs", "=", "none", "nan", "NaN", "inf", ".", "._5", "-", "+")
        ),
        ("0777", 511),  # 7*64 + 7*8 + 7
        ("0o17", 15),
        ("0O17", 15),
        ("-017", -15),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0x_1F", 31),
        ("0b11", 3),
        ("0B11", 3),
        ("0x", "0x"),
        ("0b", "0b"),
        ("09", 9),  # no octal number, so upstream takes it for a float
        ("1_000", 1000),
        ("1_", 1),
        ("_1", "_1"),
        ("+5", 5),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.50", 1.5),
        ("5.", 5),
        (".5", 0.5),
        (".5_0", 0.5),
        ("-.5", -0.5),
        ("1e-7", 1e-7),
        ("1e400", "1e400"),
        ("0x1p4", "0x1p4"),
        ("12:30", "12:30"),
        ("2001-01-01", "2001-01-01"),
        ("2001-12-14 21:59:43.1", "2001-12-14 21:59:43.1"),
        ("9223372036854775808", 2**63),
        ("18446744073709551615", 2**64 - 1),
        ("18446744073709551616", 2.0**64),  # beyond 64 bits a float
        ("1g.5gb", "1g.5gb"),
        ("80Gi", "80Gi"),
    ],
)
def test_plain_scalars_mean_what_they_mean_to_kubernetes(text: str, value: object) -> None:
    """Words, octal, hexadecimal, times and dates turn into the values that the API server would see."""
    found = resolve(text)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("y: 1\nn: 2", {"true": 1, "false": 2}),
        ("1: a\n0x10: b\n1.5: c\n1.10: d\n1e3: e", {"1": "a", "16": "b", "1.5": "c", "1.1": "d", "1000": "e"}),
        # Upstream writes float keys in single precision, from 10^6 on with an exponent.
        (
            "123456789.5: a\n1e5: b\n7e12: c\n1500.0: d\n.00001: e",
            {"1.2345679e+08": "a", "100000": "b", "7e+12": "c", "1500": "d", "1e-05": "e"},
        ),
        ("'y': 1\n\"n\": 2", {"y": 1, "n": 2}),
        ("2001-01-01: a", {"2001-01-01": "a"}),
        ("!!str 1: a", {"1": "a"}),
    ],
)
def test_keys_become_text(text: str, value: object) -> None:
    """Keys that are booleans or numbers are text afterwards."""
    assert list(read_yaml(text.encode())) == [value]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a: 1\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("# only a comment\n---\na: 1\n--- # more\n\n---\n", [{"a": 1}]),
        ("---\r\na: 1\r\n---\r\nb: 2\r\n", [{"a": 1}, {"b": 2}]),
        ("a: 1\n...\n---\nb: 2\n", [{"a": 1}, {"b": 2}]),
        ("a: |\n  x\n  ---\n  y\n", [{"a": "x\n---\ny\n"}]),
        ("\ufeffa: 1\n", [{"a": 1}]),
        ("null\n", []),
        ("# " + "#" * 200 + "\n#\n" * 50 + "a: 1\n", [{"a": 1}]),
        ("", []),
        ("a: &x {b: [1]}\nc: *x\n", [{"a": {"b": [1]}, "c": {"b": [1]}}]),
        ("a: &x {b: 1}\nc: {<<: *x, b: 2, d: 3}\n", [{"a": {"b": 1}, "c": {"b": 2, "d": 3}}]),
        (
            "a: &x {b: 1}\nc: &y {b: 3, d: 4}\ne: {<<: [*x, *y]}\n",
            [{"a": {"b": 1}, "c": {"b": 3, "d": 4}, "e": {"b": 1, "d": 4}}],
        ),
        ("a: '<<'\n'<<': {b: 1}\n", [{"a": "<<", "<<": {"b": 1}}]),
        (
            "a: !!binary aGk=\nb: !!str 12\nc: !!int '12'\nd: !!bool yes\ne: !!null ''\nf: ! 5\n",
            [{"a": "hi", "b": "12", "c": 12, "d": True, "e": None, "f": "5"}],
        ),
    ],
)
def test_documents(text: str, values: list[object]) -> None:
    """Separators, comments, aliases, merge keys and the harmless tags are understood."""
    assert list(read_yaml(text.encode())) == values


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (".inf", ".inf is no number"),
        ("-.INF", "-.INF is no number"),
        ("1" * 10**6, "a number of 1000000 characters"),
    ],
)
def test_numbers_that_nothing_holds_are_remembered_with_their_path(text: str, message: str) -> None:
    """A number that Kubernetes does not know, or that is too long, waits for its object to be known."""
    (value,) = read_yaml(f"x: 1\na: {{b: [{text}]}}\n".encode())
    ((path, told),) = broken(value)
    assert path == "a.b[0]"
    assert message in told


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b: c", 1, "mapping values are not allowed"),
        ("a: 1\n---\nb: [1,\n", 4, "not YAML"),
        ("~: 1", 1, "null cannot be a key"),
        ("? [a]\n: 1", 1, "a list or mapping cannot be a key"),
        ("a: {{ .Values.name }}", 1, "a list or mapping cannot be a key"),
        ("a: &x [*x]", 1, "contains itself"),
        ("a: *x", 1, "has no anchor"),
        ("a: 1\nb: !foo x", 2, "tag '!foo' is not read"),
        ("!!python/object/apply:os.getcwd []", 1, "is not read"),
        ("a: !!int x", 1, "'x' is no int"),
        ("a: {<<: 3}", 1, "<< needs a mapping"),
        ("a: " + "[" * (MAX_DEPTH + 1), 1, "nested deeper"),
        ("%YAML 1.2\n---\na: 1\n", 2, "not YAML"),
    ],
)
def test_texts_that_are_refused(text: str, line: int, message: str) -> None:
    """What Kubernetes cannot read, or reads by ignoring what was meant, is refused with its line."""
    faults = [value for value in read_yaml(text.encode()) if isinstance(value, ReadFault)]
    assert [(fault.line, message in fault.message) for fault in faults] == [(line, True)]


def test_a_broken_document_leaves_the_others_readable() -> None:
    """Documents are cut apart before they are parsed."""
    first, second, third = read_yaml(b"a: 1\n---\nb: [\n---\nc: 3\n")
    assert (first, third) == ({"a": 1}, {"c": 3})
    assert isinstance(second, ReadFault)


def test_aliases_cannot_fill_the_memory() -> None:
    """A bomb of nine levels is refused at once; a few aliases, even of large values, are not."""
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"{b}: &{b} [{', '.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefghi", "bcdefghij", strict=True)]
    (bomb,) = read_yaml("\n".join(lines).encode())
    assert isinstance(bomb, ReadFault)
    assert "aliases expand" in bomb.message
    large = "a: &a [" + "x, " * 5000 + "x]\nb: *a\nc: *a\n"
    (value,) = read_yaml(large.encode())
    assert value["b"] == value["c"] == ["x"] * 5001


@pytest.mark.parametrize("text", ["a: 1\nb: 2\na: 3\n", "y: 1\nyes: 2\n", "a: 1\n'a': 2\n", "a: 1\n<<: {a: 2}\n"])
def test_keys_given_twice_are_remembered(text: str) -> None:
    """Whether two keys are the same is judged after they became text; a merge key may not overrule a key before it."""
    (value,) = read_yaml(text.encode())
    assert isinstance(value, Doubled)
    assert value.keys_twice == (next(iter(value)),)


@given(st.binary(max_size=60))
def test_no_text_breaks_the_reader(data: bytes) -> None:
    """Whatever the bytes, the reader gives values or faults."""
    for value in read_yaml(data):
        assert isinstance(value, (ReadFault, dict, list, str, int, float, bool))
