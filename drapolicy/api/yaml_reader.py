"""YAML as Kubernetes reads it: YAML 1.1 through ``sigs.k8s.io/yaml`` and on to JSON (K8s I3b).

What plain scalars mean is in :mod:`drapolicy.api.yaml_scalars`. Two things are stricter than upstream, on purpose:
tags that upstream ignores are refused, and a merge key that would overrule a key before it is refused instead of
winning silently.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import io
import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from drapolicy.api.values import Doubled, ReadFault, Unreadable, not_utf8
from drapolicy.api.yaml_scalars import float_key, is_date, is_float, resolve

MAX_DEPTH: Final = 200
_BASE: Final[Any] = getattr(yaml, "CBaseLoader", yaml.BaseLoader)

_TAG = "tag:yaml.org,2002:"
_TAG_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "null": (type(None),),
}
_SEPARATOR = re.compile(rb"^---(?=\s|$)[^\n]*\n?", re.MULTILINE)


class MergeKey:
    """Marks a plain ``<<`` as key."""


_MERGE: Final = MergeKey()


def read_yaml(data: bytes) -> Iterator[Any]:
    """Yield the plain value of each document that holds something, or the fault of one that cannot be read.

    Documents are cut at lines that begin with ``---`` before any is parsed, as kubectl does; so a broken document
    leaves the others readable.

    Yields
    ------
    object
        The value, or a `ReadFault` in its place.
    """
    data = _as_utf8(data)
    start = before = 0
    cuts = [(match.start(), match.end(), match[0]) for match in _SEPARATOR.finditer(data)]
    for begin, end, separator in [*cuts, (len(data), len(data), b"")]:
        chunk = data[start:begin]
        if _holds_something(chunk):
            yield from _read_chunk(chunk, before)
        before += data.count(b"\n", start, end)
        start = end
        rest = separator[3:].strip()
        if rest and not rest.startswith(b"#"):
            yield ReadFault(f"only a comment may follow --- on its line, not {rest[:40].decode(errors='replace')!r}")


def _holds_something(chunk: bytes) -> bool:
    """Return whether a line is more than blank or a comment."""
    return any(line.strip() and not line.lstrip().startswith(b"#") for line in io.BytesIO(chunk))


def _as_utf8(data: bytes) -> bytes:
    """Drop a byte order mark, and turn UTF-16 (which YAML allows) into UTF-8."""
    if data.startswith(codecs.BOM_UTF8):
        return data[len(codecs.BOM_UTF8) :]
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            return data.decode("utf-16").encode()
        except UnicodeDecodeError:
            return data
    return data


def _read_chunk(chunk: bytes, before: int) -> Iterator[Any]:
    """Read what stands between two separators; ``...`` may still part it into documents."""
    try:
        text = chunk.decode()
    except UnicodeDecodeError as error:
        yield not_utf8(error, before)
        return
    builder = _Builder(text)
    try:
        yield from builder.documents()
    except ReadFault as fault:
        line = before + fault.line
        place = f"line {line}: " if fault.line else ""
        yield ReadFault(place + fault.message, line)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = before + mark.line + 1 if mark is not None else 0
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error).splitlines()[0]
        place = f"line {line}: " if line else ""
        yield ReadFault(f"{place}not YAML: {problem}; mend the file or check that it is complete", line)


class _Builder:
    """Builds plain values from the parser's events, without recursion; shared nodes are counted as if copied."""

    def __init__(self, text: str) -> None:
        self._loader = _BASE(text)
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._open: set[str] = set()
        self._total = 0
        self._from_aliases = 0

    def documents(self) -> Iterator[Any]:
        """Yield the value of each document."""
        try:
            while True:
                event = self._loader.get_event()
                if isinstance(event, yaml.StreamEndEvent):
                    return
                if isinstance(event, yaml.DocumentStartEvent):
                    if event.version not in {None, (1, 1)}:
                        raise ReadFault("only YAML 1.1 is read; drop the %YAML line", _line(event))
                    self._anchors.clear()
                    self._total = self._from_aliases = 0
                    value = self._document()
                    if value is not None:
                        yield value
        finally:
            self._loader.dispose()

    def _document(self) -> Any:
        """Return the value of one document: the parser's events go onto a stack of open lists and mappings."""
        stack: list[_OpenList | _OpenMapping] = []
        while True:
            event = self._loader.get_event()
            if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                if len(stack) >= MAX_DEPTH:
                    raise ReadFault(f"nested deeper than {MAX_DEPTH} levels", _line(event))
                kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
                if event.tag not in {None, "!", _TAG + kind}:
                    raise ReadFault(f"tag {event.tag!r} is not read; drop it", _line(event))
                stack.append(_OpenMapping(event) if kind == "map" else _OpenList(event))
                if event.anchor is not None:
                    self._anchors.pop(event.anchor, None)
                    self._open.add(event.anchor)
                continue
            if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                done = stack.pop()
                value, size, anchor = done.value(), done.size, done.event.anchor
                self._open.discard(anchor)
            elif isinstance(event, yaml.AliasEvent):
                value, size = self._alias(event)
                anchor = None
            elif isinstance(event, yaml.ScalarEvent):
                value, size, anchor = _scalar(event, as_key=bool(stack) and stack[-1].wants_key()), 1, event.anchor
                self._total += 1
            else:
                return value
            if anchor is not None:
                self._anchors[anchor] = (value, size)
            if stack:
                stack[-1].add(value, size, event)
            else:
                result = value
                self._loader.get_event()
                return result

    def _alias(self, event: Any) -> tuple[Any, int]:
        """Return what an alias stands for, refusing bombs by upstream's ratio."""
        line = _line(event)
        if event.anchor in self._open:
            raise ReadFault(f"anchor {event.anchor!r} contains itself; write the value out", line)
        if event.anchor not in self._anchors:
            raise ReadFault(f"alias {event.anchor!r} has no anchor; define it or write the value out", line)
        value, size = self._anchors[event.anchor]
        self._total += size
        self._from_aliases += size
        if self._from_aliases > 100 and self._total > 1000 and self._from_aliases > _allowed(self._total) * self._total:
            raise ReadFault(f"aliases expand to {self._total} values and more; write the values out", line)
        return value, size


