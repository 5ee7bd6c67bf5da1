"""The parser, the type checker and the regular expressions: everything taken from ``cel-expr-python``.

No other module imports that library. Regular expressions are RE2, reached through two small expressions that it
evaluates. Of selectors only checking is left to it: evaluating is done by :mod:`drapolicy.cel.program`, because the
library picks overloads by kind of value (two message types cannot share a function), turns quantities into messages
that are compared field by field, and knows neither Kubernetes' default for unknown domains nor its error texts.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache
from typing import Any

from cel_expr_python import cel

from drapolicy.cel import wording
from drapolicy.cel.declarations import OVERLOADS, REPLACED
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.syntax import Checked
from drapolicy.cel.wire import decode

# Upstream refuses expressions of more than this many nested rules; the library's own limit is fixed at 32.
_UPSTREAM_DEPTH = 250

_LIBRARIES = ("optional", "bindings", "lists", "two-var-comprehensions")
# Of Kubernetes' types only these two have a name in expressions.
_NAMED_TYPES = [{"name": name, "type_name": "type", "params": [{"type_name": name}]} for name in ("net.IP", "net.CIDR")]
_DEVICE = "kubernetes.DRADevice"

_STRING = r'[bB]?[rR]?(?:"""(?:\\.|[^\\])*?"""|\'\'\'(?:\\.|[^\\])*?\'\'\'|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\')'
_HAS_FIELD = re.compile(
    rf"(?P<skip>{_STRING}|//[^\n]*)|\bhas\s*\(\s*device\s*\.\s*(?:{'|'.join(wording.DEVICE_FIELDS)})\s*\)", re.DOTALL
)
_BRACKETS = re.compile(rf"{_STRING}|//[^\n]*|(?P<bracket>[()\[\]{{}}])", re.DOTALL)
_ERROR = re.compile(r"^ERROR: <input>:(-?\d+):(-?\d+): (.*)$")


def type_check(expression: str) -> Checked:
    """Return the expression parsed and type-checked in the environment of DRA selectors.

    Raises
    ------
    CompileError
        With upstream's text for what does not parse or type-check.
    """
    # Device fields are declared as whole names, so the library would take a test for one as the field itself; all
    # four are always there.
    source = _HAS_FIELD.sub(lambda found: found[0] if found["skip"] else "true".ljust(len(found[0])), expression)
    if any("\ud800" <= character <= "\udfff" for character in source):
        message = (
            "compilation failed: the expression holds half a character (a lone surrogate), which UTF-8 cannot write"
        )
        raise CompileError(message, expression)
    try:
        serialized = _environment().compile(source).serialize()
    except RuntimeError as error:
        raise _refusal(str(error), expression) from None
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
        "variables": [{"name": name, **_type(kind)} for name, kind in fields.items()] + _NAMED_TYPES,
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
    faults = []
    for line in text.partition(": ")[2].split("\n"):
        found = _ERROR.match(line)
        if not found or int(found[1]) < 1 or "*error*" in line:
            continue
        reason = re.sub(r" ?\[[A-Z_]+\]$", "", found[3])
        fault = wording.Fault(int(found[1]), int(found[2]), reason)
        if field := wording.device_field(fault, expression):
            message = f"device other than as device.{field} is not supported by drapolicy"
            return CompileError(message, expression, unsupported=True)
        faults.append(wording.upstream(fault, expression, _unchecked))
    shown = "\n".join(wording.located(fault, expression) for fault in sorted(faults))
    return CompileError(f"compilation failed: {shown or text}", expression)


def _unchecked(expression: str) -> Checked:
    return decode(_environment().compile(expression, disable_check=True).serialize())


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


# Marks around matches; neither may occur in a text or pattern, which these private characters hardly do.
_OPEN, _CLOSE = "\ue000", "\ue001"
_REPLACE = f'regex.replace(text, pattern, "{_OPEN}\\\\0{_CLOSE}")'

# RE2's faults, and Go's words for them.
_FAULTS = {
    "missing )": "missing closing )",
    "missing ]": "missing closing ]",
    "bad repetition operator": "invalid nested repetition operator",
    "no argument for repetition operator": "missing argument to repetition operator",
    "invalid repetition size": "invalid repeat count",
    "invalid perl operator": "invalid or unsupported Perl syntax",
    "invalid named capture group": "invalid named capture",
    "trailing \\": "trailing backslash at end of expression",
}


@lru_cache(maxsize=1024)
def regex_fault(pattern: str) -> str | None:
    """Return what is wrong with a regular expression in Go's words, None if nothing is.

    Raises
    ------
    EvaluationError
        For the few patterns that Go and RE2 read differently.
    """
    if r"\C" in pattern.replace(r"\\", ""):
        return r"error parsing regexp: invalid escape sequence: `\C`"
    value = _regex(_REPLACE, "", pattern)
    if value.type() == cel.Type.STRING:
        return None
    _, _, reason = str(value.value()).partition("invalid regular expression: ")
    fault, _, place = reason.partition(": ")
    if fault == "duplicate capture group name":
        raise EvaluationError(
            f"the regular expression {pattern} with two groups of one name is not supported by drapolicy"
        )
    return f"error parsing regexp: {_FAULTS.get(fault, fault)}: `{place}`"


@lru_cache(maxsize=4096)
def regex_matches(text: str, pattern: str) -> bool:
    """Return whether a pattern matches anywhere in a text.

    RE2 takes linear time, so no pattern can hang the process.

    Raises
    ------
    EvaluationError
        For a pattern that is no regular expression.
    """
    if fault := regex_fault(pattern):
        raise EvaluationError(fault)
    return bool(_regex("text.matches(pattern)", text, pattern).value())


@lru_cache(maxsize=4096)
def regex_find_all(text: str, pattern: str) -> tuple[str, ...]:
    """Return all matches from left to right, empty ones included.

    Raises
    ------
    EvaluationError
        For a pattern that is no regular expression.
    """
    if fault := regex_fault(pattern):
        raise EvaluationError(f"Illegal regex: {fault}")
    if _OPEN in text + pattern or _CLOSE in text + pattern:
        raise EvaluationError("find with characters from the private use area is not supported by drapolicy")
    marked = str(_regex(_REPLACE, text, pattern).value())
    return tuple(part.partition(_CLOSE)[0] for part in marked.split(_OPEN)[1:])
