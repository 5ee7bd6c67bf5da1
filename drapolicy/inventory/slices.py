"""All slices of a fleet as columns."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
import numpy as np
from msgspec.structs import replace
from numpy.typing import NDArray

from drapolicy.api.meta import ObjectMeta
from drapolicy.api.resource import Device, ResourcePool, ResourceSlice, ResourceSliceSpec
from drapolicy.inventory.columns import Codes, Frozen

_METADATA = msgspec.json.Decoder(ObjectMeta)


@dataclass(frozen=True, slots=True, eq=False)
class SliceTable(Frozen):
    """All slices, ordered by driver, pool and slice name (code points); equals keep the order of the input.

    Attributes
    ----------
    name, driver, pool
        Names of each slice, its driver and its pool.
    generation, slice_count
        ndarrays of shape (slices,), int64; the pool's generation and its number of slices at that generation.
    node_name
        ``spec.nodeName``, the usual one of the four node selections.
    rest
        The slice without metadata, driver, pool, node name and devices, interned: the other three node selections,
        counter sets, ``skipNodeOperations``.
    first
        ndarray of shape (slices + 1,), int64; devices ``first[i]`` to ``first[i + 1]`` are those of slice ``i``.
    metadata
        Metadata of each slice without its name, as JSON.
    """

    name: Codes[str]
    driver: Codes[str]
    pool: Codes[str]
    generation: NDArray[np.int64]
    slice_count: NDArray[np.int64]
    node_name: Codes[str]
    rest: Codes[ResourceSlice]
    first: NDArray[np.int64]
    metadata: Codes[str]

    def __len__(self) -> int:
        return len(self.generation)

    def object(self, i: int, devices: list[Device]) -> ResourceSlice:
        """Return one slice as it was loaded, with the devices given."""
        rest = self.rest[i]
        assert rest is not None
        spec = replace(
            rest.spec,
            driver=self.driver[i],
            pool=ResourcePool(
                name=self.pool[i] or "",
                generation=int(self.generation[i]),
                resource_slice_count=int(self.slice_count[i]),
            ),
            node_name=self.node_name[i],
            devices=devices,
        )
        metadata = self.metadata[i]
        assert metadata is not None
        return replace(rest, metadata=replace(_METADATA.decode(metadata), name=self.name[i]), spec=spec)

    @property
    def bound(self) -> NDArray[np.bool_]:
        """Which slices belong to the node they name and to no other; ndarray of shape (slices,), bool."""
        named = [not _selects(rest.spec) for rest in self.rest.values]
        return np.array([*named, False], np.bool_)[self.rest.codes] & (self.node_name.codes >= 0)


def _selects(spec: ResourceSliceSpec) -> bool:
    """Tell whether a slice has a node selection beside its node name."""
    return spec.node_selector is not None or bool(spec.all_nodes) or bool(spec.per_device_node_selection)
