"""What CEL says of a device, one device at a time: selectors (K8s S39) and derived attributes (K8s S53)."""

from __future__ import annotations

from collections.abc import Mapping

from drapolicy import cel
from drapolicy.api.resource import DeviceAttribute, DeviceClass, DeviceTaintSelector
from drapolicy.cel.errors import CompileError, EvaluationError
from drapolicy.errors import DrapolicyError
from drapolicy.release import Release
from drapolicy.verify.pools import DeviceID, Seen
from drapolicy.verify.wishes import Wish


class SelectorError(DrapolicyError):
    """An expression does not compile or fails on a device, on which Kubernetes gives up the pod (S56)."""


class Expressions:
    """Evaluates expressions by the scalar evaluator; remembers the view of each device."""

    def __init__(self, classes: Mapping[str, DeviceClass], release: Release) -> None:
        self._classes = classes
        self._release = release
        self._views: dict[DeviceID, cel.DeviceView] = {}

    def mismatch(self, wish: Wish, seen: Seen) -> str:
        """Return the first selector that does not choose the device, empty if all do.

        Raises
        ------
        SelectorError
            If a selector has no answer for this device.
        CompileError
            If a selector uses what drapolicy cannot judge.
        """
        name = wish.selects.device_class_name
        of_class = self._classes[name].spec.selectors if name in self._classes else []
        for owner, selectors in ((f"class {name}", of_class), ("request", wish.selects.selectors)):
            for number, selector in enumerate(selectors):
                if selector.cel is None:
                    continue
                try:
                    chooses = cel.compile(selector.cel.expression, self._release).evaluate(self._view(seen))
                except (CompileError, EvaluationError) as error:
                    message = f"{owner}: selector #{number} has no answer: {error}"
                    raise _no_answer(error, message) from error
                if not chooses:
                    return f"{owner}: selector #{number} does not choose it: {selector.cel.expression}"
        return ""

    def attribute(self, wish: Wish, seen: Seen, name: str) -> DeviceAttribute | None:
        """Return an attribute of a device as a request sees it: what it derives comes before what the device has.

        Raises
        ------
        SelectorError
            If a derived attribute has no value for this device.
        CompileError
            If it uses what drapolicy cannot judge.
        """
        expression = wish.derived.get(name) if "DerivedAttributes" in self._release.features else None
        if expression is None:
            return static(seen, name)
        try:
            return cel.compile_attribute(expression, self._release).evaluate(self._view(seen))
        except (CompileError, EvaluationError) as error:
            raise _no_answer(error, f"derived attribute {name} has no value: {error}") from error

    def chosen_by_rule(self, selector: DeviceTaintSelector, seen: Seen) -> bool:
        """Return whether a taint rule's class and selectors, which Kubernetes 1.34 had, all choose a device.

        Raises
        ------
        CompileError
            If a selector does not compile.
        """
        selectors = selector.selectors
        if selector.device_class_name is not None:
            if selector.device_class_name not in self._classes:
                return False
            selectors = self._classes[selector.device_class_name].spec.selectors + selectors
        for item in selectors:
            if item.cel is None:
                continue
            try:
                if not cel.compile(item.cel.expression, self._release).evaluate(self._view(seen)):
                    return False
            except EvaluationError:
                return False
        return True

    def _view(self, seen: Seen) -> cel.DeviceView:
        view = self._views.get(seen.id)
        if view is None:
            view = self._views[seen.id] = cel.device_view(seen.id[0], seen.device)
        return view


def static(seen: Seen, name: str) -> DeviceAttribute | None:
    """Return an attribute of a device by its full name; names without domain belong to the driver (S50)."""
    found = seen.device.attributes.get(name)
    domain, slash, short = name.partition("/")
    if found is None and slash and domain == seen.id[0]:
        found = seen.device.attributes.get(short)
    return found


def _no_answer(error: CompileError | EvaluationError, message: str) -> DrapolicyError:
    # Where drapolicy cannot evaluate what Kubernetes may, there is no verdict.
    return error if isinstance(error, CompileError) and error.unsupported else SelectorError(message)
