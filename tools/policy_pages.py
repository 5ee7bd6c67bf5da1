"""Write docs/policies from the docstrings of the policies: ``python tools/policy_pages.py``."""

from __future__ import annotations

from pathlib import Path

from drapolicy.policies.pages import index, pages

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "policies"


def write() -> None:
    """Write a page for each policy and an index; pages of policies that are gone are removed."""
    FOLDER.mkdir(exist_ok=True)
    wanted = {"README.md": index(), **{f"{name}.md": text for name, text in pages().items()}}
    for old in FOLDER.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    for name, text in wanted.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write()
