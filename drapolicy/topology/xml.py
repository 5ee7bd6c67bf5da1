"""Reads XML of strangers: elements with line and column, no entities, bounded in size, depth and number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from drapolicy.errors import Fault, ParseError

MAX_CHARACTERS = 16 * 1024 * 1024
"""Longest document that is read; hwloc needs about 350,000 characters for 192 cores."""

MAX_DEPTH = 64
"""Deepest nesting of elements that is read, which also bounds recursion over them."""

MAX_ELEMENTS = 250_000
"""Most elements that are read."""

_BEFORE_ROOT = (
    (re.compile(r"<!--"), re.compile(r"-->")),
    (re.compile(r"<\?"), re.compile(r"\?>")),
    # What a document type declares is refused by `parse`, which must be asked.
    (re.compile(r"""<!(?:[^<>\["']|"[^"]*"|'[^']*')*\["""), re.compile(r"\]\s{0,80}>")),
    (re.compile(r"<!"), re.compile(r">")),
)
_MOST_BEFORE_ROOT = 256
_SPACE = re.compile(r"\s*")
_TAG = re.compile(r"<([^\W\d][\w:.-]*)")
_FOREIGN_ENTITY = re.compile(r"&(?!(?:lt|gt|amp|quot|apos|#\d+|#x[0-9A-Fa-f]+);)([^;\s<&]*);?")


@dataclass(frozen=True, slots=True)
class Element:
    """One element and where its ``<`` stands; lines and columns are counted from 1.

    Attributes
    ----------
    tag
        Name, with its prefix if it has one: name spaces are not resolved.
    attributes
        Values by name, in the order of the document.
    children
        Elements inside, in order.
    text
        Characters directly inside, comments and children taken out, without white space around them.
    """

    file: str
    tag: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Element] = field(default_factory=list)
    text: str = ""

    @property
    def place(self) -> str:
        """Where it is, as messages say it."""
        return f"line {self.line}, column {self.column}"

    def fault(self, message: str, attribute: str = "") -> Fault:
        """Make a fault of this element, or of an attribute of it."""
        return Fault(self.file, -1, f"<{self.tag}> {attribute}".rstrip(), self.place, message)

    def walk(self) -> Iterator[Element]:
        """Yield this element and all inside it, in the order of the document."""
        yield self
        for child in self.children:
            yield from child.walk()


def root_tag(text: str) -> str:
    """Return the name of the outermost element, or nothing where the text does not begin as XML.

    Examples
    --------
    >>> root_tag('<?xml version="1.0"?><!-- a <b> --> <system version="1">')
    'system'
    >>> root_tag("GPU0 GPU1")
    ''
    """
    at = 1 if text.startswith("\ufeff") else 0
    for _ in range(_MOST_BEFORE_ROOT):
        space = _SPACE.match(text, at)
        at = space.end() if space else at
        end = next((end for start, end in _BEFORE_ROOT if start.match(text, at)), None)
        if end is None:
            match = _TAG.match(text, at)
            return match[1] if match else ""
        stop = end.search(text, at + 2)
        if stop is None:
            return ""
        at = stop.end()
    return ""


def parse(text: str, file: str = "") -> Element:
    r"""Read a document.

    Parameters
    ----------
    text
        The document. An external document type may be named and is not fetched; nothing may be declared inside.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With line and column where the text is no XML or ends early, where it declares or uses an entity, and where
        it is longer, deeper or has more elements than `MAX_CHARACTERS`, `MAX_DEPTH` and `MAX_ELEMENTS`.

    Examples
    --------
    >>> element = parse('<system version="1">\n  <cpu numaid="0"/>\n</system>').children[0]
    >>> element.tag, element.attributes, element.place
    ('cpu', {'numaid': '0'}, 'line 2, column 3')
    """
    text = text.removeprefix("\ufeff")
    if len(text) > MAX_CHARACTERS:
        raise _error(file, "", f"has {len(text)} characters; at most {MAX_CHARACTERS} are read")
    return _Reader(text, file).read()


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        # Lone surrogates cannot come from a file, and expat refuses what stands in for them.
        self._data = text.encode("utf-8", "surrogatepass")
        self._file = file
        self._root: Element | None = None
        self._open: list[Element] = []
        self._texts: list[list[str]] = []
        self._elements = 0
        self._parser = expat.ParserCreate("utf-8")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._characters
        self._parser.EntityDeclHandler = self._entity
        self._parser.SkippedEntityHandler = self._skipped
        self._parser.AttlistDeclHandler = lambda *given: self._refuse(f"declares attributes of <{given[0]}>; remove it")
        self._parser.ElementDeclHandler = lambda *given: self._refuse(f"declares <{given[0]}>; remove it")
        self._parser.NotationDeclHandler = lambda *given: self._refuse(f"declares notation {given[0]}; remove it")

    def read(self) -> Element:
        try:
            self._parser.Parse(self._data, True)
        except expat.ExpatError as error:
            raise _error(self._file, _place(error.lineno, error.offset), self._why(error)) from None
        assert self._root is not None
        return self._root

    def _why(self, error: expat.ExpatError) -> str:
        if self._open and error.code in _CUT:
            return f"ends inside <{self._open[-1].tag}> of {self._open[-1].place}: the file is cut; give it whole"
        if error.code == expat.errors.codes[expat.errors.XML_ERROR_UNDEFINED_ENTITY]:
            entity = self._entity_after(self._parser.ErrorByteIndex)
            return f"uses entity {entity!r}; {_NO_ENTITIES}"
        why = expat.ErrorString(error.code)
        if self._open:
            why += f" inside <{self._open[-1].tag}> of {self._open[-1].place}"
        return f"is not XML: {why}"

    def _refuse(self, message: str) -> NoReturn:
        raise _error(self._file, _place(self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber), message)

    def _entity(self, name: str, *_: object) -> None:
        self._refuse(f"declares entity {name!r}; {_NO_ENTITIES}")

    def _skipped(self, name: str, *_: object) -> None:
        self._refuse(f"uses entity {name!r}; {_NO_ENTITIES}")

    def _entity_after(self, start: int) -> str:
        """Return the name of the first entity from here to the next tag that is not XML's own."""
        raw = self._data[start : self._data.find(b"<", start + 1)]
        entity = _FOREIGN_ENTITY.search(raw.decode("utf-8", "replace")) if b"&" in raw else None
        return entity[1] if entity else ""

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            self._refuse(f"has more than {MAX_ELEMENTS} elements")
        if len(self._open) == MAX_DEPTH:
            self._refuse(f"<{tag}> is nested deeper than {MAX_DEPTH} elements")
        # Expat drops unknown entities in attributes without a word where an external document type is named.
        if entity := self._entity_after(self._parser.CurrentByteIndex):
            self._skipped(entity)
        element = Element(
            self._file, tag, attributes, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element
        self._open.append(element)
        self._texts.append([])

    def _end(self, tag: str) -> None:
        del tag
        element, text = self._open.pop(), "".join(self._texts.pop()).strip()
        if text:
            object.__setattr__(element, "text", text)

    def _characters(self, text: str) -> None:
        self._texts[-1].append(text)


_NO_ENTITIES = "entities are not read: write the value itself"
_CUT = frozenset(
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
)


def _place(line: int, column_from_0: int) -> str:
    return f"line {line}, column {column_from_0 + 1}"


def _error(file: str, place: str, message: str) -> ParseError:
    return ParseError(faults=[Fault(file, -1, "", place, message)])
