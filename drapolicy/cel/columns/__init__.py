"""Selectors on all devices of a table at once."""

from __future__ import annotations

from drapolicy.cel.columns.selection import Selection, select
from drapolicy.cel.columns.table import Cells, Table

__all__ = ["Cells", "Selection", "Table", "select"]
