"""Placements as a picture: the nodes, their devices, what is taken, what was chosen and how it is linked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from drapolicy.api import Objects
from drapolicy.api.resource import AllocationResult
from drapolicy.errors import UnknownReferenceError
from drapolicy.inventory import Fleet
from drapolicy.inventory.pool_device import DeviceId
from drapolicy.problem.ask import claim_key
from drapolicy.problem.placement import Placement
from drapolicy.problem.site import Site
from drapolicy.problem.sites import Sites
from drapolicy.problem.state import State
from drapolicy.topology.drawing.looks import INK, LINE, SOFT
from drapolicy.view import facts, layout
from drapolicy.view.boxes import box, card
from drapolicy.view.decided import Decided, by_request, with_claims, words
from drapolicy.view.looks import COLOURS, FRAME, HALO, TAKEN, colour, hatch
from drapolicy.view.picture import Canvas, Picture, wrapped
from drapolicy.view.wires import LABEL_SIZE, Wire, curve, gutters, routed

# JupyterLab does not shrink a static SVG: this fits beside its file browser in a window of 1200 pixels.
_WIDTH, _MARGIN, _PAD = 760, 12, 10
_MOST_NODES = 8


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
    drawn = [with_claims(one, wanted, held) for one in given]
    sites = Sites(fleet) if state is None else state.sites
    own = {id(a) for one in drawn for _, a in one.allocations()}
    taken = [(key.partition("/")[2], allocation) for key, allocation in held.items() if id(allocation) not in own]
    return _Drawing(fleet, sites, drawn, taken).picture(title)


class _Drawing:
    def __init__(
        self, fleet: Fleet, sites: Sites, drawn: Sequence[Decided], taken: Sequence[tuple[str, AllocationResult]]
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
        hatch(self.canvas)
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
        summary = "\n".join([*([title] if title else []), *(words(one) for one in self.drawn)])
        return Picture(self.canvas.finished(self.y + 8, summary), summary)

    def _line(self, text: str, fill: str = INK, *, indent: float = 0, size: float = 12) -> None:
        room = _WIDTH - 2 * _MARGIN - indent
        for line in wrapped(text, room, size):
            self.y += size + 4
            self.canvas.text(_MARGIN + indent, self.y, line, size=size, fill=fill)

    # --- words above the nodes -------------------------------------------------------------------------------

    def _caption(self, who: int, one: Decided) -> None:
        found = one.placement
        self.y += 20
        fill = colour(who)[0] if found.placed else "#ffffff"
        self.canvas.add(
            "rect",
            x=_MARGIN,
            y=self.y - 10,
            width=12,
            height=12,
            rx=2,
            fill=fill,
            stroke=fill if found.placed else SOFT,
        )
        verdict = f"→ {found.node}" if found.placed else "stays pending"
        room = _WIDTH - 2 * _MARGIN - 20
        self.canvas.text(_MARGIN + 20, self.y, f"{found.ask} {verdict}", room=room * 0.72, size=13, font_weight="bold")
        self.canvas.text(_WIDTH - _MARGIN, self.y, found.policy, room=room * 0.25, fill=SOFT, text_anchor="end")
        if not found.placed:
            self._line(found.message, "#a63d00", indent=20)
            return
        for claim, allocation in one.allocations():
            self._line(f"{claim}: {by_request(allocation)}", SOFT, indent=20, size=11)
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
            ("chosen", {"fill": COLOURS[0][0]}),
            ("taken before", TAKEN),
            ("free", {"fill": "#ffffff", "stroke": FRAME}),
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
                    _MARGIN + _PAD, self.y, text, room=_WIDTH - 2 * _MARGIN - 2 * _PAD, size=11, fill=colour(who)[0]
                )
        self.y += _PAD
        panel.set("height", f"{self.y - top:g}")

    @staticmethod
    def _linked(site: Site, one: Decided) -> list[facts.Link]:
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
                    block.x + layout.GAP, self.y + 14, label, self.boxes, room=across, size=10.5, fill=SOFT, **HALO
                )
                for device, x, down in block.boxes:
                    self.at[device.index] = (x, self.y + down, *layout.BOX)
                    box(self.canvas, self.boxes, device, at=(x, self.y + down), holders=held.get(device.id, []))
                for name, devices, x, down in block.cards:
                    self.at |= {device.index: (x, self.y + down, *layout.CARD) for device in devices}
                    card(self.canvas, self.boxes, name, devices, at=(x, self.y + down), held=held)
            bottoms.append(self.y + max((block.height for block in row), default=0.0))
            self.y = bottoms[-1] + room[number] + (layout.GAP if number + 1 < len(rows) else 0)
        return bottoms

    # --- links -----------------------------------------------------------------------------------------------

    def _links(self, wires: Sequence[Wire], bottoms: Sequence[float]) -> None:
        most = max((wire.link.mb_s for wire in wires), default=1)
        for wire in wires:
            path, (x, y) = curve(wire, self.at, bottoms[wire.row])
            labelled = wire.lane >= 0
            halo = HALO | {"stroke_width": "6"}
            self.canvas.add(
                "path", self.wires, d=path, fill="none", stroke=colour(wire.who)[0],
                stroke_width=max(1.0, wire.link.mb_s / most * (5 if labelled else 2.5)),
                stroke_opacity=0.8 if labelled else 0.5,
            )  # fmt: skip
            if labelled:
                self.canvas.text(x, y, str(wire.link), self.boxes, size=LABEL_SIZE, text_anchor="middle", **halo)
