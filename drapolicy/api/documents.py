"""Texts to the plain values of their documents, YAML or JSON, whichever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from drapolicy.api.json_reader import read_json
from drapolicy.api.values import ReadFault
from drapolicy.api.yaml_reader import read_yaml

_ACTION: Final = re.compile(rb"^[^#\n]*\{\{", re.MULTILINE)


def documents(name: str, data: bytes) -> Iterator[Any]:
    """Yield the documents of a text, read as JSON if it looks so and else as YAML, of which JSON is nearly a part."""
    named_json = name.removesuffix(".gz").endswith(".json")
    begin = data[:1024].removeprefix(b"\xef\xbb\xbf").lstrip()
    if not named_json and (not begin.startswith((b"{", b"[")) or begin.startswith(b"{{")):
        values = list(read_yaml(data))
    else:
        values = list(read_json(data))
        # A number that no JSON has is a fault of its own; only for a syntax error is YAML the better guess.
        if any(isinstance(value, ReadFault) and value.line for value in values) and not named_json:
            as_yaml = list(read_yaml(data))
            if not any(isinstance(value, ReadFault) for value in as_yaml):
                values = as_yaml
        if named_json and not values:
            values = [ReadFault("holds no JSON; check that the file is complete")]
    is_template = _ACTION.search(data) is not None
    for value in values:
        if isinstance(value, ReadFault) and is_template:
            yield ReadFault(f"is a template ({{{{ ... }}}}) and must be rendered first; {value.message}")
        else:
            yield value
