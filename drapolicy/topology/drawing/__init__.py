"""Topologies as Altair charts.

====================================  ==============================================================
`draw`                                parts and links, as a ring and boxes, racks or a torus
`matrix`                              bandwidth between each two devices as a heat map
`host`, `boxes`, `fabric`, `torus`    where parts are placed; `tree`: what is in what, `bundles`: lines for links
`scene`                               what is drawn: frames, marks and links with their places
`chart`, `looks`, `still`             the chart of a scene; shapes, dashes and colours; charts without a network
====================================  ==============================================================
"""

from drapolicy.topology.drawing.draw import draw
from drapolicy.topology.drawing.matrix import draw_bandwidths

__all__ = ["draw", "draw_bandwidths"]
