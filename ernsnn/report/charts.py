"""Charts for reports: pure functions from numbers to a figure, that is inline SVG with its caption and legend.

A value may be a number, an ``Estimate``, which brings its 95 % interval along, or None, which leaves a gap.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence

import numpy as np

from ernsnn.report.frames import WIDTH, dash, figure, key, percent, plane, room_for, style, x_axis
from ernsnn.report.images import shade
from ernsnn.report.markup import Html, join, tag
from ernsnn.report.scales import Scale, number, scale_of
from ernsnn.studies.experiment import Estimate

Value = float | Estimate | None

HEIGHT = 220.0
MOST_POINTS = 5000
_BAR, _GAP, _LABEL = 14.0, 12.0, 19.0
_LETTERS_A_LINE = 42


def line(
    x: Sequence[float],
    series: Mapping[str, Sequence[Value]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    from_zero: bool = False,
    dashed: Collection[str] = (),
    note: str = "",
) -> Html:
    """Curves over ``x``, with a band where values are Estimates.

    ``dashed`` names series that are drawn as dashes, such as published ones. ``from_zero``: the y axis holds 0.
    """
    lows, middles, highs = ({n: [_part(v, k) for v in values] for n, values in series.items()} for k in (-1, 0, 1))
    xs = scale_of(x, log=log_x)
    ys = scale_of([v for of in (lows, highs) for vs in of.values() for v in vs], log=log_y, from_zero=from_zero)
    drawn, dots = [], []
    dashes = ["5 4" if name in dashed else dash(k) for k, name in enumerate(series)]
    for k, name in enumerate(series):
        pieces = list(_pieces(x, lows[name], middles[name], highs[name], xs, ys))
        for piece in pieces:
            if (piece[:, 1] != piece[:, 3]).any():
                outline = np.concatenate([piece[:, [0, 1]], piece[::-1, [0, 3]]])
                drawn.append(tag("path", d=path(outline) + "z", class_=f"band {style(k)}"))
        strokes = "".join(path(piece[:, [0, 2]]) for piece in pieces)
        drawn.append(tag("path", d=strokes, class_=f"line {style(k)}", stroke_dasharray=dashes[k]))
        if len(x) <= 30:
            for at, value, text in zip(x, middles[name], series[name], strict=True):
                if math.isfinite(value):
                    dots.append(_dot(xs.share(at), ys.share(value), k, f"{name}: {_text(text)} at {number(at)}"))
    described = f"{y_label} over {x_label}, from {number(xs.low)} to {number(xs.high)}, of {', '.join(series)}."
    return plane(
        title,
        xs,
        ys,
        drawn,
        x_label=x_label,
        y_label=y_label,
        height=HEIGHT,
        over=dots,
        legend=key(list(series), dashes),
        describe=described,
        note=note,
    )


def bars(
    groups: Sequence[str],
    series: Mapping[str, Sequence[Value]],
    *,
    title: str,
    x_label: str,
    references: Mapping[str, Sequence[Value]] | None = None,
    log: bool = False,
    note: str = "",
) -> Html:
    """One bar along x for each group and series, with whiskers where values are Estimates.

    ``references``: to the series that have them, the values to compare with, drawn as a line across each bar.
    """
    expected = references or {}
    given = [v for values in (*series.values(), *expected.values()) for v in values]
    middles = [_part(v, 0) for v in given]
    sides = (-1, 0, 1) if min(filter(math.isfinite, middles), default=0.0) < 0 else (0, 1)  # whiskers end at 0 then
    scale = scale_of([_part(v, k) for v in given for k in sides], log=log, from_zero=True)
    zero, alone = scale.share(scale.low if log else 0.0), len(series) == 1
    drawn, y = [], 0.0
    for k, group in enumerate(groups):
        values = [(name, of[k], (expected.get(name) or {k: None})[k]) for name, of in series.items()]
        drawn += labels(group, _text(values[0][1]) if alone else "", y + 13)
        y += _LABEL
        for s, (name, value, reference) in enumerate(values):
            told = f"{group}, {name}: {_text(value)}" + (f", expected {_text(reference)}" if reference else "")
            drawn.append(_bar(value, reference, scale, zero, y, s, told))
            y += _BAR + 2
        y += _GAP
    height = y - _GAP / 2
    described = f"{x_label} of {', '.join(map(str, groups))}" + ("." if alone else f": {', '.join(series)}.")
    notes = [note] if note else []
    notes += ["Lines across the bars are what they are compared with."] if expected else []
    return figure(
        title,
        [x_axis(scale, height, x_label), *drawn],
        height=height,
        left=8,
        above=6,
        legend=key(list(series)),
        describe=described,
        note=" ".join(notes),
    )


def scatter(
    points: Mapping[str, tuple[Sequence[float], Sequence[float]]],
    *,
    title: str,
    x_label: str,
    y_label: str,
    log_x: bool = False,
    log_y: bool = False,
    diagonal: bool = False,
    note: str = "",
) -> Html:
    """Points (x, y) of each series; ``diagonal`` draws the line of equal values. Thinned above 5,000, which is told."""
    xs = scale_of(_all(points, 0, 1 if diagonal else 0), log=log_x)
    ys = scale_of(_all(points, 1, 0 if diagonal else 1), log=log_y)
    drawn = []
    if diagonal:
        both = np.array([max(xs.low, ys.low), min(xs.high, ys.high)])
        drawn.append(tag("path", d=path(placed(both, both, xs, ys)), class_="reference"))
    total = sum(len(x) for x, _ in points.values())
    every = math.ceil(total / MOST_POINTS)
    for k, (x, y) in enumerate(points.values()):
        points_drawn = placed(np.asarray(x, float)[::every], np.asarray(y, float)[::every], xs, ys)
        dots = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in points_drawn.tolist())
        drawn.append(tag("path", d=dots, class_=f"dots {style(k)}"))
    thinned = [f"One in {every} of {total:,} points is drawn."] if every > 1 else []
    return plane(
        title,
        xs,
        ys,
        drawn,
        x_label=x_label,
        y_label=y_label,
        height=HEIGHT,
        legend=key(list(points)),
        describe=f"{y_label} against {x_label}: {total} points of {', '.join(points)}.",
        note=" ".join([*([note] if note else []), *thinned]),
    )


def histogram(
    series: Mapping[str, np.ndarray], *, title: str, x_label: str, y_label: str = "how many", note: str = ""
) -> Html:
    """How often each value occurs, in 40 bins that all series share, as outlines."""
    finite = {name: np.asarray(v, float)[np.isfinite(np.asarray(v, float))] for name, v in series.items()}
    xs = scale_of([end for v in finite.values() if v.size for end in (v.min(), v.max())])
    edges = np.linspace(xs.low, xs.high, 41)
    counts = {name: np.histogram(values, edges)[0] for name, values in finite.items()}
    ys = scale_of([float(c.max(initial=0)) for c in counts.values()], from_zero=True)
    drawn = []
    for k, found in enumerate(counts.values()):
        outline = placed(np.repeat(edges, 2), np.concatenate([[0], np.repeat(found, 2), [0]]).astype(float), xs, ys)
        drawn.append(tag("path", d=path(outline) + "z", class_=f"band {style(k)}"))
        drawn.append(tag("path", d=path(outline), class_=f"line {style(k)}", stroke_dasharray=dash(k)))
    return plane(
        title,
        xs,
        ys,
        drawn,
        x_label=x_label,
        y_label=y_label,
        height=HEIGHT,
        legend=key(list(series)),
        describe=f"Distribution of {x_label} from {number(xs.low)} to {number(xs.high)} of {', '.join(series)}.",
        note=note,
    )


def matrix(
    values: np.ndarray,
    *,
    title: str,
    x_label: str,
    y_label: str,
    limits: tuple[float, float] | None = None,
    unit: str = "",
    note: str = "",
) -> Html:
    """A matrix (rows, columns) as shades; NaN stays empty, and below 0 the shade is that of the second colour.

    ``limits``: the values of no and of full shade, so that several can be compared; those found otherwise.
    """
    values = np.atleast_2d(np.asarray(values, float))
    rows, columns = values.shape
    height = min(max(rows * 20.0, 40.0), 320.0)
    finite = values[np.isfinite(values)]
    low, high = limits or (min(0.0, finite.min(initial=0.0)), max(0.0, finite.max(initial=0.0)))
    most = max(abs(low), abs(high)) or 1.0
    shades, unknown = np.nan_to_num(values) / most, ~np.isfinite(values)
    drawn: list[object] = [tag("rect", width="100%", height=f"{height:g}", class_="empty")]
    drawn.append(shade(np.where(unknown, 0.0, 1.0), "ground", height))
    drawn.append(shade(np.clip(shades, 0, 1), style(0), height))
    drawn += [shade(np.clip(-shades, 0, 1), style(1), height)] if low < 0 else []
    drawn.append(tag("rect", width="100%", height=f"{height:g}", class_="frame"))
    ends = [(f"{number(low)}", style(1) if low < 0 else "none"), (f"{number(high)} {unit}".strip(), style(0))]
    ramp = join(tag("span", ends[0][0]), tag("i", class_=f"ramp {ends[0][1]}-to-{ends[1][1]}"), tag("span", ends[1][0]))
    left = room_for([str(rows - 1)])
    return figure(
        title,
        [*drawn, *_ends(rows, columns, height), *_named(x_label, y_label, height, left)],
        height=height,
        left=left,
        legend=tag("div", ramp, class_="scale"),
        describe=f"{y_label} by {x_label}: {rows} by {columns} values from {number(low)} to {number(high)}.",
        note=note,
    )


def _ends(rows: int, columns: int, height: float) -> Iterable[Html]:
    """The first and the last index of both sides of a matrix."""
    for k in sorted({0, rows - 1}):
        y = height * (k + 0.5) / rows + 4
        yield tag("text", k, x=-7, y=f"{y:.1f}", text_anchor="end", class_="tick")
    for k in sorted({0, columns - 1}):
        at = percent((k + 0.5) / columns)
        yield tag("text", k, x=at, y=f"{height + 16:g}", text_anchor="middle", class_="tick")


def _named(x_label: str, y_label: str, height: float, left: float) -> Iterable[Html]:
    yield tag("text", x_label, x="50%", y=f"{height + 34:g}", text_anchor="middle", class_="axis")
    yield tag("text", y_label, x=f"{-left + 2:.0f}", y=-10, class_="axis")


def labels(name: str, value: str, y: float) -> list[Html]:
    """What stands above a bar: its name, cut where it would run into the value at the other end."""
    title = tag("title", name)
    left = tag("text", title, shorten(name, _LETTERS_A_LINE - len(value)), x=0, y=f"{y:g}", class_="label")
    return [left, tag("text", value, x="100%", y=f"{y:g}", text_anchor="end", class_="value")] if value else [left]


def shorten(text: str, most: int) -> str:
    """Not longer than ``most`` letters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def path(points: np.ndarray) -> str:
    """Through ``points`` (n, 2), as the data of a path."""
    if not len(points):
        return ""
    return "M" + "L".join(f"{a:.1f} {b:.1f}" for a, b in points.tolist())


