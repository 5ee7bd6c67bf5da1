"""YAML read node by node, so that every fault has its line; what is wrong is collected."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import yaml

from drapolicy.errors import DrapolicyError, Fault, InputError, ParseError
from drapolicy.text import instead

_BASE: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG: Final = "tag:yaml.org,2002:"

T = TypeVar("T")


class Nodes:
    """Reads the nodes of a file's YAML document, which know their lines.

    Parameters
    ----------
    file
        Its name in faults.
    """

    def __init__(self, file: Path) -> None:
        self.file = file
        self._own: list[tuple[int, Fault]] = []
        self._others: list[Fault] = []

    def end(self) -> None:
        """Raise what was collected, if anything: the file's own by line, then those of the files that it names.

        Raises
        ------
        InputError
            With all of it.
        """
        own = [fault for _, fault in sorted(self._own, key=lambda found: found[0])]
        if own or self._others:
            raise InputError(faults=[*own, *self._others])

    def fault(self, node: yaml.Node | None, path: str, message: str) -> None:
        """Keep a fault."""
        line = 0 if node is None else node.start_mark.line + 1
        self._own.append((line, Fault(str(self.file), -1, f"line {line}" if line else "", path, message)))

    @contextmanager
    def caught(self, node: yaml.Node, path: str) -> Iterator[None]:
        """Keep what goes wrong with a value, so that the others are looked at too."""
        try:
            yield
        except InputError as error:
            if error.faults:
                self._others += [one for one in error.faults if one not in self._others]
            else:
                self.fault(node, path, str(error))
        except DrapolicyError as error:
            self.fault(node, path, str(error))
        except OSError as error:
            self.fault(node, path, f"{error.filename}: {(error.strerror or str(error)).lower()}")

    def document(self, data: bytes) -> yaml.Node:
        """Return the top of the only document.

        Raises
        ------
        InputError
            For what is no YAML, and for none or several documents.
        """
        try:
            documents = list(yaml.compose_all(data.decode("utf-8-sig"), Loader=_BASE))
        except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
            mark = getattr(error, "problem_mark", None)
            line = f"line {mark.line + 1}" if mark is not None else ""
            problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "cannot be read"
            fault = Fault(str(self.file), -1, line, "", f"not YAML: {problem}; mend the file")
            raise ParseError(faults=[fault]) from error
        if len(documents) != 1 or documents[0] is None:
            told = f"{len(documents)} documents" if len(documents) > 1 else "nothing in it"
            self.fault(None, "", f"{told}; an experiment is one document")
            self.end()
        top: yaml.Node = documents[0]
        return top

    def mapping(self, node: yaml.Node, path: str, known: tuple[str, ...]) -> dict[str, yaml.Node]:
        """Return the fields of a mapping; unknown ones and doubled ones are faults."""
        if not isinstance(node, yaml.MappingNode):
            self.fault(node, path, f"has to be a mapping with fields of {', '.join(known)}")
            return {}
        found: dict[str, yaml.Node] = {}
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else "?"
            where = f"{path}.{name}".lstrip(".")
            if name not in known:
                self.fault(key, where, f"is unknown; {instead(name, known)}")
            elif name in found:
                self.fault(key, where, "is given twice; give it once")
            else:
                found[name] = value
        return found

    def fields(self, node: yaml.Node, path: str, known: tuple[str, ...], short: str) -> dict[str, yaml.Node]:
        """Return the fields of a mapping; a text or number in its place stands for one of them."""
        return {short: node} if isinstance(node, yaml.ScalarNode) else self.mapping(node, path, known)

    def each(self, node: yaml.Node, path: str, read: Callable[[yaml.Node, str], T | None]) -> list[T]:
        """Return what a list's values are read as, without those that cannot be."""
        if not isinstance(node, yaml.SequenceNode) or not node.value:
            self.fault(node, path, "has to be a list of at least one")
            return []
        values = [read(inner, f"{path}[{n}]") for n, inner in enumerate(node.value)]
        return [value for value in values if value is not None]

    def text(self, node: yaml.Node | None, path: str) -> str:
        """Return a text; empty where there is none."""
        if node is None:
            return ""
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}str" and node.value:
            text: str = node.value
            return text
        self.fault(node, path, "has to be a text; put it in quotes")
        return ""

    def texts(self, node: yaml.Node | None, path: str) -> list[str]:
        """Return a list of texts; one may stand alone."""
        if isinstance(node, yaml.SequenceNode):
            return [text for text in self.each(node, path, self.text) if text]
        return [text] if (text := self.text(node, path)) else []

    def flag(self, node: yaml.Node | None, path: str) -> bool:
        """Return a truth value; false where there is none."""
        if node is None:
            return False
        if isinstance(node, yaml.ScalarNode) and node.tag == f"{_TAG}bool":
            return node.value.lower() in {"true", "yes", "on"}
        self.fault(node, path, "has to be true or false")
        return False

    def whole(self, node: yaml.Node, path: str) -> int | None:
        """Return a number; None for what is none."""
        if isinstance(node, yaml.ScalarNode) and (number := whole(node.value)) is not None:
            return number
        self.fault(node, path, "has to be a whole number from 0 on")
        return None


def whole(text: str) -> int | None:
    """Return the whole number that a text is, in digits; None for anything else, and from 2⁶³ on.

    Examples
    --------
    >>> whole(" 42 "), whole("-1"), whole("1e3"), whole("9" * 19)
    (42, None, None, None)
    """
    digits = text.strip()
    if not digits.isascii() or not digits.isdigit() or len(digits) > 19 or int(digits) >= 2**63:
        return None
    return int(digits)
