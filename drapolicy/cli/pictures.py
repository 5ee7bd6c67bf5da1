"""Pictures of machines that commands are given as files."""

from __future__ import annotations

import sys

from drapolicy.cli.inputs import STDIN
from drapolicy.topology.read import Reading, load, load_text
from drapolicy.topology.source import text_in


def loaded(file: str) -> Reading:
    """Read a file, or standard input for ``-``."""
    if file != STDIN:
        return load(file)
    return load_text(text_in(sys.stdin.buffer, STDIN), STDIN)
