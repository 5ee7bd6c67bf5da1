"""``--k8s`` and ``--feature-gates``: which Kubernetes decides, and ``drapolicy gates``, which shows its gates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from drapolicy.cli.output import Format, print_data, print_table
from drapolicy.errors import InputError
from drapolicy.release import MINORS, Release, release
from drapolicy.release.gates import GATES

# What Go's ParseBool takes, as Kubernetes reads the values of its flag.
_BOOLS: Final = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}
_GROUPS: Final = {"AllAlpha": "alpha", "AllBeta": "beta"}


def chosen(minor: str, gates: Iterable[str] = ()) -> Release:
    """Return the release of ``--k8s`` with the gates of ``--feature-gates``.

    Parameters
    ----------
    minor
        For example ``"1.36"``.
    gates
        Each as Kubernetes takes its flag: ``NAME=true,NAME=false``; the last word on a gate counts. ``AllAlpha`` and
        ``AllBeta`` mean all gates of that stage that are not named.

    Raises
    ------
    UnsupportedFeatureError
        For another release.
    InputError
        For gates that cannot be read, or that the release cannot be run with.

    Examples
    --------
    >>> "ListTypeAttributes" in chosen("1.36", ["DRAListTypeAttributes=true"]).features
    True
    """
    default = release(minor)
    asked = _asked(gates)
    column = MINORS.index(default.minor)
    whole: dict[str, bool] = {}
    for group, stage in _GROUPS.items():
        if group in asked:
            on = asked.pop(group)
            of_stage = (name for name, row in GATES.items() if (gate := row[column]) and gate.stage == stage)
            whole |= dict.fromkeys(of_stage, on)
    return release(minor, gates={**whole, **asked})


def _asked(texts: Iterable[str]) -> dict[str, bool]:
    asked: dict[str, bool] = {}
    faults = []
    for word in filter(None, (part.strip() for text in texts for part in text.split(","))):
        name, equals, value = (part.strip() for part in word.partition("="))
        if not equals:
            faults.append(f"--feature-gates {word}: says neither true nor false; write {name}=true")
        elif value not in _BOOLS:
            faults.append(f"--feature-gates {word}: {value!r} is no boolean; write {name}=true or {name}=false")
        else:
            asked[name] = _BOOLS[value]
    if faults:
        message = "\n".join(faults)
        raise InputError(message)
    return asked


def called(chosen: Release) -> str:
    """Return what a release is called: its number, and the gates that are not as it sets them.

    Examples
    --------
    >>> called(release("1.37", gates={"DRADerivedAttributes": True}))
    'Kubernetes 1.37 (DRADerivedAttributes=true)'
    """
    default = release(chosen.minor).gates
    changed: Mapping[str, bool] = {name: name in chosen.gates for name in sorted(default ^ chosen.gates)}
    words = ", ".join(f"{name}={str(on).lower()}" for name, on in changed.items())
    return f"Kubernetes {chosen.minor}" + (f" ({words})" if words else "")


def caveats(chosen: Release) -> list[str]:
    """Return what keeps a cluster of a release from deciding as drapolicy does.

    Examples
    --------
    >>> caveats(release("1.37"))
    []
    """
    if chosen.behaviour.ordered:
        return []
    order = (
        "tries pools in random order; drapolicy takes them by driver and name, so a cluster may choose other devices"
    )
    return [f"{called(chosen)} {order}"]


def gates(chosen: Release, output: Format) -> int:
    """Print the gates of a release: stage, whether on, and whether that can be changed."""
    column = MINORS.index(chosen.minor)
    known = {name: gate for name, row in GATES.items() if (gate := row[column]) is not None}
    if output is Format.TABLE:
        rows = [
            (name, gate.stage, "on" if name in chosen.gates else "off", "locked" if gate.locked else "")
            for name, gate in known.items()
        ]
        print_table(("GATE", "STAGE", chosen.minor, ""), rows)
    else:
        print_data(
            [
                {"name": name, "stage": gate.stage, "on": name in chosen.gates, "locked": gate.locked}
                for name, gate in known.items()
            ],
            output,
        )
    return 0
