"""What parts and links look like in charts of topologies, and words and data as these take them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from drapolicy.text import printable
from drapolicy.topology.links import LinkKind

if TYPE_CHECKING:
    import altair as alt

    from drapolicy.topology.drawing.still import Still

FONT = "Helvetica, Arial, sans-serif"
INK, SOFT, LINE = "#1c2430", "#5b6675", "#c9d0d8"

# Okabe and Ito's palette; each kind has a shape of its own too.
MARKS: Mapping[str, tuple[str, str, int]] = {
    "gpu": ("square", "#0072b2", 190),
    "nic": ("triangle-up", "#e69f00", 130),
    "cpu": ("circle", "#009e73", 150),
    "nvswitch": ("diamond", "#000000", 260),
    "pcie": ("diamond", "#8a93a0", 110),
    "leaf": ("cross", "#cc79a7", 170),
    "spine": ("triangle-left", "#882255", 190),
    "core": ("triangle-right", "#5a5a5a", 190),
    "switch": ("wedge", "#cc79a7", 190),
    "pcie_root": ("triangle-down", "#56b4e9", 120),
    "numa": ("M-1,-0.45L-0.5,-0.45L-0.5,-0.7L0.5,-0.7L0.5,-0.45L1,-0.45L1,0.6L-1,0.6Z", "#5b6675", 110),
    "host": ("M-1,-0.6L1,-0.6L1,0.6L-1,0.6Z", "#5b6675", 150),
    "rack": ("M-0.6,-1L0.6,-1L0.6,1L-0.6,1Z", "#5b6675", 150),
    "domain": ("circle", "#5b6675", 200),
}
DASHES: Mapping[str, tuple[str, Sequence[int], str]] = {
    LinkKind.NVLINK: ("NVLink", (1, 0), "#0072b2"),
    LinkKind.XGMI: ("xGMI", (8, 2), "#d55e00"),
    LinkKind.XE: ("Xe Link", (10, 2, 2, 2), "#882255"),
    LinkKind.C2C: ("C2C", (12, 2), "#009e73"),
    LinkKind.ICI: ("ICI", (16, 1), "#117733"),
    LinkKind.PCIE: ("PCIe", (5, 1), "#a3abb5"),
    LinkKind.SOCKET: ("socket link", (4, 2), "#5b6675"),
    LinkKind.PIX: ("PIX: one PCIe switch", (3, 1), "#7a8593"),
    LinkKind.PXB: ("PXB: PCIe switches", (6, 2), "#7a8593"),
    LinkKind.PHB: ("PHB: host bridge", (2, 2), "#7a8593"),
    LinkKind.INFINIBAND: ("InfiniBand", (5, 2), "#cc79a7"),
    LinkKind.ETHERNET: ("Ethernet", (2, 4), "#b07d00"),
    LinkKind.NETWORK: ("network", (7, 2, 2, 2), "#8a6d8a"),
}
FAILED = "#c00000"
FILLS = {"domain": "#fbfbfc", "rack": "#f5f6f8", "host": "#ffffff", "numa": "#eef3f8"}
OFFSETS = {
    "below": (0, 15, "center"),
    "above": (0, -15, "center"),
    "left": (-12, 0, "right"),
    "right": (11, 0, "left"),
}


def gb_s(mb_s: int) -> str:
    """Return a bandwidth in words.

    Examples
    --------
    >>> gb_s(300_000), gb_s(6_818), gb_s(0)
    ('300 GB/s per direction', '6.818 GB/s per direction', 'unknown')
    """
    return f"{mb_s / 1000:,.3f}".rstrip("0").rstrip(".") + " GB/s per direction" if mb_s else "unknown"


def safe(text: object, limit: int = 80) -> str:
    r"""Return a text as one visible line that cannot end the script it is saved in, nor start a tag.

    Examples
    --------
    >>> safe("a</script>\x00")
    'a‹/script›\ufffd'
    """
    return printable(text, limit).replace("<", "‹").replace(">", "›")


def finished(layers: Sequence[Any], width: int, height: int, title: str, subtitle: Sequence[str]) -> Still:
    """Return layers with size, title and the look of all pictures of topologies; white ground on dark pages too."""
    import altair as alt

    from drapolicy.topology.drawing.still import Still

    return (  # type: ignore[no-any-return]
        Still(layer=list(layers))
        .resolve_scale(stroke="independent", strokeDash="independent")
        .properties(
            width=width,
            height=height,
            title=alt.TitleParams(
                safe(title), subtitle=[safe(line, 160) for line in subtitle], anchor="start", subtitleColor=SOFT
            ),
            background="white",
            padding=8,
        )
        .configure(font=FONT)
        .configure_title(fontSize=14, fontWeight=600, subtitleFontSize=11, offset=10, color=INK)
        .configure_legend(labelFontSize=11, titleFontSize=11, titleColor=SOFT, labelColor=INK, labelLimit=200)
        .configure_view(stroke=None)
    )


def data_of(rows: Iterable[Mapping[str, object]]) -> alt.Data:
    """Return rows as they are: neither pandas nor a file beside the chart."""
    import altair as alt

    return alt.Data(values=list(rows))  # type: ignore[no-untyped-call]
