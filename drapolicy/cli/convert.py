"""``drapolicy convert``: files in another version of the API."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from drapolicy.api import rewrite
from drapolicy.api.encode import list_of, write
from drapolicy.cli.inputs import gathered, once
from drapolicy.cli.output import Text, note
from drapolicy.release import Release


def convert(files: Sequence[str], *, to: str, kubernetes: Release, lenient: bool, output: Text) -> int:
    """Print the documents with the objects of ``resource.k8s.io`` in the version ``to``; return 0.

    Raises
    ------
    InputError
        With everything that cannot be read or that the version cannot hold; nothing is printed then.
    """
    documents, ignored = rewrite(*once(files), version=to, strict=not lenient, release=kubernetes)
    if output is Text.JSON and len(documents) != 1:
        documents = [list_of(documents)]
    sys.stdout.write(write(documents, output))
    for found in gathered(ignored):
        note(f"note: {found}")
    return 0
