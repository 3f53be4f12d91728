"""Pictures as data: titles, axes with their units, and numbers; ``ernsnn.report.charts`` draws them.

A value may be a number, an Estimate, which brings its 95 % interval along, or None, which leaves a gap. Labels of axes
name the quantity and its unit: ``rate (Hz)``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import KW_ONLY, dataclass

import numpy as np

from ernsnn.analyse.summary import TimeMark
from ernsnn.describe.arguments import checked
from ernsnn.describe.units import single_time
from ernsnn.errors import InvalidModel, quoted
from ernsnn.result import Result
from ernsnn.studies.estimates import Estimate

Value = float | Estimate | None


def _check(of: str, series: Mapping[str, Sequence[Value]], places: int) -> None:
    """Raise InvalidModel where a series has another number of values than ``places``, or one that is no Value."""
    for name, values in series.items():
        if len(values) != places:
            raise InvalidModel(
                f"{of}[{quoted(name)}]: has {len(values)} values, and there are {places} places for them"
            )
        for value in values:
            if value is not None and not isinstance(value, Estimate | int | float | np.number | np.bool_):
                raise InvalidModel(f"{of}[{quoted(name)}]: must be numbers, estimates or None, got {quoted(value)}")


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

    def __post_init__(self) -> None:
        _check("Line.series", self.series, len(self.x))


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

    def __post_init__(self) -> None:
        _check("Bars.series", self.series, len(self.groups))
        _check("Bars.references", self.references or {}, len(self.groups))


@checked
@dataclass(frozen=True, eq=False)
class Scatter:
    """A scatter plot: points (x, y) of each series; ``diagonal`` draws the line of equal values."""

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
    """A histogram of the numbers of each series."""

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


@checked
@dataclass(frozen=True, eq=False)
class Raster:
    """Spikes over time, each population in a band of its own, with ``marks`` as numbered lines across.

    ``spikes``: of each population (times in ms, neurons), and ``sizes``: how many neurons it has. The picture reaches
    from ``start_ms`` to ``stop_ms``, in steps of ``dt_ms``.
    """

    spikes: Mapping[str, tuple[np.ndarray, np.ndarray]]
    sizes: Mapping[str, int]
    _: KW_ONLY
    start_ms: float
    stop_ms: float
    dt_ms: float
    title: str = "Spikes"
    marks: Sequence[TimeMark] = ()

    @classmethod
    @checked
    def of(cls, result: Result, *, title: str = "Spikes", marks: Sequence[TimeMark] = ()) -> Raster:
        """The raster of all populations of a run."""
        sizes = {population.name: population.size for population in result.graph.populations}
        start_ms, stop_ms = (k * result.graph.dt_ms for k in (result.recording.first_step, result.recording.end))
        spikes = {name: result.spikes(name) for name in sizes}
        span = {"start_ms": start_ms, "stop_ms": stop_ms, "dt_ms": result.graph.dt_ms}
        return cls(spikes, sizes, **span, title=title, marks=marks)

    def __post_init__(self) -> None:
        if not self.sizes or set(self.spikes) != set(self.sizes):
            raise InvalidModel("Raster: spikes and sizes must be of the same populations, of one at least")
        for name in ("start_ms", "stop_ms", "dt_ms"):
            object.__setattr__(self, name, single_time(getattr(self, name), f"Raster.{name}"))
        if not (self.dt_ms > 0 and self.stop_ms > self.start_ms):
            raise InvalidModel("Raster: needs dt_ms > 0, and stop_ms after start_ms")


Picture = Line | Bars | Scatter | Histogram | Matrix | Raster
