"""Takes the files of ``/sys/class/kfd/kfd/topology`` from a folder or a tar archive."""

from __future__ import annotations

import re
import tarfile
from collections.abc import Iterator
from os import PathLike, fspath
from pathlib import Path
from typing import Any, Final

from drapolicy.api.values import join
from drapolicy.errors import Fault
from drapolicy.topology.document import Document
from drapolicy.topology.source import refusal

MOST_FILES: Final = 65_536
MOST_BYTES: Final = 65_536
"""Of one file; the kernel's are below 4,096."""

MOST_ARCHIVE_BYTES: Final = 256 << 20

_LINK: Final = re.compile(r"(?:.*/)?(\d{1,9})/(io_links|p2p_links)/(\d{1,9})/properties")
_NODE: Final = re.compile(r"(?:.*(?<!_links)(?<!caches)(?<!mem_banks)(?<!perf)/)?(\d{1,9})/properties")
_LINE: Final = re.compile(r"(\w{1,64}) (\d{1,20})")


def is_folder(path: str | PathLike[str]) -> bool:
    """Tell whether a path is a folder or a tar archive, plain or compressed."""
    return Path(path).is_dir() or (Path(path).is_file() and tarfile.is_tarfile(path))


def sysfs(path: str | PathLike[str]) -> Document:
    """Return what a folder or archive holds, laid out as a capture in JSON is.

    Raises
    ------
    ParseError
        If there are no nodes, or more than the bounds allow.
    OSError
        If something cannot be opened.
    """
    return _Sysfs(fspath(path), _folder(Path(path)) if Path(path).is_dir() else _archive(Path(path)))


class _Sysfs(Document):
    """A document whose fields are lines of files."""

    def __init__(self, file: str, contents: Iterator[tuple[str, bytes]]) -> None:
        self.file = file
        self._faults = []
        self._names = 0
        self._lines: dict[str, tuple[str, int]] = {}
        self.value = {}
        taken: set[str] = set()
        for name, data in contents:
            match = _LINK.fullmatch(name) or _NODE.fullmatch(name)
            if match is None:
                continue
            if len(taken) == MOST_FILES:
                self.refuse(f"holds more than {MOST_FILES:,} files of nodes and links")
            if len(data) > MOST_BYTES:
                self.refuse(f"{name} is longer than {MOST_BYTES:,} bytes")
            parts = match.groups() if match.re is _LINK else (match[1], "properties")
            at: dict[str, Any] = self.value
            path = ""
            for part in parts:
                at = at.setdefault(part, {})
                path = join(path, part)
            if path in taken:
                self.fault(path, f"is there twice, the second time as {name}; give one machine")
                continue
            taken.add(path)
            self._lines[path] = name, 1
            self._fill(at, path, name, data)
        if not taken:
            self.refuse("has no files nodes/<number>/properties; give the folder /sys/class/kfd/kfd/topology")

    def _fill(self, at: dict[str, Any], path: str, name: str, data: bytes) -> None:
        for number, line in enumerate(data.decode("utf-8", "replace").splitlines(), 1):
            match = _LINE.fullmatch(line.rstrip())
            field = join(path, match[1] if match else line[:40])
            known = self._lines.setdefault(field, (name, number))
            if match is None:
                self.fault(field, "is no name with a whole number after one space")
            elif known != (name, number):
                self.fault(field, f"is there twice, again in line {number}")
            else:
                at[match[1]] = int(match[2])

    def fault(self, path: str, message: str) -> None:
        """Remember what is wrong, with file and line."""
        above = path
        while above and above not in self._lines:
            above = re.sub(r"(\.\w+|\[[^\]]*\]|^[^.\[]+)$", "", above)
        name, line = self._lines.get(above, ("", 0))
        place = f"{name}: line {line}, column 1" if name else ""
        self._faults.append(Fault(self.file, -1, path, place, message))


def _folder(top: Path) -> Iterator[tuple[str, bytes]]:
    nodes = top / "nodes" if (top / "nodes").is_dir() else top
    for file in sorted(nodes.glob("*/properties")) + sorted(nodes.glob("*/*_links/*/properties")):
        with file.open("rb") as stream:
            yield file.relative_to(top).as_posix(), stream.read(MOST_BYTES + 1)


def _archive(path: Path) -> Iterator[tuple[str, bytes]]:
    size = 0
    try:
        with tarfile.open(path) as archive:
            for member in archive:
                size += member.size + tarfile.BLOCKSIZE
                if size > MOST_ARCHIVE_BYTES:
                    raise refusal(fspath(path), f"holds more than {MOST_ARCHIVE_BYTES:,} bytes")
                stream = archive.extractfile(member) if member.isreg() else None
                if stream is not None:
                    yield member.name, stream.read(MOST_BYTES + 1)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise refusal(fspath(path), f"is a broken archive: {error}") from None
