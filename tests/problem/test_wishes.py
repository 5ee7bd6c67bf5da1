"""Which devices each request and alternative accepts."""

from __future__ import annotations

from drapolicy.inventory import build
from drapolicy.problem.sites import Sites
from drapolicy.problem.wishes import masks, wishes_of
from drapolicy.testing.simple import DRIVER, claim, device, first_of, objects, request

OF = f"device.attributes['{DRIVER}']"


def test_masks_have_a_row_a_request_or_alternative() -> None:
    """Eligible are devices that class and selectors accept; where a selector fails is told apart."""
    fleet = build(objects({"node-0": [device("a", size=1), device("b", size=2), device("c"), device("d", size=2)]}))
    wishes = wishes_of([claim("c", request(2, f"{OF}.size == 2"), first_of((1, ""), (3, "false"), name="list"))])
    assert [(w.claim, w.request, w.alternative, w.wanted.count) for w in wishes] == [
        (0, 0, 0, 2),
        (0, 1, 0, 1),
        (0, 1, 1, 3),
    ]
    eligible, failing = masks(wishes, Sites(fleet)[0].devices, fleet.classes, fleet.release)
    assert eligible.astype(int).tolist() == [[0, 1, 0, 1], [1, 1, 1, 1], [0, 0, 0, 0]]
    assert failing.astype(int).tolist() == [[0, 0, 1, 0], [0, 0, 0, 0], [0, 0, 0, 0]]


def test_nothing_is_accepted_by_a_wish_that_cannot_be_judged() -> None:
    """Neither where the class is unknown nor where a selector does not compile does a device fail or fit."""
    fleet = build(objects({"node-0": [device("a")]}))
    wishes = wishes_of([claim("c", request(cls="nobody's"), request(1, "not CEL", name="other"))])
    eligible, failing = masks(wishes, Sites(fleet)[0].devices, fleet.classes, fleet.release)
    assert (eligible.any(), failing.any()) == (False, False)
