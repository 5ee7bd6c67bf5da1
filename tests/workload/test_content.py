"""Files from outside: what is packed in a way that is not read is called by its name."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from drapolicy.workload.content import content_of, text_of
from drapolicy.workload.faults import Faults


def packed_tar(data: bytes) -> bytes:
    """Return a gzipped archive that holds a file."""
    made, item = io.BytesIO(), tarfile.TarInfo("t.csv")
    item.size = len(data)
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        archive.addfile(item, io.BytesIO(data))
    return made.getvalue()


def packed_zip(data: bytes) -> bytes:
    """Return a zip archive that holds a file."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        archive.writestr("t.csv", data)
    return made.getvalue()


@pytest.mark.parametrize(
    ("pack", "told"),
    [
        (packed_zip, "is a zip archive; unpack it"),
        (packed_tar, "is a tar archive; take the file out of it"),
        (bz2.compress, "is packed with bzip2; unpack it, or pack it with gzip"),
        (lzma.compress, "is packed with xz"),
        (lambda data: gzip.compress(gzip.compress(data)), "is packed with gzip twice; unpack it once"),
        (lambda data: data.decode().encode("utf-16"), "is UTF-16; save it as UTF-8"),
        (lambda data: b"version https://git-lfs.github.com/spec/v1\nsize 9\n" + data, "is a pointer of Git LFS"),
    ],
)
def test_what_is_packed_otherwise_is_called_by_its_name(
    tmp_path: Path, pack: Callable[[bytes], bytes], told: str
) -> None:
    """One fault, and none for each of its lines."""
    path = tmp_path / "t.csv"
    path.write_bytes(pack(b"a\n1\n"))
    faults = Faults()
    assert content_of(path, faults) is None
    (fault,) = faults.of_all
    assert fault.message.startswith(told)
    assert faults.number == 1


def test_text_that_is_no_utf8_is_told_by_line(tmp_path: Path) -> None:
    """A mark at the beginning is dropped, and a folder is no file."""
    path = tmp_path / "t.json"
    path.write_bytes(b"\xef\xbb\xbf[\n1\n]")
    assert text_of(path, Faults()) == "[\n1\n]"
    path.write_bytes(b"[\n\xe4\n]")
    faults = Faults()
    assert text_of(path, faults) is None
    assert text_of(tmp_path, faults) is None
    assert [str(fault) for fault in faults.of_all] == [
        f"{path}: line 2: is not UTF-8: invalid continuation byte",
        f"{tmp_path}: is a folder; give one file",
    ]
