"""A page about each policy, made from the docstring of the function that makes it and from its parts."""

from __future__ import annotations

import inspect
import re
from dataclasses import dataclass
from typing import Any

from drapolicy.policies.named import TABLE, policy
from drapolicy.policies.objective import as_objective
from drapolicy.policies.parameters import described, split
from drapolicy.policies.rule import Policy, Rule

_SECTION = re.compile(r"^(Parameters|References)\n-+\n", re.MULTILINE)


@dataclass(frozen=True)
class Parameter:
    """A parameter as a page shows it."""

    name: str
    kind: str
    default: str
    about: str


@dataclass(frozen=True)
class TermLine:
    """A term of the objective as a page shows it."""

    name: str
    sense: str
    unit: str
    about: str


@dataclass(frozen=True)
class Page:
    """All about one policy.

    Attributes
    ----------
    name
        As it is asked for, parameters included.
    text, sources
        Its docstring without the sections, and where it is from.
    parameters, terms, parts
        What can be set; what is better, in order of importance; solver and node rule, each with a line about it.
    """

    name: str
    text: str
    sources: str
    parameters: tuple[Parameter, ...]
    terms: tuple[TermLine, ...]
    parts: tuple[tuple[str, str], ...]

    def as_data(self) -> dict[str, Any]:
        """Return the page as plain values."""
        return {
            "name": self.name,
            "about": self.text,
            "source": self.sources,
            "parameters": [vars(parameter) for parameter in self.parameters],
            "objective": [vars(term) for term in self.terms],
            **dict(self.parts),
        }

    def markdown(self) -> str:
        """Return the page as Markdown."""
        lines = [f"# {self.name}", "", self.text, ""]
        if self.parameters:
            lines += ["## Parameters", "", "| name | kind | default | what it is |", "|---|---|---|---|"]
            lines += [
                f"| `{p.name}` | {_cell(p.kind)} | `{_cell(p.default)}` | {_cell(p.about)} |" for p in self.parameters
            ]
            first = self.parameters[0]
            lines += ["", f"Set one as in `{self.name}:{first.name}={first.default}`.", ""]
        if self.terms:
            lines += ["## Objective", "", "In order of importance:", "", "| term | better is | unit | what it is |"]
            lines += ["|---|---|---|---|"]
            lines += [f"| `{t.name}` | {t.sense} | {_cell(t.unit)} | {_cell(t.about)} |" for t in self.terms]
            lines += [""]
        lines += ["## Parts", "", *(f"- {part}: {about}" for part, about in self.parts), ""]
        if self.sources:
            lines += ["## Source", "", self.sources, ""]
        return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def summary(made: object) -> str:
    """Return the first paragraph about a function or a part, in one line."""
    # Without docstrings (python -OO) the name has to do.
    text = inspect.getdoc(made) or f"{getattr(made, '__name__', type(made).__name__)}."
    return re.sub(r"\s+", " ", text.partition("\n\n")[0])


def page(name: str) -> Page:
    """Return the page of a policy.

    Raises
    ------
    UnknownReferenceError, InputError
        As :func:`drapolicy.policies.policy`.
    """
    found = policy(name)
    make = TABLE.get(split(name)[0])
    sections = _sections(inspect.getdoc(make if make is not None else type(found)) or "")
    about = _about(sections.get("Parameters", ""))
    parameters = described(make) if make is not None else {}
    return Page(
        name=name,
        text=sections[""],
        sources=sections.get("References", ""),
        parameters=tuple(
            Parameter(key, kind, default, about.get(key, "")) for key, (kind, default) in parameters.items()
        ),
        terms=_terms(found),
        parts=_parts(found),
    )


def _terms(found: Policy) -> tuple[TermLine, ...]:
    if not isinstance(found, Rule):
        return ()
    terms = as_objective(found.objective).terms
    senses = {"max": "more", "min": "less"}
    return tuple(
        TermLine(t.name, senses[t.sense], t.unit, re.sub(r"\s+", " ", t.doc.partition("\n\n")[0])) for t in terms
    )


def _parts(found: Policy) -> tuple[tuple[str, str], ...]:
    if not isinstance(found, Rule):
        return ()
    from drapolicy.policies.groups import Greedy  # its solvers take longer to import than all else

    together = Greedy if found.together is None else type(found.together)
    parts = {"solver": type(found.solver), "nodes": type(found.nodes), "together": together}
    return tuple((part, summary(kind)) for part, kind in parts.items())


def _sections(text: str) -> dict[str, str]:
    """Return a docstring's sections by title; what stands before them has none."""
    parts = _SECTION.split(text)
    found = {"": parts[0].strip()}
    found |= {title: body.strip() for title, body in zip(parts[1::2], parts[2::2], strict=True)}
    return found


def _about(section: str) -> dict[str, str]:
    """Return what a numpydoc section says of each parameter."""
    found: dict[str, list[str]] = {}
    current = ""
    for line in section.splitlines():
        if line and not line.startswith(" "):
            current = line.strip()
            found[current] = []
        elif current and line.strip():
            found[current].append(line.strip())
    return {name: " ".join(lines) for name, lines in found.items()}


def pages() -> dict[str, str]:
    """Return the Markdown of the page of each policy in the table, by name."""
    return {name: page(name).markdown() for name in TABLE}


def index() -> str:
    """Return the list of all pages as Markdown."""
    lines = ["# Policies", "", "Made from the code by `python tools/policy_pages.py`.", ""]
    lines += [f"- [{name}]({name}.md): {summary(make)}" for name, make in TABLE.items()]
    return "\n".join([*lines, ""])
