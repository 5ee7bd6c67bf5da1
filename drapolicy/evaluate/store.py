"""Finished cells on disk: results, the same bytes wherever they were computed, and beside them how that went."""

from __future__ import annotations

import hashlib
import io
import os
import re
import socket
import tempfile
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, get_origin

import msgspec

from drapolicy.errors import InputError
from drapolicy.evaluate.cell import Cell

_TIMES = ("seconds", "decision_us")
_TYPES = {f.name: f.type for f in msgspec.structs.fields(Cell) if f.name not in {"metrics", *_TIMES}}
_MAPS = {name for name, kind in _TYPES.items() if get_origin(kind) is dict}
_KEY = re.compile(r"[0-9a-f]{64}")
_PARTIAL = re.compile(r"\.([0-9a-f]{64})\.(.+)\.([0-9]+)\.[^.]+\.partial")


class Circumstances(msgspec.Struct, frozen=True, rename="camel"):
    """How a cell was played: all that its results do not depend on.

    Attributes
    ----------
    key
        Of the cell.
    results
        SHA-256 of the file with its results, so that a torn one is known; empty until it is written.
    seconds, decision_us
        Time that the policy took, and of what each decision took the quantiles.
    wall_seconds
        Time that the cell took in all.
    started, ended
        Dates in UTC, ISO 8601.
    host, platform
        Where.
    versions
        Of Python, of the packages that compute, and of the one that wrote the results.
    checked
        Whether every placement was verified by the independent checker.
    """

    key: str
    results: str
    seconds: float
    wall_seconds: float
    started: str
    ended: str
    host: str
    platform: str
    versions: dict[str, str]
    checked: bool
    decision_us: list[float] = []


class Store:
    """A folder of finished cells, two files each: ``KEY.parquet`` and ``KEY.json``.

    Both are written beside their place and moved there, the JSON last; it names the hash of the other. Whatever moment
    a process is killed at, a cell is there whole or counts as not there. Several processes may write to one folder:
    whoever is last, the pair belongs together, because results of one key are the same bytes.

    Parameters
    ----------
    folder
        Where; made when the first cell is written.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    def __iter__(self) -> Iterator[str]:
        """Yield the keys of what seems finished, in order; :meth:`get` tells whether it is whole."""
        return (path.stem for path in sorted(self.folder.glob("*.json")) if _KEY.fullmatch(path.stem))

    def get(self, key: str, *, checked: bool = False) -> Cell | None:
        """Return a finished cell; None where there is none, or half of one.

        Parameters
        ----------
        key
            Of the cell.
        checked
            Whether it counts only if its placements were verified.
        """
        found = self.circumstances(key)
        if found is None or (checked and not found.checked):
            return None
        try:
            data = (self.folder / f"{key}.parquet").read_bytes()
        except OSError:
            return None
        if hashlib.sha256(data).hexdigest() != found.results:
            return None
        return msgspec.structs.replace(from_parquet(data), **{name: getattr(found, name) for name in _TIMES})

    def circumstances(self, key: str) -> Circumstances | None:
        """Return how a cell was played; None where that is not written, or torn."""
        if not _KEY.fullmatch(key):
            return None
        try:
            found = msgspec.json.decode((self.folder / f"{key}.json").read_bytes(), type=Circumstances)
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return None
        return found if found.key == key else None

    def put(self, cell: Cell, how: Circumstances) -> None:
        """Write a finished cell; results first, so that what tells that they are there comes last."""
        data = to_parquet(cell)
        versions = how.versions | {"pyarrow": version("pyarrow")}  # the bytes are those of this writer
        how = msgspec.structs.replace(how, results=hashlib.sha256(data).hexdigest(), versions=versions)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write(cell.key, ".parquet", data)
        self._write(cell.key, ".json", msgspec.json.format(msgspec.json.encode(how)) + b"\n")

    def drop(self) -> None:
        """Remove all cells, and nothing else."""
        for suffix in (".json", ".parquet"):
            for path in self.folder.glob(f"*{suffix}"):
                if _KEY.fullmatch(path.stem):
                    path.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove what processes of this host left half written when they were killed."""
        for path in self.folder.glob(".*.partial"):
            found = _PARTIAL.fullmatch(path.name)
            if found and found[2] == _host() and not _alive(int(found[3])):
                path.unlink(missing_ok=True)

    def _write(self, key: str, suffix: str, data: bytes) -> None:
        handle, name = tempfile.mkstemp(dir=self.folder, prefix=f".{key}.{_host()}.{os.getpid()}.", suffix=".partial")
        partial = Path(name)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(data)
            mask = os.umask(0)
            os.umask(mask)
            partial.chmod(0o666 & ~mask)  # made for the owner alone; results are as open as any other file
            partial.replace(self.folder / f"{key}{suffix}")
        finally:
            partial.unlink(missing_ok=True)


def _host() -> str:
    return re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname()) or "-"


def _alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def to_parquet(cell: Cell) -> bytes:
    """Return a cell's results as a Parquet file of one row; the same cell gives the same bytes (one writer's version).

    A column for each metric, without a value where it has no meaning; lists of numbers; maps of texts. No dates, no
    host, no time taken.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    clash = cell.metrics.keys() & _TYPES.keys()
    if clash:
        message = f"metric {min(clash)!r}: is the name of another column of the results; choose another"
        raise InputError(message)
    row = {name: getattr(cell, name) for name in _TYPES} | {name: [*getattr(cell, name).items()] for name in _MAPS}
    table = {name: pa.array([value], _arrow(pa, name)) for name, value in row.items()}
    table |= {name: pa.array([value], pa.float64()) for name, value in cell.metrics.items()}
    sink = io.BytesIO()
    pq.write_table(
        pa.table(table),
        sink,
        version="2.6",
        data_page_version="1.0",
        compression="zstd",
        compression_level=3,
        use_dictionary=False,
        write_statistics=False,
        store_schema=False,
    )
    return sink.getvalue()


def from_parquet(data: bytes) -> Cell:
    """Return the cell that a file holds; its time is not in there.

    Raises
    ------
    InputError
        For a file that is no such table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        # one row needs no threads, and a process that ends while Arrow starts some may abort
        table = pq.ParquetFile(pa.BufferReader(data), pre_buffer=False).read(use_threads=False)
        (row,) = table.to_pylist()
        plain: dict[str, Any] = {name: dict(row[name]) if name in _MAPS else row[name] for name in _TYPES}
        plain["metrics"] = {name: value for name, value in row.items() if name not in _TYPES}
        return msgspec.convert({**plain, "seconds": 0.0}, Cell)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError, msgspec.ValidationError) as error:
        message = f"results: no table of a cell: {error}; play it again"
        raise InputError(message) from error


def _arrow(pa: Any, name: str) -> Any:
    types = {
        str: pa.string(),
        int: pa.int64(),
        float: pa.float64(),
        list[str]: pa.list_(pa.string()),
        list[float]: pa.list_(pa.float64()),
        list[int]: pa.list_(pa.int64()),
        dict[str, str]: pa.map_(pa.string(), pa.string()),
        dict[str, int]: pa.map_(pa.string(), pa.int64()),
        dict[str, float]: pa.map_(pa.string(), pa.float64()),
        dict[str, list[int]]: pa.map_(pa.string(), pa.list_(pa.int64())),
    }
    return types[_TYPES[name]]
