"""Upstream's own allocator as a process that answers JSON lines (``make oracle`` builds it)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from drapolicy.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "oracle" / "bin"


class Oracle:
    """One process of upstream's allocator; use it in a ``with`` statement.

    Parameters
    ----------
    minor
        Kubernetes release, for example ``"1.37"``.
    *flags
        Of the program, for example ``"-timing"``.
    threads
        How many threads run Go code at a time; as many as there are processors by default.

    Raises
    ------
    InputError
        When the program of that release has not been built.
    """

    def __init__(self, minor: str = "1.37", *flags: str, threads: int | None = None) -> None:
        self.path = FOLDER / f"oracle-{minor}"
        if not self.path.is_file():
            message = f"oracle of Kubernetes {minor} is not built; run `make oracle`, which needs Go"
            raise InputError(message)
        limit = {} if threads is None else {"GOMAXPROCS": str(threads)}
        self._process = subprocess.Popen(  # noqa: S603 - own path
            [self.path, *flags], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, **limit}
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, line: dict[str, Any]) -> dict[str, Any]:
        """Return the answer to one line of the protocol.

        Raises
        ------
        InputError
            When the program ended.
        """
        return self.answers([msgspec.json.encode(line)])[0]

    def answers(self, lines: Sequence[bytes]) -> list[dict[str, Any]]:
        """Return the answers to lines of JSON, without waiting for one before the next is sent.

        Raises
        ------
        InputError
            When the program ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # A thread of its own: the program stops reading while nobody takes its answers.
        writer = Thread(target=_write, args=(self._process.stdin, lines), daemon=True)
        writer.start()
        found: list[dict[str, Any]] = []
        for line in lines:
            text = self._process.stdout.readline()
            if not text:
                code = self._process.wait()
                message = f"{self.path.name} ended with code {code}; its last line was {line[:80].decode()}"
                raise InputError(message)
            found.append(msgspec.json.decode(text))
        writer.join()
        return found

    def close(self) -> None:
        """End the process."""
        self._process.communicate()


def _write(pipe: IO[bytes], lines: Sequence[bytes]) -> None:
    try:
        for line in lines:
            pipe.write(line + b"\n")
        pipe.flush()
    except BrokenPipeError:
        pass  # the reader tells
