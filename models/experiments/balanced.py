r"""Rates of a network in balance on every backend, and where the time goes, from 1,000 to 100,000 neurons.

A small network can fall silent: its activity is a long transient. Rates are those of the runs that still fire in their
last 50 ms; the others are counted.

Published: asynchronous and irregular; with conductances 15 to 25 Hz, with currents about 5 (both without a figure of
their own: read off the rasters). What matters is that in-degrees differ: with exactly 64 and 16 inputs the same network
of conductances falls silent.

Wall times are of the simulation alone. The modular network has 16 modules, the largest 7 times the smallest; a quarter
of a neuron's excitatory inputs come from other modules. Its time is split by three runs (no spikes; and twice the same
spikes, with and without 240 further inputs that weigh nothing):

    wall = a neurons * steps (neuron update) + b spikes (delivery) + c synaptic events (synapses)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ernsnn.analyse.activity import activity
from ernsnn.backend.registry import get_backend
from ernsnn.errors import BackendNotAvailable, InvalidModel, UnsupportedOnBackend
from ernsnn.result import Result, run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars, Line, Picture

from .. import balanced
from ..balanced import DT_MS, KINDS, build, modular_pairs

MODULES, IDLE = 16, (0, 240)
_PARTS = ("neuron_update", "delivery", "synapses")
_SETTLED_MS = 200.0
"""The start of the interval in ms in which rates and intervals are measured."""
_LAST_MS = 50.0


def rate_and_cv(result: Result) -> tuple[float, float]:
    """(rate in Hz, CV of intervals) after the network has settled."""
    skip, steps = round(_SETTLED_MS / DT_MS), result.recording.n_steps
    at, neurons = result.recording.spikes["cells"]
    late, size = at >= skip, result.graph.population("cells").size
    measured = activity("cells", size, at[late] - skip, neurons[late], steps - skip, result.graph.dt_ms, bin_steps=50)
    return measured.rate_hz, float("nan") if measured.cv_isi is None else measured.cv_isi


def lasts(result: Result) -> bool:
    """Whether anything fires in the last 50 ms."""
    steps, _ = result.recording.spikes["cells"]
    return bool(steps.max(initial=-1) >= result.recording.n_steps - round(_LAST_MS / DT_MS))


def spikes_of(result: Result) -> int:
    """The number of spikes of a network."""
    return result.spike_counts["cells"]


def experiment(
    repeats: Repeats,
    *,
    sizes: tuple[int, ...] = (1000, 4000, 16_000),
    duration_ms: float = 1000.0,
    backends: tuple[str, ...] = ("reference", "brian2", "nest", "loihi-emulator"),
    backends_neurons: int = 4000,
    modular_neurons: int = 8000,
) -> Findings:
    """Rates and times at ``sizes``, and rates on ``backends`` beside it, of ``backends_neurons``.

    Every run lasts ``duration_ms``; the other backends get the first seed.
    """
    backend, seeds, progress = repeats.backend, repeats.seeds, repeats.progress
    if not sizes or min(sizes) < 400 or duration_ms <= 2 * _SETTLED_MS:
        raise InvalidModel(f"balanced: needs sizes of at least 400 and duration_ms above {2 * _SETTLED_MS:g}")
    if backends_neurons < 400:
        raise InvalidModel(f"balanced: backends_neurons must be at least 400, got {backends_neurons}")
    for name in backends:
        get_backend(name)
    sizes = tuple(sorted({int(n) for n in sizes}))
    modular_pairs(modular_neurons, modular_neurons * 4 // 5, MODULES, int(seeds[0]))  # refuses too few

    def timed(neurons: int, seed: int, **how: Any) -> tuple[Result, float]:
        result = run(build(neurons, seed=seed, **how), duration_ms=duration_ms, seed=seed, backend=backend)
        return result, float(result.meta["wall_s"])

    timed(400, seeds[0])  # compiles, which is not timed
    planned = [("currents", backends_neurons), *(("conductances", int(n)) for n in sizes)]
    rates: dict[str, dict[str, Estimate]] = {}
    scaling: dict[str, dict[str, Estimate]] = {}
    for synapses, n in planned:
        runs = [timed(n, seed, synapses=synapses) for seed in seeds]
        lasting = [result for result, _ in runs if lasts(result)]
        rate, cv = zip(*map(rate_and_cv, lasting or [result for result, _ in runs]), strict=True)
        rates[f"{synapses}, {n} neurons"] = {
            "rate_hz": Estimate.of(rate),
            "cv_isi": Estimate.of(cv),
            "fell_silent": Estimate.of([float(not lasts(result)) for result, _ in runs]),
        }
        if synapses == "conductances":
            events = [events_of(result) / 1e6 for result, _ in runs]
            walls = [wall for _, wall in runs]
            scaling[str(n)] = {
                "wall_s": Estimate.of(walls),
                "million_events": Estimate.of(events),
                "million_events_per_s": Estimate.of([e / w for e, w in zip(events, walls, strict=True)]),
            }
        progress(len(rates) / (len(planned) + 2))
    beside, refusals = _on_backends((backend, *backends), backends_neurons, duration_ms, int(seeds[0]))
    progress((len(rates) + 1) / (len(planned) + 2))
    modular = _modular(timed, modular_neurons, duration_ms, seeds)
    progress(1.0)
    return _findings(rates, beside, refusals, scaling, modular)


def events_of(result: Result) -> int:
    """The number of synaptic events: every spike once for each of its neuron's synapses."""
    _, neurons = result.recording.spikes["cells"]
    size = result.graph.population("cells").size
    spikes, synapses = np.bincount(neurons, minlength=size), np.zeros(size, int)
    for p in result.graph.projections:
        if p.pre == "cells":
            of = slice(p.pre_start, p.pre_start + p.connectivity.n_pre)
            synapses[of] += np.diff(p.connectivity.indptr)
    return int(spikes @ synapses)


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""
    slow, *fast = results["rates"].values()
    sizes = list(results["scaling"])
    lines = []
    for size, r, s in zip(sizes, fast, results["scaling"].values(), strict=True):
        if size in (sizes[0], sizes[-1]):
            silent = sum(r["fell_silent"]["values"])
            lines.append(
                f"{size} neurons {Estimate.from_json(r['rate_hz']):.1f} Hz, CV {r['cv_isi']['mean'] or 0:.2f}, "
                f"{1e3 / s['million_events_per_s']['mean']:.0f} ns a synaptic event"
                + (f" ({silent:.0f} of {len(r['fell_silent']['values'])} fell silent)" if silent else "")
            )
    beside = results["backends"]["conductances"]
    return (
        f"conductances: {'; '.join(lines)}; rates of {len(beside)} backends within {apart(beside):.1f} %. "
        f"Currents: {slow['rate_hz']['mean']:.1f} Hz"
    )


