"""Runs side by side: what differs in how they came about, and which policies are better, paired by seed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import msgspec

from drapolicy.errors import InputError
from drapolicy.evaluate.cell import Cell
from drapolicy.evaluate.experiment import CELLS, MANIFEST
from drapolicy.evaluate.store import Store
from drapolicy.evaluate.table import Results
from drapolicy.text import counted


class _Scenario(msgspec.Struct, frozen=True):
    name: str
    kubernetes: str
    gates: list[str]
    inputs: dict[str, str]


class _Policy(msgspec.Struct, frozen=True):
    name: str
    fingerprint: str
    draws: int


class _Cell(msgspec.Struct, frozen=True):
    scenario: str
    policy: str
    seed: int
    key: str


class Manifest(msgspec.Struct, frozen=True):
    """What an experiment was of, as its folder tells it; see :meth:`Experiment.manifest`."""

    format: int
    name: str
    metric: str | None
    version: str
    code: str
    source: str
    scenarios: list[_Scenario]
    policies: list[_Policy]
    cells: list[_Cell]


@dataclass(frozen=True)
class Run:
    """An experiment that was run, wholly or in part.

    Attributes
    ----------
    label
        What it is called beside the others.
    manifest
        What it is of.
    cells
        Those that are finished.
    packages
        Versions that the cells were computed with, by package.
    """

    label: str
    manifest: Manifest
    cells: tuple[Cell, ...]
    packages: Mapping[str, tuple[str, ...]]

    @property
    def missing(self) -> int:
        """How many cells are not finished."""
        return len(self.manifest.cells) - len(self.cells)


_Identity: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Comparison:
    """Runs side by side.

    Attributes
    ----------
    runs
        In the order given.
    differences
        What differs in how they came about, a sentence each.
    results
        All cells. A policy that is the same in several runs (same code, same inputs) is there once; where it differs,
        its name has the run's behind it.
    """

    runs: tuple[Run, ...]
    differences: tuple[str, ...]
    results: Results


def read_run(folder: str | Path, label: str = "") -> Run:
    """Return what is in the folder of an evaluation.

    Raises
    ------
    InputError
        For a folder that holds none, or one of another version that cannot be read.
    """
    root = Path(folder)
    path = root / MANIFEST
    try:
        manifest = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except FileNotFoundError as error:
        message = f"{root}: holds no {MANIFEST}; give the folder that an evaluation was written to"
        raise InputError(message) from error
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        message = f"{path}: {error}; it is broken or of another version of drapolicy: run the experiment again"
        raise InputError(message) from error
    store = Store(root / CELLS)
    cells: list[Cell] = []
    packages: dict[str, set[str]] = {}
    for entry in manifest.cells:
        cell, how = store.get(entry.key), store.circumstances(entry.key)
        if cell is None or how is None:
            continue
        if (cell.scenario, cell.policy, cell.seed) != (entry.scenario, entry.policy, entry.seed):
            continue
        cells.append(cell)
        for package, version in how.versions.items():
            packages.setdefault(package, set()).add(version)
    told = {package: tuple(sorted(found)) for package, found in sorted(packages.items())}
    return Run(label or str(folder), manifest, tuple(cells), told)


def compare(folders: Sequence[str | Path]) -> Comparison:
    """Return runs side by side.

    Parameters
    ----------
    folders
        Where evaluations were written to; two at least.

    Raises
    ------
    InputError
        For fewer than two, folders without an evaluation, and runs that have no scenario in common.
    """
    if len(folders) < 2:
        message = f"compare: {counted(len(folders), 'run')}; give two at least"
        raise InputError(message)
    runs = [read_run(folder, label) for folder, label in zip(folders, _labels(folders), strict=True)]
    common = [
        scenario.name
        for scenario in runs[0].manifest.scenarios
        if all(scenario.name in {one.name for one in run.manifest.scenarios} for run in runs)
    ]
    if not common:
        message = f"compare: {' and '.join(run.label for run in runs)} have no scenario in common"
        raise InputError(message)
    return Comparison(tuple(runs), tuple(_differences(runs, common)), Results(tuple(_cells(runs, common))))


def _labels(folders: Sequence[str | Path]) -> Iterator[str]:
    """Yield what runs are called: their folders' names, or paths where two have one name, which is told apart too."""
    names = [Path(folder).name for folder in folders]
    called = [name if name and names.count(name) == 1 else str(f) for f, name in zip(folders, names, strict=True)]
    for position, label in enumerate(called):
        yield label if called.count(label) == 1 else f"{label} ({called[: position + 1].count(label)})"


