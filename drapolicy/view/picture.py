"""A static picture that every frontend shows, and the few SVG elements that pictures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from xml.etree import ElementTree as ET

from drapolicy.text import printable
from drapolicy.topology.drawing.looks import FONT, INK

SVG = "http://www.w3.org/2000/svg"
ET.register_namespace("", SVG)


@dataclass(frozen=True)
class Picture:
    """A picture as SVG, with its content in words.

    Needs neither a network nor a kernel that still runs: notebooks keep it in their output.

    Attributes
    ----------
    svg
        The picture.
    summary
        What it shows, as text.
    """

    svg: str
    summary: str

    def _repr_svg_(self) -> str:
        return self.svg

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:  # noqa: ARG002
        return {"image/svg+xml": self.svg, "text/plain": self.summary}

    def __repr__(self) -> str:
        return self.summary

    def __str__(self) -> str:
        return self.summary


class Canvas:
    """An SVG in the making; all text goes through :func:`printable`, all writing through ElementTree."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.root = ET.Element(f"{{{SVG}}}svg")

    def add(self, tag: str, parent: ET.Element | None = None, **attributes: str | float) -> ET.Element:
        """Add an element; ``_`` in names of attributes stands for ``-``, numbers are rounded."""
        shown = {
            key.replace("_", "-"): value if isinstance(value, str) else f"{round(value, 2):g}"
            for key, value in attributes.items()
        }
        return ET.SubElement(self.root if parent is None else parent, f"{{{SVG}}}{tag}", shown)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        parent: ET.Element | None = None,
        *,
        room: float = 1e9,
        size: float = 12,
        **attributes: str | float,
    ) -> ET.Element:
        """Add a line of text at a baseline; what is wider than its room is cut in the middle and is its title whole."""
        limit = max(int(room / (0.56 * size)), 3)
        shown = printable(text, limit)
        given = {"fill": INK, **attributes}
        element = self.add("text", parent, x=x, y=y, font_size=size, **given)
        if shown != text:
            self.add("title", element).text = printable(text, 300)
            # A title must come first, so the shown part is the tail of it.
            element[0].tail = shown
        else:
            element.text = shown
        return element

    def finished(self, height: float, title: str) -> str:
        """Return the picture; a white ground keeps it readable on a dark page."""
        root = self.root
        for key, value in {
            "width": f"{self.width}",
            "height": f"{round(height)}",
            "viewBox": f"0 0 {self.width} {round(height)}",
            "role": "img",
            "aria-label": printable(title, 1000),
            "font-family": FONT,
            "style": "max-width:100%;height:auto",
        }.items():
            root.set(key, value)
        ground = ET.Element(f"{{{SVG}}}rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
        root.insert(0, ground)
        return ET.tostring(root, encoding="unicode")


def wrapped(text: str, width: float, size: float) -> list[str]:
    """Break a text into lines that are not wider than a width, at spaces where there are any."""
    limit = max(int(width / (0.5 * size)), 8)
    lines: list[str] = []
    line = ""
    for word in printable(text, 1200).split():
        while len(word) > limit:
            if line:
                lines.append(line)
                line = ""
            lines.append(word[:limit])
            word = word[limit:]
        if line and len(line) + 1 + len(word) > limit:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}" if line else word
    return [*lines, line] if line or not lines else lines
