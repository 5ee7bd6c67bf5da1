"""Reads what a machine printed about its interconnect; the format is found from the content."""

from __future__ import annotations

from dataclasses import dataclass, replace
from os import PathLike, fspath
from typing import Any, Final, Protocol

from drapolicy.errors import InputError, ParseError
from drapolicy.topology import (
    amd_smi,
    dra_slices,
    hwloc_console,
    hwloc_xml,
    kfd,
    kubernetes_nodes,
    nccl_xml,
    node_link,
    nvidia_smi,
    rocm_smi,
    slurm_conf,
    slurm_yaml,
    topograph,
    topograph_output,
    xpu_smi,
)
from drapolicy.topology.graph import Topology
from drapolicy.topology.lookalikes import what_it_is
from drapolicy.topology.source import refusal, text_of


class Format(Protocol):
    """What a module must have to be in `FORMATS`."""

    NAME: str
    """The tool or file, as messages and the documentation call it."""

    def recognises(self, text: str, /) -> bool:
        """Tell cheaply whether a text means to be of this format, be it faulty or not."""

    def parse(self, text: str, file: str = "", /) -> Any:
        """Return what the text says; raise `ParseError` with every fault."""

    def topology(self, record: Any, product: str = "", /) -> Topology:
        """Make a graph of what `parse` gave."""

    def facts(self, record: Any, /) -> dict[str, Any]:
        """Return the counts by which a reader is checked, as JSON values, with the ``kind`` of the file."""


FORMATS: Final[tuple[Format, ...]] = (
    nvidia_smi,
    rocm_smi,
    amd_smi,
    xpu_smi,
    kfd,
    nccl_xml,
    hwloc_xml,
    hwloc_console,
    kubernetes_nodes,
    dra_slices,
    slurm_conf,
    slurm_yaml,
    topograph,
    topograph_output,
    node_link,
)
"""Importers, a module each; one alone must recognise a text."""


@dataclass(frozen=True)
class Reading:
    """A file that was read.

    Attributes
    ----------
    format
        Module that read it.
    record
        What its ``parse`` gave.
    file
        Name for messages.
    """

    format: Format
    record: Any
    file: str = ""

    @property
    def facts(self) -> dict[str, Any]:
        """What the file says, in counts; ``kind`` names its format."""
        return self.format.facts(self.record)

    def topology(self, product: str = "") -> Topology:
        """Make the graph; see `read`."""
        try:
            return self.format.topology(self.record, product)
        except InputError as error:
            if not error.faults:
                raise refusal(self.file, str(error)) from None
            raise ParseError(faults=[replace(fault, file=fault.file or self.file) for fault in error.faults]) from None


def load(path: str | PathLike[str]) -> Reading:
    """Read a file into the record of its format; a folder or archive is a capture of `kfd`.

    Raises
    ------
    ParseError, OSError
        As `read`.
    """
    if kfd.is_folder(path):
        return Reading(kfd, kfd.read(path), fspath(path))
    return load_text(text_of(path), fspath(path))


def load_text(text: str, file: str = "") -> Reading:
    """Read a text into the record of its format; ``file`` names it in messages.

    Raises
    ------
    ParseError
        As `read`.
    """
    found = [form for form in FORMATS if form.recognises(text)]
    names = ", ".join(form.NAME for form in found or FORMATS)
    if not found:
        raise refusal(file, f"{what_it_is(text) or 'is of no known format'}; these are read: {names}")
    if len(found) > 1:
        raise refusal(file, f"could be any of {names}; give the output of one tool")
    return Reading(found[0], found[0].parse(text, file), file)


def read(path: str | PathLike[str], *, product: str = "") -> Topology:
    """Return the graph of a machine from a file.

    Parameters
    ----------
    path
        Output of a tool, or a file, of one of `FORMATS`; which is found from its content. A folder or tar archive:
        a capture of ``/sys/class/kfd/kfd/topology``.
    product
        Product name of the GPUs, e.g. ``NVIDIA A100 80GB PCIe``, where the file does not tell it; it decides how fast
        a link is. An unknown or empty name counts as an A100 or MI250.
        :func:`drapolicy.topology.fleet.product_of` gives that of a fleet.

    Raises
    ------
    ParseError
        With every fault of the file, or with what it is when no format or more than one fits.
    OSError
        If it cannot be opened.
    """
    return load(path).topology(product)
