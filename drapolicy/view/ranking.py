"""What an engine remembers of one kind of ask, as a table over the nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drapolicy.errors import InputError
from drapolicy.policies import Engine
from drapolicy.view.charts import Row, tiles

if TYPE_CHECKING:
    import altair as alt

_MOST = 24


def ranking(engine: Engine, *, title: str = "") -> alt.LayerChart:
    """Draw what an engine remembers of the kind of ask that it decided last: three lines over the nodes.

    *view*: a number for what the ask sees of the node; *content*: one for what was taken there when the engine looked
    last; *place*: where the node stands among all, 1 for those that would be taken first, a dash where nothing fits.
    Nodes with the same view and content have the same answer, which was found once.

    Parameters
    ----------
    engine
        After at least one decision by ranking.
    title
        Above the table.

    Raises
    ------
    InputError
        When the engine has not ranked anything yet.
    """
    rows, hidden = _rows(engine)
    more = f", the first {_MOST} of {_MOST + hidden} nodes" if hidden else ""
    return tiles(rows, "node", "what is known", "shade", text="known", title=f"{title}{more}")


def _rows(engine: Engine) -> tuple[list[Row], int]:
    """Return three rows a node for as many nodes as are drawn, and how many are not."""
    kinds = engine.kinds
    kind = kinds[-1] if kinds else None
    if kind is None or kind.ranking is None:
        message = "picture: the engine has ranked nothing yet; let it decide something"
        raise InputError(message)
    names = engine.fleet.nodes.names
    labels = kind.ranking.labels[: engine.fleet.nodes.candidates]
    better = np.unique(labels[labels >= 0])[::-1].tolist()
    count = min(len(labels), _MOST)
    places = [better.index(label) + 1 if label >= 0 else 0 for label in labels[:count].tolist()]
    lanes = {
        "view": [kind.cell(n)[0] for n in range(count)],
        "content": [kind.cell(n)[1] for n in range(count)],
        "place": places,
    }
    found: list[Row] = []
    for lane, numbers in lanes.items():
        most = max(*numbers, 1)
        for n, number in enumerate(numbers):
            first = (len(better) + 1 - number) / max(len(better), 1) if number else 0.0
            shade = first if lane == "place" else number / most
            shown = str(number) if number or lane != "place" else "–"
            found.append({"node": names[n], "what is known": lane, "shade": shade, "known": shown})
    return found, len(labels) - count
