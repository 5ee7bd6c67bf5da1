"""Examples in docstrings run (G18)."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import drapolicy

PACKAGE = Path(drapolicy.__file__).parent
MODULES = sorted(
    ".".join(("drapolicy", *path.relative_to(PACKAGE).with_suffix("").parts)).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
    if path.name != "__main__.py" and ">>>" in path.read_text(encoding="utf-8")
)


@pytest.mark.parametrize("name", MODULES)
def test_examples_run(name: str) -> None:
    """What an example shows is what happens."""
    failed, tried = doctest.testmod(importlib.import_module(name))
    assert tried > 0
    assert failed == 0


def test_there_are_examples() -> None:
    """The list above is not empty by mistake."""
    assert len(MODULES) > 10
