"""Links between the devices of one node, as a side file told them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class NodeLinks:
    """Bandwidths that no ResourceSlice publishes.

    Attributes
    ----------
    devices
        Driver, pool and name of the devices, D in number.
    mb_s
        ndarray of shape (D, D), int64, MB/s per direction; symmetric, zero diagonal; 0 where nothing is known.
    """

    devices: tuple[tuple[str, str, str], ...]
    mb_s: NDArray[np.int64]
