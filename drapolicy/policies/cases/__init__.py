"""Other allocators' answers: machines and asks of theirs, played with the policy of that name.

The machine becomes a fleet of one node with links, what is not available is held by a claim, what is required is a
request of its own, and the policy places claims of the size, as it does anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from drapolicy.errors import InputError
from drapolicy.policies.cases import amd, fgd, gpuallocator, intel, mapa
from drapolicy.policies.cases.reading import plain
from drapolicy.policies.cases.report import Report, Row

FORMATS: Mapping[str, Callable[[object], Report]] = MappingProxyType(
    {
        "go-gpuallocator": gpuallocator.run,
        "amd-device-plugin": amd.run,
        "intel-device-plugin": intel.run,
        "mapa": mapa.run,
        "fgd-units": fgd.run,
    }
)


def format_of(data: Mapping[str, Any]) -> str:
    """Return which of `FORMATS` a file of cases has, by its keys.

    Raises
    ------
    InputError
        For none of them.
    """
    if data.keys() & {"frag", "frag_milli_lack_gpu", "packing_score"}:
        return "fgd-units"
    if "ideal" in data:
        return "mapa"
    if "machines" in data:
        return "amd-device-plugin"
    if data.keys() & {"topologies", "generated", "pair_scores"}:
        return "go-gpuallocator"
    if isinstance(data.get("cases"), list):
        return "intel-device-plugin"
    keys = ", ".join(map(str, list(data)[:5])) or "none"
    message = f"cases: unknown format, its keys are {keys}; known are {', '.join(FORMATS)}"
    raise InputError(message)


def run_cases(data: object) -> Report:
    """Play all cases of a file.

    Parameters
    ----------
    data
        The file's JSON as plain values.

    Raises
    ------
    InputError
        For an unknown format, and for what cannot be read, with its place.
    """
    given = plain(data)
    return FORMATS[format_of(given)](given)


__all__ = ["FORMATS", "Report", "Row", "format_of", "run_cases"]
