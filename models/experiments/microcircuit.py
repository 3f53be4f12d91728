"""Rates, irregularity and correlation of each population of the cortical microcircuit, and what simulating it takes.

After Potjans and Diesmann (2014) and the reference data of the PD14 model of INM-6: spikes of the first ``settle_ms``
do not count; CV: of the intervals of neurons with two or more of them; correlation: the mean over pairs of Pearson's
coefficient of spike counts in bins of 2 ms, of the first 250 neurons of a population that spike.

The published rates are those of the full network with Poisson inputs. Published CVs and correlations are figures
without numbers; what another simulator finds of the very same networks stands beside. A real-time factor is what
simulating takes over the time that is simulated, without lowering and building. Memory: what a run takes at most
beside the graph, here or in a process of its own.

The setting ``full`` is the full network with two threads, and nothing beside it: NEST keeps 160 bytes a synapse.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ernsnn.analyse.activity import activity
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import get_backend
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.describe.units import whole_steps
from ernsnn.errors import BackendNotAvailable, InvalidModel, UnsupportedOnBackend
from ernsnn.graph.graph import Graph
from ernsnn.graph.lower import lower
from ernsnn.recording.recording import Recording
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars, Picture, Raster
from ernsnn.studies.timed import timed

from .. import microcircuit
from ..microcircuit import DT_MS, POPULATIONS, RATES_HZ, build

MEASURES = {"rate_hz": "rate (Hz)", "cv_isi": "CV", "correlation": "correlation"}
COSTS = ("build_s", "real_time_factor")
_BIN_MS, _PAIRED, _SHOWN_MS, _SMALL = 2.0, 250, 200.0, 0.003


def experiment(
    repeats: Repeats,
    *,
    scale: float = 0.1,
    drive: str = "constant",
    duration_ms: float = 1000.0,
    settle_ms: float = 500.0,
    beside: tuple[str, ...] = ("nest",),
    threads: int = 1,
) -> Findings:
    """Run the network at ``scale`` for ``settle_ms`` and ``duration_ms``, on every seed, also on ``beside``."""
    if not (duration_ms > 0 <= settle_ms and threads >= 1):
        raise InvalidModel(
            f"microcircuit: needs duration_ms > 0, settle_ms >= 0 and threads >= 1, got {duration_ms}, {settle_ms}, "
            f"{threads}"
        )
    names = [repeats.backend, *(name for name in beside if name != repeats.backend)]
    runners = {name: get_backend(name) for name in names}
    first, last = (whole_steps(t, DT_MS, "microcircuit") for t in (settle_ms, settle_ms + duration_ms))
    refusals: list[str] = []
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in runners}
    lowering: list[float] = []
    raster, small = None, lower(build(_SMALL, drive))
    for seed in repeats:
        began = time.perf_counter()
        graph = lower(build(scale, drive), int(seed))
        lowering.append(time.perf_counter() - began)
        synapses = graph.n_synapses
        for name in list(runners):
            try:
                compiles = None if found[name] else small
                figures, recording = _figures(runners[name], graph, first, last, threads, compiles)
            except (BackendNotAvailable, UnsupportedOnBackend) as error:
                if name == repeats.backend:
                    raise
                refusals.append(f"not on {name}: " + " ".join(str(error).split())[:200])
                del runners[name], found[name]
                continue
            found[name].append(figures)
            raster = raster or _raster(graph, recording, first, last)
    estimates = {name: _estimates(runs) for name, runs in found.items()}
    about = {"scale": scale, "drive": drive, "threads": threads, "synapses": synapses}
    return _findings(estimates, {**about, "lowering_s": Estimate.of(lowering)}, refusals, raster)


def _figures(
    backend: Backend, graph: Graph, first: int, last: int, threads: int, compiles: Graph | None
) -> tuple[dict[str, Any], Recording]:
    """What one run takes, and the measures of each population between two steps.

    Kernels are loaded or compiled before, by a run of the network ``compiles``, which has the same.
    """
    backend.require_installed()
    options = backend.settings({"threads": threads} if "threads" in backend.options and threads > 1 else {})
    backend.require(graph, **options)
    if compiles is not None and isinstance(backend, SteppedBackend):
        backend.engine(compiles, **options).run(10, lambda fraction: None)
    took = timed(backend, graph, last, **options)
    figures: dict[str, Any] = {
        "build_s": took.build_s,
        "real_time_factor": took.run_s / (last * graph.dt_ms / 1000),
        "peak_GB": took.peak_bytes / 1e9,
    }
    for name in POPULATIONS:
        steps, neurons = took.recording.spikes[name]
        counted, size = steps >= first, graph.population(name).size
        steps, neurons = steps[counted] - first, neurons[counted]
        per_bin = round(_BIN_MS / graph.dt_ms)
        told = activity(name, size, steps, neurons, last - first, graph.dt_ms, per_bin)
        figures[name] = {
            "rate_hz": told.rate_hz,
            "cv_isi": np.nan if told.cv_isi is None else told.cv_isi,
            "correlation": correlation(steps // per_bin, neurons, (last - first) // per_bin),
        }
    return figures, took.recording


def correlation(bins: np.ndarray, neurons: np.ndarray, n_bins: int) -> float:
    """The mean of Pearson's coefficient over pairs of the first neurons that spike; NaN of fewer than two."""
    inside = bins < n_bins
    bins, neurons = bins[inside], neurons[inside]
    chosen = np.unique(neurons)[:_PAIRED]
    kept = np.isin(neurons, chosen)
    counts = np.zeros((len(chosen), n_bins))
    np.add.at(counts, (np.searchsorted(chosen, neurons[kept]), bins[kept]), 1.0)
    varies = counts[counts.std(axis=1) > 0]
    if len(varies) < 2:
        return float("nan")
    every = np.corrcoef(varies)
    return float((every.sum() - len(every)) / (len(every) * (len(every) - 1)))


