"""``drapolicy validate``: whether an input is what Kubernetes would accept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import chain

from drapolicy import inventory
from drapolicy.api import Objects
from drapolicy.api.resource import ResourceClaim, ResourceClaimTemplate
from drapolicy.cli.boundary import BAD_INPUT
from drapolicy.cli.inputs import notes_on, read_with_faults
from drapolicy.cli.output import Format, note, print_data, print_line, print_table
from drapolicy.problem.never import asks_to_match, never_hold
from drapolicy.release import Release
from drapolicy.text import counted

_KINDS = {
    "ResourceSlice": "slices",
    "DeviceClass": "classes",
    "ResourceClaim": "claims",
    "ResourceClaimTemplate": "templates",
    "DeviceTaintRule": "taint_rules",
    "ResourcePoolStatusRequest": "pool_status_requests",
    "Node": "nodes",
    "Pod": "pods",
    "Namespace": "namespaces",
}


def validate(files: Sequence[str], *, kubernetes: Release, lenient: bool, output: Format) -> int:
    """Print what was read and every fault; return 0 without and 2 with faults."""
    objects, faults = read_with_faults(files, kubernetes, lenient=lenient)
    notes = notes_on(objects, kubernetes, lenient=lenient)
    wanted = list(
        filter(asks_to_match, chain[ResourceClaim | ResourceClaimTemplate](objects.templates, objects.claims))
    )
    if wanted and objects.slices and not faults:
        notes += objects.located(never_hold(inventory.build(objects, kubernetes), wanted))
    counts = {kind: len(getattr(objects, field)) for kind, field in _KINDS.items() if getattr(objects, field)}
    skipped = dict(sorted(objects.skipped.items()))
    if output is not Format.TABLE:
        made = {
            "read": counts,
            "devices": _devices(objects),
            "skipped": skipped,
            "faults": [asdict(fault) for fault in faults],
            "notes": [asdict(found) for found in notes],
        }
        print_data(made, output)
        return BAD_INPUT if faults else 0
    rows = [
        (kind, str(count), f"{_devices(objects)} devices" if kind == "ResourceSlice" else "")
        for kind, count in counts.items()
    ]
    print_table(("KIND", "COUNT", ""), [*rows, *((kind, str(n), "skipped") for kind, n in skipped.items())], right=[1])
    for found in notes:
        print_line(f"note: {found}")
    if not counts and not faults:
        print_line("note: nothing of Dynamic Resource Allocation was found")
    if faults:
        note("\n".join(f"{fault}".replace("\n", "\\n") for fault in faults))
        note(counted(len(faults), "fault"))
        return BAD_INPUT
    print_line("no faults")
    return 0


def _devices(objects: Objects) -> int:
    return sum(len(published.spec.devices) for published in objects.slices)
