"""Rasters: each spike is a stroke, or, where there are too many, their number is a shade."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ernsnn.report.charts import shorten
from ernsnn.report.frames import WIDTH, canvas, figure, percent, room_for, style, x_axis
from ernsnn.report.images import mask
from ernsnn.report.markup import Html, tag
from ernsnn.report.scales import Scale, number, tight_scale
from ernsnn.studies.models import TimeMark
from ernsnn.studies.pictures import Raster

MOST_STROKES = 20_000
MOST_BANDS = 40
MOST_LINES = 60
_COLUMNS = 1200
_LEAST_PX, _MOST_PX, _NEURON_PX, _GAP_PX = 16.0, 110.0, 5.0, 5.0
_WHOLE_PX = 640.0
"""The height of all bands together in pixels, unless the least height of each adds up to more."""
_LETTERS = 18


@dataclass(frozen=True)
class Band:
    """A population's part of the picture; ``steps`` count from its start."""

    name: str
    size: int
    steps: np.ndarray
    neurons: np.ndarray
    top: float
    height: float


def raster(picture: Raster) -> Html:
    """Each population in a band of its own, with marks as lines across."""
    bands, marks = list(_bands(picture)), picture.marks
    height = bands[-1].top + bands[-1].height
    scale = tight_scale(picture.start_ms, picture.stop_ms, 8)
    n_steps = round((picture.stop_ms - picture.start_ms) / picture.dt_ms)
    total = sum(len(band.steps) for band in bands)
    dense = total > MOST_STROKES
    spikes = _shades(bands, height, n_steps) if dense else [canvas(height, *_strokes(bands, n_steps))]
    lines, numbers = _marks(marks, scale, height)
    names = [shorten(band.name, _LETTERS) for band in bands]
    notes = [f"{total:,} spikes" + (", drawn as shades: the darker, the more of them." if dense else ".")]
    if len(picture.sizes) > len(bands):
        notes.append(f"The first {len(bands)} of {len(picture.sizes)} populations are drawn.")
    if marks:
        notes.append("Lines across are numbered as the rows of the table below.")
    return figure(
        picture.title,
        [x_axis(scale, height, "time (ms)"), *_names(bands, names), *lines, *spikes, *numbers],
        height=height,
        left=room_for(names),
        above=26 if marks else 10,
        legend=_key(marks),
        describe=f"Raster of {total} spikes of {', '.join(b.name for b in bands)}, "
        f"from {number(scale.low)} to {number(scale.high)} ms.",
        note=" ".join(notes),
        wide=True,
    )


def _bands(picture: Raster) -> Iterable[Band]:
    shown, top = list(picture.sizes.items())[:MOST_BANDS], 0.0
    wanted = [min(max(size * _NEURON_PX, _LEAST_PX), _MOST_PX) for _, size in shown]
    least = _LEAST_PX * len(shown)
    share = min(1.0, max(_WHOLE_PX - least, 0.0) / max(sum(wanted) - least, 1.0))
    for (name, size), height in zip(shown, wanted, strict=True):
        height = _LEAST_PX + share * (height - _LEAST_PX)
        times, neurons = (np.asarray(part) for part in picture.spikes[name])
        steps = np.rint((times - picture.start_ms) / picture.dt_ms).astype(np.int64)
        yield Band(name, size, steps, neurons, top, height)
        top += height + _GAP_PX


