"""Pages that are made of data."""

from __future__ import annotations

import difflib
from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def page(request: pytest.FixtureRequest, root: Path) -> Callable[[str, str], None]:
    """Compare a page of docs/upstream with what its data make, or rewrite it with ``make golden``."""

    def check(name: str, text: str) -> None:
        path = root / "docs" / "upstream" / name
        if request.config.getoption("--golden"):
            path.write_text(text, encoding="utf-8")
            return
        kept = path.read_text(encoding="utf-8") if path.is_file() else ""
        if kept != text:
            lines = difflib.unified_diff(kept.splitlines(), text.splitlines(), f"kept {name}", "now", lineterm="")
            pytest.fail("\n".join([*lines, "if this is meant: make golden"]), pytrace=False)

    return check
