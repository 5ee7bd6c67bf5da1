"""Errors of drapolicy: each names object, field, offending value and the fix."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


class DrapolicyError(Exception):
    """Base of everything drapolicy raises on purpose."""


@dataclass(frozen=True, order=True)
class Fault:
    """One thing wrong with an input, where it is and how to mend it.

    Attributes
    ----------
    file
        Path as the user gave it, ``-`` for standard input, empty when the object was built in Python.
    document
        Position of the document in the file, counted from 0; -1 when the whole file is meant.
    object
        Kind and name, e.g. ``ResourceClaim default/train``; empty before the kind is known.
    path
        Field path inside the object, e.g. ``spec.devices.requests[0].exactly.count``.
    message
        Offending value and fix, in one sentence.
    """

    file: str
    document: int
    object: str
    path: str
    message: str

    def __str__(self) -> str:
        place = self.file
        if self.file and self.document >= 0:
            place += f" (document {self.document + 1})"
        parts = [part for part in (place, self.object, self.path) if part]
        return ": ".join([*parts, self.message])


class InputError(DrapolicyError, ValueError):
    """The user's data or parameters are wrong; carries every fault found.

    Attributes
    ----------
    faults
        All faults, in the order of the input; empty when the message stands alone.
    """

    def __init__(self, message: str = "", faults: Iterable[Fault] = ()) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        lines = [message] if message else []
        lines += [str(fault) for fault in self.faults]
        super().__init__("\n".join(lines))


class ParseError(InputError):
    """A file or expression cannot be read at all; the message says where."""


class UnknownReferenceError(InputError):
    """A name that nothing defines: a class, claim, node or policy."""


class UnsupportedFeatureError(DrapolicyError):
    """The problem needs features that the policy or this version does not support.

    Attributes
    ----------
    missing
        Names of the missing features, sorted.
    """

    def __init__(self, message: str, missing: Iterable[str] = ()) -> None:
        self.missing: tuple[str, ...] = tuple(sorted(missing))
        super().__init__(message)


class SolverError(DrapolicyError):
    """A solver is not installed, crashed or gave a bad answer."""


class VerificationError(DrapolicyError):
    """A placement breaks a rule of Kubernetes: a bug of the policy that made it.

    Attributes
    ----------
    rule
        Number of the broken rule in ``docs/semantics.md``, e.g. ``S45``.
    """

    def __init__(self, rule: str, message: str) -> None:
        self.rule = rule
        self._message = message
        super().__init__(f"{rule}: {message}")

    def __reduce__(self) -> tuple[type[VerificationError], tuple[str, str]]:
        # Plays run in processes of their own, and the error must reach the one that started them.
        return type(self), (self.rule, self._message)


class ExportError(DrapolicyError):
    """A policy cannot be written as a scheduler plugin."""
