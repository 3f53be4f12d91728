"""Parts that all pictures share: the figure around them, axes, legends, and styles of series.

A picture stretches with the page: what lies along x is given in percent, what lies along y in pixels, and curves are
drawn in a viewBox of their own, of ``WIDTH`` units, whose strokes do not scale. So letters keep their size on any
screen.
Colours are classes (``s0`` to ``s7``), which the page's style sheet defines for light and dark.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ernsnn.report.markup import Html, join, tag
from ernsnn.report.scales import Scale

WIDTH = 1000
"""Units of a drawing along x."""

COLOURS, DASHES = 8, ("none", "7 4", "2 3", "10 3 2 3")
_LETTER_PX, _WIDE_LETTER_PX = 7.2, 9.2


def style(k: int) -> str:
    """The class of series ``k``: eight colours, then the same with another dash."""
    return f"s{k % COLOURS}"


def dash(k: int) -> str | None:
    """The dash of series ``k``; None for a whole line."""
    row = k // COLOURS % len(DASHES)
    return DASHES[row] if row else None


def percent(share: float) -> str:
    """A share of the width as an attribute."""
    return f"{100 * share:.5g}%"


def figure(
    title: str,
    drawing: Sequence[object],
    *,
    height: float,
    left: float,
    describe: str,
    legend: object = None,
    below: float = 40.0,
    above: float = 24.0,
    note: str = "",
    wide: bool = False,
) -> Html:
    """A picture with its caption. ``left``, ``above`` and ``below``: the pixels around it that labels take."""
    plot = tag(
        "svg",
        tag("title", title),
        tag("desc", describe),
        *drawing,
        class_="plot",
        role="img",
        height=f"{height:g}",
        style=f"--left:{left:.0f}px;--above:{above:.0f}px;--below:{below:.0f}px",
    )
    parts = [tag("figcaption", title), legend, plot, tag("p", note, class_="note") if note else None]
    return tag("figure", *parts, class_="chart wide" if wide else "chart")


def plane(
    title: str,
    xs: Scale,
    ys: Scale,
    drawn: Sequence[object],
    *,
    x_label: str,
    y_label: str,
    height: float,
    describe: str,
    over: Sequence[object] = (),
    legend: object = None,
    note: str = "",
) -> Html:
    """A picture over two axes: what is ``drawn`` stretches with it, what lies ``over`` it does not."""
    left = room_for(ys.texts)
    drawing = [x_axis(xs, height, x_label), y_axis(ys, height, y_label, left), canvas(height, *drawn), *over]
    return figure(title, drawing, height=height, left=left, legend=legend, describe=describe, note=note)


def key(names: Sequence[str], dashes: Sequence[str | None] | None = None) -> Html | None:
    """The legend of several series, drawn with ``dashes``; none of a single one."""
    if len(names) < 2:
        return None
    drawn = [dash(k) for k in range(len(names))] if dashes is None else dashes
    swatches = (
        tag("svg", tag("line", x1=1, x2=19, y1=6, y2=6, stroke_dasharray=d), class_=f"swatch {style(k)}")
        for k, d in enumerate(drawn)
    )
    return tag("ul", *(tag("li", s, name) for s, name in zip(swatches, names, strict=True)), class_="legend")


def canvas(height: float, *drawing: object) -> Html:
    """A drawing that stretches along x: ``WIDTH`` by ``height`` units."""
    return tag(
        "svg",
        *drawing,
        viewBox=f"0 0 {WIDTH} {height:g}",
        preserveAspectRatio="none",
        width="100%",
        height=f"{height:g}",
        overflow="visible",
    )


def room_for(texts: Iterable[str]) -> float:
    """Pixels to the left of a plot that these labels take."""
    return 12 + max(map(_length, texts), default=0.0)


def _length(text: str) -> float:
    """About how many pixels a label takes; fonts differ."""
    return sum(_WIDE_LETTER_PX if letter.isupper() or letter in "_mw%…" else _LETTER_PX for letter in text)


def x_axis(scale: Scale, height: float, label: str, texts: Sequence[str] | None = None) -> Html:
    """Lines of the grid, ticks with their ``texts`` (the numbers), and the label below.

    Of long texts every other gives way where the picture is narrow.
    """
    shown = scale.texts if texts is None else texts
    crowded = sum(_length(text) + 8 for text in shown) > 200
    parts = []
    for k, (tick, text) in enumerate(zip(scale.ticks, shown, strict=True)):
        at, hidden = percent(scale.share(tick)), " minor" if crowded and k % 2 else ""
        parts.append(tag("line", x1=at, x2=at, y1=0, y2=f"{height:g}", class_="grid"))
        parts.append(tag("text", text, x=at, y=f"{height + 16:g}", text_anchor="middle", class_=f"tick{hidden}"))
    return join(*parts, tag("text", label, x="50%", y=f"{height + 34:g}", text_anchor="middle", class_="axis"))


def y_axis(scale: Scale, height: float, label: str, left: float) -> Html:
    """See ``x_axis``; the label stands above."""
    parts = []
    for tick, text in zip(scale.ticks, scale.texts, strict=True):
        y = height * (1 - scale.share(tick))
        parts.append(tag("line", x1=0, x2="100%", y1=f"{y:.1f}", y2=f"{y:.1f}", class_="grid"))
        parts.append(tag("text", text, x=-7, y=f"{y + 4:.1f}", text_anchor="end", class_="tick"))
    return join(*parts, tag("text", label, x=f"{-left + 2:.0f}", y=-10, class_="axis"))
