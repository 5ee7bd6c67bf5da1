"""PCI addresses, however they are spelled."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TypeAlias

Address: TypeAlias = tuple[int, int, int, int]
"""Domain, bus, device, function."""

_ADDRESS = re.compile(r"(?:([0-9a-fA-F]{4,8}):)?([0-9a-fA-F]{2}):([0-9a-fA-F]{2})\.([0-7])")


@lru_cache(maxsize=65_536)
def address(text: object) -> Address | None:
    """Return the PCI address that a text is, None for another text.

    Domains have four digits in Linux and eight with NVIDIA's management library; a missing one is 0.

    Examples
    --------
    >>> address("00000000:0A:1C.0") == address("0a:1c.0") == (0, 10, 28, 0)
    True
    """
    match = _ADDRESS.fullmatch(str(text))
    if match is None:
        return None
    domain, bus, device, function = (int(part or "0", 16) for part in match.groups())
    return domain, bus, device, function
