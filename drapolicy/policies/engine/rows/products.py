"""The product of each node's devices, as objectives see it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drapolicy.inventory import Fleet
from drapolicy.policies.engine.layout import Layout
from drapolicy.policies.engine.views import fact_codes
from drapolicy.topology.attributes import value


def products_of(fleet: Fleet, layout: Layout) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Return the products that there are, and which each node has: that of its first device that tells one.

    The first product is the empty one, of nodes whose devices tell none.
    """
    texts: dict[str, int] = {"": 0}
    found = np.zeros(len(fleet.nodes), np.intp)
    if not len(layout.devices):
        return tuple(texts), found
    codes = fact_codes(fleet, "product", as_text=True)[0]
    of_code = np.zeros(int(codes.max(initial=-1)) + 2, np.intp)
    for code, d in zip(*np.unique(codes, return_index=True), strict=True):
        if code >= 0:
            text = str(value(fleet.slices.driver[int(fleet.devices.slice[d])] or "", fleet.devices[int(d)], "product"))
            of_code[code] = texts.setdefault(text, len(texts))
    # Written from the last device to the first, so that the first stands.
    rows = layout.devices[::-1]
    node = np.repeat(np.arange(len(fleet.nodes)), layout.sizes())[::-1]
    told = of_code[codes[rows]]
    found[node[told > 0]] = told[told > 0]
    return tuple(texts), found
