"""Pictures of placements and forms for notebooks: they need no network, and say in words what they show."""

from __future__ import annotations

from drapolicy.view.charts import lines, tiles
from drapolicy.view.drawing import placement
from drapolicy.view.picture import Picture
from drapolicy.view.ranking import ranking
from drapolicy.view.widgets import form

__all__ = ["Picture", "form", "lines", "placement", "ranking", "tiles"]
