"""The form, without a display."""

from __future__ import annotations

import threading
from typing import Any

import pytest

import drapolicy as dp
from drapolicy.errors import UnknownReferenceError
from drapolicy.view import controls


@pytest.fixture(scope="module")
def fleet() -> dp.Fleet:
    return dp.workload.fleet("a100-bridged-4")


def devices(found: dp.Placement) -> list[str]:
    return [result.device for allocation in found.results for result in allocation.devices.results]


def test_controls_decide_anew(fleet: dp.Fleet) -> None:
    """Each control changes the placement that can be read and observed."""
    form = dp.view.form(fleet)
    seen = []
    form.observe(lambda change: seen.append(change["new"]), names="placement")
    form.policy.value = "bandwidth"
    form.count.value = 3
    assert len(devices(form.placement)) == 3
    assert len(seen) == 2
    form.constraint.value = "resource.kubernetes.io/pcieRoot"
    assert not form.placement.placed
    assert "stays pending" in form._shown.value


def test_a_score_is_drawn_without_a_script(fleet: dp.Fleet) -> None:
    """The chart is a static SVG, so it needs neither a network nor an extension."""
    form = dp.view.form(fleet)
    form.policy.value = "bandwidth"
    assert form._score.value.startswith("<svg")
    assert "<script" not in form._score.value
    form.policy.value = "first-fit"
    assert "gives no score" in form._score.value


def test_errors_are_shown_not_raised(fleet: dp.Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever goes wrong stands in the form, escaped, and the old picture is gone."""
    form = dp.view.form(fleet)

    def broken(*_args: object, **_kwargs: object) -> None:
        raise RuntimeError("<b>broken</b>")

    monkeypatch.setattr(controls, "place", broken)
    form.count.value = 1
    assert form.error == "RuntimeError: <b>broken</b>"
    assert "&lt;b&gt;broken" in form._message.value
    assert form.placement is None
    assert form._shown.value == ""


def test_the_last_change_is_shown_last(fleet: dp.Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes may arrive in several threads: a slow decision on old values never replaces one on new values."""
    form = dp.view.form(fleet)
    begun, changed = threading.Event(), threading.Event()
    place = controls.place

    def slow(*args: Any) -> dp.Placement:
        if not begun.is_set():
            begun.set()
            changed.wait(0.5)
        return place(*args)

    monkeypatch.setattr(controls, "place", slow)
    other = threading.Thread(target=setattr, args=(form.policy, "value", "bandwidth"))
    other.start()
    begun.wait()
    form.count.value = 1
    changed.set()
    other.join()
    assert len(devices(form.placement)) == 1


def test_what_is_taken_stays_taken(fleet: dp.Fleet) -> None:
    """Allocated claims hold their devices; claims that are not allocated are not asked for."""
    first = dp.place(fleet, dp.workload.claims({"gpu": (1, "gpu.nvidia.com")}))
    claim = dp.loads(
        "apiVersion: resource.k8s.io/v1\nkind: ResourceClaim\nmetadata: {name: a, namespace: default}\n"
        "spec: {devices: {requests: [{name: gpu, exactly: {deviceClassName: gpu.nvidia.com}}]}}\n"
        "status: {allocation: {devices: {results: [{request: gpu, driver: gpu.nvidia.com, pool: node-00, device: gpu-0}]}}}"
    )
    form = dp.view.form(fleet, taken=claim.merged(dp.workload.claims({"gpu": (1, "gpu.nvidia.com")}, name="b")))
    form.policy.value = "bandwidth"
    assert devices(first) == ["gpu-0"]
    assert devices(form.placement) == ["gpu-2", "gpu-3"]


def test_a_form_has_a_static_picture(fleet: dp.Fleet) -> None:
    """Readers without a kernel see the last placement (G36)."""
    bundle = dp.view.form(fleet)._repr_mimebundle_()
    assert bundle["image/svg+xml"].startswith("<svg")


def test_unknown_classes_are_refused(fleet: dp.Fleet) -> None:
    """A form never offers what every claim would fail for."""
    with pytest.raises(UnknownReferenceError, match=r"'nonsense' is not in the fleet; known are gpu\.nvidia\.com"):
        dp.view.form(fleet, classes=["nonsense"])


def test_attributes_are_fully_qualified(fleet: dp.Fleet) -> None:
    """Constraints need the domain, standard attributes come first."""
    found = controls.attributes(fleet)
    assert found[0].startswith("resource.kubernetes.io/")
    assert all("/" in name for name in found)
    assert "gpu.nvidia.com/productName" in found
