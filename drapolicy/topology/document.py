"""Values of a YAML or JSON file of strangers, with the place of each field and all faults gathered."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

import yaml

from drapolicy.api.json_reader import read_json
from drapolicy.api.values import TWICE, ReadFault, broken, join
from drapolicy.api.yaml_reader import read_yaml
from drapolicy.errors import Fault, ParseError
from drapolicy.topology.hostlist import MAX_NAMES, HostListError, expand

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_FLAGS = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_LAST_STEP = re.compile(r"(?:^|\.)[^.\[\]]*$|\[[^\[\]]*\]$|.$", re.DOTALL)
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class Plain(str):
    """A YAML scalar without quotes, as it is written: whether ``0010`` is a name or a number, who reads it decides."""

    __slots__ = ()


class Document:
    """One document of a file. Its methods take a value and its path, and remember what is wrong with it.

    Parameters
    ----------
    text
        The file, YAML or JSON.
    file
        Its name for messages.

    Attributes
    ----------
    value
        The document: mappings, lists and text, of which `Plain` may mean something else; of JSON the JSON values.

    Raises
    ------
    ParseError
        If the text is neither, holds no document or several, or a key is given twice.
    """

    def __init__(self, text: str, file: str = "") -> None:
        self.file = file
        self._text = text.lstrip("\ufeff")
        self._root: Any = None
        self._places: dict[str, str] | None = None
        self._faults: list[Fault] = []
        self._names = 0
        is_json = self._text.lstrip(" \t\r\n").startswith(("{", "["))
        self.value: Any = self._json() if is_json else self._yaml()
        self.close()

    def _json(self) -> Any:
        # Lone surrogates cannot come from a file, and the reader refuses what stands in for them.
        value = self._only(read_json(self._text.encode(errors="surrogatepass")))
        for path, message in broken(value):
            self.fault(path, message)
        return value

    def _yaml(self) -> Any:
        if odd := yaml.reader.Reader.NON_PRINTABLE.search(self._text):
            line = self._text.count("\n", 0, odd.start()) + 1
            place = f"line {line}, column {odd.start() - self._text.rfind(chr(10), 0, odd.start())}"
            raise ParseError(faults=[Fault(self.file, -1, "", place, f"{odd[0]!r} is no character of YAML; remove it")])
        # The reader of the API knows the bounds; what it makes of scalars is another version of YAML.
        self._only(read_yaml(self._text.encode()))
        self._root = _composed(self._text)
        return self._built(self._root, "", {})

    def _only(self, values: Iterator[Any]) -> Any:
        found = list(values)
        for value in found:
            if isinstance(value, ReadFault):
                self.refuse(value.message)
        if len(found) != 1:
            self.refuse(f"holds {len(found)} documents; give one")
        return found[0]

    def _built(self, node: Any, path: str, done: dict[int, Any]) -> Any:
        if id(node) in done:
            return done[id(node)]
        value: Any
        if isinstance(node, yaml.MappingNode):
            value = {}
            for key, inner in node.value:
                name = str(key.value) if isinstance(key, yaml.ScalarNode) else ""
                below = join(path, name)
                if name in value:
                    self.fault(below, TWICE)
                if not name or name == "<<":
                    self.fault(path, f"has a key {name or 'that is no text'}; write its fields out")
                value[name] = self._built(inner, below, done)
        elif isinstance(node, yaml.SequenceNode):
            value = [self._built(inner, f"{path}[{position}]", done) for position, inner in enumerate(node.value)]
        else:
            value = Plain(node.value) if not node.style else str(node.value)
        done[id(node)] = value
        return value

    def fault(self, path: str, message: str) -> None:
        """Remember what is wrong with the field at a path."""
        if self._places is None:
            self._places = _places(self._root or _composed(self._text))
        where = path
        while where and where not in self._places:
            # A field that is missing is wrong where its mapping is.
            where = _LAST_STEP.sub("", where)
        self._faults.append(Fault(self.file, -1, path, self._places.get(where, ""), message))

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong so far."""
        return not self._faults

    def close(self) -> None:
        """Raise what was remembered, if anything."""
        if self._faults:
            raise ParseError(faults=self._faults)

    def refuse(self, why: str) -> NoReturn:
        """Refuse the document as a whole."""
        raise ParseError(faults=[Fault(self.file, -1, "", "", why)])

    def mapping(self, value: Any, path: str, known: frozenset[str] | None = None) -> Mapping[str, Any]:
        """Return a mapping, empty in place of anything else; keys that are not ``known`` are faults."""
        if not isinstance(value, dict):
            self.fault(path, f"is {_what(value)}, not a mapping")
            return {}
        for key in value:
            if known is not None and key not in known:
                self.fault(join(path, key), f"is no field here; known: {', '.join(sorted(known))}")
        return value

    def entries(self, value: Any, path: str) -> Iterator[tuple[str, Any]]:
        """Yield path and value of the members of a list."""
        if not isinstance(value, list):
            self.fault(path, f"is {_what(value)}, not a list")
            return
        yield from ((f"{path}[{position}]", member) for position, member in enumerate(value))

    def text(self, value: Any, path: str) -> str:
        """Return a text that is not empty and can be printed."""
        if isinstance(value, str) and value and value.isprintable() and not _is_null(value):
            return str(value)
        self.fault(path, f"is {_what(value)}, not a name")
        return ""

    def number(self, value: Any, path: str, least: int, most: int = 2**31) -> int:
        """Return a whole number within bounds; the lowest in place of anything else."""
        if isinstance(value, Plain) and _WHOLE.fullmatch(value):
            value = int(value)
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        self.fault(path, f"is {_what(value)}, not a whole number from {least} to {most}")
        return least

    def flag(self, value: Any, path: str) -> bool:
        """Return true or false; false in place of anything else."""
        found = _FLAGS.get(value) if isinstance(value, Plain) else value
        if not isinstance(found, bool):
            self.fault(path, f"is {_what(value)}, not true or false")
        return found is True

    def names(self, value: Any, path: str) -> tuple[str, ...]:
        """Return the names of one host list expression, or of a list of them."""
        if isinstance(value, list):
            listed = [name for inner, member in self.entries(value, path) for name in self.names(member, inner)]
            for name, count in Counter(listed).items():
                if count > 1:
                    self.fault(path, f"{name} is named twice")
            return tuple(dict.fromkeys(listed))
        text = self.text(value, path)
        if not text:
            return ()
        try:
            found = expand(text)
        except HostListError as error:
            self.fault(path, str(error))
            return ()
        self._names += len(found)
        if self._names > MAX_NAMES:
            self.fault(path, f"brings the file to more than {MAX_NAMES:,} names")
            self.close()
        return found


