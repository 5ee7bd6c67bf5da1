"""Names what a text is that no importer reads: files that lie beside topologies and look like them."""

from __future__ import annotations

import re
from typing import Final

LOOKALIKES: Final[tuple[tuple[str, str], ...]] = (
    (r"\A\s*\Z", "is empty"),
    (
        r"\A\s*<(.*<)?graphs\b",
        "is a graph file of NCCL, the rings and trees it chose; give the topology, which NCCL_TOPO_DUMP_FILE names",
    ),
    (
        r'\A(?=.*(^|")provider"?[ \t]*:)(?=.*(^|")engine"?[ \t]*:)',
        "is a request to topograph or values of its Helm chart; give its model, or what it answered",
    ),
    (
        r"^(Switch|Ca)[ \t]+\d+[ \t]+\"",
        "is what ibnetdiscover prints; give the network that Slurm or topograph made of it",
    ),
    (r"^(physicalCluster|virtualClusters)\s*:", "is a configuration of HiveD, not what a machine printed"),
    (r"\A\s*<", "is XML of another kind"),
    (r"\A\s*[{\[]", "is JSON of another kind"),
)
"""Pattern and what such a text is; the first that is found counts."""

_PATTERNS: Final = tuple((re.compile(pattern, re.DOTALL | re.MULTILINE), why) for pattern, why in LOOKALIKES)
_HEAD: Final = 1 << 16


def what_it_is(text: str) -> str:
    """Return what a text is, as the rest of a sentence; empty if nothing in the table fits.

    Examples
    --------
    >>> what_it_is("<svg/>")
    'is XML of another kind'
    """
    head = text[:_HEAD]
    return next((why for pattern, why in _PATTERNS if pattern.search(head)), "")
