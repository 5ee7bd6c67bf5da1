"""The parser, the type checker and the regular expressions: everything taken from ``cel-expr-python``.

No other module imports that library. Only checking is left to it: evaluating is done by :mod:`drapolicy.cel.program`,
because the library picks overloads by kind of value (two message types cannot share a function), turns quantities
into messages that are compared field by field, and knows neither Kubernetes' default for unknown domains nor its
error texts.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel

from drapolicy.cel.declarations import OVERLOADS, REPLACED
from drapolicy.cel.errors import CompileError
from drapolicy.cel.syntax import Checked, decode

# Upstream refuses expressions of more than this many nested rules; the library's own limit is fixed at 32.
_UPSTREAM_DEPTH = 250

_LIBRARIES = ("optional", "bindings", "lists", "two-var-comprehensions")
_DEVICE = "kubernetes.DRADevice"
_FIELDS = ("driver", "attributes", "capacity", "allowMultipleAllocations")

_STRING = r'[bB]?[rR]?(?:"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')'
_HAS_FIELD = re.compile(
    rf"(?P<skip>{_STRING}|//[^\n]*)|\bhas\s*\(\s*device\s*\.\s*(?:{'|'.join(_FIELDS)})\s*\)", re.DOTALL
)
_BRACKETS = re.compile(rf"{_STRING}|//[^\n]*|(?P<bracket>[()\[\]{{}}])", re.DOTALL)
_ERROR = re.compile(r"^ERROR: <input>:(-?\d+):(-?\d+): (.*)$")


def check(expression: str) -> Checked:
    """Return the expression parsed and type-checked in the environment of DRA selectors.

    Raises
    ------
    CompileError
        With upstream's text for what does not parse or type-check.
    """
    # Device fields are declared as whole names, so the library would take a test for one as the field itself; all
    # four are always there.
    source = _HAS_FIELD.sub(lambda found: found[0] if found["skip"] else "true".ljust(len(found[0])), expression)
    try:
        serialized = _environment().compile(source).serialize()
    except RuntimeError as error:
        raise _refusal(str(error), expression) from None
    except UnicodeEncodeError:
        message = "compilation failed: the expression holds characters that UTF-8 cannot encode"
        raise CompileError(message, expression) from None
    return decode(serialized)


@cache
def _environment() -> cel.Env:
    functions: dict[str, list[dict[str, Any]]] = {}
    for row in OVERLOADS:
        overload: dict[str, Any] = {"id": f"{row.name}({','.join(row.parameters)})", "return": _type(row.result)}
        parameters = [_type(parameter) for parameter in row.parameters]
        if row.member:
            overload["target"], *parameters = parameters
        functions.setdefault(row.name, []).append({**overload, "args": parameters})
    fields = {
        "device": _DEVICE,
        "device.driver": "string",
        "device.attributes": "map(string,map(string,dyn))",
        "device.capacity": "map(string,map(string,Quantity))",
        "device.allowMultipleAllocations": "bool",
    }
    config = {
        "name": "kubernetes",
        "stdlib": {"exclude_functions": [{"name": name} for name in REPLACED]},
        "extensions": [{"name": name} for name in _LIBRARIES],
        "variables": [{"name": name, **_type(kind)} for name, kind in fields.items()],
        "functions": [{"name": name, "overloads": overloads} for name, overloads in functions.items()],
    }
    # JSON is YAML.
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(json.dumps(config)))


def _type(name: str) -> dict[str, Any]:
    if name in {"A", "T"}:
        return {"type_name": name, "is_type_param": True}
    outer, bracket, inner = name.partition("(")
    if bracket:
        parameters = [_type(part) for part in inner[:-1].split(",", 1)] if outer == "map" else [_type(inner[:-1])]
        return {"type_name": "optional_type" if outer == "optional" else outer, "params": parameters}
    # Kubernetes' own types begin with a capital.
    return {"type_name": f"kubernetes.{name}" if name[0].isupper() else name}


def _refusal(text: str, expression: str) -> CompileError:
    """Return the library's error in upstream's words; the two differ in a few."""
    if "recursion" in text:
        if _depth(expression) >= _UPSTREAM_DEPTH:
            limit = "ERROR: <input>:-1:0: expression recursion limit exceeded: 250"
            return CompileError(f"compilation failed: {limit}", expression)
        message = "expressions nested more than 32 levels deep are not supported by drapolicy"
        return CompileError(message, expression, unsupported=True)
    text = re.sub(r"^[A-Z_]+: ", "", text)
    text = re.sub(r" ?\[[A-Z_]+\]$", "", text)
    lines: list[str] = []
    skipping = False
    for line in text.split("\n"):
        found = _ERROR.match(line)
        if not found:
            if not skipping:
                lines.append(line)
            continue
        row, column, reason = int(found[1]), int(found[2]), found[3]
        skipping = row < 1
        if skipping:
            continue
        moved = _upstream_error(row, column, reason, expression)
        if isinstance(moved, CompileError):
            return moved
        lines += moved
        skipping = len(moved) > 1
    return CompileError("compilation failed: " + "\n".join(lines), expression)


def _upstream_error(row: int, column: int, reason: str, expression: str) -> list[str] | CompileError:
    if found := re.fullmatch(r"expression of type '(kubernetes\.[\w.]+)' cannot be the operand of a select operation", reason):
        if found[1] == _DEVICE:
            field = re.match(r"\s*\.?\s*(\w*)", _lines(expression)[row - 1][column - 1 :])
            assert field
            if field[1] in _FIELDS:
                message = f"another name for device, as in .{field[1]} here, is not supported by drapolicy"
                return CompileError(message, expression, unsupported=True)
            if field[1]:
                reason = f"undefined field '{field[1]}'"
        else:
            reason = f"unexpected failed resolution of '{found[1]}'"
    elif found := re.fullmatch(r"undeclared reference to '(\w+)((?:\.\w+)+)' (\(in container ''\))", reason):
        root, rest, place = found.groups()
        before = _lines(expression)[row - 1][: column - 1]
        inner = r"\s*\.\s*".join([root, *rest[1:].split(".")[:-1]])
        if start := re.search(rf"\b{inner}\s*$", before):
            reason = f"undeclared reference to '{root}' {place}"
            column = start.start() + 1
            source = _lines(expression)[row - 1]
            return [f"ERROR: <input>:{row}:{column}: {reason}", f" | {source}", f" | {'.' * (column - 1)}^"]
    return [f"ERROR: <input>:{row}:{column}: {reason}"]


def _lines(expression: str) -> list[str]:
    return expression.split("\n")


def _depth(expression: str) -> int:
    depth = deepest = 0
    for found in _BRACKETS.finditer(expression):
        if found["bracket"]:
            depth += 1 if found["bracket"] in "([{" else -1
            deepest = max(deepest, depth)
    return deepest


@cache
def _regex_environment() -> cel.Env:
    config = cel.NewEnvConfigFromYaml("name: regex\nextensions:\n- name: optional\n- name: regex\n")
    return cel.NewEnv(config=config, variables={"text": cel.Type.STRING, "pattern": cel.Type.STRING})


@cache
def _regex_program(expression: str) -> cel.Expression:
    return _regex_environment().compile(expression)


def _regex(expression: str, text: str, pattern: str) -> cel.Value:
    data = {"text": text, "pattern": pattern}
    return _regex_program(expression).eval(data=data)


@lru_cache(maxsize=4096)
def regex_matches(text: str, pattern: str) -> bool | None:
    """Return whether an RE2 pattern matches anywhere in a text; None for a pattern that is not RE2's.

    RE2 takes linear time, so no pattern can hang the process.
    """
    value = _regex("text.matches(pattern)", text, pattern)
    return bool(value.value()) if value.type() == cel.Type.BOOL else None


@lru_cache(maxsize=4096)
def regex_find_all(text: str, pattern: str) -> tuple[str, ...] | None:
    """Return all matches from left to right; None for a pattern that is not RE2's or whose groups cannot be read."""
    value = _regex("regex.extractAll(text, pattern)", text, pattern)
    found = value.plain_value()
    return tuple(found) if isinstance(found, list) else None
