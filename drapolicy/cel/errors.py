"""Errors of CEL selectors, with upstream's words (K8s S56)."""

from __future__ import annotations

from drapolicy.errors import DrapolicyError, ParseError

# K: dynamic-resource-allocation/cel/errors.go, EnhanceRuntimeError.
MISSING_KEY_HINT = (
    ". consider using CEL optional chaining (.? followed by orValue()) or guarding the check with has()"
    " for optional fields"
)


class CompileError(ParseError):
    """An expression that the API server would not store, or that drapolicy cannot judge.

    The text is what Kubernetes writes after ``CEL compile error: ``. Where drapolicy lacks something that Kubernetes
    has, the text says ``not supported by drapolicy`` and names it, and :attr:`unsupported` is true.

    Attributes
    ----------
    expression
        The expression as given.
    unsupported
        True when Kubernetes may well accept the expression.
    """

    def __init__(self, message: str, expression: str = "", *, unsupported: bool = False) -> None:
        self.expression = expression
        self.unsupported = unsupported
        super().__init__(message)


class EvaluationError(DrapolicyError):
    """A selector failed on one device, which aborts the allocation of the pod (K8s S56).

    Attributes
    ----------
    message
        Upstream's text of the error, without the hint.
    """

    def __init__(self, message: str) -> None:
        self.message = message
        super().__init__(message)


class FinalError(EvaluationError):
    """An error that ends the whole evaluation: nothing absorbs it."""


def with_hint(message: str) -> str:
    """Return a runtime error's text as Kubernetes 1.37 reports it: missing keys get a hint (K8s S56).

    Examples
    --------
    >>> with_hint("division by zero")
    'division by zero'
    >>> with_hint("no such key: mem").startswith("no such key: mem. consider using CEL optional chaining")
    True
    """
    return message + MISSING_KEY_HINT if "no such key:" in message else message
