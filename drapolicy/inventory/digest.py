"""One fingerprint for all that a fleet says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from hashlib import sha256

import numpy as np
from msgspec.structs import replace

from drapolicy.api.core import Node
from drapolicy.api.resource import DeviceClass, DeviceTaintRule
from drapolicy.inventory.columns import Texts
from drapolicy.inventory.devices import CapacityColumn, DeviceTable
from drapolicy.inventory.growing import canonical
from drapolicy.inventory.slices import SliceTable
from drapolicy.release import Release


def digest_of(
    release: Release,
    *,
    classes: Iterable[DeviceClass],
    taint_rules: Iterable[DeviceTaintRule],
    nodes: Iterable[Node],
    slices: SliceTable,
    devices: DeviceTable,
) -> str:
    """Return a sha256 in hex that is equal for equal content, in any process.

    Parameters
    ----------
    classes, taint_rules, nodes
        Objects in an order that does not depend on the input. Of a node counts what was read, not the document that
        it was read from.
    """
    digest = sha256()
    for part in (
        _bytes([release.minor, *sorted(release.gates)]),
        _bytes(list(classes)),
        _bytes(list(taint_rules)),
        (canonical(replace(node, source=None)) for node in nodes),
        _bytes(slices),
        _bytes(devices),
    ):
        for piece in part:
            # The length goes first, so that what is hashed can be cut into pieces in one way only.
            digest.update(len(piece).to_bytes(8, "little"))
            digest.update(piece)
    return digest.hexdigest()


def _bytes(value: object) -> Iterator[bytes]:
    """Yield the content of a table or column, piece by piece."""
    if isinstance(value, CapacityColumn):
        yield from _bytes(value.cells)  # amounts follow from the cells
    elif isinstance(value, np.ndarray):
        yield value.astype(value.dtype.newbyteorder("<")).tobytes()
    elif isinstance(value, bytes):
        yield value
    elif isinstance(value, Mapping):
        for key, column in value.items():
            yield key.encode("utf-8", "surrogatepass")
            yield from _bytes(column)
    elif isinstance(value, Texts) or is_dataclass(value):
        for item in fields(value):
            yield item.name.encode()
            yield from _bytes(getattr(value, item.name))
    else:
        yield canonical(value)
