"""Charts for reports: from a picture as data to a figure, that is inline SVG with its caption and legend."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from ernsnn.report.frames import WIDTH, dash, figure, key, percent, plane, room_for, style, x_axis
from ernsnn.report.images import shade
from ernsnn.report.markup import Html, join, tag
from ernsnn.report.scales import Scale, number, scale_of
from ernsnn.studies.estimates import Estimate
from ernsnn.studies.pictures import Bars, Histogram, Line, Matrix, Scatter, Value

HEIGHT = 220.0
MOST_POINTS = 5000
_BAR, _GAP, _LABEL = 14.0, 12.0, 19.0
_LETTERS_A_LINE = 42


def line(p: Line) -> Html:
    """Curves, with bands where values are estimates."""
    lows, middles, highs = ({n: [_part(v, k) for v in values] for n, values in p.series.items()} for k in (-1, 0, 1))
    xs = scale_of(p.x, log=p.log_x)
    ys = scale_of([v for of in (lows, highs) for vs in of.values() for v in vs], log=p.log_y, from_zero=p.from_zero)
    drawn, dots = [], []
    dashes = ["5 4" if name in p.dashed else dash(k) for k, name in enumerate(p.series)]
    for k, name in enumerate(p.series):
        pieces = list(_pieces(p.x, lows[name], middles[name], highs[name], xs, ys))
        for piece in pieces:
            if (piece[:, 1] != piece[:, 3]).any():
                outline = np.concatenate([piece[:, [0, 1]], piece[::-1, [0, 3]]])
                drawn.append(tag("path", d=path(outline) + "z", class_=f"band {style(k)}"))
        strokes = "".join(path(piece[:, [0, 2]]) for piece in pieces)
        drawn.append(tag("path", d=strokes, class_=f"line {style(k)}", stroke_dasharray=dashes[k]))
        if len(p.x) <= 30:
            for at, value, text in zip(p.x, middles[name], p.series[name], strict=True):
                if math.isfinite(value):
                    dots.append(_dot(xs.share(at), ys.share(value), k, f"{name}: {_text(text)} at {number(at)}"))
    described = f"{p.y_label} over {p.x_label}, from {number(xs.low)} to {number(xs.high)}, of {', '.join(p.series)}."
    return plane(
        p.title,
        xs,
        ys,
        drawn,
        x_label=p.x_label,
        y_label=p.y_label,
        height=HEIGHT,
        over=dots,
        legend=key(list(p.series), dashes),
        describe=described,
        note=p.note,
    )


def bars(p: Bars) -> Html:
    """One bar along x for each group and series, with whiskers where values are estimates."""
    expected = p.references or {}
    given = [v for values in (*p.series.values(), *expected.values()) for v in values]
    middles = [_part(v, 0) for v in given]
    sides = (-1, 0, 1) if min(filter(math.isfinite, middles), default=0.0) < 0 else (0, 1)  # whiskers end at 0 then
    scale = scale_of([_part(v, k) for v in given for k in sides], log=p.log, from_zero=True)
    zero, alone = scale.share(scale.low if p.log else 0.0), len(p.series) == 1
    drawn, y = [], 0.0
    for k, group in enumerate(p.groups):
        values = [(name, of[k], (expected.get(name) or {k: None})[k]) for name, of in p.series.items()]
        drawn += labels(group, _text(values[0][1]) if alone else "", y + 13)
        y += _LABEL
        for s, (name, value, reference) in enumerate(values):
            title = f"{group}, {name}: {_text(value)}" + (f", expected {_text(reference)}" if reference else "")
            drawn.append(_bar(value, reference, scale, zero, y, s, title))
            y += _BAR + 2
        y += _GAP
    height = y - _GAP / 2
    described = f"{p.x_label} of {', '.join(map(str, p.groups))}" + ("." if alone else f": {', '.join(p.series)}.")
    notes = [p.note] if p.note else []
    notes += ["Lines across the bars are what they are compared with."] if expected else []
    return figure(
        p.title,
        [x_axis(scale, height, p.x_label), *drawn],
        height=height,
        left=8,
        above=6,
        legend=key(list(p.series)),
        describe=described,
        note=" ".join(notes),
    )


def scatter(p: Scatter) -> Html:
    """Points of each series; thinned above 5,000, which it says."""
    xs = scale_of(_all(p.points, 0, 1 if p.diagonal else 0), log=p.log_x)
    ys = scale_of(_all(p.points, 1, 0 if p.diagonal else 1), log=p.log_y)
    drawn = []
    if p.diagonal:
        both = np.array([max(xs.low, ys.low), min(xs.high, ys.high)])
        drawn.append(tag("path", d=path(placed(both, both, xs, ys)), class_="reference"))
    total = sum(len(x) for x, _ in p.points.values())
    every = math.ceil(total / MOST_POINTS)
    for k, (x, y) in enumerate(p.points.values()):
        points_drawn = placed(np.asarray(x, float)[::every], np.asarray(y, float)[::every], xs, ys)
        dots = "".join(f"M{a:.1f} {b:.1f}h0" for a, b in points_drawn.tolist())
        drawn.append(tag("path", d=dots, class_=f"dots {style(k)}"))
    thinned = [f"One in {every} of {total:,} points is drawn."] if every > 1 else []
    return plane(
        p.title,
        xs,
        ys,
        drawn,
        x_label=p.x_label,
        y_label=p.y_label,
        height=HEIGHT,
        legend=key(list(p.points)),
        describe=f"{p.y_label} against {p.x_label}: {total} points of {', '.join(p.points)}.",
        note=" ".join([*([p.note] if p.note else []), *thinned]),
    )


def histogram(p: Histogram) -> Html:
    """Outlines of 40 bins that all series share."""
    finite = {name: np.asarray(v, float)[np.isfinite(np.asarray(v, float))] for name, v in p.series.items()}
    xs = scale_of([end for v in finite.values() if v.size for end in (v.min(), v.max())])
    edges = np.linspace(xs.low, xs.high, 41)
    counts = {name: np.histogram(values, edges)[0] for name, values in finite.items()}
    ys = scale_of([float(c.max(initial=0)) for c in counts.values()], from_zero=True)
    drawn = []
    for k, heights in enumerate(counts.values()):
        outline = placed(np.repeat(edges, 2), np.concatenate([[0], np.repeat(heights, 2), [0]]).astype(float), xs, ys)
        drawn.append(tag("path", d=path(outline) + "z", class_=f"band {style(k)}"))
        drawn.append(tag("path", d=path(outline), class_=f"line {style(k)}", stroke_dasharray=dash(k)))
    return plane(
        p.title,
        xs,
        ys,
        drawn,
        x_label=p.x_label,
        y_label=p.y_label,
        height=HEIGHT,
        legend=key(list(p.series)),
        describe=f"Distribution of {p.x_label} from {number(xs.low)} to {number(xs.high)} of {', '.join(p.series)}.",
        note=p.note,
    )


def matrix(p: Matrix) -> Html:
    """A matrix as shades of two colours."""
    values = np.atleast_2d(np.asarray(p.values, float))
    rows, columns = values.shape
    height = min(max(rows * 20.0, 40.0), 320.0)
    finite = values[np.isfinite(values)]
    low, high = p.limits or (min(0.0, finite.min(initial=0.0)), max(0.0, finite.max(initial=0.0)))
    most = max(abs(low), abs(high)) or 1.0
    shades, unknown = np.nan_to_num(values) / most, ~np.isfinite(values)
    drawn: list[object] = [tag("rect", width="100%", height=f"{height:g}", class_="empty")]
    drawn.append(shade(np.where(unknown, 0.0, 1.0), "ground", height))
    drawn.append(shade(np.clip(shades, 0, 1), style(0), height))
    drawn += [shade(np.clip(-shades, 0, 1), style(1), height)] if low < 0 else []
    drawn.append(tag("rect", width="100%", height=f"{height:g}", class_="frame"))
    ends = [(f"{number(low)}", style(1) if low < 0 else "none"), (f"{number(high)} {p.unit}".strip(), style(0))]
    ramp = join(tag("span", ends[0][0]), tag("i", class_=f"ramp {ends[0][1]}-to-{ends[1][1]}"), tag("span", ends[1][0]))
    left = room_for([str(rows - 1)])
    return figure(
        p.title,
        [*drawn, *_ends(rows, columns, height), *_named(p.x_label, p.y_label, height, left)],
        height=height,
        left=left,
        legend=tag("div", ramp, class_="scale"),
        describe=f"{p.y_label} by {p.x_label}: {rows} by {columns} values from {number(low)} to {number(high)}.",
        note=p.note,
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
    """The labels above a bar: its name, shortened where it would run into the value at the other end."""
    title = tag("title", name)
    left = tag("text", title, shorten(name, _LETTERS_A_LINE - len(value)), x=0, y=f"{y:g}", class_="label")
    return [left, tag("text", value, x="100%", y=f"{y:g}", text_anchor="end", class_="value")] if value else [left]


def shorten(text: str, most: int) -> str:
    """Shorten a text to ``most`` letters."""
    return text if len(text) <= most else text[: most - 1] + "…"


def path(points: np.ndarray) -> str:
    """The path data of a line through ``points`` (n, 2)."""
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
    """The points (n, 2) of ``x`` and ``y`` in units of the drawing, without those that are not finite."""
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


def _dot(x: float, y: float, k: int, title: str) -> Html:
    return tag(
        "circle", tag("title", title), cx=percent(x), cy=f"{HEIGHT * (1 - y):.1f}", r=3.5, class_=f"dot {style(k)}"
    )


def _bar(value: Value, reference: Value, scale: Scale, zero: float, y: float, k: int, title: str) -> Html:
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
    return tag("g", tag("title", title), *parts, class_=style(k))


def _all(points: Mapping[str, tuple[Sequence[float], Sequence[float]]], *sides: int) -> Iterable[float]:
    return (float(v) for of in points.values() for side in sides for v in of[side])
