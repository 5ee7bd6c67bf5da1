"""Which release and which gates random problems are for, and how far upstream's answers can be compared (K8s I2)."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Final

from drapolicy.errors import InputError
from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import FEATURES

_RATCHETED = 0.12


@dataclass(frozen=True)
class Mode:
    """One kind of run.

    Attributes
    ----------
    minor
        Kubernetes release.
    variant
        Upstream's allocator to force: ``experimental`` with every gate on, ``incubating`` with default gates. Empty
        for releases that try pools in random order: gates are mixed there, and upstream selects.
    """

    minor: str
    variant: str = ""

    @property
    def name(self) -> str:
        """For example ``1.37-experimental`` or ``1.35``."""
        return f"{self.minor}-{self.variant}" if self.variant else self.minor

    @property
    def ordered(self) -> bool:
        """Upstream's answers are the same from call to call, so that all of them is compared."""
        return bool(self.variant)

    def releases(self, rng: Random) -> tuple[Release, Release]:
        """Return the release that a random problem is made for, and the one that it is solved with.

        They differ in some of the problems with default gates: fields that a gate has turned off since.
        """
        default = release(self.minor)
        every = default.with_features(FEATURES[self.minor])
        if self.variant == "experimental":
            return every, every
        if self.variant == "incubating":
            return (every if rng.random() < _RATCHETED else default), default
        few = every.with_features(every.features - {"ConsumableCapacity"})
        # Few answers of 1.34 can be compared with shares (Q24).
        mixed = rng.choice((every, few if self.minor == "1.34" else every, few, default))
        return mixed, mixed


MODES: Final = tuple(
    Mode(minor, variant)
    for minor in reversed(MINORS)
    for variant in (("incubating", "experimental") if release(minor).behaviour.ordered else ("",))
)


def modes(minor: str, variant: str = "") -> list[Mode]:
    """Return the modes of a release, or the one with a variant.

    Raises
    ------
    InputError
        For a release or a variant that there is no mode of.
    """
    found = [mode for mode in MODES if mode.minor == minor and variant in {"", mode.variant}]
    if not found:
        known = ", ".join(mode.name for mode in MODES)
        message = f"there is no mode {Mode(minor, variant).name}; known are {known}"
        raise InputError(message)
    return found
