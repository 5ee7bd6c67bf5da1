"""Values of literals as they are written (K8s S56)."""

from __future__ import annotations

import re
from typing import Any, Final

from drapolicy.cel.lexing import Token
from drapolicy.cel.values import INT_MAX, INT_MIN, UINT_MAX, Uint

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


def literal_value(token: Token, *, negative: bool) -> tuple[Any, str | None]:
    """Return the value of a literal, and what is wrong with it: None if nothing, empty if it is no literal."""
    text = token.text
    match token.kind:
        case "int":
            number = int(text, 16 if text.startswith("0x") else 10)
            number = -number if negative else number
            return number, None if INT_MIN <= number <= INT_MAX else "invalid int literal"
        case "uint":
            number = int(text[:-1], 16 if text.startswith("0x") else 10)
            return Uint(number), None if number <= UINT_MAX else "invalid uint literal"
        case "float":
            double = float(text)
            fault = "invalid double literal" if double == float("inf") else None
            return -double if negative else double, fault
        case "string":
            string = string_value(text)
            return string, "invalid unicode code point" if string is None else None
        case "bytes":
            octets = bytes_value(text)
            return octets, "unable to unescape string" if octets is None else None
        case "true" | "false":
            return token.kind == "true", None
        case "null":
            return None, None
    return None, ""
