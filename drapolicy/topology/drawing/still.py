"""Charts that show themselves without a network."""

from __future__ import annotations

from typing import Any

import altair as alt
import vl_convert


class Still(alt.LayerChart):
    """A layered chart that a notebook keeps as SVG, unless one of Altair's renderers was chosen.

    Altair's default renderer loads JavaScript from a network and shows nothing without; with
    ``altair.renderers.enable("jupyter", offline=True)``, or saved as HTML, the chart has tooltips.
    """

    def _repr_mimebundle_(self, *args: Any, **options: Any) -> Any:
        if alt.renderers.active != "default":
            return super()._repr_mimebundle_(*args, **options)
        return {"image/svg+xml": vl_convert.vegalite_to_svg(self.to_dict()), "text/plain": self.summary}

    @property
    def summary(self) -> str:
        """Title and what is below it, as text."""
        return "\n".join([str(self.title.text), *map(str, self.title.subtitle)])
