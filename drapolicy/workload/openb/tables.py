"""The lists of pods and nodes of the openb trace.

Format: alibaba/clusterdata, cluster-trace-gpu-v2023, as hkust-adsl/kubernetes-scheduler-simulator has them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypeVar

from drapolicy.api.names import dns_label, shown
from drapolicy.errors import Fault
from drapolicy.workload.faults import Faults
from drapolicy.workload.table import Row, Tick, table

WHOLE = 1_000
"""Milli of one GPU."""

_MOST_GPUS = 32  # devices that one claim may hold, see K8s part A
_MOST_ON_NODE = 128  # devices of one slice
_MOST_CPU_MILLI, _MOST_MEMORY_MIB = 10**9, 2**33
_MODEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9 ._-]{0,62}[A-Za-z0-9])?")


class PodRow(NamedTuple):
    """A pod of the list.

    Attributes
    ----------
    name
        Its name.
    cpu_milli, memory_mib
        What it asks of the node.
    gpus, gpu_milli
        How many GPUs, and thousandths of each; 0 of both for a pod without.
    models
        GPU models that it accepts; none for any.
    """

    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int
    gpu_milli: int
    models: tuple[str, ...]

    @property
    def asked_milli(self) -> int:
        """Thousandths of GPUs in all."""
        return self.gpus * self.gpu_milli


class NodeRow(NamedTuple):
    """A node of the list: its CPU, memory, number of GPUs and their model."""

    name: str
    cpu_milli: int
    memory_mib: int
    gpus: int
    model: str


@dataclass(frozen=True)
class Trace:
    """A list of pods and a list of nodes, each in order of names.

    Attributes
    ----------
    name
        Of the list of pods: its file without endings.
    pods, nodes
        The rows.
    """

    name: str
    pods: tuple[PodRow, ...]
    nodes: tuple[NodeRow, ...]

    @property
    def gpu_milli(self) -> int:
        """Thousandths of GPUs of all nodes."""
        return WHOLE * sum(node.gpus for node in self.nodes)


def read_trace(pods: str | Path, nodes: str | Path) -> Trace:
    """Read both lists; CSV files, plain or gzip.

    Parameters
    ----------
    pods
        Columns ``name, cpu_milli, memory_mib, num_gpu, gpu_milli`` and perhaps ``gpu_spec``: models joined by ``|``.
        Other columns are not looked at.
    nodes
        Columns ``sn, cpu_milli, memory_mib, gpu, model``.

    Raises
    ------
    InputError
        With the faults of both files by line; files with very many are not read to the end.
    """
    faults = Faults()
    found = read_pods(pods, faults), read_nodes(nodes, faults)
    faults.settle()
    return Trace(name_of(pods), *found)


def name_of(pods: str | Path) -> str:
    """Return what a trace is called: its list of pods, without endings."""
    return Path(pods).name.removesuffix(".gz").removesuffix(".csv")


def read_pods(
    path: str | Path,
    faults: Faults,
    look: Callable[[Row, PodRow], None] | None = None,
    *,
    together: Sequence[str] = (),
    tick: Tick | None = None,
) -> tuple[PodRow, ...]:
    """Return the sound rows of a list of pods, in order of names.

    Parameters
    ----------
    path
        The file.
    faults
        Where faults are noted.
    look
        Reads more of a row.
    together
        Columns that are all there or none of them.
    tick
        Is told now and then how many lines have been read.
    """
    return _rows(path, POD_COLUMNS, _pod, look, faults, optional=("gpu_spec",), together=together, tick=tick)


def read_nodes(path: str | Path, faults: Faults) -> tuple[NodeRow, ...]:
    """Return the sound rows of a list of nodes, in order of names."""
    before = faults.number
    found = _rows(path, NODE_COLUMNS, _node, None, faults)
    if faults.number == before and not any(node.gpus for node in found):
        faults.of_all.append(Fault(str(path), -1, "", "gpu", "no node has a GPU; give a list with some"))
    return found


POD_COLUMNS = ("name", "cpu_milli", "memory_mib", "num_gpu", "gpu_milli")
NODE_COLUMNS = ("sn", "cpu_milli", "memory_mib", "gpu", "model")
_Found = TypeVar("_Found", PodRow, NodeRow)


def _rows(
    path: str | Path,
    columns: Sequence[str],
    read: Callable[[Row], _Found],
    look: Callable[[Row, _Found], None] | None,
    faults: Faults,
    *,
    optional: Sequence[str] = (),
    together: Sequence[str] = (),
    tick: Tick | None = None,
) -> tuple[_Found, ...]:
    found: list[_Found] = []
    line_of: dict[str, int] = {}
    before = faults.number
    for row in table(path, faults, required=columns, optional=optional, together=together, tick=tick):
        made = read(row)
        if made.name in line_of:
            row.fault(columns[0], f"{shown(made.name)} is in line {line_of[made.name]} already; give each name once")
        line_of.setdefault(made.name, row.line)
        if look is not None:
            look(row, made)
        if row.ok:
            found.append(made)
    if not line_of and faults.number == before:
        faults.of_all.append(Fault(str(path), -1, "", "", "has no rows; give at least one"))
    return tuple(sorted(found))


def _pod(row: Row) -> PodRow:
    name = _name(row, "name")
    cpu, memory = row.integer("cpu_milli", 0, _MOST_CPU_MILLI), row.integer("memory_mib", 0, _MOST_MEMORY_MIB)
    gpus, milli = row.integer("num_gpu", 0, _MOST_GPUS), row.integer("gpu_milli", 0, WHOLE)
    if gpus and milli == 0:
        row.fault("gpu_milli", f"0 of each of {gpus} GPUs; give 1 to {WHOLE}, or num_gpu 0")
    # Nothing between bars is no model, as the artefact's own conversion of the lists has it.
    models = tuple(part for part in map(str.strip, row.text("gpu_spec").split("|")) if part)
    wrong = next((part for part in models if not _MODEL.fullmatch(part)), None)
    if wrong is not None:
        row.fault("gpu_spec", f"{shown(wrong)} is no model; give models joined by |, such as T4|V100M16, or nothing")
    # Models of pods without GPUs mean nothing, and 0 GPUs of some size are none.
    return PodRow(name, cpu or 0, memory or 0, gpus or 0, (milli or 0) if gpus else 0, models if gpus else ())


def _node(row: Row) -> NodeRow:
    name = _name(row, "sn")
    cpu, memory = row.integer("cpu_milli", 0, _MOST_CPU_MILLI), row.integer("memory_mib", 0, _MOST_MEMORY_MIB)
    gpus, model = row.integer("gpu", 0, _MOST_ON_NODE), row.text("model").strip()
    if gpus and not _MODEL.fullmatch(model):
        row.fault("model", f"{shown(model)} is no model; give letters and digits, such as V100M16")
    return NodeRow(name, cpu or 0, memory or 0, gpus or 0, model)


def _name(row: Row, column: str) -> str:
    text = row.text(column).strip()
    message = dns_label(text)
    if message is not None:
        row.fault(column, message)
    return text
