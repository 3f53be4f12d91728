"""The section on probes: recorded values over time, as curves, or as a mean and a band where there are many."""

from __future__ import annotations

import math

import numpy as np

from ernsnn.describe.names import owner_and_variable
from ernsnn.report.charts import HEIGHT, path, placed
from ernsnn.report.frames import figure, key, plane, style
from ernsnn.report.layout import Section, charts
from ernsnn.report.markup import Html, tag
from ernsnn.report.scales import number, scale_of, tight_scale
from ernsnn.result import Result

MOST_CURVES, MOST_SAMPLES, MOST_PICTURES = 5, 500, 12


def traces(result: Result) -> Section | None:
    """One picture a probe; None where there is no probe."""
    signals = result.recording.signals
    if not signals:
        return None
    parts = [charts(*(_trace(result, name) for name in list(signals)[:MOST_PICTURES]))]
    if len(signals) > MOST_PICTURES:
        parts.append(tag("p", f"The first {MOST_PICTURES} of {len(signals)} probes.", class_="note"))
    return Section("probes", "Probes", parts)


def _trace(result: Result, name: str) -> Html:
    steps, values = result.recording.signals[name]
    times = np.asarray(steps) * result.graph.dt_ms
    values = np.asarray(values, float)
    values = values.reshape(len(times), math.prod(values.shape[1:]))
    seen = next((p for p in result.graph.probes if p.key == name and p.kind == "neurons"), None)
    first = seen.start if seen else 0
    n, every = values.shape[1], math.ceil(len(times) / MOST_SAMPLES)
    described = f"{name} of {n}, over time."
    if not np.isfinite(values).any():
        note = "None of its values is finite." if values.size else "Nothing was recorded."
        return figure(name, [], height=10, left=10, describe=described, note=note)
    if n <= MOST_CURVES:
        curves, band, note = _extremes(times, values, every), None, f"Extremes of every {every} samples." * (every > 1)
    else:
        some = np.isfinite(values[::every]).any(axis=1)
        at, shown = times[::every][some], values[::every][some]
        low, high = np.nanquantile(shown, (0.1, 0.9), axis=1)
        curves, band = [(at, np.nanmean(shown, axis=1))], np.stack([low, high])
        note = f"Mean of {n:,}, and the band that holds 80 % of them." + f" Every {every}th sample." * (every > 1)
    xs = tight_scale(float(times[0]), float(times[-1]), 5)
    ys = scale_of(v for part in [*(c for _, c in curves), *([] if band is None else [band])] for v in _ends(part))
    drawn = []
    if band is not None:
        around = np.concatenate([curves[0][0], curves[0][0][::-1]]), np.concatenate([band[0], band[1][::-1]])
        drawn.append(tag("path", d=path(placed(*around, xs, ys)) + "z", class_=f"band {style(0)}"))
    for k, (at, curve) in enumerate(curves):
        points = placed(at, curve, xs, ys)
        drawn.append(tag("path", d=path(points), class_=f"line thin {style(k)}"))
        if len(points) == 1:  # a line needs two
            drawn.append(tag("path", d=f"{path(points)}h0", class_=f"dots {style(k)}"))
    return plane(
        name,
        xs,
        ys,
        drawn,
        x_label="time (ms)",
        y_label=owner_and_variable(name)[1],
        height=HEIGHT,
        legend=key([str(first + k) for k in range(len(curves))]),
        describe=f"{described} It lies between {number(ys.low)} and {number(ys.high)}.",
        note=note,
    )


def _extremes(times: np.ndarray, values: np.ndarray, every: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Curves of at most twice ``MOST_SAMPLES`` points: of every ``every`` samples the least and the largest."""
    if every == 1:
        return [(times, column) for column in values.T]
    short = -len(times) % every
    padded = np.concatenate([values, np.repeat(values[-1:], short, axis=0)]).reshape(-1, every, values.shape[1])
    both = np.stack([padded.min(axis=1), padded.max(axis=1)], axis=1).reshape(-1, values.shape[1])
    return [(np.repeat(times[::every], 2), column) for column in both.T]


def _ends(values: np.ndarray) -> tuple[float, float]:
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else (math.nan, math.nan)