def _part(value: Value, side: int) -> float:
    """The value (0), or the lower (-1) or upper (1) end of its interval; NaN for none."""
    if value is None:
        return math.nan
    if not isinstance(value, Estimate):
        return float(value)
    return value.mean if math.isnan(value.half_width) else value.mean + side * value.half_width


def _text(value: Value) -> str:
    return "-" if value is None else str(value) if isinstance(value, Estimate) else number(value, 4)


def placed(x: np.ndarray, y: np.ndarray, xs: Scale, ys: Scale) -> np.ndarray:
    """The points (n, 2) of ``x`` and ``y`` as they lie on the drawing; those that are not finite are left out."""
    there = np.isfinite(x) & np.isfinite(y)
    return np.stack([WIDTH * xs.shares(x[there]), HEIGHT * (1 - ys.shares(y[there]))], axis=1)


def _pieces(
    x: Sequence[float], low: Sequence[float], middle: Sequence[float], high: Sequence[float], xs: Scale, ys: Scale
) -> Iterable[np.ndarray]:
    """Arrays (points, 4) of x, low, middle, high as drawn, one for each stretch without a gap."""
    all_y = np.array([low, middle, high], float)
    drawn = np.vstack([WIDTH * xs.shares(np.asarray(x, float)), HEIGHT * (1 - ys.shares(all_y))]).T
    there = np.isfinite(drawn).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[False], there, [False]])))
    return (drawn[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))


