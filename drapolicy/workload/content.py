"""Files from outside as bytes and text; what is packed in a way that is not read is called by its name."""

from __future__ import annotations

import os
from typing import Final

from drapolicy.api.sources import texts
from drapolicy.api.values import ReadFault
from drapolicy.errors import Fault
from drapolicy.workload.faults import Faults

_UNPACK: Final = "unpack it, or pack it with gzip"
_OTHERS: Final = (
    (b"PK\x03\x04", f"is a zip archive; {_UNPACK}"),
    (b"7z\xbc\xaf\x27\x1c", f"is a 7z archive; {_UNPACK}"),
    (b"BZh", f"is packed with bzip2; {_UNPACK}"),
    (b"\xfd7zXZ\x00", f"is packed with xz; {_UNPACK}"),
    (b"\x28\xb5\x2f\xfd", f"is packed with zstd; {_UNPACK}"),
    (b"\x1f\x8b", "is packed with gzip twice; unpack it once"),
    (b"PAR1", "is a Parquet file; write it as CSV"),
    (b"\xff\xfe", "is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "is UTF-16; save it as UTF-8"),
    (b"version https://git-lfs.github.com/", "is a pointer of Git LFS; fetch the file itself with git lfs pull"),
)
_TAR: Final = slice(257, 262)


def content_of(source: str | os.PathLike[str], faults: Faults) -> bytes | None:
    """Return the bytes of one file, unpacked if it is gzipped; None, and a fault, if it cannot be read."""
    file = os.fspath(source)
    ((_, content), *more) = texts(source)
    message = None
    if more or os.path.isdir(source):  # noqa: PTH112 - a name of standard input is no path
        message = "is a folder; give one file"
    elif isinstance(content, ReadFault):
        message = content.message
    elif content[_TAR] == b"ustar":
        message = "is a tar archive; take the file out of it"
    else:
        message = next((told for begin, told in _OTHERS if content.startswith(begin)), None)
        if message is None:
            return content
    faults.of_all.append(Fault(file, -1, "", "", message))
    return None


def text_of(source: str | os.PathLike[str], faults: Faults) -> str | None:
    """Return the text of one file, unpacked if it is gzipped; None, and a fault, if it cannot be read."""
    content = content_of(source, faults)
    if content is None:
        return None
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        faults.of_all.append(Fault(os.fspath(source), -1, f"line {line}", "", f"is not UTF-8: {error.reason}"))
    return None
