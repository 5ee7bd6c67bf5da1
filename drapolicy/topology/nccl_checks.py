"""Takes numbers, addresses and speeds from the elements of NCCL's topology, and keeps what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Mapping
from typing import Final

from drapolicy.errors import Fault
from drapolicy.topology.nccl import PCI_ADDRESS
from drapolicy.topology.rates import PCIE_GENERATION_OF_GT_S
from drapolicy.topology.xml import Element

LANES: Final = (1, 2, 4, 8, 12, 16, 32)
"""Widths of a PCIe link."""

_NUMBER: Final = re.compile(r"-?\d{1,10}|0x[0-9a-fA-F]{1,8}")
_SPEED: Final = re.compile(r"(\d{1,4}(?:\.\d{1,2})?) GT/s(?: PCIe)?")
# What sysfs has for a device that is gone or virtual; 63 and 255 are all bits of the register.
_NOT_TOLD_SPEED: Final = re.compile(r"(Unknown( speed)?)?")
_NOT_TOLD_LANES: Final = frozenset({0, 63, 255})


class Checks:
    """Faults and notes of one file.

    Attributes
    ----------
    faults
        In the order in which they were found.
    notes
        What can be read and cannot be in a graph.
    """

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.notes: list[str] = []
        self._places: dict[int, tuple[int, int]] = {}
        self._first: dict[Hashable, Element] = {}

    def fault(self, element: Element, message: str, attribute: str = "") -> None:
        """Add a fault of an element, or of an attribute of it."""
        self._places[len(self.faults)] = (element.line, element.column)
        self.faults.append(element.fault(message, attribute))

    def note(self, element: Element, message: str) -> None:
        """Add a note with the place of an element."""
        self.notes.append(f"{element.place}: <{element.tag}> {message}")

    def sorted(self) -> list[Fault]:
        """Return the faults in the order of the document."""
        return [self.faults[i] for i in sorted(self._places, key=self._places.__getitem__)]

    def structure(self, root: Element, inside: Mapping[str, Collection[str]]) -> None:
        """Fault each element that may not be where it is, and text."""
        for element in root.walk():
            if element.text:
                self.fault(element, f"holds the text {element.text[:40]!r}; remove it")
            known = inside.get(element.tag, ())
            for child in element.children:
                if child.tag not in known:
                    allowed = f"known there: {', '.join(sorted(known))}" if known else "nothing is known there"
                    self.fault(child, f"is not known inside <{element.tag}>; {allowed}")

    def owner(self, element: Element, key: Hashable) -> Element:
        """Return the first element that had a key; this one if none had."""
        return self._first.setdefault(key, element)

    def once(self, element: Element, key: Hashable, what: str, attribute: str) -> None:
        """Fault an element whose key another element has had."""
        first = self.owner(element, key)
        if first is not element:
            self.fault(element, f"{what} is given twice, first in {first.place}; give it once", attribute)

    def text(self, element: Element, attribute: str, pattern: str, what: str, default: str | None = None) -> str:
        """Return an attribute that matches a pattern; without a default it must be there."""
        value = element.attributes.get(attribute)
        if value is None:
            if default is None:
                self.fault(element, f"is missing; give {what}", attribute)
            return default or ""
        if not re.fullmatch(pattern, value):
            self.fault(element, f"{value[:80]!r} is not {what}", attribute)
            return default or ""
        return value

    def integer(self, element: Element, attribute: str, least: int, most: int, default: int | None = None) -> int:
        """Return an attribute that is a number, decimal or hexadecimal; without a default it must be there."""
        what = f"an integer from {least} to {most}"
        value = element.attributes.get(attribute)
        if value is None:
            if default is None:
                self.fault(element, f"is missing; give {what}", attribute)
            return least if default is None else default
        number = int(value, 0 if value.startswith("0x") else 10) if _NUMBER.fullmatch(value) else least - 1
        if not least <= number <= most:
            self.fault(element, f"{value[:80]!r} is not {what}", attribute)
            return least
        return number

    def address(self, element: Element, attribute: str) -> str:
        """Return an attribute that is a PCI address, in lower case; empty if it is none."""
        value = element.attributes.get(attribute)
        match = PCI_ADDRESS.fullmatch((value or "").lower())
        if match is None:
            told = "is missing" if value is None else f"{value[:80]!r} is not an address"
            self.fault(element, f"{told}; write it like 0000:10:1c.0", attribute)
            return ""
        return match[1]

    def generation(self, element: Element) -> int:
        """Return the generation of PCIe that ``link_speed`` tells; 0 if it tells none."""
        value = element.attributes.get("link_speed", "")
        match = _SPEED.fullmatch(value)
        generation = PCIE_GENERATION_OF_GT_S.get(float(match[1])) if match else None
        if generation is None and not _NOT_TOLD_SPEED.fullmatch(value):
            known = ", ".join(f"{rate:g}" for rate in PCIE_GENERATION_OF_GT_S)
            self.fault(element, f"{value[:80]!r} is not a speed of PCIe; known: {known} GT/s", "link_speed")
        return generation or 0

    def lanes(self, element: Element) -> int:
        """Return the lanes that ``link_width`` tells; 0 if it tells none."""
        if not element.attributes.get("link_width"):
            return 0
        faults = len(self.faults)
        lanes = self.integer(element, "link_width", 0, 255)
        if len(self.faults) > faults or lanes in _NOT_TOLD_LANES:
            return 0
        if lanes not in LANES:
            known = ", ".join(map(str, LANES))
            self.fault(element, f"{lanes} is not a width of PCIe; known: {known}, or 0 for unknown", "link_width")
        return lanes
