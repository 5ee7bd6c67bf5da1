"""Values of YAML and JSON, and what is remembered of them."""

from __future__ import annotations

import json

import pytest

from drapolicy.errors import ParseError
from drapolicy.topology.document import Document, Plain


def test_scalars_stay_as_they_are_written() -> None:
    """``0010``, ``y`` and ``no`` are names until a reader asks for a number or a flag."""
    document = Document("y: 0010\nno: [on, '5', ~]\n")
    assert document.value == {"y": "0010", "no": ["on", "5", "~"]}
    assert document.text(document.value["y"], "y") == "0010"
    assert document.number(document.value["y"], "y", 0) == 10
    assert document.sound


def test_quotes_make_a_text() -> None:
    """A quoted number is no number, a quoted flag no flag, and a quoted ~ is not empty."""
    document = Document("a: ['5', 'true', '~']")
    number, flag, tilde = document.value["a"]
    assert not isinstance(number, Plain)
    assert document.text(tilde, "a[2]") == "~"
    document.number(number, "a[0]", 0)
    document.flag(flag, "a[1]")
    with pytest.raises(ParseError) as caught:
        document.close()
    assert [(fault.object, fault.path) for fault in caught.value.faults] == [
        ("a[0]", "line 1, column 5"),
        ("a[1]", "line 1, column 10"),
    ]


def test_json_has_its_own_types_and_places() -> None:
    """Of JSON the values are JSON's, and places are told as in YAML."""
    document = Document('\ufeff{"a": 5, "b": true,\n\t"c": "5"}')
    assert document.number(document.value["a"], "a", 0) == 5
    assert document.flag(document.value["b"], "b")
    document.number(document.value["c"], "c", 0)
    with pytest.raises(ParseError, match="c: line 2, column 2: is '5', not a whole number"):
        document.close()


def test_json_that_is_no_yaml_is_read() -> None:
    """A pair of surrogates is JSON; then the path alone says where."""
    document = Document(json.dumps({"a": "\U0001f600"}))
    document.number(document.value["a"], "a", 0)
    with pytest.raises(ParseError, match="a: is '\U0001f600', not a whole number"):
        document.close()


@pytest.mark.parametrize("text", ["---\n---\na: {b: x}\n", "--- # one\n# two\n---\na: {b: x}\n---\n# three\n"])
def test_documents_of_nothing_do_not_count(text: str) -> None:
    """Lines that part documents may stand around the only one; places are those of the file."""
    document = Document(text)
    document.number(document.value["a"]["b"], "a.b", 0)
    with pytest.raises(ParseError, match=rf"a.b: line {text.split(chr(10)).index('a: {b: x}') + 1}, column 5"):
        document.close()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "holds 0 documents"),
        ("a: 1\n---\nb: 2", "holds 2 documents"),
        ('{"a": 1} {"b": 2}', "holds 2 documents"),
        ("a: 1\na: 2", "a: line 2, column 1: is given twice"),
        ("? [a]\n: 1", "cannot be a key"),
        ("a: {b: {<<: {c: 1}}}", "has a key <<"),
        ("a: !!python/object:os.system x", "is not read"),
        ("a: " + "[" * 300 + "]" * 300, "nested deeper than 200 levels"),
        ("a: &a [*a]", "contains itself"),
        ("a: [1", "not YAML"),
        ("# \x1a\na: 1", "line 1, column 3: '\\x1a' is no character of YAML"),
        ("a:\n  b\x00", "line 2, column 4: '\\x00' is no character of YAML"),
        ("a: \ud800", "line 1, column 4: '\\ud800' is no character of YAML"),
        ('{"a": "\ud800"}', "not UTF-8"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, said: str) -> None:
    """Broken, doubled, dangerous or too deep."""
    with pytest.raises(ParseError) as caught:
        Document(text)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("path", "place"),
    [
        ("a.x", "line 1, column 1"),
        ("a.b[1].y.z", "line 3, column 5"),
        ("a.b[7]", "line 2, column 3"),
        ('a["q/r"].s', "line 1, column 1"),
        ("z", "line 1, column 1"),
        ("a]]", "line 1, column 1"),
    ],
)
def test_a_missing_field_is_where_its_mapping_is(path: str, place: str) -> None:
    """What is not in the file is told at the place of what should hold it."""
    document = Document("a:\n  b: [{},\n    {c: 1}]")
    document.fault(path, "is missing")
    with pytest.raises(ParseError) as caught:
        document.close()
    assert caught.value.faults[0].path == place
