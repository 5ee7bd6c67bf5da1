"""``drapolicy topology bind``: a picture of machines joined to the nodes of a fleet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

from drapolicy import inventory
from drapolicy.cli.inputs import STDIN
from drapolicy.cli.inputs import read as read_objects
from drapolicy.cli.output import Format, print_data, print_line, print_table, shortly
from drapolicy.cli.pictures import loaded
from drapolicy.errors import InputError
from drapolicy.release import Release
from drapolicy.text import counted
from drapolicy.topology.attributes import common
from drapolicy.topology.bind import BindReport
from drapolicy.topology.fleet import bind_fleet, devices_of, nodes_with, product_of

_Row: TypeAlias = tuple[str, str, str, str]


def bind(
    files: Sequence[str],
    *,
    topology: str,
    product: str,
    match: str,
    kubernetes: Release,
    lenient: bool,
    output: Format,
) -> int:
    """Print how a picture and the nodes of a fleet were joined."""
    if topology == STDIN and STDIN in files:
        message = "--topology: standard input is the fleet already; give a file"
        raise InputError(message)
    fleet = inventory.build(read_objects(files, kubernetes, lenient=lenient), kubernetes)
    picture = loaded(topology).topology(product or product_of(fleet))
    nodes = nodes_with(fleet, product) if product else list(fleet.nodes.names)
    fleet, report = bind_fleet(fleet, picture, nodes=nodes, match=match)
    others = sorted(set(fleet.nodes.names).difference(nodes), key=fleet.nodes.index.__getitem__)
    apart = _apart(fleet)
    notes = {name: _notes(fleet, name) for name in (*report.nodes, *report.unmatched)}
    if output is not Format.TABLE:
        made = {
            "nodes": {name: _report(found, notes[name]) for name, found in report.nodes.items()},
            "unmatched": {name: _report(found, notes[name]) for name, found in report.unmatched.items()},
            "without": list(report.without),
            "other_product": others,
            "vertices": _vertices(report.vertices),
            "apart": apart,
        }
        print_data(made, output)
        return 0
    alike: dict[tuple[tuple[_Row, ...], tuple[str, ...]], list[str]] = {}
    for name, found in (*report.nodes.items(), *report.unmatched.items()):
        alike.setdefault((tuple(_pairs(found)), notes[name]), []).append(name)
    for (rows, said_of), names in alike.items():
        print_table(("DEVICE", "DRIVER", "VERTEX", "HOW, OR WHY NOT"), rows, title=shortly(names))
        for sentence in said_of:
            print_line(f"note: {sentence}")
        print_line()
    left: dict[str, list[str]] = {}
    for vertex, why in report.vertices:
        left.setdefault(why, []).append(vertex)
    for why, vertices in left.items():
        print_line(f"{shortly(vertices)}: not bound: {why}")
    print_line(f"{counted(len(report.nodes), 'node')} got links, {len(report.without)} did not")
    if report.without:
        print_line(f"without: {shortly(report.without)}")
    if others:
        print_line(f"left out, as no GPU there is of the family of {product}: {shortly(others)}")
    for shape in apart:
        print_line(f"alike in their slices (signature {shape['signature'][:12]}), but not in their links:")
        for table in shape["links"]:
            nodes = table["nodes"]
            print_line(f"  {(table['links'] or 'none')[:12]}: {counted(len(nodes), 'node')}: {shortly(nodes)}")
    return 0


def _apart(fleet: inventory.Fleet) -> list[dict[str, Any]]:
    """Return the nodes that only their links tell apart: by signature, then by link table."""
    found = inventory.shapes(fleet)
    return [
        {
            "signature": found.signatures[shape],
            "links": [
                {"links": found.links[table] if table >= 0 else None, "nodes": list(names)}
                for table, names in tables.items()
            ],
        }
        for shape, tables in found.odd.items()
    ]


def _notes(fleet: inventory.Fleet, node: str) -> tuple[str, ...]:
    """Return what is in the way of asking for devices of several drivers together."""
    return tuple(sentence for found in common(devices_of(fleet, node)) for sentence in found.sentences)


def _report(found: BindReport, notes: Sequence[str]) -> dict[str, Any]:
    def device(of: tuple[str, str, str]) -> dict[str, str]:
        return dict(zip(("driver", "pool", "device"), of, strict=True))

    return {
        "bound": [{**device(bound.device), "vertex": bound.vertex, "by": bound.by} for bound in found.bound],
        "devices": [{**device(of), "why": why} for of, why in found.devices],
        "vertices": _vertices(found.vertices),
        "notes": list(notes),
    }


def _vertices(left: Iterable[tuple[str, str]]) -> list[dict[str, str]]:
    return [{"vertex": vertex, "why": why} for vertex, why in left]


def _pairs(found: BindReport) -> Iterable[_Row]:
    for bound in found.bound:
        yield bound.device[2], bound.device[0], bound.vertex, f"by {bound.by}"
    for (driver, _, device), why in found.devices:
        yield device, driver, "-", why
    for vertex, why in found.vertices:
        yield "-", "-", vertex, why
