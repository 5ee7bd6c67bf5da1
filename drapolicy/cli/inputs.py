"""Reading the files of a command, with every check that looks at the input as a whole."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from drapolicy import cel
from drapolicy.api import Objects, ResourceClaim, admission
from drapolicy.api import load as load_objects
from drapolicy.api import stream as stream_objects
from drapolicy.api.kinds import called
from drapolicy.cli.output import note
from drapolicy.errors import Fault, InputError
from drapolicy.inventory import checks
from drapolicy.release import Release
from drapolicy.text import counted

STDIN = "-"
_POSITION = re.compile(r"\[[^\]]*\]")


def once(files: Iterable[str]) -> list[str]:
    """Return the files without repetitions, so that one file can stand for fleet and claims."""
    kept: dict[str, str] = {}
    for name in files:
        kept.setdefault(name if name == STDIN else str(Path(name).resolve()), name)
    return list(kept.values())


def examine(objects: Objects, kubernetes: Release, *, lenient: bool) -> list[Fault]:
    """Return what only the input as a whole shows: admin access, selectors that do not compile, pools at odds."""
    written = _without_made(objects)
    found = [
        *admission.check(written, kubernetes),
        *cel.check(written, kubernetes),
        *([] if lenient else checks.check(written)),
    ]
    return objects.located(found)


def _without_made(objects: Objects) -> Objects:
    """Return the objects without the claims made from templates; what is wrong with those is wrong with these."""

    def is_made(claim: ResourceClaim) -> bool:
        meta = claim.metadata
        return ("ResourceClaim", meta.namespace, called(meta)) not in objects.origins

    return replace(objects, claims=tuple(claim for claim in objects.claims if not is_made(claim)))


def notes_on(objects: Objects, kubernetes: Release, *, lenient: bool) -> list[Fault]:
    """Return what is worth knowing of an input and no fault; what many fields have in common is said once."""
    at_odds = checks.check(objects) if lenient else []
    on_pools = objects.located([*at_odds, *checks.incomplete(objects, kubernetes)])
    return [*gathered(objects.ignored_fields), *on_pools]


def read(files: Sequence[str], kubernetes: Release, *, lenient: bool) -> Objects:
    """Read all files as one input and refuse what is wrong with it; notes go to standard error.

    Parameters
    ----------
    files
        Files, folders, and ``-`` for standard input.
    kubernetes
        Release whose rules hold.
    lenient
        Let unknown fields pass, and pools at odds with themselves, as Kubernetes does.

    Raises
    ------
    InputError
        With every fault.
    """
    objects, faults = read_with_faults(files, kubernetes, lenient=lenient)
    refuse(faults)
    for found in notes_on(objects, kubernetes, lenient=lenient):
        note(f"note: {found}")
    return objects


def read_with_faults(files: Sequence[str], kubernetes: Release, *, lenient: bool) -> tuple[Objects, list[Fault]]:
    """Return what can be read of the files, and every fault."""
    try:
        objects = load_objects(*once(files), strict=not lenient, release=kubernetes)
    except InputError as error:
        if not error.faults:
            raise
        faults = list(error.faults)
        # Standard input cannot be read a second time.
        names = [name for name in once(files) if name != STDIN]
        objects = _readable(names, kubernetes, lenient=lenient)
        # An object that is refused for something else may have selectors that do not compile besides.
        decoded = _readable(names, kubernetes, lenient=lenient, validate=False)
        faults += decoded.located([*admission.check(decoded, kubernetes), *cel.check(decoded, kubernetes)])
    else:
        faults = []
    return objects, sorted({*faults, *examine(objects, kubernetes, lenient=lenient)})


def refuse(faults: Sequence[Fault]) -> None:
    """Raise the faults, if there are any."""
    if faults:
        raise InputError(faults=sorted(set(faults)))


def gathered(notes: Iterable[Fault]) -> list[Fault]:
    """Return the first of all notes that say the same of a field of a kind of object, with the number of the others."""
    first: dict[tuple[str, str, str], Fault] = {}
    count: Counter[tuple[str, str, str]] = Counter()
    for found in notes:
        key = (found.object.partition(" ")[0], _POSITION.sub("[]", found.path), found.message)
        first.setdefault(key, found)
        count[key] += 1
    return [replace(found, message=found.message + _and_more(count[key] - 1)) for key, found in first.items()]


def _and_more(places: int) -> str:
    return f" (and in {counted(places, 'more place')})" if places else ""


def _readable(files: Sequence[str], kubernetes: Release, *, lenient: bool, validate: bool = True) -> Objects:
    parts: list[Objects] = []
    # What it raises in the end are the same faults once more.
    with suppress(InputError):
        parts.extend(stream_objects(*files, strict=not lenient, validate=validate, release=kubernetes))
    return Objects().merged(*parts)
