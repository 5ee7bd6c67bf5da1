"""Devices in a picture: a box each, and a card for a GPU that is cut into partitions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree.ElementTree import Element

from drapolicy.inventory.pool_device import DeviceId, PoolDevice
from drapolicy.text import printable
from drapolicy.topology.drawing.looks import INK, LINE, SOFT
from drapolicy.view import facts, layout
from drapolicy.view.looks import FRAME, HALO, colour, style
from drapolicy.view.picture import Canvas


def box(
    canvas: Canvas,
    layer: Element,
    device: PoolDevice,
    *,
    at: tuple[float, float],
    holders: Sequence[facts.Holder],
) -> None:
    """Draw a device at a corner, with the parts of it that are held."""
    x, y = at
    width, height = layout.BOX
    group = canvas.add("g", layer)
    canvas.add("title", group).text = _name(device)
    canvas.add("rect", group, x=x, y=y, width=width, height=height, rx=4, fill="#ffffff", stroke=FRAME)
    start = 0.0
    for holder in holders:
        part = min(holder.part, 1 - start)
        if part > 0:
            canvas.add(
                "rect", group, x=x + start * width, y=y, width=part * width, height=height, rx=4, **style(holder)
            )
        elif holder.who >= 0:
            canvas.add(
                "rect", group, x=x, y=y, width=width, height=height, rx=4, fill="none", stroke=colour(holder.who)[0],
                stroke_width=3,
            )  # fmt: skip
        start += part
    full = len(holders) == 1 and holders[0].part >= 1 and holders[0].who >= 0
    ink = "#ffffff" if full and colour(holders[0].who)[1] else INK
    halo = {} if not holders or full else HALO
    middle = x + width / 2
    centred: dict[str, Any] = {"text_anchor": "middle", "fill": ink, **halo}
    canvas.text(middle, y + 18, device.api.name, group, room=width - 6, font_weight="bold", **centred)
    below = ", ".join(dict.fromkeys(h.label for h in holders)) or ("tainted" if device.harmful else "free")
    canvas.text(middle, y + 33, below, group, room=width - 6, size=10, **centred)


def card(
    canvas: Canvas,
    layer: Element,
    name: str,
    devices: Sequence[PoolDevice],
    *,
    at: tuple[float, float],
    held: Mapping[DeviceId, list[facts.Holder]],
) -> None:
    """Draw a GPU that is cut into partitions at a corner: a bar of its memory slices, held ones filled."""
    x, y = at
    width, height = layout.CARD
    whole = max(devices, key=lambda d: (len(facts.memory_slices(d)), len(d.counters), -d.index))
    ground = canvas.add("g", layer)
    canvas.add("rect", ground, x=x, y=y, width=width, height=height, rx=4, fill="#ffffff", stroke=FRAME)
    canvas.text(x + 6, y + 15, name.removesuffix("-counter-set"), ground, room=110, size=11.5, font_weight="bold")
    slices = sorted(set().union(*map(facts.memory_slices, devices)))
    parts = [(device, holder) for device in devices for holder in held.get(device.id, [])]
    note = f"{len(parts)} of {len(devices)} held" if len(devices) > 1 else ""
    canvas.text(x + width - 6, y + 15, note, ground, size=9.5, fill=SOFT, text_anchor="end")
    cells = len(slices) or max(len(parts), 1)
    cell = (width - 12) / cells
    for number in range(cells):
        canvas.add(
            "rect", ground, x=x + 6 + number * cell, y=y + 22, width=cell, height=34, fill="#ffffff", stroke=LINE
        )
    for order, (device, holder) in enumerate(parts):
        covered = sorted(slices.index(s) for s in facts.memory_slices(device)) if slices else [order]
        if not covered:
            continue
        left, wide = x + 6 + covered[0] * cell, (covered[-1] - covered[0] + 1) * cell
        group = canvas.add("g", ground)
        canvas.add("title", group).text = f"{_name(device)}: {holder.label}"
        canvas.add("rect", group, x=left + 1, y=y + 23, width=wide - 2, height=32, rx=3, **style(holder))
        label = "whole" if device is whole and len(devices) > 1 else facts.partition_label(device)
        fill = "#ffffff" if holder.who >= 0 and colour(holder.who)[1] else INK
        middle: dict[str, Any] = {"text_anchor": "middle", "fill": fill, **({} if holder.who >= 0 else HALO)}
        if wide >= 40:
            canvas.text(left + wide / 2, y + 37, label, group, room=wide - 2, size=10, font_weight="bold", **middle)
            canvas.text(left + wide / 2, y + 49, holder.label, group, room=wide - 2, size=9, **middle)
        else:
            turned = f"rotate(-90 {left + wide / 2 + 3:g} {y + 39:g})"
            canvas.text(left + wide / 2 + 3, y + 39, label, group, room=40, size=8, transform=turned, **middle)


def _name(device: PoolDevice) -> str:
    return printable(device.id, 300)
