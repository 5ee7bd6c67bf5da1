"""The reader of strangers' XML: places are right, entities and excess are refused, cut files say where."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drapolicy.errors import ParseError
from drapolicy.topology import xml


def refusal(text: str) -> str:
    with pytest.raises(ParseError) as caught:
        xml.parse(text, "node.xml")
    (fault,) = caught.value.faults
    return str(fault)


def test_elements_know_where_they_stand() -> None:
    """Lines and columns are counted from 1, in characters, and point at the ``<``."""
    root = xml.parse("\ufeff<!-- é -->\r\n<a>\n  <b ü='ß'/><c/>\n</a>")
    assert [(element.tag, element.line, element.column) for element in root.walk()] == [
        ("a", 2, 1),
        ("b", 3, 3),
        ("c", 3, 13),
    ]


def test_attributes_and_text_are_unescaped() -> None:
    """XML's own five entities and numbered characters are characters; comments are no text."""
    root = xml.parse("<a b='&lt;&#65;&#x42;&amp;'> x &gt;<!-- &no; --><c/> y </a>")
    assert (root.attributes, root.text) == ({"b": "<AB&"}, "x > y")


def test_an_external_document_type_is_named_but_not_fetched() -> None:
    """hwloc names its DTD; naming one is no fault."""
    assert xml.parse('<!DOCTYPE topology SYSTEM "hwloc2.dtd"><topology/>').tag == "topology"


BOMB = '<!DOCTYPE a [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><a>&lol2;</a>'


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (BOMB, "declares entity 'lol'"),
        ('<!DOCTYPE a [<!ENTITY secret SYSTEM "file:///etc/passwd">]><a>&secret;</a>', "declares entity 'secret'"),
        ('<!DOCTYPE a [<!ENTITY % outer SYSTEM "http://example.invalid/x">%outer;]><a/>', "declares entity 'outer'"),
        ("<a b='&bare;'/>", "uses entity 'bare'"),
        ("<a>&bare;</a>", "uses entity 'bare'"),
        ('<!DOCTYPE a SYSTEM "x.dtd"><a b="1&amp;&quiet;"/>', "uses entity 'quiet'"),
        ('<!DOCTYPE a SYSTEM "x.dtd"><a>&quiet;</a>', "uses entity 'quiet'"),
        ('<!DOCTYPE a [<!ATTLIST a b CDATA "c">]><a/>', "declares attributes of <a>"),
        ("<!DOCTYPE a [<!ELEMENT a EMPTY>]><a/>", "declares <a>"),
        ('<!DOCTYPE a [<!NOTATION gif SYSTEM "x">]><a/>', "declares notation gif"),
    ],
)
def test_declarations_and_entities_are_refused_by_name(text: str, name: str) -> None:
    """Nothing is declared in the document, and only XML's own entities are used."""
    message = refusal(text)
    assert message.startswith("node.xml: line 1, column ")
    assert name in message


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "line 1, column 1: is not XML: no element found"),
        ("<a>\n <b>\n", "line 3, column 1: ends inside <b> of line 2, column 2: the file is cut; give it whole"),
        ("<a>\n <b c='1", "line 2, column 2: ends inside <a> of line 1, column 1: the file is cut; give it whole"),
        ("<a><b></a>", "line 1, column 9: is not XML: mismatched tag inside <b> of line 1, column 4"),
        ("<a/><a/>", "line 1, column 5: is not XML: junk after document element"),
        ("<a b='1' b='2'/>", "line 1, column 10: is not XML: duplicate attribute"),
        ("\n<?xml version='1.0'?><a/>", "line 2, column 1: is not XML: XML or text declaration not at start of entity"),
        ("<a>\ud800</a>", "line 1, column 4: is not XML: not well-formed (invalid token) inside <a>"),
    ],
)
def test_what_is_no_xml_is_refused_with_its_place(text: str, expected: str) -> None:
    """Cut and broken documents name the element that is open, with its place."""
    assert expected in refusal(text)


def test_size_depth_and_number_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than the bound is refused, the bound itself is read."""
    deepest = "<a>" * xml.MAX_DEPTH + "</a>" * xml.MAX_DEPTH
    assert len(list(xml.parse(deepest).walk())) == xml.MAX_DEPTH
    assert "nested deeper than 64" in refusal(f"<a>{deepest}</a>")
    monkeypatch.setattr(xml, "MAX_ELEMENTS", 3)
    assert len(xml.parse("<a><b/><b/></a>").children) == 2
    assert "more than 3 elements" in refusal("<a><b/><b/><b/></a>")
    monkeypatch.setattr(xml, "MAX_CHARACTERS", 8)
    assert xml.parse("<a></a>").tag == "a"
    assert "has 9 characters; at most 8 are read" in refusal("<a>  </a>")


@pytest.mark.parametrize(
    ("text", "tag"),
    [
        ("<system>", "system"),
        ('\ufeff<?xml version="1.0"?>\n<!DOCTYPE topology SYSTEM "h.dtd">\n<!-- <graphs> --> <topology', "topology"),
        ('<!DOCTYPE topology [<!ENTITY a "b">\n<!ENTITY c "&a;&a;">\n]>\n<topology', "topology"),
        ('<!DOCTYPE topology SYSTEM "[.dtd"><topology>', "topology"),
        ("<!DOCTYPE topology [<!ENTITY", ""),
        ("<!-- never closed", ""),
        ("GPU0 <system>", ""),
        ("<1>", ""),
        ("", ""),
    ],
)
def test_the_outermost_element_is_found_without_parsing(text: str, tag: str) -> None:
    """What comes before the first element is passed over; other text has none."""
    assert xml.root_tag(text) == tag


@given(st.text(alphabet="<>/ab&;!-?[]'\"= \n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes anything but a `ParseError`, and what is read is what `root_tag` announced."""
    try:
        root = xml.parse(text)
    except ParseError:
        return
    assert xml.root_tag(text) == root.tag
