"""Reads what ``nvidia-smi topo -m`` prints, of every driver since the K80's.

The output is a matrix of path kinds between GPUs and NICs, then the CPUs and memory nodes near each GPU, a legend,
and (from newer drivers) the RDMA name of each NIC. Copies on web pages have lost tabs, escape characters or columns;
the matrix itself must be whole: nothing in it is guessed. See `drapolicy.topology.plain` and, for tables in Markdown,
`drapolicy.topology.piped` for how its lines are found.
"""

from __future__ import annotations

import re
from os import PathLike, fspath

from drapolicy.errors import Fault, InputError, ParseError
from drapolicy.topology import piped, plain
from drapolicy.topology.graph import INSIDE, Topology
from drapolicy.topology.links import LETTERS, LinkKind
from drapolicy.topology.listing import GPU, Cell, Listing, Row
from drapolicy.topology.matrix import Matrix, facts, text
from drapolicy.topology.products import link_rates
from drapolicy.topology.source import text_of

__all__ = ["NAME", "Matrix", "facts", "parse", "read", "recognises", "text", "topology"]

NAME = "nvidia-smi topo -m"

_NVLINKS = re.compile(r"NV([1-9]\d{0,2})")
_ONE_NUMBER = re.compile(r"[0-9]{1,9}")
_LETTERS = {**{kind.value: kind for kind in LETTERS}, "SOC": LinkKind.SYS}

P2P_WORDS = frozenset({"OK", "NS", "CNS", "GNS", "TNS", "DR", "U"})
"""What ``topo -p2p`` prints in place of path kinds."""


def recognises(text: str) -> bool:
    """Tell whether a text holds a matrix of nvidia-smi, faulty or not; also one of ``topo -p2p``."""
    return plain.has_matrix(text) or piped.has_table(text)


def read(path: str | PathLike[str]) -> Matrix:
    """Read a file with the output of ``nvidia-smi topo -m``.

    Raises
    ------
    ParseError
        As `parse`, and if the file is not UTF-8 text.
    OSError
        If it cannot be opened.
    """
    return parse(text_of(path), fspath(path))


def parse(text: str, file: str = "") -> Matrix:
    r"""Read the output of ``nvidia-smi topo -m``.

    Parameters
    ----------
    text
        The output, whole; text around it is passed over, the matrix may be indented, or be a table of Markdown.
    file
        Name for messages.

    Raises
    ------
    ParseError
        With line and column of every ragged, missing or doubled row, unknown letter, and pair of cells that
        contradict each other; or with what the text is instead: ``topo -p2p``, ``rocm-smi``, XML, JSON.

    Examples
    --------
    >>> matrix = parse("\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n")
    >>> str(matrix.kinds[0][1]), matrix.counts[0][1]
    ('NV', 4)
    """
    listing = (plain if plain.has_matrix(text) or not piped.has_table(text) else piped).find(text, file)
    words = {cell.text for row in listing.rows.values() for cell in row.cells.values()}
    if words & P2P_WORDS and not any(word in words for word in _LETTERS if word != "X"):
        raise _refused(listing, "is a matrix of topo -p2p, which says what works, not how devices are linked")
    faults = list(listing.faults)
    cells = {}
    for name, row in listing.rows.items():
        for other, cell in row.cells.items():
            read_cell = _cell(listing, name, other, row, cell)
            if isinstance(read_cell, Fault):
                faults.append(read_cell)
            else:
                cells[name, other] = read_cell
    faults += _asymmetries(listing, cells)
    if {"SOC", "SYS"} <= words:
        faults.append(Fault(file, -1, "", f"line {listing.line}", "says SOC and SYS, the same of two drivers; use one"))
    if faults:
        raise ParseError(faults=sorted(faults, key=_place))
    names = listing.names

    def column(title: str) -> tuple[str, ...]:
        return tuple(listing.rows[name].titled.get(title, "") for name in names)

    return Matrix(
        names=names,
        kinds=tuple(tuple(cells[a, b][0] for b in names) for a in names),
        counts=tuple(tuple(cells[a, b][1] for b in names) for a in names),
        cpu_affinity=column("cpu"),
        numa_affinity=column("numa"),
        gpu_numa_id=column("gpu_numa"),
        rdma=tuple(_rdma(name, listing) for name in names),
        soc="SOC" in words,
        notes=tuple(listing.notes),
    )


