"""Every published format that is read, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from drapolicy.errors import InputError, UnknownReferenceError
from drapolicy.workload.history import HISTORY, read_history
from drapolicy.workload.jobs import GPU_CLASS, Wanted
from drapolicy.workload.philly import PHILLY, read_philly
from drapolicy.workload.provenance import Imported, Source
from drapolicy.workload.recorded import OPENB, read_openb
from drapolicy.workload.slurm import ACME, HELIOS, read_acme, read_helios
from drapolicy.workload.table import Tick

SOURCES: Final[Mapping[str, Source]] = MappingProxyType(
    {source.name: source for source in (PHILLY, HELIOS, ACME, OPENB, HISTORY)}
)

_ONE: Final[Mapping[str, Callable[[str, Wanted, Tick | None], Imported]]] = MappingProxyType(
    {"philly": read_philly, "helios": read_helios, "acme": read_acme}
)


def read_source(name: str, files: Sequence[str], wanted: Wanted, tick: Tick | None = None) -> Imported:
    """Read somebody's data.

    Parameters
    ----------
    name
        One of :data:`SOURCES`.
    files
        As the source's ``files`` says.
    wanted
        What is taken; of a history always all.
    tick
        Is told now and then how many lines or entries have been read.

    Raises
    ------
    UnknownReferenceError
        For a name that is none of the table.
    InputError
        For another number of files than the format has, and with every fault of the files.
    """
    if name not in SOURCES:
        raise UnknownReferenceError(f"format {name!r}: unknown; use one of {', '.join(SOURCES)}")
    if name == "history":
        if wanted != Wanted(lenient=wanted.lenient):
            raise InputError("history: is read whole; leave days, jobs and classes out")
        return read_history(*files, lenient=wanted.lenient)
    count = 2 if name == "openb" else 1
    if len(files) != count:
        raise InputError(f"{name}: {len(files)} files; give {SOURCES[name].files}")
    if name == "openb" and wanted.device_class != GPU_CLASS:
        raise InputError("openb: claims ask for the class of its nodes; leave the device class out")
    return read_openb(files[0], files[1], wanted, tick) if name == "openb" else _ONE[name](files[0], wanted, tick)
