"""Links between the devices of one node, as a side file told them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError


class Path(IntEnum):
    """How near two devices are over PCIe; more is nearer.

    Names are the letters of ``nvidia-smi topo -m``. In NVML's words (``nvmlGpuTopologyLevel_t``) they are system, node,
    host bridge, multiple, single, internal.
    """

    NONE = 0
    SYS = 1
    NODE = 2
    PHB = 3
    PXB = 4
    PIX = 5
    BOARD = 6


@dataclass(frozen=True, eq=False)
class NodeLinks:
    """Links that no ResourceSlice publishes. Of all tables copies are kept, which cannot be written.

    Attributes
    ----------
    devices
        Driver, pool and name of the devices, D in number.
    mb_s
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal; 0 where nothing is known.
    paths
        ndarray of shape (D, D), int8, the `Path` of each pair, 0 where there is none; symmetric, zero diagonal. None
        where no file told it: then attributes do.
    lanes
        ndarray of shape (D, D), int16, how many links go straight from GPU to GPU (NVLink, xGMI, Xe Link), by way of
        NVSwitches too; symmetric, zero diagonal. None for no such links.

    Raises
    ------
    InputError
        For a matrix that is none of these, or a device given twice.
    """

    devices: tuple[tuple[str, str, str], ...]
    mb_s: NDArray[np.int64]
    paths: NDArray[np.int8] | None = field(default=None)
    lanes: NDArray[np.int16] | None = field(default=None)

    def __post_init__(self) -> None:
        if len(set(self.devices)) != len(self.devices):
            message = "links: a device is given twice; name each once"
            raise InputError(message)
        object.__setattr__(self, "mb_s", self._checked("bandwidths", self.mb_s, np.int64))
        for name, dtype in (("paths", np.int8), ("lanes", np.int16)):
            table = getattr(self, name)
            if table is not None:
                object.__setattr__(self, name, self._checked(name, table, dtype))
        if self.paths is not None and self.paths.max(initial=0) > max(Path):
            message = f"links: path {self.paths.max()} is unknown; use 0 to {max(Path)}"
            raise InputError(message)

    def _checked(self, name: str, table: NDArray[Any], dtype: type) -> NDArray[Any]:
        table = np.array(table)
        size = len(self.devices)
        if table.shape != (size, size) or table.dtype != dtype:
            wanted = f"{np.dtype(dtype).name} of shape ({size}, {size})"
            message = f"links: {name} are {table.dtype} {table.shape}; give {wanted}"
            raise InputError(message)
        if (table != table.T).any() or table.diagonal().any() or (table < 0).any():
            message = f"links: {name} must be symmetric, not negative, and zero between a device and itself"
            raise InputError(message)
        table.flags.writeable = False
        return table

    def __reduce__(self) -> tuple[Any, ...]:
        return NodeLinks, (self.devices, self.mb_s, self.paths, self.lanes)
