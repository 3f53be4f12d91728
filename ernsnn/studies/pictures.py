"""Pictures as data: titles, axes with their units, and numbers; ``ernsnn.report.charts`` draws them.

A value may be a number, an Estimate, which brings its 95 % interval along, or None, which leaves a gap. Labels of axes
name the quantity and its unit: ``rate (Hz)``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.studies.estimates import Estimate

Value = float | Estimate | None


@checked
@dataclass(frozen=True, eq=False)
class Line:
    """Curves over ``x``, with a band where values are Estimates.

    ``dashed`` names series that are drawn as dashes, such as published ones. ``from_zero``: the y axis holds 0.
    """

    x: Sequence[float]
    series: Mapping[str, Sequence[Value]]
    _: KW_ONLY
    title: str
    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    from_zero: bool = False
    dashed: Collection[str] = ()
    note: str = ""


@checked
@dataclass(frozen=True, eq=False)
class Bars:
    """One bar along x for each group and series, with whiskers where values are Estimates.

    ``references``: to the series that have them, the values to compare with, drawn as a line across each bar.
    """

    groups: Sequence[str]
    series: Mapping[str, Sequence[Value]]
    _: KW_ONLY
    title: str
    x_label: str
    references: Mapping[str, Sequence[Value]] | None = None
    log: bool = False
    note: str = ""


@checked
@dataclass(frozen=True, eq=False)
class Scatter:
    """Points (x, y) of each series; ``diagonal`` draws the line of equal values."""

    points: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    _: KW_ONLY
    title: str
    x_label: str
    y_label: str
    log_x: bool = False
    log_y: bool = False
    diagonal: bool = False
    note: str = ""


@checked
@dataclass(frozen=True, eq=False)
class Histogram:
    """How often each value of each series (numbers) occurs."""

    series: Mapping[str, np.ndarray]
    _: KW_ONLY
    title: str
    x_label: str
    y_label: str = "how many"
    note: str = ""


@checked
@dataclass(frozen=True, eq=False)
class Matrix:
    """A matrix (rows, columns) as shades; NaN stays empty, and below 0 the shade is that of the second colour.

    ``limits``: the values of no and of full shade, so that several can be compared; by default those of the matrix.
    ``unit`` stands beside the scale.
    """

    values: np.ndarray
    _: KW_ONLY
    title: str
    x_label: str
    y_label: str
    limits: tuple[float, float] | None = None
    unit: str = ""
    note: str = ""


Picture = Line | Bars | Scatter | Histogram | Matrix
