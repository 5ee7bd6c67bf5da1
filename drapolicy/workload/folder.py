"""A workload as a folder that ``drapolicy evaluate`` reads: whole, or not there."""

from __future__ import annotations

import gzip
import tempfile
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import msgspec

from drapolicy import api
from drapolicy.api import Objects
from drapolicy.errors import InputError
from drapolicy.workload.arrivals import write_arrivals
from drapolicy.workload.provenance import Imported

FLEET, PODS, ARRIVALS, ABOUT = "fleet.json.gz", "workload/pods.json", "workload/arrivals.csv", "README.md"


def write_folder(made: Imported, folder: str | Path, *, replace: bool = False) -> list[Path]:
    """Write ``README.md``, ``fleet.json.gz`` if there is a fleet, ``workload/pods.json`` and ``workload/arrivals.csv``.

    Parameters
    ----------
    made
        What to write; the notes and the source go into the README.
    folder
        Must not be there, or be empty.
    replace
        Whether a folder that an earlier call wrote is replaced.

    Returns
    -------
    list of Path
        The files.

    Raises
    ------
    InputError
        When the folder holds something else, see :func:`refuse`.
    """
    target = refuse(folder, replace=replace)
    files = contents(made)
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".{target.name}.") as beside:
        new, old = Path(beside) / "new", Path(beside) / "old"
        for name, content in files.items():
            (new / name).parent.mkdir(parents=True, exist_ok=True)
            (new / name).write_bytes(content)
        there = target.exists()
        if there:
            target.rename(old)
        try:
            new.rename(target)
        except OSError:
            if there:
                old.rename(target)
            raise
    return [Path(folder) / name for name in sorted(files)]


def contents(made: Imported, *, pack: Collection[str] = ()) -> dict[str, bytes]:
    """Return what :func:`write_folder` writes, by path; the same bytes whenever it is made.

    Parameters
    ----------
    made
        What to write.
    pack
        Paths of files that are gzipped; their names then end so.
    """
    texts = {ABOUT: about(made), PODS: lines(made.workload.objects), ARRIVALS: write_arrivals(made.workload.arrivals)}
    files = {
        f"{name}.gz" if name in pack else name: packed(text) if name in pack else text.encode()
        for name, text in texts.items()
    }
    return files if made.fleet is None else {**files, FLEET: packed(lines(made.fleet))}


def refuse(folder: str | Path, *, replace: bool = False) -> Path:
    """Refuse a folder that holds something else, and return where it really is.

    Raises
    ------
    InputError
        When it is no folder, holds something else, or is the one that the process works in.
    """
    target = Path(folder).resolve()
    if not target.exists():
        return target
    if not target.is_dir():
        raise InputError(f"{folder}: is a file; give a folder")
    if target == Path.cwd() or target in Path.cwd().parents:
        raise InputError(f"{folder}: is where you are; give a folder inside it")
    found = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_symlink() or not path.is_dir()}
    if others := sorted(found - {FLEET, PODS, ARRIVALS, ABOUT}):
        raise InputError(f"{folder}: holds {others[0]}, which no workload has; give another folder")
    if found and not replace:
        raise InputError(f"{folder}: holds a workload already; give another folder, or replace it")
    return target


def about(made: Imported) -> str:
    """Return what somebody who finds the folder should know, as Markdown."""
    source = made.source
    facts = [
        f"# {made.workload.name}",
        f"{source.what[:1].upper()}{source.what[1:]}.",
        f"- made from: {source.files}",
        f"- source: {source.where}",
        f"- what is what: {source.meaning}",
        *(f"- note: {text}" for text in made.notes),
        *(f"- number: {text}" for text in source.numbers),
    ]
    return "\n".join([*facts[:2], "", *facts[2:]]) + "\n"


def lines(objects: Objects) -> str:
    """Return a List as JSON, an object a line, so that it can be read, searched and compared."""
    items = ",\n".join(msgspec.json.encode(api.to_builtins(item)).decode() for item in _everything(objects))
    return '{"apiVersion":"v1","kind":"List","items":[\n' + items + "\n]}\n"


def _everything(objects: Objects) -> Iterable[Any]:
    yield from (*objects.nodes, *objects.classes, *objects.slices, *objects.taint_rules)
    yield from (*objects.templates, *objects.pods, *objects.claims)


def packed(text: str) -> bytes:
    """Return a text as gzip, the same bytes whenever it is made."""
    return gzip.compress(text.encode(), compresslevel=9, mtime=0)