def apart(beside: dict[str, dict[str, float]]) -> float:
    """The percentage by which the highest rate of a backend lies above the lowest; NaN where one is silent."""
    rates = [r["rate_hz"] for r in beside.values()]
    return 100 * (max(rates) / min(rates) - 1) if min(rates) > 0 else float("nan")


def _on_backends(
    names: Sequence[str], neurons: int, duration_ms: float, seed: int
) -> tuple[dict[str, dict[str, dict[str, float]]], list[str]]:
    """Kind of synapses -> rate and CV on each backend that has the network, and the reasons of the others."""
    rates: dict[str, dict[str, dict[str, float]]] = {synapses: {} for synapses in KINDS}
    refusals = []
    for synapses, of in rates.items():
        for name in names:
            options: dict[str, Any] = {"target": "numpy"} if name == "brian2" else {}
            try:
                result = run(build(neurons, synapses), duration_ms=duration_ms, seed=seed, backend=name, **options)
            except (BackendNotAvailable, UnsupportedOnBackend) as error:
                refusals.append(f"{synapses}: not on {name}: " + " ".join(str(error).split())[:200])
                continue
            rate, cv = rate_and_cv(result)
            of[name] = {"rate_hz": rate, "cv_isi": cv, "spikes": float(spikes_of(result))}
    return rates, refusals


def _modular(timed: Callable[..., Any], neurons: int, duration_ms: float, seeds: Sequence[int]) -> dict[str, Estimate]:
    """Rate of the modular network, and where its time goes, in per cent."""
    parts: dict[str, list[float]] = {part: [] for part in ("rate_hz", *_PARTS)}
    steps = round(duration_ms / DT_MS)
    for seed in seeds:
        runs = [timed(neurons, seed, modules=MODULES, idle=idle) for idle in IDLE]
        runs.append(timed(neurons, seed, modules=MODULES, kicked=False))
        parts["rate_hz"].append(rate_and_cv(runs[0][0])[0])
        work = [(neurons * steps, spikes_of(result), events_of(result)) for result, _ in runs]
        shares = split_time(np.array(work, float), np.array([wall for _, wall in runs]))
        for part, share in zip(_PARTS, shares[0], strict=True):
            parts[part].append(100 * float(share))
    return Estimate.of_each(parts)


