"""Tokens of expressions: CEL's lexical grammar as upstream's parser reads it (K8s S56)."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_ESCAPE: Final = r"\\(?:[abfnrtv\"'\\?`]|[0-3][0-7][0-7]|[xX][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8})"
_STRING: Final = "|".join(
    (
        rf'"""(?:{_ESCAPE}|[^\\])*?"""',
        rf"'''(?:{_ESCAPE}|[^\\])*?'''",
        rf'"(?:{_ESCAPE}|[^\\"\n\r])*"',
        rf"'(?:{_ESCAPE}|[^\\'\n\r])*'",
        r'[rR]"""[\s\S]*?"""',
        r"[rR]'''[\s\S]*?'''",
        r'[rR]"[^"\n\r]*"',
        r"[rR]'[^'\n\r]*'",
    )
)
_TOKEN: Final = re.compile(
    rf"""(?P<space>[\t \r\n\f]+|//[^\n]*)
    |(?P<bytes>[bB](?:{_STRING}))
    |(?P<string>{_STRING})
    |(?P<float>[0-9]+\.[0-9]+(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+|\.[0-9]+(?:[eE][+-]?[0-9]+)?)
    |(?P<uint>(?:0x[0-9a-fA-F]+|[0-9]+)[uU])
    |(?P<int>0x[0-9a-fA-F]+|[0-9]+)
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<escaped>`[A-Za-z0-9_.\-/\ ]+`)
    |(?P<mark>==|!=|<=|>=|&&|\|\||[<>\[\]{{}}().,\-!?:+*/%])""",
    re.VERBOSE,
)
_KEYWORDS: Final = frozenset({"in", "true", "false", "null"})


class Token(NamedTuple):
    """One token; ``kind`` is its own text for marks and keywords, and ``end`` behind the last."""

    kind: str
    text: str
    start: int


def tokens(source: str) -> list[Token] | None:
    """Return the tokens of an expression, None if a character begins none.

    Notes
    -----
    Time O(length).
    """
    found: list[Token] = []
    at = 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            return None
        kind = match.lastgroup or ""
        text = match[0]
        if kind == "mark" or text in _KEYWORDS:
            kind = text
        if kind != "space":
            found.append(Token(kind, text, at))
        at = match.end()
    found.append(Token("end", "", at))
    return found


_SIMPLE: Final = dict(zip("abfnrtv\\'\"`?", "\a\b\f\n\r\t\v\\'\"`?", strict=True))
_ESCAPED: Final = re.compile(r"\\(?:([xX]|u|U)([0-9a-fA-F]+)|([0-3][0-7][0-7])|(.))|[^\\]+", re.DOTALL)
_WIDTH: Final = {"x": 2, "X": 2, "u": 4, "U": 8}


def _content(text: str) -> tuple[str, bool]:
    """Return what is between the quotes of a literal, and whether it is raw."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    raw = text[0] in "rR"
    text = text[raw:]
    quotes = 3 if len(text) >= 6 and text[:3] in {"'''", '"""'} else 1
    return text[quotes:-quotes], raw


def _parts(content: str) -> list[str | int]:
    """Return literal text, and the numbers that escapes stand for."""
    parts: list[str | int] = []
    at = 0
    while at < len(content):
        match = _ESCAPED.match(content, at)
        assert match is not None
        at = match.end()
        form, digits, octal, simple = match.groups()
        if form:
            at = match.start() + 2 + _WIDTH[form]
            parts.append(int(digits[: _WIDTH[form]], 16))
        elif octal:
            parts.append(int(octal, 8))
        else:
            parts.append(_SIMPLE[simple] if simple else match[0])
    return parts


def string_value(text: str) -> str | None:
    """Return the value of a string literal, None if an escape stands for no character."""
    content, raw = _content(text)
    if raw or "\\" not in content:
        return content
    characters = []
    for part in _parts(content):
        if isinstance(part, int):
            if part > 0x10FFFF or 0xD800 <= part <= 0xDFFF:
                return None
            part = chr(part)
        characters.append(part)
    return "".join(characters)


def bytes_value(text: str) -> bytes | None:
    """Return the value of a bytes literal, None if it has an escape that only strings may have."""
    content, raw = _content(text[1:])
    if raw or "\\" not in content:
        return content.encode()
    if re.search(r"(?<!\\)(?:\\\\)*\\[uU]", content):
        return None
    return b"".join(bytes((part,)) if isinstance(part, int) else part.encode() for part in _parts(content))
