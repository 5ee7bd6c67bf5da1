"""Where texts come from."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from types import SimpleNamespace

import pytest

from drapolicy.api import sources
from drapolicy.api.values import ReadFault


def test_a_folder_stands_for_its_readable_files_in_order(tmp_path: Path) -> None:
    """Files of a folder come by name, then those of its subfolders; others and hidden ones are left out."""
    for name in (
        "b.yaml",
        "a.yml",
        "c.json",
        "d.json.gz",
        "x.txt",
        ".hidden.yaml",
        "sub/a.yaml",
        ".git/a.yaml",
        "10.yaml",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(name)
    found = [Path(name).relative_to(tmp_path).as_posix() for name, _ in sources.texts(tmp_path)]
    assert found == ["10.yaml", "a.yml", "b.yaml", "c.json", "d.json.gz", "sub/a.yaml"]


def test_gzip_is_told_by_content(tmp_path: Path) -> None:
    """The name of a file says nothing about compression; several gzip members are one text."""
    path = tmp_path / "a.yaml"
    path.write_bytes(gzip.compress(b"a: 1\n") + gzip.compress(b"b: 2\n"))
    assert list(sources.texts(str(path))) == [(str(path), b"a: 1\nb: 2\n")]
    assert list(sources.texts(io.BytesIO(gzip.compress(b"a")))) == [("<stream>", b"a")]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_a_text_beyond_the_limit_is_refused(pack: object) -> None:
    """The limit holds for the text after decompression."""
    data = pack(b"x" * 1001)  # type: ignore[operator]
    ((_, content),) = sources.texts(io.BytesIO(data), max_bytes=1000)
    assert isinstance(content, ReadFault)
    assert "larger than 1000 bytes" in content.message
    ((_, content),) = sources.texts(io.BytesIO(data), max_bytes=1001)
    assert content == b"x" * 1001


def test_broken_gzip_is_refused() -> None:
    """A cut or damaged file gives a fault."""
    whole = gzip.compress(b"a: 1\n" * 100)
    for data in (whole[:-3], whole[:11], whole[:-8] + b"damaged!", b"\x1f\x8bno"):
        ((_, content),) = sources.texts(io.BytesIO(data))
        assert isinstance(content, ReadFault)
        assert "broken gzip" in content.message


def test_standard_input_is_a_dash(monkeypatch: pytest.MonkeyPatch) -> None:
    """``-`` reads standard input and is named so."""
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"a: 1")))
    assert list(sources.texts("-")) == [("-", b"a: 1")]


def test_what_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A missing path, an empty folder and a stream of text are faults, not exceptions."""
    (tmp_path / "empty").mkdir()
    found = list(sources.texts(tmp_path / "none.yaml", tmp_path / "empty", io.StringIO("a")))  # type: ignore[arg-type]
    messages = [content.message for _, content in found if isinstance(content, ReadFault)]
    assert [message.split(";")[0] for message in messages] == [
        "no such file or folder",
        "the folder holds no *.yaml, *.yml or *.json",
        "the stream gives text",
    ]
