"""Pages about policies say what the code says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drapolicy.errors import UnknownReferenceError
from drapolicy.policies.named import TABLE
from drapolicy.policies.pages import index, page, pages
from drapolicy.testing.contract import CHECKS


def test_pages_in_the_docs_are_those_of_the_code(root: Path) -> None:
    """After ``python tools/policy_pages.py`` nothing changes."""
    kept = {path.name: path.read_text(encoding="utf-8") for path in (root / "docs" / "policies").glob("*.md")}
    assert kept == {"README.md": index(), **{f"{name}.md": text for name, text in pages().items()}}


@pytest.mark.parametrize("name", TABLE)
def test_a_page_is_complete(name: str) -> None:
    """Every policy says what it does, explains every parameter, and every term of it explains itself."""
    found = page(name)
    assert len(found.text.split()) > 12
    assert all(parameter.about for parameter in found.parameters)
    assert all(term.about and term.unit for term in found.terms)
    assert [part for part, _ in found.parts] == ["solver", "nodes", "together"]


def test_parameters_change_the_page() -> None:
    """The page of a policy with parameters is about that policy."""
    assert [term.name for term in page("fgd:rounded=false").terms] == ["fragmentation"]
    assert page("fgd:rounded=false").as_data()["name"] == "fgd:rounded=false"


def test_an_unknown_policy_has_no_page() -> None:
    """The error names those that there are."""
    with pytest.raises(UnknownReferenceError, match="policy 'x': unknown; use one of kube-scheduler"):
        page("x")


def test_the_example_of_the_docs_is_a_policy(root: Path) -> None:
    """The Python of the first section runs, and what it makes keeps the contract."""
    text = (root / "docs" / "adding-a-policy.md").read_text(encoding="utf-8")
    module: dict[str, Any] = {"__name__": "docs"}
    exec(compile(text.split("```python\n", 1)[1].split("```", 1)[0], "adding-a-policy.md", "exec"), module)
    for name in ("placements_verify", "nothing_feasible_is_left_pending"):
        CHECKS[name](module["keep_quads"], 10)