def topology(
    matrix: Matrix,
    product: str = "",
    *,
    nvlink_generation: int | None = None,
    pcie_generation: int | None = None,
    host: str = "host",
) -> Topology:
    """Make a graph of one host: an edge between each two devices, and where each device is.

    Parameters
    ----------
    matrix
        What `parse` gives.
    product
        Product name of the GPUs, which the output does not say; decides the bandwidths, see `link_rates`.
    nvlink_generation, pcie_generation
        Override what the product name says.
    host
        Name of the host's vertex; must differ from the devices' names.

    Returns
    -------
    Topology
        Vertices: the devices under their names, ``numa0`` …, and the host. The graph's attributes say which
        generations the bandwidths are of.

    Raises
    ------
    InputError
        If a generation is not in the table, or the host's name is a device's.

    Notes
    -----
    The edges are the paths between two devices as a whole; switches and bridges on the way cannot be told from the
    matrix. A device whose NUMA affinity is several nodes, or none, is put inside the host.
    """
    import networkx as nx

    taken = {host, *(f"numa{numa}" for numa in matrix.numa_affinity)} & set(matrix.names)
    if taken:
        raise InputError(f"host {host}: {min(taken)} is already the name of a device; rename one")
    rates = link_rates(product, nvlink_generation=nvlink_generation, pcie_generation=pcie_generation)
    graph: nx.Graph[str] = nx.Graph(
        product=product, nvlink_generation=rates.nvlink_generation, pcie_generation=rates.pcie_generation
    )
    gpus = set(matrix.gpus)
    for d, name in enumerate(matrix.names):
        if d in gpus:
            graph.add_node(name, kind="gpu", index=int(name.removeprefix("GPU")))
        else:
            graph.add_node(name, kind="nic", rdma=matrix.rdma[d])
    graph.add_node(host, kind="host")
    for d, name in enumerate(matrix.names):
        inside = host
        if _ONE_NUMBER.fullmatch(matrix.numa_affinity[d]):
            inside = f"numa{int(matrix.numa_affinity[d])}"
            if inside not in graph:
                graph.add_node(inside, kind="numa")
                graph.add_edge(inside, host, kind=INSIDE, count=1, bandwidth_mb_s=0)
        graph.add_edge(name, inside, kind=INSIDE, count=1, bandwidth_mb_s=0)
        for e in range(d):
            kind, count = matrix.kinds[d][e], matrix.counts[d][e]
            bandwidth_mb_s = rates.bandwidth_mb_s(kind, count)
            graph.add_edge(matrix.names[e], name, kind=kind.value, count=count, bandwidth_mb_s=bandwidth_mb_s)
    return Topology(graph)


def _refused(listing: Listing, why: str) -> ParseError:
    return ParseError(
        faults=[Fault(listing.file, -1, "", f"line {listing.line}", f"{why}; give the output of topo -m")]
    )


def _cell(listing: Listing, name: str, other: str, row: Row, cell: Cell) -> tuple[LinkKind, int] | Fault:
    nvlinks = _NVLINKS.fullmatch(cell.text)
    kind = LinkKind.NVLINK if nvlinks else _LETTERS.get(cell.text)
    where = f"row {name}, column {other}"
    if kind is None:
        told = listing.legend.get(cell.text)
        message = f"{cell.text!r} is not a kind of path" + (f" (the legend calls it {told!r})" if told else "")
        known = ", ".join(word for word in _LETTERS)
        return Fault(
            listing.file, -1, where, f"line {row.line}, column {cell.column}", f"{message}; known: NV#, {known}"
        )
    if (kind is LinkKind.SELF) != (name == other):
        message = "is X, which only a device and itself may have" if kind is LinkKind.SELF else f"is {cell.text}, not X"
        return Fault(listing.file, -1, where, f"line {row.line}, column {cell.column}", message)
    count = int(nvlinks[1]) if nvlinks else int(kind is not LinkKind.SELF)
    return kind, count


def _asymmetries(listing: Listing, cells: dict[tuple[str, str], tuple[LinkKind, int]]) -> list[Fault]:
    faults = []
    for b, name in enumerate(listing.names):
        for other in listing.names[:b]:
            here, there = cells.get((name, other)), cells.get((other, name))
            if here is None or there is None or here == there:
                continue
            row, facing = listing.rows[name], listing.rows[other]
            mine, theirs = row.cells[other], facing.cells[name]
            message = f"is {mine.text}, but line {facing.line} says {theirs.text} for the same pair"
            place = f"line {row.line}, column {mine.column}"
            faults.append(Fault(listing.file, -1, f"row {name}, column {other}", place, message))
    return faults


def _rdma(name: str, listing: Listing) -> str:
    if GPU.fullmatch(name):
        return ""
    # Drivers before the NIC legend put the RDMA name itself over the column.
    return listing.nic_legend.get(name, "" if re.fullmatch(r"NIC\d+", name) else name)


def _place(fault: Fault) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", fault.path)]
