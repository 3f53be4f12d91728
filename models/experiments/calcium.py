"""An astrocyte whose synapse releases transmitter at .5 Hz, against the published cell.

The published figures are those of steps of 1 ms with Milstein's method, which without noise is forward Euler. The
experiment runs both that and the Runge-Kutta steps that are the default; with ever smaller steps the two meet.
"""

from __future__ import annotations

import math
from itertools import zip_longest
from typing import Any

import numpy as np

from ernsnn.result import Result, run
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Line

from .. import calcium
from ..calcium import DURATION_MS, MAXIMA, METHODS, build

LEVEL_UM = 0.5
PUBLISHED: dict[str, Any] = {
    "crossings_s": [2.44, 7.61, 12.16, 16.61, 20.81, 24.88, 28.91],
    "C_max_uM": 1.1608,
    "I_max_uM": 2.2595,
    "Gamma_max": 0.9486,
}


def experiment(
    repeats: Repeats,
    *,
    dt_ms: float = 1.0,
) -> Findings:
    """Play 30 s in steps of ``dt_ms``, which divides 1 ms, once: nothing is random, seeds are alike."""
    options: dict[str, Any] = {"target": "cpp_standalone"} if repeats.backend == "brian2" else {}
    result = run(build(dt_ms), duration_ms=DURATION_MS, backend=repeats.backend, seed=int(repeats.seeds[0]), **options)
    repeats.progress(1.0)
    results = {"published": PUBLISHED, **{method: _figures(result, method) for method in METHODS}}
    crossings = zip_longest(*(crossing["crossings_s"] for crossing in results.values()), fillvalue=math.nan)
    rows = [
        *([f"C passes {LEVEL_UM} uM (s)", *(f"{s:.2f}" for s in times)] for times in crossings),
        *([name, *(f"{values[name]:.4f}" for values in results.values())] for name in MAXIMA),
    ]
    notes = [
        "no randomness: one run stands for every seed",
        "the published run took Euler steps of 1 ms; rk4 differs from it by Euler's error",
    ]
    return Findings(results, ["quantity", *results], rows, notes, [_picture(result)])


def _picture(result: Result) -> Line:
    """C over time, every 50 ms."""
    every = round(50 / result.graph.dt_ms)
    curves = {method: result.signal(method, "C")[1][::every, 0].tolist() for method in METHODS}
    seconds = (result.signal(METHODS[0], "C")[0][::every] / 1000).tolist()
    title = "Calcium in the astrocyte"
    return Line(seconds, curves, title=title, x_label="time (s)", y_label="C (uM)", dashed=METHODS[1:])


def _figures(result: Result, astrocyte: str) -> dict[str, Any]:
    times_ms, C = result.signal(astrocyte, "C")
    above = C[:, 0] >= LEVEL_UM
    rises = np.flatnonzero(above[1:] & ~above[:-1]) + 1
    # A value is that at the end of its step.
    crossings = (times_ms[rises] + result.graph.dt_ms) / 1000
    maxima = {name: float(result.signal(astrocyte, variable)[1].max()) for name, variable in MAXIMA.items()}
    return {"crossings_s": [round(float(s), 6) for s in crossings], **maxima}


EXPERIMENT = Experiment(
    name="calcium",
    title="An astrocyte's calcium against the published cell",
    about=f"{calcium.__doc__}\n{__doc__}",
    source="Stimberg et al. 2019; De Pitta et al. 2009",
    published="C passes .5 uM at "
    + ", ".join(f"{s:g}" for s in PUBLISHED["crossings_s"])
    + " s, and is 1.1608 uM at most",
    backend="brian2",
    run=experiment,
)