def _estimates(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """The estimates over seeds of one backend, as ``_figures`` has them; of memory the most."""
    costs: dict[str, Any] = Estimate.of_runs([{key: run[key] for key in COSTS} for run in runs])
    costs["peak_GB"] = max(run["peak_GB"] for run in runs)  # later runs reuse what earlier ones took
    return {**costs, **{name: Estimate.of_runs([run[name] for run in runs]) for name in POPULATIONS}}


def _raster(graph: Graph, recording: Recording, first: int, last: int) -> Raster:
    """The spikes of the last moments, of all populations."""
    start = max(first, last - round(_SHOWN_MS / graph.dt_ms))
    spikes = {}
    for name in POPULATIONS:
        steps, neurons = recording.spikes[name]
        spikes[name] = steps[steps >= start] * graph.dt_ms, neurons[steps >= start]
    sizes = {name: graph.population(name).size for name in POPULATIONS}
    start_ms, stop_ms = start * graph.dt_ms, last * graph.dt_ms
    return Raster(spikes, sizes, start_ms=start_ms, stop_ms=stop_ms, dt_ms=graph.dt_ms)


def _findings(
    estimates: Mapping[str, Mapping[str, Any]], about: Mapping[str, Any], refusals: list[str], raster: Raster | None
) -> Findings:
    heads = ["population", "published (Hz)", *(f"{words}, {name}" for words in MEASURES.values() for name in estimates)]
    rows: list[list[object]] = [
        [population, f"{rate:g}", *(of[population][measure] for measure in MEASURES for of in estimates.values())]
        for population, rate in zip(POPULATIONS, RATES_HZ, strict=True)
    ]
    notes = [
        f"{INTERVAL}; published: the full network with Poisson inputs",
        f"{about['synapses']} synapses, {about['drive']} drive, threads: {about['threads']}; lowering "
        f"{about['lowering_s']} s; memory is beside the graph's",
        *(
            f"{name}: building {of['build_s']} s, real-time factor {of['real_time_factor']}, {of['peak_GB']:.3g} GB"
            for name, of in estimates.items()
        ),
        *_beyond(estimates),
        *refusals,
    ]
    rates = {name: [of[population]["rate_hz"] for population in POPULATIONS] for name, of in estimates.items()}
    published = {name: RATES_HZ.tolist() for name in rates}
    pictures: list[Picture] = [
        Bars(list(POPULATIONS), rates, title="Rates, and those published", x_label="rate (Hz)", references=published)
    ]
    results = {**about, "published_hz": dict(zip(POPULATIONS, RATES_HZ, strict=True)), "found": estimates}
    return Findings(results, heads, rows, notes, pictures if raster is None else [*pictures, raster])


def _beyond(estimates: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """A line for each backend beside the first, on whether the first one's mean rates lie within its spread."""
    (first, own), *others = estimates.items()
    for name, of in others:
        values = {population: of[population]["rate_hz"].values for population in POPULATIONS}
        outside = [p for p, v in values.items() if not min(v) <= own[p]["rate_hz"].mean <= max(v)]
        which = f"those of {', '.join(outside)} do not" if outside else "all do"
        yield f"mean rates of {first} that lie within the spread of the seeds of {name}: {which}"


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""
    name, own = next(iter(results["found"].items()))
    rates = ", ".join(f"{own[population]['rate_hz']['mean']:.2g}" for population in POPULATIONS)
    return (
        f"scale {results['scale']:g}, {results['drive']} drive: {rates} Hz; real-time factor on {name} "
        f"{own['real_time_factor']['mean']:.2g}"
    )


EXPERIMENT = Experiment(
    name="microcircuit",
    title="Rates of the cortical microcircuit, and the time and memory it takes",
    about=f"{microcircuit.__doc__}\n{__doc__}",
    source="Potjans and Diesmann 2014, Cereb. Cortex 24:785; PD14 model of INM-6",
    published=", ".join(f"{rate:g}" for rate in RATES_HZ) + " Hz (full network, Poisson inputs)",
    measured=measured,
    settings={"full": {"scale": 1.0, "beside": (), "threads": 2}},
    backend="native",
    run=experiment,
)
