"""Every rule that code or tests cite is written down (G43)."""

from __future__ import annotations

import re
from pathlib import Path


def numbered(text: str) -> set[str]:
    """Rules of docs/semantics.md; ranges such as S5–S9 count as all of them."""
    found = set(re.findall(r"\b([SQDI]\d{1,2}b?)\b", text))
    for letter, first, last in re.findall(r"\b([SQD])(\d{1,2})[–-][SQD](\d{1,2})\b", text):
        found |= {f"{letter}{number}" for number in range(int(first), int(last) + 1)}
    return found


def cited(root: Path) -> dict[str, str]:
    """Rules that docstrings and comments cite as K8s S45, and those that errors of the checker name."""
    found = {}
    for path in sorted((root / "drapolicy").rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        for match in re.finditer(r"K8s ((?:[SQI]\d{1,2}b?(?:, |-| and )?)+)|\(([SQDI]\d{1,2}b?)\)", text):
            for rule in re.findall(r"[SQDI]\d{1,2}b?", match[0]):
                found[rule] = str(path.relative_to(root))
    return found


def test_cited_rules_are_in_the_list(root: Path) -> None:
    """A reader who follows a number finds the rule."""
    known = numbered((root / "docs" / "semantics.md").read_text(encoding="utf-8"))
    missing = {rule: where for rule, where in cited(root).items() if rule not in known}
    assert missing == {}


def test_the_search_finds_citations(root: Path) -> None:
    """The test above sees something: the central rules are cited."""
    assert {"S24", "S37", "S45", "S50", "S55", "I3b", "I6"} <= cited(root).keys()


def test_every_decision_has_its_parts(root: Path) -> None:
    """A decision says its context, what was decided, what was rejected or left, and what follows."""
    wrong = [
        f"{path.name}: {part}"
        for path in sorted((root / "docs" / "decisions").glob("*.md"))
        for part in ("**Context.**", "**Decision.**", "**Consequences.**")
        if part not in path.read_text(encoding="utf-8")
    ]
    assert wrong == []
