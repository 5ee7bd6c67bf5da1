"""Files that are whole or not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from drapolicy.api.files import write_whole


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    """When writing fails, what was there before stays and nothing else is left."""
    path = tmp_path / "report.html"
    path.write_text("before")

    def half(temporary: Path) -> None:
        temporary.write_text("half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_whole(path, half)
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("report.html", "before")]
    write_whole(path, lambda temporary: temporary.write_text("after"))
    assert [(item.name, item.read_text()) for item in tmp_path.iterdir()] == [("report.html", "after")]
