"""The command line: ``drapolicy``, also installed as ``kubectl drapolicy``.

Nothing heavy is imported before a command needs it, so that ``--help`` is quick.
"""

from __future__ import annotations

from drapolicy.cli.boundary import main

__all__ = ["main"]
