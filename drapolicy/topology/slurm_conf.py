"""Reads Slurm's ``topology.conf`` (plugins tree, block and ring), after the rules of its manual page."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from drapolicy.errors import Fault, ParseError
from drapolicy.topology import slurm
from drapolicy.topology.graph import Topology
from drapolicy.topology.hostlist import MAX_NAMES, HostListError, expand, is_name
from drapolicy.topology.slurm import Group, Network, Switch
from drapolicy.topology.source import refusal

NAME: Final = "Slurm's topology.conf"
KIND: Final = "slurm-conf"

MAX_LENGTH: Final = 8 << 20
"""Longest text that is read, in characters; ten thousand switches take one million of them."""

_FIELDS: Final = {
    "switchname": ("SwitchName", "tree", frozenset({"switches", "nodes", "linkspeed"})),
    "blockname": ("BlockName", "block", frozenset({"nodes"})),
    "blocksizes": ("BlockSizes", "block", frozenset[str]()),
    "ringname": ("RingName", "ring", frozenset({"nodes"})),
}
"""What a line may begin with: its spelling, its plugin, and what may follow in the line."""

_BEGINS = re.compile(r"\s*(?:SwitchName|BlockName|BlockSizes|RingName)\s*=", re.IGNORECASE)
_NEWLINE = re.compile(r"\r\n|\n|\r")
_SPACE = re.compile(r"\s*")
_PAIR = re.compile(r'(?P<key>[A-Za-z0-9_.]+)\s*(?P<op>[-*+/]?)=\s*(?:"(?P<quoted>[^"]*)"|(?P<plain>\S+))(?=\s|$)')
_COMMENT = re.compile(r"(?<!\\)(?:\\\\)*(?P<mark>#)")
_CONTINUED = re.compile(r"(?<!\\)(?:\\\\)*(?P<mark>\\)\s*$")


@dataclass(frozen=True, slots=True)
class _Value:
    text: str
    place: str


@dataclass
class _Record:
    """One line of the file, continuations joined: the value of its first key, and of those after it."""

    kind: str
    name: _Value
    fields: dict[str, _Value]


def recognises(text: str) -> bool:
    """Return whether the first line that says something begins as one of ``topology.conf`` does."""
    lines = _NEWLINE.split(text.removeprefix("\ufeff"))
    said = (line for line in lines if line.strip() and not line.lstrip().startswith("#"))
    return _BEGINS.match(next(said, "")) is not None


def parse(text: str, file: str = "") -> Network:
    r"""Read the text of a ``topology.conf``.

    ``#`` begins a comment unless a backslash stands before it, a backslash at the end of a line continues it, values
    with white space stand in double quotes, and keys are in any case. What Slurm would refuse or warn of and pass
    over (a key given twice, an unknown key, plugins mixed) is refused.

    Parameters
    ----------
    text
        The file, whole.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With line and column of every fault.

    Examples
    --------
    >>> network = parse("SwitchName=s0 Nodes=n[0-1] # rack 4\nSwitchName=s1 Switches=s0\n")
    >>> network.switches[0].nodes
    ('n0', 'n1')
    """
    if len(text) > MAX_LENGTH:
        raise refusal(file, f"is longer than {MAX_LENGTH:,} characters")
    faults: list[Fault] = []
    records = list(_records(text, file, faults))
    if not records and not faults:
        raise refusal(file, "names no switch, block or ring; give a topology.conf")
    plugins = dict.fromkeys(_FIELDS[record.kind][1] for record in records)
    if len(plugins) > 1:
        other = next(record for record in records if _FIELDS[record.kind][1] != next(iter(plugins)))
        message = f"is for topology/{_FIELDS[other.kind][1]}, lines before it for topology/{next(iter(plugins))}"
        faults.append(Fault(file, -1, _FIELDS[other.kind][0], other.name.place, f"{message}; one file is for one"))
    reader = _Reader(file, faults)
    network = Network(
        next(iter(plugins), ""),
        switches=tuple(reader.switch(record) for record in records if record.kind == "switchname"),
        blocks=tuple(reader.group(record) for record in records if record.kind == "blockname"),
        block_sizes=reader.sizes([record for record in records if record.kind == "blocksizes"]),
        rings=tuple(reader.group(record) for record in records if record.kind == "ringname"),
    )
    if not faults:
        sizes = next((record.name.place for record in records if record.kind == "blocksizes"), "")
        faults += [Fault(file, -1, field, where or sizes, message) for where, field, message in slurm.flaws(network)]
    if faults:
        raise ParseError(faults=faults)
    return network


def topology(network: Network, product: str = "", *, link_speed_mb_s: int = 0) -> Topology:  # noqa: ARG001
    """Make a graph of the network; see `drapolicy.topology.slurm.topology`. No product is in it."""
    return slurm.topology(network, link_speed_mb_s)


def facts(network: Network) -> dict[str, Any]:
    """Return the counts of switches and blocks, and the block sizes."""
    return {"kind": KIND, **slurm.counts([network])}


def _lines(text: str) -> Iterator[tuple[str, list[tuple[int, int]]]]:
    """Yield each line without comment, joined with those that continue it, and the place of every character."""
    joined, places = "", list[tuple[int, int]]()
    for number, line in enumerate(_NEWLINE.split(text.removeprefix("\ufeff")), start=1):
        if comment := _COMMENT.search(line):
            line = line[: comment.start("mark")]
        continued = _CONTINUED.search(line)
        if continued:
            line = line[: continued.start("mark")]
        column = 1
        for character in re.findall(r"\\.|[^\\]", line):
            joined += character[-1]
            places.append((number, column))
            column += len(character)
        if not continued:
            yield joined, [*places, (number, column)]
            joined, places = "", []
    if joined:
        yield joined, [*places, places[-1]]


def _records(text: str, file: str, faults: list[Fault]) -> Iterator[_Record]:
    for line, places in _lines(text):
        record: _Record | None = None
        line = line.rstrip()
        position = 0
        while position < len(line):
            position = _SPACE.match(line, position).end()  # type: ignore[union-attr]
            place = "line {}, column {}".format(*places[position])
            match = _PAIR.match(line, position)
            if match is None:
                message = f"{line[position : position + 40]!r} is no Key=value; a value with spaces needs double quotes"
                faults.append(Fault(file, -1, "", place, message))
                break
            position = match.end()
            key, value = match["key"].lower(), match["quoted"] if match["plain"] is None else match["plain"]
            at = match.start("quoted" if match["plain"] is None else "plain")
            held = _Value(value, "line {}, column {}".format(*places[at]))
            if match["op"]:
                faults.append(Fault(file, -1, match["key"], place, f"is set by {match['op']}=; use ="))
            elif record is None:
                if key not in _FIELDS:
                    message = f"begins a line; lines begin with {', '.join(row[0] for row in _FIELDS.values())}"
                    faults.append(Fault(file, -1, match["key"], place, message))
                    break
                if key != "blocksizes" and not is_name(value):
                    faults.append(Fault(file, -1, match["key"], held.place, f"{value[:40]!r} is not a name"))
                record = _Record(key, held, {})
            elif key not in _FIELDS[record.kind][2]:
                message = f"is no field of {_FIELDS[record.kind][0]}"
                faults.append(Fault(file, -1, match["key"], place, message))
            elif key in record.fields:
                faults.append(Fault(file, -1, match["key"], place, "is given twice in one record"))
            else:
                record.fields[key] = held
        if record is not None:
            yield record


class _Reader:
    """Turns records into what they describe, gathering faults."""

    def __init__(self, file: str, faults: list[Fault]) -> None:
        self._file, self._faults = file, faults
        self._count = 0

    def switch(self, record: _Record) -> Switch:
        speed = record.fields.get("linkspeed")
        if speed is not None and (not re.fullmatch(r"[0-9]{1,10}", speed.text) or int(speed.text) >= 2**32):
            self._fault("LinkSpeed", speed.place, f"{speed.text!r} is not a whole number below 2^32")
            speed = None
        below = {key: self._names(record, key) for key in ("switches", "nodes")}
        link_speed = None if speed is None else int(speed.text)
        return Switch(record.name.text, **below, link_speed=link_speed, where=record.name.place)

    def group(self, record: _Record) -> Group:
        return Group(record.name.text, self._names(record, "nodes"), record.name.place)

    def sizes(self, records: list[_Record]) -> tuple[int, ...]:
        for record in records[1:]:
            self._fault("BlockSizes", record.name.place, f"is given twice, first in {records[0].name.place}")
        sizes = []
        for size in records[0].name.text.split(",") if records else ():
            if not re.fullmatch(r"[0-9]{1,9}", size) or int(size) == 0:
                self._fault("BlockSizes", records[0].name.place, f"{size!r} is not a count of nodes")
            else:
                sizes.append(int(size))
        return tuple(sizes)

    def _names(self, record: _Record, key: str) -> tuple[str, ...]:
        held = record.fields.get(key)
        if held is None or self._count > MAX_NAMES:
            return ()
        try:
            names = expand(held.text)
        except HostListError as error:
            self._fault(f"{_FIELDS[record.kind][0]} {record.name.text}, {key}", held.place, str(error))
            return ()
        self._count += len(names)
        if self._count > MAX_NAMES:
            self._fault(key, held.place, f"brings the file to more than {MAX_NAMES:,} names")
        return names

    def _fault(self, what: str, place: str, message: str) -> None:
        self._faults.append(Fault(self._file, -1, what, place, message))
