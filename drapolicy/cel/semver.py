"""Versions as ``blang/semver`` reads and orders them, with its error texts (K8s S57, S58).

API validation checks versions by another rule, the expression of semver.org (:mod:`drapolicy.api.names`): it knows no
largest number, and asks for no order and no texts of errors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import ClassVar

from drapolicy.cel.errors import EvaluationError
from drapolicy.cel.go_texts import quoted
from drapolicy.cel.values import UINT_MAX

_NUMERIC = re.compile(r"[0-9]+")
_ALPHANUMERIC = re.compile(r"[0-9A-Za-z-]+")

# A prerelease part: numbers sort before and among numbers, words after them by ASCII.
_Part = tuple[int, int, str]


@dataclass(frozen=True, slots=True)
class Semver:
    """A version; neither order nor equality look at build metadata.

    Attributes
    ----------
    release
        Major, minor and patch.
    prerelease
        Parts after the dash; a version without sorts after those with.
    text
        The version as written, build metadata included.
    """

    cel_type: ClassVar[str] = "kubernetes.Semver"
    strict_equality: ClassVar[bool] = True
    unhashable: ClassVar[bool] = True
    release: tuple[int, int, int]
    prerelease: tuple[_Part, ...] = ()
    text: str = field(default="", compare=False)

    @property
    def order(self) -> tuple[tuple[int, int, int], bool, tuple[_Part, ...]]:
        """Key that sorts versions by precedence."""
        return self.release, not self.prerelease, self.prerelease

    def compare(self, other: Semver) -> int:
        """Return -1, 0 or 1."""
        return (self.order > other.order) - (self.order < other.order)


@lru_cache(maxsize=4096)
def parse(text: str) -> Semver:
    """Return the version in a text.

    Raises
    ------
    EvaluationError
        With upstream's words, for what is not ``MAJOR.MINOR.PATCH[-PRE][+BUILD]``.

    Examples
    --------
    >>> parse("1.2.3-rc.1").compare(parse("1.2.3"))
    -1
    """
    if not text:
        raise EvaluationError("Version string empty")
    parts = text.split(".", 2)
    if len(parts) != 3:
        raise EvaluationError("No Major.Minor.Patch elements found")
    major, minor = _number(parts[0], "major"), _number(parts[1], "minor")
    rest, plus, build = parts[2].partition("+")
    patch_text, dash, prerelease = rest.partition("-")
    patch = _number(patch_text, "patch")
    parsed = tuple(_prerelease(part) for part in prerelease.split(".")) if dash else ()
    for part in build.split(".") if plus else ():
        if not part:
            raise EvaluationError("Build meta data is empty")
        if not _ALPHANUMERIC.fullmatch(part):
            raise EvaluationError(f"Invalid character(s) found in build meta data {quoted(part)}")
    return Semver((major, minor, patch), parsed, text)


def parse_normalized(text: str) -> Semver:
    """Return the version in a text after dropping ``v`` and leading zeros and filling up missing parts.

    Raises
    ------
    EvaluationError
        With upstream's words, for what is still no version.
    """
    parts = text.removeprefix("v").split(".", 2)
    for index, part in enumerate(parts):
        if len(part.encode(errors="surrogateescape")) > 1:
            stripped = part.lstrip("0")
            parts[index] = stripped if stripped[:1].isascii() and stripped[:1].isdigit() else "0" + stripped
    if len(parts) < 3:
        if any(mark in parts[-1] for mark in "+-"):
            raise EvaluationError("short version cannot contain PreRelease/Build meta data")
        parts += ["0"] * (3 - len(parts))
    return parse(".".join(parts))


def _number(text: str, name: str) -> int:
    # Upstream looks for a foreign character, so the empty text passes here and fails as a number.
    if text and not _NUMERIC.fullmatch(text):
        raise EvaluationError(f"Invalid character(s) found in {name} number {quoted(text)}")
    if len(text) > 1 and text[0] == "0":
        raise EvaluationError(f"{name.capitalize()} number must not contain leading zeroes {quoted(text)}")
    if not text:
        raise EvaluationError('strconv.ParseUint: parsing "": invalid syntax')
    return _uint(text)


def _uint(text: str) -> int:
    if len(text) > 20 or int(text) > UINT_MAX:
        raise EvaluationError(f"strconv.ParseUint: parsing {quoted(text)}: value out of range")
    return int(text)


def _prerelease(text: str) -> _Part:
    if not text:
        raise EvaluationError("Prerelease is empty")
    if _NUMERIC.fullmatch(text):
        if len(text) > 1 and text[0] == "0":
            raise EvaluationError(f"Numeric PreRelease version must not contain leading zeroes {quoted(text)}")
        return (0, _uint(text), "")
    if not _ALPHANUMERIC.fullmatch(text):
        raise EvaluationError(f"Invalid character(s) found in prerelease {quoted(text)}")
    return (1, 0, text)
