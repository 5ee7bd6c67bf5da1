"""A form for a notebook: choose policy, class, count and constraint, see the placement and its score."""

from __future__ import annotations

import html
import logging
import threading
from collections.abc import Sequence
from typing import Any

import ipywidgets
import traitlets

from drapolicy.api import Objects
from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import (
    DeviceClaim,
    DeviceConstraint,
    DeviceRequest,
    ExactDeviceRequest,
    ResourceClaim,
    ResourceClaimSpec,
)
from drapolicy.errors import DrapolicyError, UnknownReferenceError
from drapolicy.evaluate import charts
from drapolicy.inventory import Fleet
from drapolicy.policies import POLICIES
from drapolicy.policies.place import place
from drapolicy.problem.placement import Placement
from drapolicy.view.drawing import placement as draw
from drapolicy.view.facts import units
from drapolicy.view.picture import Picture

NOTHING = "(none)"
_LOG = logging.getLogger(__name__)
_MOST = 32  # devices of one claim (K8s S45)


class Form(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets ships no types
    """One claim for some devices of a class, decided anew whenever a control changes.

    The chart is a static SVG inside an HTML widget: that shows wherever ipywidgets does, while Altair's own widget
    and renderers load JavaScript from a network in some frontends or need an extension in others.

    Parameters
    ----------
    fleet
        The fleet.
    classes
        Device classes to choose from; all of the fleet by default.
    taken
        Claims that are allocated and pods that are bound are taken from it; others are left out.

    Attributes
    ----------
    policy, device_class, count, constraint
        The controls; set their ``value``.
    placement
        What was decided last; None after an error. A trait, to be observed.
    error
        What went wrong, for people; empty when nothing did.
    picture
        The placement as a static picture.
    """

    placement = traitlets.Any(default_value=None, allow_none=True)
    error = traitlets.Unicode("")
    picture = traitlets.Any(default_value=None, allow_none=True)

    def __init__(self, fleet: Fleet, classes: Sequence[str] | None = None, taken: Objects | None = None) -> None:
        names = sorted(fleet.classes) if classes is None else list(classes)
        unknown = [name for name in names if name not in fleet.classes]
        if unknown or not names:
            what = f"device class {unknown[0]!r} is not in the fleet" if unknown else "the fleet has no device class"
            message = f"form: {what}; known are {', '.join(sorted(fleet.classes)) or 'none'}"
            raise UnknownReferenceError(message)
        self._fleet = fleet
        # JupyterLab runs what a change calls in several threads (subshells): what was decided last must be shown last.
        self._deciding = threading.RLock()
        given = taken or Objects()
        self._taken = Objects(
            claims=tuple(claim for claim in given.claims if claim.status.allocation is not None),
            pods=tuple(pod for pod in given.pods if pod.spec.node_name),
        )
        style = {"style": {"description_width": "80px"}, "layout": {"width": "420px"}}
        self.policy = ipywidgets.Dropdown(options=list(POLICIES), description="policy", **style)
        self.device_class = ipywidgets.Dropdown(options=names, description="class", **style)
        self.count = ipywidgets.IntSlider(
            value=2, min=1, max=_most_on_a_node(fleet), description="count", continuous_update=False, **style
        )
        self.constraint = ipywidgets.Dropdown(
            options=[(NOTHING, ""), *((name, name) for name in attributes(fleet))], description="all share", **style
        )
        self._shown = ipywidgets.HTML()
        self._score = ipywidgets.HTML()
        self._message = ipywidgets.HTML()
        controls = (self.policy, self.device_class, self.count, self.constraint)
        super().__init__([*controls, self._message, self._shown, self._score])
        for control in controls:
            control.observe(self._decide, names="value")
        self._decide()

    def _decide(self, _change: Any = None) -> None:
        with self._deciding:
            try:
                wanted = Objects(claims=(*self._taken.claims, self._claim()), pods=self._taken.pods)
                found = place(self._fleet, wanted, self.policy.value)
                picture = draw(self._fleet, found, wanted=wanted)
                chart = _chart(found)
            except DrapolicyError as error:
                self._show(None, None, "", str(error))
            except Exception as error:  # noqa: BLE001 - a widget's boundary, what is raised here would be lost
                _LOG.exception("form: deciding failed")
                self._show(None, None, "", f"{type(error).__name__}: {error}")
            else:
                self._show(found, picture, chart, "")

    def _show(self, found: Placement | None, picture: Picture | None, chart: str, error: str) -> None:
        self._message.value = f'<p role="alert" style="color:#a63d00">{html.escape(error)}</p>' if error else ""
        self._shown.value = picture.svg if picture is not None else ""
        self._score.value = chart
        self.error, self.picture, self.placement = error, picture, found

    def _claim(self) -> ResourceClaim:
        """Return the claim that the controls describe."""
        request = ExactDeviceRequest(
            device_class_name=self.device_class.value, allocation_mode="ExactCount", count=self.count.value
        )
        constraints = [DeviceConstraint(match_attribute=self.constraint.value)] if self.constraint.value else []
        return ResourceClaim(
            metadata=ObjectMeta(name="claim", namespace="form"),
            spec=ResourceClaimSpec(
                devices=DeviceClaim(requests=[DeviceRequest(name="devices", exactly=request)], constraints=constraints)
            ),
        )

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any] | None:
        """Show the controls, or the picture of the last placement where there are no widgets."""
        bundle = super()._repr_mimebundle_(**kwargs)
        if bundle is not None and self.picture is not None:
            bundle |= {"image/svg+xml": self.picture.svg, "text/plain": self.picture.summary}
        return bundle  # type: ignore[no-any-return]


def _chart(found: Placement) -> str:
    if not found.score:
        return f"<p>{html.escape(found.policy)} gives no score to what it chooses.</p>" if found.placed else ""
    label = f"Score by term: {', '.join(f'{term} {value}' for term, value in found.score.items())}"
    return charts.svg(charts.terms(found.score, units(found.policy), "Score by term"), "score", label)


def _most_on_a_node(fleet: Fleet) -> int:
    counts: dict[int, int] = {}
    for i, n in enumerate(fleet.node_of_slice.tolist()):
        start, stop = fleet.slices.first[i : i + 2].tolist()
        counts[n] = counts.get(n, 0) + stop - start
    return max(1, min(_MOST, max(counts.values(), default=1)))


def attributes(fleet: Fleet) -> list[str]:
    """Return the fully qualified names of the attributes that a fleet's devices publish, standard ones first."""
    drivers = sorted(set(fleet.slices.driver.values))
    found: set[str] = set()
    for name in fleet.devices.attributes:
        found.update([name] if "/" in name else [f"{driver}/{name}" for driver in drivers])
    return sorted(found, key=lambda name: (not name.startswith("resource.kubernetes.io/"), name))
