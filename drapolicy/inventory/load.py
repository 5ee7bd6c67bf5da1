"""From objects or files to a `Fleet`."""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from typing import NamedTuple

from drapolicy import api
from drapolicy.api.objects import Objects
from drapolicy.api.resource import DeviceClass, DeviceTaintRule
from drapolicy.api.sources import Source
from drapolicy.inventory.devices import DeviceTable
from drapolicy.inventory.fleet import Fleet
from drapolicy.inventory.node_builder import NodeBuilder
from drapolicy.inventory.slices import SliceTable
from drapolicy.inventory.tables import TableBuilder
from drapolicy.release import Release
from drapolicy.release import release as default_release


def build(objects: Objects, release: Release | None = None) -> Fleet:
    """Return the fleet of some objects; claims and pods among them are not part of it.

    Parameters
    ----------
    objects
        Slices, classes, taint rules and nodes; they are not validated again.
    release
        Kubernetes release; 1.37 with its default gates if left out.

    Raises
    ------
    InputError
        For two nodes, classes or taint rules of one name. Slices of one name are kept in the order given.

    Examples
    --------
    >>> objects = api.loads('''
    ... apiVersion: resource.k8s.io/v1
    ... kind: ResourceSlice
    ... metadata: {name: node-1-gpu}
    ... spec:
    ...   driver: gpu.example.com
    ...   nodeName: node-1
    ...   pool: {name: node-1, generation: 1, resourceSliceCount: 1}
    ...   devices: [{name: gpu-0, attributes: {model: {string: A}}}]
    ... ''')
    >>> fleet = build(objects)
    >>> fleet.nodes.names, fleet.slices_on("node-1"), fleet.devices.attributes["model"].strings[0]
    (('node-1',), (0,), 'A')
    >>> fleet.objects.slices == objects.slices
    True
    """
    return _fleet(_read([objects]), release)


def build_from(parts: Iterable[Objects], release: Release | None = None) -> Fleet:
    """Return the fleet of objects that come in parts, so that a large one needs memory for its columns only.

    Parameters
    ----------
    parts
        As for :func:`build`; a part may be forgotten once the next is asked for.
    release
        Kubernetes release; 1.37 with its default gates if left out.

    Raises
    ------
    InputError
        As :func:`build`.
    """
    with _no_garbage_collection():
        found = _read(parts)
        _return_memory()
        made = _fleet(found, release)
    _return_memory()
    return made


def load(*sources: Source, release: Release | None = None, strict: bool = True) -> Fleet:
    """Read a fleet from files, file by file, so that a large one needs memory for its columns only.

    Parameters
    ----------
    *sources
        What :func:`drapolicy.api.stream` takes: files, folders, ``-`` for standard input.
    release
        Kubernetes release, also of the API that is read; 1.37 with its default gates if left out.
    strict
        Whether unknown fields are errors.

    Raises
    ------
    InputError
        With all faults of all files.
    """
    return build_from(api.stream(*sources, strict=strict, release=release), release)


class _Read(NamedTuple):
    """What a fleet is made of."""

    slices: SliceTable
    devices: DeviceTable
    nodes: NodeBuilder
    classes: list[DeviceClass]
    taint_rules: list[DeviceTaintRule]


def _read(parts: Iterable[Objects]) -> _Read:
    builder = TableBuilder()
    nodes = NodeBuilder()
    classes: list[DeviceClass] = []
    rules: list[DeviceTaintRule] = []
    for part in parts:
        builder.add(part.slices)
        nodes.add(part.nodes)
        classes += part.classes
        rules += part.taint_rules
    return _Read(*builder.finish(), nodes, classes, rules)


def _fleet(found: _Read, release: Release | None) -> Fleet:
    slices, devices, builder, classes, rules = found
    nodes = builder.finish(chain(slices.node_name.values, devices.node_name.values))
    return Fleet.of(
        release or default_release(), classes=classes, taint_rules=rules, nodes=nodes, slices=slices, devices=devices
    )


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Leave cycles uncollected for a while: API objects have none, and looking for them doubles the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _return_memory() -> None:
    """Give the memory of all that was read back to the system: of a large fleet, more than the fleet itself takes.

    A few small objects in the interpreter's free lists, and the columns at the end of the heap, else hold all of it.
    """
    gc.collect()
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # musl has none
        if trim is not None:
            trim(0)
