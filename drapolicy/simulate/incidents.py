"""What befalls the fleet while pods come and go: failures and repairs, drains, taints, nodes that leave and join."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import DeviceTaint, DeviceTaintRule, DeviceTaintRuleSpec, DeviceTaintSelector
from drapolicy.errors import DrapolicyError, Fault, InputError
from drapolicy.inventory import Fleet
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.events import Change, Cordon, Fail, Join, Leave, Repair, Taint, Uncordon, Untaint
from drapolicy.problem.state import State
from drapolicy.workload.faults import Faults
from drapolicy.workload.table import LIMIT_S, NS, Row, table


@dataclass(frozen=True)
class Drain:
    """A node is cordoned, and whatever runs there is taken off it, as by ``kubectl drain``."""

    node: str


Befalls: TypeAlias = Change | Drain


@dataclass(frozen=True)
class Incident:
    """Something that befalls the fleet at a time; whom it takes off their nodes waits again.

    Attributes
    ----------
    time_ns
        When.
    what
        What.
    """

    time_ns: int
    what: Befalls


def befall(state: State, what: Befalls) -> None:
    """Change a state as an incident does; a node that is cordoned already can still be drained.

    Raises
    ------
    DrapolicyError
        As :meth:`State.apply <drapolicy.problem.state.State.apply>`.
    """
    if not isinstance(what, Drain):
        state.apply(what)
    elif state.fleet.nodes.index.get(what.node) not in state.conditions.cordoned:
        state.apply(Cordon(what.node))


def said(what: Befalls) -> str:
    """Return an incident in a few words.

    Examples
    --------
    >>> said(Drain("node-7"))
    'node node-7 is drained'
    """
    match what:
        case Fail(device) | Repair(device):
            return f"device {device} {'fails' if isinstance(what, Fail) else 'is repaired'}"
        case Taint(rule):
            return f"taint {rule.metadata.name} is added"
        case Untaint(name):
            return f"taint {name} is removed"
        case Leave(node):
            return f"node {node} leaves"
        case Join(node):
            return f"node {node} joins"
    word = {Cordon: "cordoned", Uncordon: "uncordoned", Drain: "drained"}[type(what)]
    return f"node {what.node} is {word}"


# --- from files -------------------------------------------------------------------------------------------------

_OF_NODES: Final[dict[str, type[Leave | Join | Cordon | Uncordon | Drain]]] = {
    "leave": Leave,
    "join": Join,
    "cordon": Cordon,
    "uncordon": Uncordon,
    "drain": Drain,
}
_OF_DEVICES: Final[dict[str, type[Fail | Repair]]] = {"fail": Fail, "repair": Repair}
_TAINTS: Final = ("taint", "untaint")
_EFFECTS: Final = ("NoSchedule", "NoExecute", "None")

COLUMNS: Final = ("time_s", "what", "name")
TAINT_COLUMNS: Final = ("driver", "pool", "device", "key", "value", "effect")


def read_incidents(path: str | os.PathLike[str]) -> tuple[Incident, ...]:
    """Read a CSV file with the columns ``time_s``, ``what`` and ``name``, and for taints some more.

    ``leave``, ``join``, ``cordon``, ``uncordon`` and ``drain`` name a node, ``fail`` and ``repair`` a device as
    ``driver/pool/device``, ``taint`` and ``untaint`` a DeviceTaintRule. A taint has ``key``, ``value`` and ``effect``,
    and goes to the devices that ``driver``, ``pool`` and ``device`` select; empty ones select all.

    Returns
    -------
    tuple of Incident
        In order of time; equal times keep the order of the file.

    Raises
    ------
    InputError
        With every faulty line of the file.
    """
    faults = Faults()
    rows = table(path, faults, required=COLUMNS, optional=TAINT_COLUMNS, others=False)
    found = [incident for incident in map(_incident, rows) if incident is not None]
    faults.settle()
    return tuple(sorted(found, key=lambda incident: incident.time_ns))


def _incident(row: Row) -> Incident | None:
    time_ns, word = row.seconds("time_s"), row.text("what")
    name = row.name("name", "name the node, the device or the taint")
    what: Befalls | None = None
    if word in _OF_NODES:
        what = _OF_NODES[word](name)
    elif word in _OF_DEVICES:
        parts = name.split("/")
        if len(parts) < 3 or not all(parts):
            row.fault("name", f"{name!r} is no device; write driver/pool/device")
        else:
            # Names of pools may have slashes, those of drivers and devices do not.
            what = _OF_DEVICES[word](DeviceId(parts[0], "/".join(parts[1:-1]), parts[-1]))
    elif word == "untaint":
        what = Untaint(name)
    elif word == "taint":
        what = _taint(row, name)
    else:
        row.fault("what", f"{word!r} is unknown; use one of {', '.join((*_OF_NODES, *_OF_DEVICES, *_TAINTS))}")
    if word != "taint":
        for column in TAINT_COLUMNS:
            if row.text(column):
                row.fault(column, f"is only for taints; leave it empty for {word!r}")
    return Incident(time_ns, what) if row.ok and time_ns is not None and what is not None else None


def _taint(row: Row, name: str) -> Taint:
    missing = [column for column in ("key", "effect") if not row.has(column)]
    if missing:
        row.fault("", f"is a taint, and the table has no column {', '.join(missing)}")
    effect = row.text("effect")
    if effect not in _EFFECTS:
        row.fault("effect", f"{effect!r} is unknown; use one of {', '.join(_EFFECTS)}")
    if not row.text("key"):
        row.fault("key", "is empty; a taint has a key")
    selector = DeviceTaintSelector(
        driver=row.text("driver") or None, pool=row.text("pool") or None, device=row.text("device") or None
    )
    made = DeviceTaint(key=row.text("key"), value=row.text("value"), effect=effect)
    spec = DeviceTaintRuleSpec(device_selector=selector, taint=made)
    return Taint(DeviceTaintRule(metadata=ObjectMeta(name=name), spec=spec))


def checked(fleet: Fleet, incidents: Sequence[Incident]) -> tuple[Incident, ...]:
    """Return incidents in order of time if all of them can happen to a fleet.

    Raises
    ------
    InputError
        With every incident that names what is not there, or changes nothing.
    """
    ordered = tuple(sorted(incidents, key=lambda incident: incident.time_ns))
    if not ordered:
        return ordered
    faults = []
    state = State(fleet)
    for number, incident in enumerate(ordered):
        try:
            if not 0 <= incident.time_ns <= LIMIT_S * NS:
                message = f"time {incident.time_ns} ns is not from 0 to {LIMIT_S} s; times count from the start"
                raise InputError(message)
            befall(state, incident.what)
        except DrapolicyError as error:
            faults.append(Fault("", -1, f"incident {number + 1}", "", str(error)))
    if faults:
        raise InputError(faults=faults)
    return ordered


# --- drawn ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Failures:
    """Failures that come and are repaired by chance, each node and device on its own.

    Times between a repair and the next failure, and from a failure to its repair, are exponential.

    Attributes
    ----------
    device_mtbf_s, device_repair_s
        Mean times of a device; no device fails where the first is 0.
    node_mtbf_s, node_repair_s
        Mean times of a node.
    """

    device_mtbf_s: float = 0.0
    device_repair_s: float = 3600.0
    node_mtbf_s: float = 0.0
    node_repair_s: float = 3600.0

    def __post_init__(self) -> None:
        for name in ("device_mtbf_s", "node_mtbf_s", "device_repair_s", "node_repair_s"):
            value = getattr(self, name)
            if not 0 <= value < 1e12 or (name.endswith("repair_s") and value == 0):
                message = f"failures: {name} {value}; give seconds above 0, or 0 for a mean time without failures"
                raise InputError(message)

    @property
    def any(self) -> bool:
        """Whether anything fails."""
        return bool(self.device_mtbf_s or self.node_mtbf_s)

    def drawn(self, fleet: Fleet, until_ns: int, rng: np.random.Generator) -> tuple[Incident, ...]:
        """Return the failures up to a time, and their repairs; in order of time."""
        found: list[Incident] = []
        if self.node_mtbf_s:
            for name in fleet.nodes.names:
                for down, up in self._spans(self.node_mtbf_s, self.node_repair_s, until_ns, rng):
                    found += [Incident(down, Leave(name)), Incident(up, Join(name))]
        if self.device_mtbf_s:
            for device in dict.fromkeys(_devices(fleet)):
                for down, up in self._spans(self.device_mtbf_s, self.device_repair_s, until_ns, rng):
                    found += [Incident(down, Fail(device)), Incident(up, Repair(device))]
        return tuple(sorted(found, key=lambda incident: incident.time_ns))

    @staticmethod
    def _spans(mtbf_s: float, repair_s: float, until_ns: int, rng: np.random.Generator) -> Iterator[tuple[int, int]]:
        now = 0
        while True:
            now += max(1, round(rng.exponential(mtbf_s) * NS))
            if now > until_ns:
                return
            down = now
            now += max(1, round(rng.exponential(repair_s) * NS))
            yield down, now


def besides(incidents: Sequence[Incident], drawn: Sequence[Incident]) -> tuple[Incident, ...]:
    """Return incidents in order of time with failures that come besides; what is down twice is back after both."""
    causes: Counter[str | DeviceId] = Counter()
    found = []
    for incident in sorted((*incidents, *drawn), key=lambda incident: incident.time_ns):
        match incident.what:
            case Leave(name) | Fail(name):
                causes[name] += 1
                changes = causes[name] == 1
            case Join(name) | Repair(name):
                causes[name] -= 1
                changes = causes[name] == 0
            case _:
                changes = True
        if changes:
            found.append(incident)
    return tuple(found)


def _devices(fleet: Fleet) -> Iterator[DeviceId]:
    slices, devices = fleet.slices, fleet.devices
    for row in range(len(devices)):
        of = int(devices.slice[row])
        yield DeviceId(slices.driver[of] or "", slices.pool[of] or "", devices.name[row] or "")
