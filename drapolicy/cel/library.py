"""Regular expressions, and words for faults of grammar: everything taken from ``cel-expr-python``.

No other module imports that library. Regular expressions are RE2, reached through two small expressions that it
evaluates. Its parser is generated from the same grammar as upstream's, and so finds the same words for what is not of
it. Everything else about an expression is decided here, because the library nests only 32 levels deep, picks overloads
by kind of value, turns quantities into messages that are compared field by field, and knows neither variables with
fields nor Kubernetes' default for unknown domains.
"""

from __future__ import annotations

import json
import re
from functools import cache, lru_cache

from cel_expr_python import cel

from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.cel.wording import Fault, parse_reason, shown

_LIBRARIES = ("optional", "bindings", "lists", "two-var-comprehensions")
_ERROR = re.compile(r"^ERROR: <input>:(-?\d+):(-?\d+): (.*)$")


def grammar_fault(expression: str) -> CompileError:
    """Return the faults of an expression that is not of CEL's grammar, in upstream's words."""
    try:
        _parser().compile(expression, disable_check=True)
        text = ""
    except RuntimeError as error:
        text = str(error)
    faults = []
    for line in text.partition(": ")[2].split("\n"):
        found = _ERROR.match(line)
        if found and 1 <= int(found[1]) < 2**31:
            faults.append(Fault(int(found[1]), int(found[2]), parse_reason(re.sub(r" ?\[[A-Z_]+\]$", "", found[3]))))
    if faults:
        return CompileError(f"compilation failed: {shown(faults, expression)}", expression)
    message = "compilation failed: Syntax error; in expressions nested so deep drapolicy does not find its place"
    return CompileError(message, expression)


@cache
def _parser() -> cel.Env:
    # JSON is YAML.
    config = {"name": "grammar", "extensions": [{"name": name} for name in _LIBRARIES]}
    return cel.NewEnv(config=cel.NewEnvConfigFromYaml(json.dumps(config)))


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