def _allowed(total: int) -> float:
    """Return which share of the values may come from aliases: 99 % of up to 400,000, falling to 10 % of 4,000,000."""
    low, high = 400_000, 4_000_000
    if total <= low:
        return 0.99
    if total >= high:
        return 0.10
    return 0.99 - 0.89 * (total - low) / (high - low)


def _line(event: Any) -> int:
    """Return the line of an event, counted from 1."""
    return int(event.start_mark.line) + 1


class _OpenList:
    """A list whose end has not come yet."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.size = 1
        self._items: list[Any] = []

    def wants_key(self) -> bool:
        return False

    def add(self, value: Any, size: int, event: Any) -> None:  # noqa: ARG002
        self._items.append(value)
        self.size += size

    def value(self) -> Any:
        return self._items


class _OpenMapping:
    """A mapping whose end has not come yet."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.size = 1
        self._dict: dict[str, Any] = {}
        self._merged: set[str] = set()
        self._twice: list[str] = []
        self._key: str | MergeKey | None = None

    def wants_key(self) -> bool:
        return self._key is None

    def add(self, value: Any, size: int, event: Any) -> None:
        self.size += size
        line = _line(event)
        if self._key is None:
            self._key = value if isinstance(value, MergeKey) else _key_text(value, line)
            return
        key, self._key = self._key, None
        if isinstance(key, MergeKey):
            self._merge(value, line)
            return
        if key in self._dict and key not in self._merged:
            self._twice.append(key)
        self._merged.discard(key)
        self._dict[key] = value

    def _merge(self, value: Any, line: int) -> None:
        """Take over the keys of ``<<``; keys written later in this mapping overrule them."""
        sources = value if isinstance(value, list) else [value]
        if not all(isinstance(source, dict) for source in sources):
            raise ReadFault("<< needs a mapping or a list of mappings", line)
        for source in sources:
            for key, inner in source.items():
                if key not in self._dict:
                    self._dict[key] = inner
                    self._merged.add(key)
                elif key not in self._merged:
                    self._twice.append(key)

    def value(self) -> Any:
        if not self._twice:
            return self._dict
        doubled = Doubled(self._dict)
        doubled.keys_twice = tuple(self._twice)
        return doubled


def _scalar(event: Any, *, as_key: bool) -> Any:
    """Return the value of a scalar event."""
    text, tag = event.value, event.tag
    if tag is None:
        if not event.implicit[0]:
            return text
        if as_key and text == "<<":
            return _MERGE
        if as_key and is_float(text):
            return float_key(text)
        value = resolve(text)
        if as_key and isinstance(value, Unreadable):
            raise ReadFault(value.message, _line(event))
        return value
    line = _line(event)
    if tag in {"!", _TAG + "str"}:
        return text
    if tag == _TAG + "binary":
        try:
            return base64.b64decode(text, validate=False).decode()
        except (binascii.Error, UnicodeDecodeError):
            raise ReadFault("!!binary holds no base64 text of UTF-8", line) from None
    if tag == _TAG + "timestamp" and is_date(text):
        return text
    value = resolve(text)
    if isinstance(value, Unreadable):
        raise ReadFault(value.message, line)
    wanted = _TAG_TYPES.get(tag.removeprefix(_TAG))
    if wanted is None:
        raise ReadFault(f"tag {tag!r} is not read; drop it", line)
    if type(value) not in wanted:
        raise ReadFault(f"{text!r} is no {tag.removeprefix(_TAG)}", line)
    return value


def _key_text(key: Any, line: int) -> str:
    """Return a key as text."""
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int):
        return str(key)
    what = "null" if key is None else "a list or mapping"
    raise ReadFault(f"{what} cannot be a key; quote it, or render the file first if it is a template", line)
