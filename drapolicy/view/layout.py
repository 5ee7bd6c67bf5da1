"""Where the groups of a node's devices lie in a picture: frames in rows, boxes in frames."""

from __future__ import annotations

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass

from drapolicy.inventory.pool_device import DeviceId, PoolDevice
from drapolicy.view.facts import Group

BOX, CARD, GAP, CAPTION = (78, 42), (192, 64), 8, 20
_MOST_ITEMS = 72


@dataclass(frozen=True)
class Block:
    """A group in its frame.

    Attributes
    ----------
    label
        Of the group.
    x, width, height
        Of the frame; its top is that of its row.
    boxes
        Devices, with x and the distance from the top of the row.
    cards
        Counter sets by name with the devices that draw from them, placed likewise.
    lines
        How many lines its boxes take.
    """

    label: str
    x: float
    width: float
    height: float
    boxes: tuple[tuple[PoolDevice, float, float], ...]
    cards: tuple[tuple[str, list[PoolDevice], float, float], ...]
    lines: int

    def placed(self) -> Iterable[tuple[PoolDevice, float]]:
        """Yield each device with the middle of its box or card."""
        for device, x, _ in self.boxes:
            yield device, x + BOX[0] / 2
        for _, devices, x, _ in self.cards:
            for device in devices:
                yield device, x + CARD[0] / 2


def rows(
    groups: Iterable[Group], shown: Container[DeviceId], left: float, right: float
) -> tuple[list[list[Block]], int]:
    """Lay out groups in rows; return how many devices had no room, too.

    Parameters
    ----------
    groups
        Of a node.
    shown
        Devices that must not be left out; of the others, some are when there are many.
    left, right
        Between which the frames lie.
    """
    found: list[list[Block]] = [[]]
    x, hidden, items = left, 0, 0
    for group in groups:
        plain: list[PoolDevice] = []
        for device in group.plain:
            if device.id in shown or items < _MOST_ITEMS:
                plain.append(device)
                items += 1
            else:
                hidden += 1
        cards: list[tuple[str, list[PoolDevice]]] = []
        for key, devices in group.cards.items():
            if items < _MOST_ITEMS or any(d.id in shown for d in devices):
                cards.append((key[2], devices))
                items += 2
            else:
                hidden += len(devices)
        if not plain and not cards:
            continue
        places, width, height = _flow([BOX] * len(plain) + [CARD] * len(cards), right - left - 2 * GAP)
        width, height = width + 2 * GAP, height + GAP + CAPTION
        if x > left and x + width > right:
            x = left
            found.append([])
        corners = [(x + GAP + across, CAPTION + down) for across, down in places]
        found[-1].append(
            Block(
                group.label,
                x,
                width,
                height,
                tuple((device, *corner) for device, corner in zip(plain, corners, strict=False)),
                tuple((*card, *corner) for card, corner in zip(cards, corners[len(plain) :], strict=True)),
                len({down for _, down in places}),
            )
        )
        x += width + GAP
    return found, hidden


def _flow(sizes: Sequence[tuple[int, int]], room: float) -> tuple[list[tuple[float, float]], float, float]:
    """Place boxes in lines; return their corners and the size of all."""
    places, x, y, line, widest = [], 0.0, 0.0, 0.0, 0.0
    for width, height in sizes:
        if x > 0 and x + width > room:
            x, y, line = 0.0, y + line + GAP, 0.0
        places.append((x, y))
        widest = max(widest, x + width)
        x += width + GAP
        line = max(line, float(height))
    return places, widest, y + line
