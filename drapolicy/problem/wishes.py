"""What claims wish for, a row for each request or alternative, and which devices each row accepts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drapolicy import cel
from drapolicy.api.resource import DeviceClass, DeviceSubRequest, ExactDeviceRequest, ResourceClaim
from drapolicy.inventory.pool_device import PoolDevice
from drapolicy.release import Release


class Wish(NamedTuple):
    """One request or alternative of a claim, a row of the masks.

    Attributes
    ----------
    claim, request, alternative
        Positions; ``alternative`` is 0 for ``exactly``.
    wanted
        Class, selectors and count.
    """

    claim: int
    request: int
    alternative: int
    wanted: ExactDeviceRequest | DeviceSubRequest


def wishes_of(claims: Sequence[ResourceClaim]) -> tuple[Wish, ...]:
    """Return the requests and alternatives of claims, in order."""
    found = []
    for c, claim in enumerate(claims):
        for r, request in enumerate(claim.spec.devices.requests):
            choices: Sequence[ExactDeviceRequest | DeviceSubRequest] = request.first_available or (
                [request.exactly] if request.exactly else []
            )
            found += [Wish(c, r, a, wanted) for a, wanted in enumerate(choices)]
    return tuple(found)


def masks(
    wishes: Sequence[Wish], devices: Sequence[PoolDevice], classes: Mapping[str, DeviceClass], release: Release
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return which devices each wish accepts, and on which one of its selectors fails.

    Parameters
    ----------
    wishes
        The rows, R in number.
    devices
        The columns, D in number.
    classes
        Device classes by name; a wish of an unknown one accepts nothing.
    release
        Kubernetes release, by which selectors are compiled.

    Returns
    -------
    tuple
        Two read-only ndarrays of shape (R, D), bool.
    """
    shape = (len(wishes), len(devices))
    eligible, failing = np.zeros(shape, np.bool_), np.zeros(shape, np.bool_)
    for r, wish in enumerate(wishes):
        programs = _programs(wish, classes, release)
        for d, device in enumerate(devices):
            verdict: bool | str = programs is not None
            for text, program in programs or ():
                verdict = device.verdict(text, program)
                if verdict is not True:
                    break
            failing[r, d] = isinstance(verdict, str)
            eligible[r, d] = verdict is True and device.on_node
    eligible.flags.writeable = failing.flags.writeable = False
    return eligible, failing


def _programs(wish: Wish, classes: Mapping[str, DeviceClass], release: Release) -> list[tuple[str, cel.Program]] | None:
    cls = classes.get(wish.wanted.device_class_name)
    if cls is None:
        return None
    texts = [s.cel.expression for s in (*cls.spec.selectors, *wish.wanted.selectors) if s.cel is not None]
    try:
        return [(text, cel.compile(text, release)) for text in texts]
    except cel.CompileError:
        return None
