"""CEL selectors of devices as each release of Kubernetes evaluates them; see docs/architecture.md."""

from __future__ import annotations

from drapolicy.cel.checking import check
from drapolicy.cel.derived import AttributeProgram, compile_attribute
from drapolicy.cel.device import DeviceView, device_view
from drapolicy.cel.errors import MISSING_KEY_HINT, CompileError, EvaluationError, with_hint
from drapolicy.cel.program import Program, compile  # noqa: A004

__all__ = [
    "MISSING_KEY_HINT",
    "AttributeProgram",
    "CompileError",
    "DeviceView",
    "EvaluationError",
    "Program",
    "check",
    "compile",
    "compile_attribute",
    "device_view",
    "with_hint",
]
