"""``drapolicy policies``: what there is to choose from, and how it compares with other allocators' answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from drapolicy.cli.output import Format, print_data, print_line, print_table
from drapolicy.errors import InputError, ParseError
from drapolicy.policies import STOCK
from drapolicy.policies.cases import run_cases
from drapolicy.policies.named import TABLE
from drapolicy.policies.pages import Page, page, summary
from drapolicy.policies.plugins import third_party

DISAGREE = 1


def policies(output: Format) -> int:
    """Print all policies, each with a line about it."""
    rows = [(name, summary(make)) for name, make in TABLE.items()]
    others = [(name, plugin.origin) for name, plugin in third_party().items()]
    shadowed = [
        f"{plugin}: its name is one of drapolicy's own, which is used" for name, plugin in others if name in TABLE
    ]
    if output is Format.TABLE:
        told = [(name, f"Of another package: {origin}.") for name, origin in others if name not in TABLE]
        print_table(("POLICY", "WHAT IT DOES"), rows + told)
        for line in shadowed:
            print_line(f"left out: {line}")
        return 0
    listed = [{"name": name, "about": text, "stock": name == STOCK} for name, text in rows]
    listed += [{"name": name, "about": origin, "stock": False} for name, origin in others if name not in TABLE]
    print_data(listed, output)
    return 0


def show(name: str, output: Format, *, markdown: bool = False) -> int:
    """Print all about one policy."""
    found = page(name)
    if markdown:
        sys.stdout.write(found.markdown())
    elif output is Format.TABLE:
        _print(found)
    else:
        print_data(found.as_data(), output)
    return 0


def _print(found: Page) -> None:
    for line in (found.name, "", *found.text.splitlines()):
        print_line(line)
    if found.parameters:
        print_line()
        rows = [(p.name, p.kind, p.default or "none", p.about) for p in found.parameters]
        print_table(("PARAMETER", "KIND", "DEFAULT", "WHAT IT IS"), rows)
    if found.terms:
        print_line()
        rows = [(t.name, f"{t.sense} {t.unit}".strip(), t.about, "") for t in found.terms]
        print_table(("BETTER MEANS", "UNIT", "WHAT IT IS"), [row[:3] for row in rows])
    for part, about in found.parts:
        print_line(f"{part}: {about}")


def cases(file: str, output: Format) -> int:
    """Play the cases of a file and print what agrees."""
    report = run_cases(_json(file))
    if output is not Format.TABLE:
        print_data(report.as_data(), output)
        return DISAGREE if report.disagree else 0
    rows = [(r.name, r.policy, r.expected, r.got, r.note) for r in report.rows if not r.agrees]
    if rows:
        print_table(("CASE", "POLICY", "EXPECTED", "GOT", "NOTE"), rows, title="Cases that do not agree")
        print_line()
    for sentence in report.wrong:
        print_line(f"wrong in the source: {sentence}")
    counts = [("cases", len(report.rows)), ("agree", report.agree), ("disagree", report.disagree)]
    if report.wrong:
        counts.append(("wrong in the source", len(report.wrong)))
    print_table(("FORMAT", report.format), [(name, str(count)) for name, count in counts], right=(1,))
    return DISAGREE if report.disagree else 0


def _json(file: str) -> object:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
        found: object = json.loads(text)
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        message = f"{file}: is no JSON: {error}"
        raise ParseError(message) from None
    except OSError as error:
        message = f"{file}: cannot be read: {error.strerror}"
        raise InputError(message) from None
    return found
