"""Placements as a picture: the nodes, their devices, what is taken, what was chosen and how it is linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from drapolicy.api import Objects
from drapolicy.api.resource import AllocationResult
from drapolicy.errors import UnknownReferenceError
from drapolicy.inventory import Fleet
from drapolicy.inventory.pool_device import DeviceId, PoolDevice
from drapolicy.problem.ask import asks, claim_key
from drapolicy.problem.placement import Placement
from drapolicy.problem.site import Site
from drapolicy.problem.sites import Sites
from drapolicy.problem.state import State
from drapolicy.text import printable
from drapolicy.topology.drawing.looks import INK, LINE, SOFT
from drapolicy.view import facts, layout
from drapolicy.view.picture import Canvas, Picture, wrapped
from drapolicy.view.wires import LABEL_SIZE, Wire, curve, gutters, routed

# Okabe and Ito's palette; the flag says that text on it is white.
_COLOURS = (
    ("#0072b2", True),
    ("#e69f00", False),
    ("#009e73", True),
    ("#d55e00", True),
    ("#cc79a7", False),
    ("#56b4e9", False),
)
_GREY = "#d4d8dd"
# JupyterLab does not shrink a static SVG: this fits beside its file browser in a window of 1200 pixels.
_WIDTH, _MARGIN, _PAD = 760, 12, 10
_MOST_NODES = 8


@dataclass(frozen=True)
class _Drawn:
    """A placement with the names of the claims that its results are for."""

    placement: Placement
    claims: tuple[str, ...]

    def allocations(self) -> Iterator[tuple[str, AllocationResult]]:
        yield from zip(self.claims, self.placement.results, strict=True)

    def devices(self) -> list[DeviceId]:
        found = (r for allocation in self.placement.results for r in allocation.devices.results)
        return list(dict.fromkeys(DeviceId(r.driver, r.pool, r.device) for r in found))


def placement(
    fleet: Fleet,
    placements: Placement | Sequence[Placement],
    *,
    wanted: Objects | None = None,
    state: State | None = None,
    title: str = "",
) -> Picture:
    """Draw placements: chosen devices filled, taken ones hatched, free ones outlined, links between the chosen.

    Parameters
    ----------
    fleet
        The fleet on which was decided.
    placements
        One or several, in the order in which they were decided; up to eight nodes are drawn.
    wanted
        Pods and claims that were decided: gives names of claims, and what was taken before.
    state
        What else is taken.
    title
        Above the picture.

    Returns
    -------
    Picture
        760 pixels wide; the same bytes for the same input.

    Raises
    ------
    UnknownReferenceError
        For a placement on a node, or with a device, that the fleet does not have.
    """
    given = [placements] if isinstance(placements, Placement) else list(placements)
    held = dict(state.held) if state is not None else {}
    claims = () if wanted is None else wanted.claims
    held |= {claim_key(c): c.status.allocation for c in claims if c.status.allocation is not None}
    drawn = [_with_claims(one, wanted, held) for one in given]
    sites = Sites(fleet) if state is None else state.sites
    own = {id(a) for one in drawn for _, a in one.allocations()}
    taken = [(key.partition("/")[2], allocation) for key, allocation in held.items() if id(allocation) not in own]
    return _Drawing(fleet, sites, drawn, taken).picture(title)


def _with_claims(one: Placement, wanted: Objects | None, held: dict[str, AllocationResult]) -> _Drawn:
    if wanted is not None:
        for ask in asks(wanted):
            new = ask.unmet(held)
            if ask.name == one.ask and len(new) == len(one.results):
                return _Drawn(one, tuple(claim.metadata.name for claim in new))
    return _Drawn(one, (one.ask.partition("/")[2] or one.ask,) * len(one.results))


class _Drawing:
    def __init__(
        self, fleet: Fleet, sites: Sites, drawn: Sequence[_Drawn], taken: Sequence[tuple[str, AllocationResult]]
    ) -> None:
        self.drawn = drawn
        self.taken = taken
        self.canvas = Canvas(_WIDTH)
        self.y = 8.0
        self.at: dict[int, tuple[float, float, float, float]] = {}
        self.frames = self.wires = self.boxes = self.canvas.root
        self.sites: list[Site] = []
        for name in dict.fromkeys(one.placement.node for one in drawn if one.placement.node is not None):
            if name not in fleet.nodes.index:
                message = f"picture: node {name} is not in the fleet; draw placements on the fleet they were made on"
                raise UnknownReferenceError(message)
            self.sites.append(sites[fleet.nodes.index[name]])
        for one in drawn:
            here = {d.id for site in self.sites if site.name == one.placement.node for d in site.devices}
            for device in one.devices():
                if device not in here:
                    message = f"picture: device {device} is not on node {one.placement.node}"
                    raise UnknownReferenceError(message)

    def picture(self, title: str) -> Picture:
        self._hatch()
        if title:
            self.y += 16
            self.canvas.text(_MARGIN, self.y, title, room=_WIDTH - 2 * _MARGIN, size=15, font_weight="bold")
            self.y += 6
        for who, one in enumerate(self.drawn):
            self._caption(who, one)
        for site in self.sites[:_MOST_NODES]:
            self._node(site)
        if len(self.sites) > _MOST_NODES:
            self._line(f"and {len(self.sites) - _MOST_NODES} more nodes", SOFT)
        if self.sites:
            self._legend()
        summary = "\n".join([*([title] if title else []), *(_words(one) for one in self.drawn)])
        return Picture(self.canvas.finished(self.y + 8, summary), summary)

    def _hatch(self) -> None:
        pattern = self.canvas.add(
            "pattern",
            self.canvas.add("defs"),
            id="drapolicy-taken",
            width=6,
            height=6,
            patternUnits="userSpaceOnUse",
            patternTransform="rotate(45)",
        )
        self.canvas.add("rect", pattern, width=6, height=6, fill="#f1f3f5")
        self.canvas.add("rect", pattern, width=2, height=6, fill=_GREY)

    def _line(self, text: str, fill: str = INK, *, indent: float = 0, size: float = 12) -> None:
        room = _WIDTH - 2 * _MARGIN - indent
        for line in wrapped(text, room, size):
            self.y += size + 4
            self.canvas.text(_MARGIN + indent, self.y, line, size=size, fill=fill)

    # --- words above the nodes -------------------------------------------------------------------------------

    def _caption(self, who: int, one: _Drawn) -> None:
        found = one.placement
        self.y += 20
        colour = _colour(who)[0] if found.placed else "#ffffff"
        self.canvas.add(
            "rect",
            x=_MARGIN,
            y=self.y - 10,
            width=12,
            height=12,
            rx=2,
            fill=colour,
            stroke=colour if found.placed else SOFT,
        )
        verdict = f"→ {found.node}" if found.placed else "stays pending"
        room = _WIDTH - 2 * _MARGIN - 20
        self.canvas.text(_MARGIN + 20, self.y, f"{found.ask} {verdict}", room=room * 0.72, size=13, font_weight="bold")
        self.canvas.text(_WIDTH - _MARGIN, self.y, found.policy, room=room * 0.25, fill=SOFT, text_anchor="end")
        if not found.placed:
            self._line(found.message, "#a63d00", indent=20)
            return
        for claim, allocation in one.allocations():
            self._line(f"{claim}: {_by_request(allocation)}", SOFT, indent=20, size=11)
        score = facts.score_text(found)
        if score:
            self._line(f"score: {score}", SOFT, indent=20, size=11)
        if found.reasons:
            why = "; ".join(f"{count} {reason}" for reason, count in sorted(found.reasons.items()))
            self._line(f"nodes passed over: {why}", SOFT, indent=20, size=11)

    def _legend(self) -> None:
        self.y += 20
        x = float(_MARGIN)
        styles: tuple[tuple[str, dict[str, Any]], ...] = (
            ("chosen", {"fill": _COLOURS[0][0]}),
            ("taken before", {"fill": "url(#drapolicy-taken)", "stroke": "#9aa3ad"}),
            ("free", {"fill": "#ffffff", "stroke": "#9aa3ad"}),
        )
        for label, style in styles:
            self.canvas.add("rect", x=x, y=self.y - 9, width=14, height=11, rx=2, **style)
            self.canvas.text(x + 19, self.y, label, size=11, fill=SOFT)
            x += 32 + 7 * len(label)

    # --- a node ----------------------------------------------------------------------------------------------

    def _node(self, site: Site) -> None:
        drawn = [
            (who, claim, allocation)
            for who, one in enumerate(self.drawn)
            if one.placement.node == site.name
            for claim, allocation in one.allocations()
        ]
        held = facts.holders(site, drawn, self.taken)
        self.at = {}
        self.y += 14
        top = self.y
        panel = self.canvas.add("rect", x=_MARGIN, y=top, width=_WIDTH - 2 * _MARGIN, rx=6, fill="#fafbfc", stroke=LINE)
        self.y += 20
        self.canvas.text(_MARGIN + _PAD, self.y, site.name, room=520, size=13, font_weight="bold")
        count = f"{len(site.devices)} devices, {sum(d.id in held for d in site.devices)} of them held"
        self.canvas.text(_WIDTH - _MARGIN - _PAD, self.y, count, size=11, fill=SOFT, text_anchor="end")
        self.y += 8
        chosen = [self._linked(site, one) if one.placement.node == site.name else [] for one in self.drawn]
        shown = {*held, *(d for one in self.drawn if one.placement.node == site.name for d in one.devices())}
        rows, hidden = layout.rows(facts.groups(site), shown, _MARGIN + _PAD, _WIDTH - _MARGIN - _PAD)
        wires = routed(chosen, rows)
        # Links lie above the frames of groups and below the devices.
        self.frames, self.wires, self.boxes = (self.canvas.add("g") for _ in range(3))
        bottoms = self._rows(rows, gutters(wires, len(rows)), held)
        self._links(wires, bottoms)
        if hidden:
            self.y += 14
            self.canvas.text(_MARGIN + _PAD, self.y, f"and {hidden} more free devices", size=11, fill=SOFT)
        for who, found in enumerate(chosen):
            if found and any(wire.lane < 0 for wire in wires):
                kinds = Counter(map(str, sorted(found, key=lambda link: -link.mb_s)))
                text = "links: " + ", ".join(f"{times} × {kind}" for kind, times in kinds.items())
                self.y += 15
                self.canvas.text(
                    _MARGIN + _PAD, self.y, text, room=_WIDTH - 2 * _MARGIN - 2 * _PAD, size=11, fill=_colour(who)[0]
                )
        self.y += _PAD
        panel.set("height", f"{self.y - top:g}")

    @staticmethod
    def _linked(site: Site, one: _Drawn) -> list[facts.Link]:
        """Links between whole devices of a placement; partitions of one GPU are not linked, they are one."""
        index = {device.id: device.index for device in site.devices}
        return facts.links(site, [index[d] for d in one.devices() if site.share(index[d]) >= 1])

    def _rows(
        self,
        rows: Sequence[Sequence[layout.Block]],
        room: Sequence[float],
        held: dict[DeviceId, list[facts.Holder]],
    ) -> list[float]:
        """Draw the groups, with room for links below each row; return where the frames of each row end."""
        bottoms = []
        for number, row in enumerate(rows):
            for block in row:
                self.canvas.add(
                    "rect", self.frames, x=block.x, y=self.y, width=block.width, height=block.height, rx=5,
                    fill="#ffffff", stroke=LINE,
                )  # fmt: skip
                label = block.label or "no PCIe root or NUMA node published"
                across = block.width - 2 * layout.GAP
                self.canvas.text(
                    block.x + layout.GAP, self.y + 14, label, self.boxes, room=across, size=10.5, fill=SOFT, **_HALO
                )
                for device, x, down in block.boxes:
                    self._box(device, x, self.y + down, held.get(device.id, []))
                for name, devices, x, down in block.cards:
                    self._card(name, devices, x, self.y + down, held)
            bottoms.append(self.y + max((block.height for block in row), default=0.0))
            self.y = bottoms[-1] + room[number] + (layout.GAP if number + 1 < len(rows) else 0)
        return bottoms

    def _box(self, device: PoolDevice, x: float, y: float, holders: Sequence[facts.Holder]) -> None:
        width, height = layout.BOX
        self.at[device.index] = (x, y, width, height)
        box = self.canvas.add("g", self.boxes)
        self.canvas.add("title", box).text = _name(device)
        self.canvas.add("rect", box, x=x, y=y, width=width, height=height, rx=4, fill="#ffffff", stroke="#9aa3ad")
        start = 0.0
        for holder in holders:
            part = min(holder.part, 1 - start)
            if part > 0:
                self.canvas.add(
                    "rect", box, x=x + start * width, y=y, width=part * width, height=height, rx=4, **_style(holder)
                )
            elif holder.who >= 0:
                self.canvas.add(
                    "rect", box, x=x, y=y, width=width, height=height, rx=4, fill="none", stroke=_colour(holder.who)[0],
                    stroke_width=3,
                )  # fmt: skip
            start += part
        full = len(holders) == 1 and holders[0].part >= 1 and holders[0].who >= 0
        ink = "#ffffff" if full and _colour(holders[0].who)[1] else INK
        halo = {} if not holders or full else _HALO
        middle = x + width / 2
        centred: dict[str, Any] = {"text_anchor": "middle", "fill": ink, **halo}
        self.canvas.text(middle, y + 18, device.api.name, box, room=width - 6, font_weight="bold", **centred)
        below = ", ".join(dict.fromkeys(h.label for h in holders)) or ("tainted" if device.harmful else "free")
        self.canvas.text(middle, y + 33, below, box, room=width - 6, size=10, **centred)

    def _card(
        self, name: str, devices: Sequence[PoolDevice], x: float, y: float, held: dict[DeviceId, list[facts.Holder]]
    ) -> None:
        """Draw a GPU that is cut into partitions: a bar of its memory slices, held ones filled."""
        width, height = layout.CARD
        for device in devices:
            self.at[device.index] = (x, y, width, height)
        whole = max(devices, key=lambda d: (len(facts.memory_slices(d)), len(d.counters), -d.index))
        card = self.canvas.add("g", self.boxes)
        self.canvas.add("rect", card, x=x, y=y, width=width, height=height, rx=4, fill="#ffffff", stroke="#9aa3ad")
        self.canvas.text(
            x + 6, y + 15, name.removesuffix("-counter-set"), card, room=110, size=11.5, font_weight="bold"
        )
        slices = sorted(set().union(*map(facts.memory_slices, devices)))
        parts = [(device, holder) for device in devices for holder in held.get(device.id, [])]
        note = f"{len(parts)} of {len(devices)} held" if len(devices) > 1 else ""
        self.canvas.text(x + width - 6, y + 15, note, card, size=9.5, fill=SOFT, text_anchor="end")
        cells = len(slices) or max(len(parts), 1)
        cell = (width - 12) / cells
        for number in range(cells):
            self.canvas.add(
                "rect", card, x=x + 6 + number * cell, y=y + 22, width=cell, height=34, fill="#ffffff", stroke=LINE
            )
        for order, (device, holder) in enumerate(parts):
            covered = sorted(slices.index(s) for s in facts.memory_slices(device)) if slices else [order]
            if not covered:
                continue
            left, wide = x + 6 + covered[0] * cell, (covered[-1] - covered[0] + 1) * cell
            group = self.canvas.add("g", card)
            self.canvas.add("title", group).text = f"{_name(device)}: {holder.label}"
            self.canvas.add("rect", group, x=left + 1, y=y + 23, width=wide - 2, height=32, rx=3, **_style(holder))
            label = "whole" if device is whole and len(devices) > 1 else facts.partition_label(device)
            fill = "#ffffff" if holder.who >= 0 and _colour(holder.who)[1] else INK
            middle: dict[str, Any] = {"text_anchor": "middle", "fill": fill, **({} if holder.who >= 0 else _HALO)}
            if wide >= 40:
                self.canvas.text(
                    left + wide / 2, y + 37, label, group, room=wide - 2, size=10, font_weight="bold", **middle
                )
                self.canvas.text(left + wide / 2, y + 49, holder.label, group, room=wide - 2, size=9, **middle)
            else:
                turned = f"rotate(-90 {left + wide / 2 + 3:g} {y + 39:g})"
                self.canvas.text(left + wide / 2 + 3, y + 39, label, group, room=40, size=8, transform=turned, **middle)

    # --- links -----------------------------------------------------------------------------------------------

    def _links(self, wires: Sequence[Wire], bottoms: Sequence[float]) -> None:
        most = max((wire.link.mb_s for wire in wires), default=1)
        for wire in wires:
            path, (x, y) = curve(wire, self.at, bottoms[wire.row])
            labelled = wire.lane >= 0
            halo = _HALO | {"stroke_width": "6"}
            self.canvas.add(
                "path", self.wires, d=path, fill="none", stroke=_colour(wire.who)[0],
                stroke_width=max(1.0, wire.link.mb_s / most * (5 if labelled else 2.5)),
                stroke_opacity=0.8 if labelled else 0.5,
            )  # fmt: skip
            if labelled:
                self.canvas.text(x, y, str(wire.link), self.boxes, size=LABEL_SIZE, text_anchor="middle", **halo)


_HALO: dict[str, Any] = {"stroke": "#ffffff", "stroke_width": "3", "paint_order": "stroke", "stroke_linejoin": "round"}


def _colour(who: int) -> tuple[str, bool]:
    return _COLOURS[who % len(_COLOURS)]


def _style(holder: facts.Holder) -> dict[str, Any]:
    if holder.who < 0:
        return {"fill": "url(#drapolicy-taken)", "stroke": "#9aa3ad"}
    return {"fill": _colour(holder.who)[0], "stroke": _colour(holder.who)[0]}


def _name(device: PoolDevice) -> str:
    return printable(device.id, 300)


def _by_request(allocation: AllocationResult) -> str:
    found: dict[str, list[str]] = {}
    for result in allocation.devices.results:
        suffix = " (admin access)" if result.admin_access else ""
        found.setdefault(result.request, []).append(result.device + suffix)
    return "; ".join(f"{request} = {', '.join(devices)}" for request, devices in found.items()) or "no devices"


def _words(one: _Drawn) -> str:
    found = one.placement
    if not found.placed:
        return f"{found.ask}: pending with {found.policy}: {found.message}"
    devices = "; ".join(_by_request(allocation) for _, allocation in one.allocations())
    score = facts.score_text(found)
    return f"{found.ask}: {found.policy} → {found.node}: {devices}" + (f" ({score})" if score else "")