def _dot(x: float, y: float, k: int, told: str) -> Html:
    return tag(
        "circle", tag("title", told), cx=percent(x), cy=f"{HEIGHT * (1 - y):.1f}", r=3.5, class_=f"dot {style(k)}"
    )


def _bar(value: Value, reference: Value, scale: Scale, zero: float, y: float, k: int, told: str) -> Html:
    middle = _part(value, 0)
    if not math.isfinite(middle):
        return Html()
    at, middle_y = scale.share(middle), f"{y + _BAR / 2:g}"
    parts: list[Html] = [
        tag("rect", x=percent(min(at, zero)), width=percent(abs(at - zero)), y=f"{y:g}", height=_BAR, class_="bar")
    ]
    low, high = (scale.share(_part(value, side)) for side in (-1, 1))
    if high > low:
        parts.append(tag("line", x1=percent(low), x2=percent(high), y1=middle_y, y2=middle_y, class_="whisker"))
    if math.isfinite(_part(reference, 0)):
        there = percent(scale.share(_part(reference, 0)))
        parts.append(tag("line", x1=there, x2=there, y1=f"{y - 2:g}", y2=f"{y + _BAR + 2:g}", class_="expected"))
    return tag("g", tag("title", told), *parts, class_=style(k))


def _all(points: Mapping[str, tuple[Sequence[float], Sequence[float]]], *sides: int) -> Iterable[float]:
    return (float(v) for of in points.values() for side in sides for v in of[side])