def _cells(runs: Sequence[Run], scenarios: Sequence[str]) -> Iterator[Cell]:
    """Yield each cell once, by the name that tells its policy from others of the name."""
    for scenario in scenarios:
        variants: dict[str, dict[_Identity, str]] = {}
        for run in runs:
            for policy in run.manifest.policies:
                variants.setdefault(policy.name, {}).setdefault(_identity(run, scenario, policy), run.label)
        seen: set[tuple[str, int]] = set()
        for run in runs:
            for policy in run.manifest.policies:
                known = variants[policy.name]
                first = known[_identity(run, scenario, policy)]
                label = policy.name if len(known) == 1 else f"{policy.name} ({first})"
                for cell in run.cells:
                    if (cell.scenario, cell.policy) == (scenario, policy.name) and (label, cell.seed) not in seen:
                        seen.add((label, cell.seed))
                        yield msgspec.structs.replace(cell, policy=label)


def _identity(run: Run, scenario: str, policy: _Policy) -> _Identity:
    """Return what a policy's results depend on, the seed aside."""
    (found,) = (one for one in run.manifest.scenarios if one.name == scenario)
    code = policy.fingerprint or run.manifest.source or run.label
    return (
        run.manifest.code,
        code,
        str(policy.draws),
        *(f"{what}={digest}" for what, digest in sorted(found.inputs.items())),
    )


def _differences(runs: Sequence[Run], common: Sequence[str]) -> Iterator[str]:
    yield from _differ("version of drapolicy", {run.label: run.manifest.version for run in runs})
    yield from _differ("code of drapolicy", {run.label: run.manifest.code[:12] for run in runs})
    packages = dict.fromkeys(package for run in runs for package in run.packages if package != "drapolicy")
    for package in packages:
        yield from _differ(
            f"version of {package}",
            {run.label: ", ".join(run.packages[package]) for run in runs if package in run.packages},
        )
    for name in common:
        found = {run.label: next(one for one in run.manifest.scenarios if one.name == name) for run in runs}
        yield from _differ(f"{name}: Kubernetes", {label: one.kubernetes for label, one in found.items()})
        gates = {label: ", ".join(one.gates) for label, one in found.items()}
        if len(set(gates.values())) > 1:
            on = Counter(gate for one in found.values() for gate in set(one.gates))
            yield f"{name}: gates differ: {', '.join(sorted(gate for gate, count in on.items() if count < len(runs)))}"
        for what in dict.fromkeys(what for one in found.values() for what in one.inputs):
            yield from _differ(
                f"{name}: {what}", {label: one.inputs.get(what, "none")[:12] for label, one in found.items()}
            )
    for policy in dict.fromkeys(policy.name for run in runs for policy in run.manifest.policies):
        prints = {run.label: _told(run, one) for run in runs for one in run.manifest.policies if one.name == policy}
        yield from _differ(f"policy {policy}", prints)
        if len(prints) < len(runs):
            yield f"policy {policy}: only in {', '.join(prints)}"
    for scenario in dict.fromkeys(one.name for run in runs for one in run.manifest.scenarios):
        if scenario not in common:
            where = [run.label for run in runs if scenario in {one.name for one in run.manifest.scenarios}]
            yield f"scenario {scenario}: only in {', '.join(where)}; not compared"
    for run in runs:
        seeds = {cell.seed for cell in run.manifest.cells}
        every_seed = {cell.seed for other in runs for cell in other.manifest.cells}
        if seeds != every_seed:
            yield f"seeds: {run.label} has {len(seeds)} of {len(every_seed)}; the others count for nothing"
        if run.missing:
            nameless = sum(not cell.key for cell in run.manifest.cells)
            why = f", {nameless} of them of policies whose code cannot be told" if nameless else ""
            yield f"{run.label}: {run.missing:,} of {counted(len(run.manifest.cells), 'cell')} not there{why}"


def _told(run: Run, policy: _Policy) -> str:
    return (policy.fingerprint or run.manifest.source)[:12] + (f" draws {policy.draws}" if policy.draws else "")


def _differ(what: str, values: Mapping[str, str]) -> Iterator[str]:
    if len(set(values.values())) > 1:
        told = ", ".join(f"{value or '-'} in {label}" for label, value in values.items())
        yield f"{what} differs: {told}"
