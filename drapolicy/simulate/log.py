"""A play as JSON lines: what was decided and what happened, enough to resume it and to see every moment again."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeAlias

import msgspec
import numpy as np

from drapolicy.api.convert import hook
from drapolicy.api.quantity import Quantity
from drapolicy.api.resource import AllocationResult
from drapolicy.errors import Fault, InputError
from drapolicy.simulate.deciding import Begin, Verdict
from drapolicy.simulate.queue import Unit

FORMAT: Final = 1
MARKED: Final = 500
"""Verdicts after which the policy's generator is written down: what comes after the last mark is decided again."""

_MAX_LINE: Final = 16 * 2**20


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, tag_field="do"):
    """A line; unknown fields are refused."""


class Head(_Line, frozen=True, tag="play"):
    """The first line: what was played, by digests of its inputs."""

    format: int
    scenario: str
    inputs: dict[str, str]
    policy: str
    seed: int
    groups: str = ""
    draws: int = 0


class Started(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An ask of a unit that starts, by the number of its arrival."""

    number: int
    node: str
    results: tuple[AllocationResult, ...]
    unmodelled: tuple[str, ...] = ()


class Decided(_Line, frozen=True, tag="decide"):
    """A verdict on a unit, by the number of its first arrival."""

    t: int
    unit: int
    starts: tuple[Started, ...] = ()
    why: str = ""
    unmodelled: tuple[str, ...] = ()
    alike: bool = True
    victims: tuple[str, ...] = ()

    @classmethod
    def of(cls, t: int, unit: Unit, verdict: Verdict) -> Decided:
        """Return the line of a verdict."""
        starts = tuple(
            Started(unit.numbers[at], node, results, unmodelled) for at, node, results, unmodelled in verdict.begins
        )
        return cls(t, unit.number, starts, verdict.reason, verdict.unmodelled, verdict.alike, verdict.victims)

    def verdict(self, unit: Unit) -> Verdict:
        """Return the verdict on the unit.

        Raises
        ------
        ValueError
            When something starts that is not of the unit.
        """
        begins = tuple(Begin(unit.numbers.index(s.number), s.node, s.results, s.unmodelled) for s in self.starts)
        return Verdict(begins, self.why, self.unmodelled, self.alike, self.victims)


class Finished(_Line, frozen=True, tag="finish"):
    """An ask is done."""

    t: int
    ask: str


class Evicted(_Line, frozen=True, tag="evict"):
    """An ask is taken off its node and waits again."""

    t: int
    ask: str
    why: str


class Befell(_Line, frozen=True, tag="incident"):
    """An incident, by its position among those of the play."""

    t: int
    number: int


class Mark(_Line, frozen=True, tag="mark"):
    """How the decider stands: decisions so far, where the next search over the nodes starts, and its generator."""

    decisions: int
    cursor: int
    draws: dict[str, Any]


class End(_Line, frozen=True, tag="end"):
    """The last line."""

    t: int


Line: TypeAlias = Head | Decided | Finished | Evicted | Befell | Mark | End

_DECODER: Final[msgspec.json.Decoder[Line]] = msgspec.json.Decoder(Line, dec_hook=hook)


def _plain(value: object) -> str:
    if isinstance(value, Quantity):
        return str(value)
    message = f"{type(value).__name__} has no text"
    raise NotImplementedError(message)


_ENCODER: Final = msgspec.json.Encoder(enc_hook=_plain)


def draws_of(rng: np.random.Generator) -> dict[str, Any]:
    """Return a generator's state; its numbers are too large for most readers of JSON, so they are texts."""
    state = rng.bit_generator.state
    inner = {name: str(value) for name, value in state["state"].items()}
    return {**state, "state": inner}


def set_draws(rng: np.random.Generator, draws: Mapping[str, Any]) -> None:
    """Put a generator into a state that :func:`draws_of` returned.

    Raises
    ------
    InputError
        When it is the state of another kind of generator.
    """
    try:
        rng.bit_generator.state = {**draws, "state": {name: int(value) for name, value in draws["state"].items()}}
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        message = f"log: the mark's generator cannot be read: {error}; play anew"
        raise InputError(message) from error


def read(path: str | os.PathLike[str]) -> Iterator[tuple[int, Line]]:
    """Yield the lines of a log, each with where the next one begins; a last line without an end is left out.

    Raises
    ------
    InputError
        For a file that cannot be read, and for the first line that is none of a log.
    """
    end = 0
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(iter(lambda: file.readline(_MAX_LINE), b""), start=1):
                if not line.endswith(b"\n"):
                    if len(line) == _MAX_LINE:
                        raise InputError(faults=[_fault(path, number, f"is longer than {_MAX_LINE:,} bytes")])
                    return
                end += len(line)
                try:
                    found = _DECODER.decode(line)
                except (msgspec.DecodeError, ValueError, RecursionError) as error:
                    raise InputError(faults=[_fault(path, number, f"is no line of a log: {error}")]) from error
                if isinstance(found, Head) is not (number == 1):
                    raise InputError(faults=[_fault(path, number, "a log has one head, its first line")])
                if isinstance(found, Head) and found.format != FORMAT:
                    message = f"is of format {found.format}; this version reads {FORMAT}"
                    raise InputError(faults=[_fault(path, number, message)])
                yield end, found
    except OSError as error:
        message = f"{path}: cannot be read: {error}"
        raise InputError(message) from error


def _fault(path: str | os.PathLike[str], number: int, message: str) -> Fault:
    return Fault(os.fspath(path), -1, f"line {number}", "", message)


class Log:
    """Writes a play down; what a former run of the same play wrote up to its last mark is read instead of decided.

    Parameters
    ----------
    path
        The file. One that is there must be a log of the same play, whole or broken off.
    head
        What is played.

    Attributes
    ----------
    marked
        Whether the last line is a mark.

    Raises
    ------
    InputError
        When the file is another play's, or no log.
    """

    def __init__(self, path: str | os.PathLike[str], head: Head) -> None:
        self._path = Path(path)
        self._kept: list[Line] = []
        self._at = 0
        self._since = 0
        self.marked = False
        kept_bytes = self._recall(head) if self._path.exists() else 0
        try:
            self._file: BinaryIO = self._path.open("r+b" if kept_bytes else "wb")
        except OSError as error:
            message = f"{path}: cannot be written: {error}"
            raise InputError(message) from error
        self._file.truncate(kept_bytes)
        self._file.seek(kept_bytes)
        if not kept_bytes:
            self.write(head)

    def _recall(self, head: Head) -> int:
        """Read what may be kept: up to the last mark, or to the end. Return how many bytes that is."""
        kept = lines = 0
        for end, line in read(self._path):
            if isinstance(line, Head):
                if line != head:
                    message = f"{self._path}: is the log of another play ({_differing(line, head)}); give another file"
                    raise InputError(message)
                continue
            self._kept.append(line)
            if isinstance(line, Mark | End):
                kept, lines = end, len(self._kept)
        del self._kept[lines:]
        return kept

    @property
    def recalling(self) -> bool:
        """Whether what comes now was written before."""
        return self._at < len(self._kept)

    def _next(self) -> Line:
        line = self._kept[self._at]
        self._at += 1
        self.marked = isinstance(line, Mark)
        return line

    def recalled_mark(self) -> Mark | None:
        """Return the mark that comes next of what was written before; None for anything else."""
        if not self.recalling or not isinstance(self._kept[self._at], Mark):
            return None
        line = self._next()
        assert isinstance(line, Mark)
        return line

    def verdict(self, unit: Unit) -> Verdict:
        """Return the verdict on a unit that was written before."""
        line = self._next()
        if not isinstance(line, Decided) or line.unit != unit.number:
            raise self._broken(line)
        try:
            return line.verdict(unit)
        except ValueError:
            raise self._broken(line) from None

    def write(self, line: Line) -> None:
        """Write a line; one that was written before must be equal."""
        if self.recalling:
            before = self._next()
            if before != line:
                raise self._broken(before)
            return
        self._file.write(_ENCODER.encode(line) + b"\n")
        self.marked = False
        self._since += isinstance(line, Decided)

    def _broken(self, line: Line) -> InputError:
        shown = _ENCODER.encode(line)[:200].decode(errors="replace")
        message = f"{self._path}: line {self._at + 1} is not what this play comes to: {shown}; give another file"
        return InputError(message)

    @property
    def due(self) -> bool:
        """Whether a mark is to be written."""
        return self._since >= MARKED

    def mark(self, line: Mark) -> None:
        """Write a mark; all up to here outlives the process."""
        self._file.write(_ENCODER.encode(line) + b"\n")
        self._file.flush()
        self._since, self.marked = 0, True

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _differing(one: Head, other: Head) -> str:
    names = [name for name in Head.__struct_fields__ if getattr(one, name) != getattr(other, name)]
    return ", ".join(names)
