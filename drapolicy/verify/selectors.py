"""Whether a device matches the selectors of class and request, one device at a time (K8s S39)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drapolicy import cel
from drapolicy.api.resource import DeviceClass
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.errors import DrapolicyError
from drapolicy.verify.pools import DeviceID, Seen
from drapolicy.verify.wishes import Wish


class SelectorError(DrapolicyError):
    """An expression does not compile or fails on a device, on which Kubernetes gives up the pod (S56)."""


class Selectors:
    """Evaluates selectors by the scalar evaluator; remembers the view of each device."""

    def __init__(self, classes: Mapping[str, DeviceClass]) -> None:
        self._classes = classes
        self._views: dict[DeviceID, Any] = {}

    def mismatch(self, wish: Wish, seen: Seen) -> str:
        """Return the first selector that does not choose the device, empty if all do.

        Raises
        ------
        SelectorError
            If a selector has no answer for this device.
        CompileError
            If a selector uses what drapolicy cannot judge.
        """
        view = self._views.get(seen.id)
        if view is None:
            view = self._views[seen.id] = cel.device_view(seen.id[0], seen.device)
        name = wish.asked.device_class_name
        of_class = self._classes[name].spec.selectors if name in self._classes else []
        for owner, selectors in ((f"class {name}", of_class), ("request", wish.asked.selectors)):
            for number, selector in enumerate(selectors):
                if selector.cel is None:
                    continue
                try:
                    chooses = cel.compile(selector.cel.expression).evaluate(view)
                except (CompileError, EvaluationError) as error:
                    if isinstance(error, CompileError) and error.unsupported:
                        raise  # Kubernetes may have an answer: not judged
                    message = f"{owner}: selector #{number} has no answer: {error}"
                    raise SelectorError(message) from error
                if not chooses:
                    return f"{owner}: selector #{number} does not choose it: {selector.cel.expression}"
        return ""