def split_time(work: np.ndarray, wall_s: np.ndarray) -> np.ndarray:
    """Share of the time of each kind of work (columns) in each run (rows); see the module's text.

    Least squares with prices >= 0: a kind whose price comes out below 0 is left out, and the others are fitted again.
    """
    scale = work.max(axis=0)
    kept = list(range(work.shape[1]))
    while kept:
        prices, *_ = np.linalg.lstsq(work[:, kept] / scale[kept], wall_s, rcond=None)
        if (prices >= 0).all():
            break
        kept.remove(kept[int(np.argmin(prices))])
    cost = np.zeros_like(work)
    cost[:, kept] = work[:, kept] / scale[kept] * prices
    return np.asarray(cost / cost.sum(axis=1, keepdims=True))


def _findings(
    rates: dict[str, dict[str, Estimate]],
    beside: dict[str, dict[str, dict[str, float]]],
    refusals: list[str],
    scaling: dict[str, dict[str, Estimate]],
    modular: dict[str, Estimate],
) -> Findings:
    rows: list[list[object]] = []
    for name, r in rates.items():
        synapses, size = name.removesuffix(" neurons").split(", ")
        times = scaling[size] if synapses == "conductances" else {}
        wall = [times.get(k, "-") for k in ("wall_s", "million_events_per_s")]
        silent = r["fell_silent"].values
        rows.append([name, r["rate_hz"], r["cv_isi"], f"{sum(silent):.0f} of {len(silent)}", *wall])
    notes = [f"{INTERVAL}; on other backends one seed"]
    for synapses, of in beside.items():
        rows += [
            [f"{synapses}, on {n}", f"{r['rate_hz']:.4g}", f"{r['cv_isi']:.3g}", "-", "-", "-"] for n, r in of.items()
        ]
        notes.append(f"{synapses}: largest difference of rates between backends: {apart(of):.2g} %")
    line = _line(scaling)
    if line is not None:
        notes.append(
            f"wall = {line['fixed_s']:.2g} s + {line['ns_per_event']:.3g} ns a synaptic event; R^2 = {line['r2']:.4f}"
        )
    shares = ", ".join(f"{part.replace('_', ' ')} {e}" for part, e in modular.items() if part != "rate_hz")
    notes += [f"modular, {modular['rate_hz']} Hz; time in %: {shares}", *refusals]
    results = {
        "rates": rates,
        "backends": beside,
        "scaling": scaling,
        "line": line,
        "modular": modular,
    }
    heads = ["network", "rate (Hz)", "CV of intervals", "fell silent", "wall (s)", "million events per s"]
    pictures: list[Picture] = [
        Line(
            [s["million_events"].mean for s in scaling.values()],
            {"wall": [s["wall_s"] for s in scaling.values()]},
            title="Wall time against synaptic events",
            x_label="million synaptic events",
            y_label="wall (s)",
            log_x=True,
            log_y=True,
        ),
        Bars(
            [part.replace("_", " ") for part in _PARTS],
            {"share": [modular[part] for part in _PARTS]},
            title=f"Where the time of {MODULES} modules goes",
            x_label="share of the wall time (%)",
        ),
    ]
    return Findings(results, heads, rows, notes, pictures)


def _line(scaling: dict[str, dict[str, Estimate]]) -> dict[str, float] | None:
    """Wall time as a straight line in synaptic events; none through fewer than three points."""
    if len(scaling) < 3:
        return None
    events = np.array([s["million_events"].mean for s in scaling.values()])
    wall = np.array([s["wall_s"].mean for s in scaling.values()])
    slope, fixed = np.polyfit(events, wall, 1)
    residual = wall - fixed - slope * events
    r2 = 1 - float(residual @ residual / np.sum((wall - wall.mean()) ** 2))
    return {"fixed_s": float(fixed), "ns_per_event": float(slope) * 1e3, "r2": r2}


EXPERIMENT = Experiment(
    name="balanced",
    title="Excitation and inhibition in balance, from 1,000 to 100,000 neurons",
    about=f"{balanced.__doc__}\n{__doc__}",
    source="Vogels and Abbott 2005, J. Neurosci. 25:10786; Brette et al. 2007",
    published="asynchronous and irregular: conductances 15 to 25 Hz, CV of intervals above .8; currents about 5 Hz",
    measured=measured,
    settings={"full": {"sizes": (1000, 4000, 16_000, 32_000, 64_000, 100_000), "modular_neurons": 16_000}},
    backend="native",
    run=experiment,
)