def _strokes(bands: Sequence[Band], n_steps: int) -> Iterable[Html]:
    per_step = WIDTH / n_steps
    for k, band in enumerate(bands):
        row = band.height / band.size
        length = max(0.8 * row, 1.6)
        x = (band.steps + 0.5) * per_step
        y = band.top + (band.neurons + 0.5) * row - length / 2
        data = "".join(f"M{a:.1f} {b:.1f}v{length:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
        yield tag("path", d=data, class_=f"spikes {style(k)}")


def _shades(bands: Sequence[Band], height: float, n_steps: int) -> Iterable[Html]:
    """One image for all bands, through which their colours show."""
    image = np.zeros((round(height), min(n_steps, _COLUMNS)))
    for band in bands:
        pixels = image[round(band.top) : round(band.top + band.height)]
        pixels[:] = _shares(band, pixels.shape, n_steps)
    reference, masked = mask(image, height, smooth=True)
    yield masked
    for k, band in enumerate(bands):
        place = {"y": f"{band.top:g}", "height": f"{band.height:g}", "width": "100%"}
        yield tag("rect", **place, class_=f"shade {style(k)}", mask=reference)


def _shares(band: Band, shape: tuple[int, ...], n_steps: int) -> np.ndarray:
    """The shade of each pixel of a band: a fifth for one spike, full for as many as in the densest pixels."""
    rows, columns = min(shape[0], band.size), shape[1]
    column = band.steps * columns // n_steps
    at = band.neurons.astype(np.int64) * rows // band.size * columns + column
    counts = np.bincount(at, minlength=rows * columns).reshape(rows, columns).astype(float)
    most = np.quantile(counts[counts > 0], 0.99) if len(at) else 1.0
    shares = np.where(counts > 0, 0.2 + 0.8 * np.minimum(counts / most, 1.0), 0.0)
    return np.asarray(shares[np.arange(shape[0]) * rows // shape[0]])


def _names(bands: Sequence[Band], names: Sequence[str]) -> Iterable[Html]:
    for k, (band, name) in enumerate(zip(bands, names, strict=True)):
        y = f"{band.top + band.height / 2 + 4:.1f}"
        label = [tag("title", f"{band.name}: {band.size} neurons, {len(band.steps)} spikes"), name]
        yield tag("text", *label, x=-9, y=y, text_anchor="end", class_=f"name {style(k)}")
        if k:
            line = f"{band.top - _GAP_PX / 2:g}"
            yield tag("line", x1=0, x2="100%", y1=line, y2=line, class_="rule")


def _marks(marks: Sequence[TimeMark], scale: Scale, height: float) -> tuple[list[Html], list[Html]]:
    """(lines, numbers) of the ``marks`` as SVG elements.

    Lines have the ``height`` of the raster, or are ticks above it if there are more than ``MOST_LINES``. Numbers stand
    where they do not overlap; those that would on a narrow screen have a class by which it hides them.
    """
    kinds, lines, numbers = list(dict.fromkeys(mark.what for mark in marks)), [], []
    last, last_narrow = -1.0, -1.0
    for k, mark in enumerate(marks, start=1):
        share, wrong = scale.share(mark.t_ms), mark.right is False
        at, ends = percent(share), (0.0, height) if len(marks) <= MOST_LINES else (-6.0, 0.0)
        look = f"mark m{kinds.index(mark.what) % 3}" + " wrong" * wrong
        lines.append(tag("line", x1=at, x2=at, y1=f"{ends[0]:g}", y2=f"{ends[1]:g}", class_=look))
        if share - last >= 0.026:
            narrow = share - last_narrow >= 0.09
            title = tag("title", f"{k}: {mark.what} at {mark.t_ms:.12g} ms" + ", wrong" * wrong)
            look = "tick number" + " wrong-number" * wrong + " minor" * (not narrow)
            numbers.append(tag("text", title, k, x=at, y=-9, class_=look))
            last, last_narrow = share, share if narrow else last_narrow
    return lines, numbers


def _key(marks: Sequence[TimeMark]) -> Html | None:
    if not marks:
        return None
    kinds = list(dict.fromkeys(mark.what for mark in marks))
    looks = [(kind, f"mark m{k % 3}") for k, kind in enumerate(kinds)]
    looks += [("wrong answer", "mark wrong")] if any(mark.right is False for mark in marks) else []
    entries = (
        tag("li", tag("svg", tag("line", x1=10, x2=10, y1=0, y2=12, class_=look), class_="swatch"), what)
        for what, look in looks
    )
    return tag("ul", *entries, class_="legend")
