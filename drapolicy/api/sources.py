"""Files, folders, standard input and streams as named texts of bytes."""

from __future__ import annotations

import gzip
import io
import os
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from drapolicy.api.values import ReadFault

Source = str | os.PathLike[str] | BinaryIO

MAX_BYTES: Final = 1 << 30
"""Largest text that is read, decompressed, in bytes."""

_ENDINGS = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz", ".json.gz")
_GZIP_MAGIC = b"\x1f\x8b"


def texts(*sources: Source, max_bytes: int = MAX_BYTES) -> Iterator[tuple[str, bytes | ReadFault]]:
    """Yield name and content of every file that the sources stand for, or the fault of one that cannot be read.

    Parameters
    ----------
    *sources
        Paths of files or folders, ``-`` for standard input, or binary streams. A folder stands for its files
        ``*.yaml *.yml *.json`` and the same with ``.gz``, in the order of their paths, subfolders included; hidden
        files and folders are left out.
    max_bytes
        Largest text that is read.
    """
    for source in sources:
        if isinstance(source, (str, os.PathLike)):
            if source == "-":
                yield "-", _content(sys.stdin.buffer, max_bytes)
            else:
                yield from _path(Path(source), max_bytes)
        else:
            yield str(getattr(source, "name", "<stream>")), _content(source, max_bytes)


def _path(path: Path, max_bytes: int) -> Iterator[tuple[str, bytes | ReadFault]]:
    if not path.is_dir():
        yield str(path), _file(path, max_bytes)
        return
    found = False
    for folder, subfolders, names in os.walk(path):
        subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
        for name in sorted(names):
            if name.endswith(_ENDINGS) and not name.startswith("."):
                found = True
                yield str(Path(folder) / name), _file(Path(folder) / name, max_bytes)
    if not found:
        yield str(path), ReadFault("the folder holds no *.yaml, *.yml or *.json; check the path")


def _file(path: Path, max_bytes: int) -> bytes | ReadFault:
    try:
        with path.open("rb") as stream:
            return _content(stream, max_bytes)
    except FileNotFoundError:
        return ReadFault("no such file or folder; check the path")
    except OSError as error:
        return ReadFault(f"cannot be read: {(error.strerror or str(error)).lower()}")


def _content(stream: BinaryIO | TextIO, max_bytes: int) -> bytes | ReadFault:
    """Read a stream to its end, through gzip if it begins so."""
    try:
        raw = stream.read(max_bytes + 1)
        if isinstance(raw, str):
            return ReadFault("the stream gives text; open it in binary mode")
        data = raw
        if data.startswith(_GZIP_MAGIC):
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as unpacked:
                data = unpacked.read(max_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        return ReadFault(f"broken gzip ({error}); check that the file is complete")
    except OSError as error:
        return ReadFault(f"cannot be read: {(error.strerror or str(error)).lower()}")
    if len(data) > max_bytes:
        return ReadFault(f"larger than {max_bytes} bytes; split the file")
    return data
