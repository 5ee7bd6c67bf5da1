"""``drapolicy workload``: what policies are evaluated on."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from drapolicy import api
from drapolicy.cli.output import Format, Text, note, print_data, print_line, print_table
from drapolicy.errors import Fault, InputError, UnknownReferenceError
from drapolicy.evaluate.scenarios import of_dataset
from drapolicy.inventory import build
from drapolicy.problem.sites import Sites
from drapolicy.text import counted
from drapolicy.workload import MODELS, PRESETS, Imported, Size, Wanted, fleet_objects, read, read_run_times
from drapolicy.workload import generate as make
from drapolicy.workload.embedded import ABOUT, TWIN, is_dataset, parts_of
from drapolicy.workload.folder import lines, refuse, write_folder
from drapolicy.workload.generate import GENERATED, OPENB_LIKE
from drapolicy.workload.presets import facts
from drapolicy.workload.provenance import Source
from drapolicy.workload.readers import SOURCES, read_source
from drapolicy.workload.recorded import OPENB
from drapolicy.workload.summary import Summary, class_faults, summary


def list_all(name: str, output: Format) -> int:
    """Print what there is, or all about one of it."""
    if name:
        return _about(name, output)
    twin = "synthetic twin of openb: its proportions, none of its rows"
    rows = [("generate", made.name, f"synthetic {made.what}") for made in PRESETS.values()]
    rows.append(("generate", OPENB_LIKE, twin))
    rows += [
        ("import", s.name, s.what if s.tried else f"{s.what}; not tried on the original") for s in SOURCES.values()
    ]
    rows += [("evaluate", dataset, about) for dataset, about in ABOUT.items()]
    rows += [("fleet", model, _machine(model)) for model in MODELS]
    if output is Format.TABLE:
        print_table(("COMMAND", "NAME", "WHAT IT IS"), rows)
        print_line("next: drapolicy workload list NAME tells all about one; see drapolicy workload COMMAND -h")
    else:
        print_data([dict(zip(("command", "name", "about"), row, strict=True)) for row in rows], output)
    return 0


def _machine(model: str) -> str:
    machine = MODELS[model]
    parts = f", {len(machine.mig)} MIG profiles" if machine.mig else ""
    nics = f", {len(machine.nic_roots)} RDMA NICs" if machine.nic_roots else ""
    return f"{len(machine.roots)} x {machine.product}{parts}{nics}, {machine.cpu} CPU, {machine.memory_gi} GiB"


def _about(name: str, output: Format) -> int:
    if name in PRESETS:
        rows = [(n, _number(fact.value), fact.kind, meaning, fact.source) for n, meaning, fact in facts(PRESETS[name])]
        if output is Format.TABLE:
            head = ("NUMBER", "VALUE", "KIND", "WHAT IT IS", "SOURCE")
            print_table(head, rows, title=f"{name}: synthetic {PRESETS[name].what}", right=(1,))
        else:
            numbers = {
                n: {"value": fact.value, "kind": fact.kind, "meaning": meaning, "source": fact.source}
                for n, meaning, fact in facts(PRESETS[name])
            }
            print_data({"name": name, "about": PRESETS[name].what, "numbers": numbers}, output)
        return 0
    if name in SOURCES:
        return _print_pairs(_source(SOURCES[name]), output)
    if name in ABOUT:
        parts = {part: str(path) for part, path in parts_of(name).items()}
        return _print_pairs({"name": name, "about": ABOUT[name], **parts, "play": _play(name)}, output)
    if name in MODELS:
        return _print_pairs({"name": name, "about": _machine(name)}, output)
    if name == OPENB_LIKE:
        about = "openb's twin: counts of the published lists, drawn anew; see docs/workloads.md"
        return _print_pairs({"name": name, "about": about}, output)
    known = ", ".join((*GENERATED, *SOURCES, *ABOUT, *MODELS))
    raise UnknownReferenceError(f"workload {name!r}: unknown; use one of {known}")


def _play(name: str) -> str:
    if name == TWIN:
        lists = parts_of(name)
        return f"drapolicy evaluate fgd --pods {lists['workload']} --nodes {lists['fleet']}"
    return f"drapolicy evaluate --workload {name}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value == int(value) else f"{value:,}"


def _source(source: Source) -> dict[str, Any]:
    return {
        "name": source.name,
        "about": source.what,
        "files": source.files,
        "where": source.where,
        "what is what": source.meaning,
        "tried": "on the original" if source.tried else "not on the original, after its description alone",
    }


def _print_pairs(pairs: dict[str, Any], output: Format) -> int:
    if output is Format.TABLE:
        for key, value in pairs.items():
            print_line(f"{key}: {value}")
    else:
        print_data(pairs, output)
    return 0


def generate(
    name: str, size: Size, *, seed: int, run_times: Path | None, out: Path, replace: bool, output: Format
) -> int:
    """Make a workload and write its folder."""
    refuse(out, replace=replace)
    recorded = read_run_times(run_times) if run_times is not None else []
    return _written(make(name, seed, size, run_times_s=recorded), out, replace=replace, output=output)


def import_files(form: str, files: Sequence[str], wanted: Wanted, *, out: Path, replace: bool, output: Format) -> int:
    """Read a trace and write its folder."""
    refuse(out, replace=replace)
    note(f"reading {counted(len(files), 'file')} as {form}")
    made = read_source(form, files, wanted, lambda read: note(f"{read:,} read"))
    code = _written(made, out, replace=replace, output=output)
    if form == OPENB.name and output is Format.TABLE:
        fgd = shlex.join(["drapolicy", "evaluate", "fgd", "--pods", files[0], "--nodes", files[1]])
        print_line(f"the FGD paper's experiment, in which pods come in other orders and stay: {fgd}")
    return code


def _written(made: Imported, out: Path, *, replace: bool, output: Format) -> int:
    if not made.workload.arrivals:
        notes = "; ".join(made.notes)
        raise InputError(f"{made.workload.name}: nothing arrives; take more, or check the files ({notes})")
    files = write_folder(made, out, replace=replace)
    fleet = str(out / "fleet.json.gz") if made.fleet is not None else "fleet.json"
    command = _command([fleet], [str(out / "workload")], "--name", made.workload.name)
    told = _told(summary(made.workload), made.fleet)
    if output is Format.TABLE:
        _print_summary(made.workload.name, told)
        for text in (*(f"note: {text}" for text in made.notes), *(f"wrote {path}" for path in files)):
            print_line(text)
        if made.fleet is None and made.source.machines:
            print_line(f"a fleet like its own: drapolicy workload fleet {made.source.machines} > fleet.json")
        print_line(f"next: {command}")
    else:
        about = {"name": made.workload.name, **told, "notes": list(made.notes), "files": list(map(str, files))}
        print_data({**about, "next": command}, output)
    return 0


def show(files: Sequence[str], output: Format) -> int:
    """Print what a workload is like."""
    dataset = len(files) == 1 and is_dataset(files[0])
    if dataset:
        scenario = of_dataset(files[0])
        name, workload = scenario.name, scenario.workload
        fleet: api.Objects | None = scenario.fleet.objects
    else:
        workload = read(*files)
        name, fleet = workload.name, workload.objects if workload.objects.slices else None
    told = _told(summary(workload), fleet)
    if fleet is not None:
        told["pods of unknown classes"] = len(class_faults(workload, fleet))
    command = _play(name) if dataset else _command(files if fleet is not None else ["fleet.json"], files)
    if output is Format.TABLE:
        _print_summary(name, told)
        print_line(f"next: {command}")
    else:
        print_data({"name": name, **told, "next": command}, output)
    return 0


def _command(fleet: Sequence[str], workload: Sequence[str], *more: str) -> str:
    return shlex.join(["drapolicy", "evaluate", "--fleet", *fleet, "--workload", *workload, *more])


def _told(found: Summary, fleet: api.Objects | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "pods": found.pods,
        "patterns": found.patterns,
        "tenants": found.tenants,
        "gangs": found.gangs,
        "pods in gangs": found.gang_pods,
        "days": round(found.span_s / 86_400, 3),
        "pods that stay": found.stay,
        "devices of a pod": {str(count): pods for count, pods in found.devices.items()},
        "classes": dict(found.classes),
        "run time, mean s": round(found.mean_run_time_s),
        "run time, quantiles s": {f"{percent} %": round(value) for percent, value in found.run_times_s.items()},
    }
    if fleet is not None:
        sites = Sites(build(fleet))
        whole = sum(sites[n].whole for n in range(len(fleet.nodes)))
        told |= {"nodes": len(fleet.nodes), "whole devices": whole}
        if whole and found.span_s and found.stay < found.pods:
            told["load %"] = round(100 * found.device_seconds / (whole * found.span_s), 1)
    return told


def _print_summary(name: str, told: dict[str, Any]) -> None:
    print_table(("NUMBER", "VALUE"), [(key, _value(value)) for key, value in told.items()], title=name)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key}: {inner:,}" for key, inner in value.items()) or "-"
    return value if isinstance(value, str) else f"{value:,}"


def fleet(parts: Iterable[str], *, seed: int, zones: int, output: Text) -> int:
    """Print the objects of a fleet."""
    counts: dict[str, int] = {}
    faults = []
    for word in parts:
        model, equals, number = word.partition("=")
        if not equals or not (number.isascii() and number.isdecimal() and len(number) <= 9):
            faults.append(Fault("", -1, "fleet", "", f"{word!r} is not MODEL=NODES"))
        elif model in counts:
            faults.append(Fault("", -1, "fleet", model, "is given twice; give each model once"))
        else:
            counts[model] = int(number)
    if faults:
        raise InputError(faults=faults)
    objects = fleet_objects(counts, seed=seed, zones=zones)
    sys.stdout.write(lines(objects) if output is Text.JSON else api.dump(objects, "yaml"))
    return 0
