"""The section on activity: the raster, and each population's figures."""

from __future__ import annotations

from collections.abc import Sequence

from ernsnn.analyse.metrics import Metrics
from ernsnn.report.draw import draw
from ernsnn.report.layout import Section, charts, table
from ernsnn.report.markup import tag
from ernsnn.report.scales import number
from ernsnn.result import Result
from ernsnn.studies.models import TimeMark
from ernsnn.studies.pictures import Raster

_HEADS = ("population", "neurons", "spikes", "rate (Hz)", "CV of intervals", "synchrony", "branching", "sparsity")


def activity(result: Result, metrics: Metrics, marks: Sequence[TimeMark]) -> Section:
    """The section on activity: raster, rates, regularity and sparsity."""
    rows = [
        [a.population, f"{a.neurons:,}", f"{a.spikes:,}", number(a.rate_hz, 4)]
        + [ratio(x) for x in (a.cv_isi, a.synchrony, a.branching_factor, a.activation_sparsity)]
        for a in metrics.activity
    ]
    note = (
        f"Synchrony and branching of spikes in bins of {metrics.bin_ms:.12g} ms. Sparsity: the share of neurons and "
        "steps without a spike."
    )
    parts = [
        charts(draw(Raster.of(result, marks=marks))),
        table(_HEADS, rows, numbers=range(1, len(_HEADS)), caption="Activity of the populations"),
        tag("p", note, class_="note"),
    ]
    return Section("activity", "Activity", parts)


def ratio(value: float | None) -> str:
    """A share or a ratio; ``-`` where there is none."""
    return "-" if value is None else f"{value:.3f}"
