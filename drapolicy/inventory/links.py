"""Links between the devices of one node, as a side file told them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.errors import InputError


@dataclass(frozen=True, eq=False)
class NodeLinks:
    """Bandwidths that no ResourceSlice publishes.

    Attributes
    ----------
    devices
        Driver, pool and name of the devices, D in number.
    mb_s
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal; 0 where nothing is known. A copy
        is kept, which cannot be written.

    Raises
    ------
    InputError
        For a matrix that is none of these, or a device given twice.
    """

    devices: tuple[tuple[str, str, str], ...]
    mb_s: NDArray[np.int64]

    def __post_init__(self) -> None:
        table = np.array(self.mb_s)
        size = len(self.devices)
        if table.shape != (size, size) or table.dtype != np.int64:
            message = f"links: bandwidths are {table.dtype} {table.shape}; give int64 of shape ({size}, {size})"
            raise InputError(message)
        if len(set(self.devices)) != size:
            message = "links: a device is given twice; name each once"
            raise InputError(message)
        if (table != table.T).any() or table.diagonal().any() or (table < 0).any():
            message = "links: bandwidths must be symmetric, not negative, and zero between a device and itself"
            raise InputError(message)
        table.flags.writeable = False
        object.__setattr__(self, "mb_s", table)

    def __reduce__(self) -> tuple[Any, ...]:
        return NodeLinks, (self.devices, self.mb_s)
