"""Asks that need no devices: without claims, or with claims that hold theirs already."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drapolicy.policies.answer import Answer
from drapolicy.policies.engine.kind import Cell, Kind, Maker, Nodes
from drapolicy.policies.engine.views import Views
from drapolicy.problem.outcome import Fits
from drapolicy.problem.state import State


class _Alike:
    """Nothing matters of the nodes."""

    def __init__(self, nodes: int) -> None:
        self.of_node = np.zeros(nodes, np.int32)

    def __len__(self) -> int:
        return 1

    def follow(self, state: State, nodes: Nodes, rows: NDArray[np.signedinteger[Any]]) -> None:
        """Nothing changes."""


class Unasking(Kind):
    """The kind of all asks that need no devices: every node that is one for the pod has them.

    Parameters
    ----------
    maker
        How nodes are ranked.
    refused
        ndarray of shape (N,), bool; nodes that are none for the pod, whatever is taken there.
    """

    def __init__(self, maker: Maker, refused: NDArray[np.bool_]) -> None:
        alike = Views(np.zeros(len(refused), np.int32), np.zeros(1, np.int64), fails=False)
        super().__init__(maker, (), alike, frozenset(), refused)
        self._numbers = _Alike(len(refused))
        self._answer = Answer(Fits(()), maker.objective.neutral)

    def _alters(self, state: State) -> Collection[int]:  # noqa: ARG002 - no device matters
        return ()

    def _ask(self, state: State, cells: set[tuple[int, int]]) -> None:  # noqa: ARG002
        label = self._label(self._answer)
        for row, content in cells:
            self.cells[row, content] = Cell(self._answer, None)
            self._labels[row, content] = label
