"""Upstream's own allocator as a process that answers JSON lines (``make oracle`` builds it)."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from drapolicy.errors import InputError

FOLDER = Path(__file__).resolve().parents[2] / "tools" / "oracle" / "bin"


class Oracle:
    """One process of upstream's allocator; use it in a ``with`` statement.

    Parameters
    ----------
    minor
        Kubernetes release, for example ``"1.37"``.

    Raises
    ------
    InputError
        When the program of that release has not been built.
    """

    def __init__(self, minor: str = "1.37") -> None:
        self.path = FOLDER / f"oracle-{minor}"
        if not self.path.is_file():
            message = f"oracle of Kubernetes {minor} is not built; run `make oracle`, which needs Go"
            raise InputError(message)
        self._process = subprocess.Popen(  # noqa: S603 - a path of our own
            [self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
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
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(line) + "\n")
        self._process.stdin.flush()
        text = self._process.stdout.readline()
        if not text:
            message = f"{self.path.name} ended with code {self._process.wait()}; its last line was {line.get('name')}"
            raise InputError(message)
        answer: dict[str, Any] = json.loads(text)
        return answer

    def close(self) -> None:
        """End the process."""
        self._process.communicate()