def _is_null(value: Any) -> bool:
    return value is None or (isinstance(value, Plain) and value in _NULL)


def _what(value: Any) -> str:
    if _is_null(value):
        return "empty"
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    return repr(str(value) if isinstance(value, str) else value)[:60]


def _composed(text: str) -> Any:
    """Return the node of the one document that holds something; None where the text is JSON that is no YAML."""
    try:
        nodes = list(yaml.compose_all(text, _LOADER))
    except (yaml.YAMLError, RecursionError):
        return None
    return next((node for node in nodes if not isinstance(node, yaml.ScalarNode) or node.value), None)


def _places(root: Any) -> dict[str, str]:
    """Return line and column of every field of a document, by path."""
    if root is None:
        return {}
    places: dict[str, str] = {}
    open_nodes: list[tuple[str, Any]] = [("", root)]
    while open_nodes:
        path, node = open_nodes.pop()
        places.setdefault(path, _place(node))
        if isinstance(node, yaml.MappingNode):
            for key, inner in node.value:
                if isinstance(key, yaml.ScalarNode):
                    below = join(path, key.value)
                    places[below] = _place(key)
                    open_nodes.append((below, inner))
        elif isinstance(node, yaml.SequenceNode):
            open_nodes += [(f"{path}[{position}]", inner) for position, inner in enumerate(node.value)]
    return places


def _place(node: Any) -> str:
    return f"line {node.start_mark.line + 1}, column {node.start_mark.column + 1}" if node is not None else ""
