r"""Experiment ``balanced``: a network of excitation and inhibition in balance, from 1,000 to 100,000 neurons.

Vogels and Abbott (2005, Journal of Neuroscience 25:10786), as benchmarks 1 and 2 of Brette et al. (2007, Journal of
Computational Neuroscience 23:349): four neurons of five excite, tau_m 20 ms, c_m 200 pF, spike at -50 mV, reset -60 mV,
5 ms refractory, tau_syn 5 ms (excitatory) and 10 ms (inhibitory), steps of .1 ms, and

    conductances:  leak to -60 mV; a spike adds 6 nS towards 0 mV, or 67 nS towards -80 mV
    currents:      leak to -49 mV; a spike adds what moves V by 1.62 mV or -9 mV (as currents: times c_m/tau_m)

Any two neurons are connected with the probability that gives 80 inputs in the mean (2 % of 4,000), whatever the size,
as in the scaling benchmarks of BrainPy, so that the work grows with the neurons. Delay 1 ms. Noise of 300 Hz a neuron
kicks the network of conductances for 50 ms; then it goes on by itself. Nothing else drives it, nothing is tuned.

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

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.analyse.activity import activity
from ernsnn.backend.registry import get_backend
from ernsnn.describe.connectors import Connector, FixedProbability, FromList, OneToOne
from ernsnn.describe.distributions import Uniform
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF, ConductanceLIF, Neuron
from ernsnn.describe.stimuli import Poisson, Schedule
from ernsnn.errors import BackendNotAvailable, InvalidModel, UnsupportedOnBackend, unknown
from ernsnn.report import charts
from ernsnn.result import Result, run
from ernsnn.studies.experiment import Estimate, Findings

SOURCE = "Vogels and Abbott 2005, J. Neurosci. 25:10786; Brette et al. 2007"
PUBLISHED = "asynchronous and irregular: conductances 15 to 25 Hz, CV of intervals above .8; currents about 5 Hz"
SETTINGS = {"full": {"sizes": (1000, 4000, 16_000, 32_000, 64_000, 100_000), "modular_neurons": 16_000}}
MODULES, IN_DEGREE, IDLE = 16, 80, (0, 240)
_DT_MS, _DELAY_MS, _KICK_MS, _KICK_HZ = 0.1, 1.0, 50.0, 300.0
_PARTS = ("neuron_update", "delivery", "synapses")
_SETTLED_MS = 200.0
"""What comes before does not count for rates and intervals."""
_LAST_MS = 50.0
_COMMON: dict[str, Any] = {
    "cm_nF": 0.2,
    "tau_m_ms": 20.0,
    "tau_refrac_ms": 5.0,
    "tau_syn_E_ms": 5.0,
    "tau_syn_I_ms": 10.0,
    "v_reset_mV": -60.0,
    "v_threshold_mV": -50.0,
    "v_init_mV": Uniform(-60.0, -50.0),
}
_MV = _COMMON["cm_nF"] / _COMMON["tau_m_ms"]
"""The current in nA that moves V by 1 mV in the end."""


@dataclass(frozen=True)
class Kind:
    """Neurons, and what a spike adds: argument of ``Network.projection``, excitatory, inhibitory, and a kick."""

    cell: Neuron
    unit: str
    weights: tuple[float, float]
    kick: float


KINDS = {
    "conductances": Kind(
        ConductanceLIF(**_COMMON, v_rest_mV=-60.0, e_rev_E_mV=0.0, e_rev_I_mV=-80.0),
        "weight_uS",
        (0.006, 0.067),
        0.024,
    ),
    "currents": Kind(LIF(**_COMMON, v_rest_mV=-49.0), "weight_nA", (1.62 * _MV, 9.0 * _MV), 0.0),
}


def build(
    neurons: int = 4000,
    synapses: str = "conductances",
    modules: int = 1,
    idle: int = 0,
    kicked: bool = True,
    seed: int = 0,
) -> Network:
    """The network of the module's text: population ``cells``, the excitatory neurons first.

    With several ``modules`` each has a slice of the excitatory and one of the inhibitory neurons, and ``seed`` draws
    the synapses. ``idle``: so many further inputs a neuron in the mean, which weigh nothing.
    """
    if synapses not in KINDS:
        raise InvalidModel(unknown("balanced: no synapses", synapses, KINDS))
    if modules < 1 or idle < 0 or neurons < max(IN_DEGREE, idle):
        raise InvalidModel(
            f"balanced: needs modules >= 1, idle >= 0, and at least {IN_DEGREE} neurons and as many as idle inputs, "
            f"got {modules} modules, {idle} idle inputs and {neurons} neurons"
        )
    kind = KINDS[synapses]

    def sends(weight: float) -> dict[str, Any]:
        return {kind.unit: weight, "delay_ms": _DELAY_MS}

    net = Network(name="balanced", dt_ms=_DT_MS)
    cells = net.population("cells", neurons, kind.cell)
    if kicked and kind.kick:
        kick = net.population("kick", neurons, Poisson(Schedule([0.0, _KICK_MS], [_KICK_HZ, 0.0])))
        net.projection("kicks", kick, cells, OneToOne(), **sends(kind.kick))
    n_E = neurons * 4 // 5
    connectors: list[Connector] = [FixedProbability(IN_DEGREE / neurons)] * 2
    if modules > 1:
        connectors = [FromList(pairs) for pairs in modular_pairs(neurons, n_E, modules, seed)]
    net.projection("excites", cells[:n_E], cells, connectors[0], **sends(kind.weights[0]))
    net.projection("inhibits", cells[n_E:], cells, connectors[1], receptor="inhibitory", **sends(kind.weights[1]))
    if idle:
        nothing = FixedProbability(idle / neurons)
        net.projection("idle", cells, cells, nothing, **sends(0.0))
    return net


def modular_pairs(neurons: int, n_E: int, modules: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(pre, post) of the excitatory and of the inhibitory synapses; inhibitory pre count from ``n_E`` on.

    Of 64 excitatory inputs in the mean a quarter comes from other modules, any; the rest and all 16 inhibitory ones are
    the module's own. Their numbers are binomial, as if every pair were drawn; sources are drawn with replacement.
    """
    rng = np.random.default_rng(seed)
    sizes = {"E": module_sizes(n_E, modules), "I": module_sizes(neurons - n_E, modules)}
    if min(sizes["I"]) < IN_DEGREE // 5:
        raise InvalidModel(
            f"balanced: {neurons} neurons are too few for {modules} modules: the smallest has {min(sizes['I'])} "
            f"inhibitory ones, and its neurons need {IN_DEGREE // 5} in the mean; take more neurons or fewer modules"
        )
    start = {kind: np.concatenate([[0], np.cumsum(s)]) for kind, s in sizes.items()}
    module = np.concatenate([np.repeat(np.arange(modules), s) for s in sizes.values()])

    def drawn(first: np.ndarray, pool: np.ndarray, mean: int) -> np.ndarray:
        """(offset from ``first`` in the pool, post) for every neuron."""
        post = np.repeat(np.arange(neurons), rng.binomial(pool, mean / pool))
        return np.column_stack([first[post] + rng.integers(0, pool[post]), post])

    def own(kind: str, mean: int) -> np.ndarray:
        return drawn(start[kind][module], np.asarray(sizes[kind])[module], mean)

    # Any excitatory neuron but those of the own module: the numbers from its first on are shifted by its size.
    size = np.asarray(sizes["E"])[module]
    far = drawn(np.zeros(neurons, int), n_E - size, IN_DEGREE // 5)
    far[:, 0] += np.where(far[:, 0] >= start["E"][module][far[:, 1]], size[far[:, 1]], 0)
    return np.concatenate([own("E", 3 * IN_DEGREE // 5), far]), own("I", IN_DEGREE // 5)


def module_sizes(neurons: int, modules: int) -> list[int]:
    """Sizes from .25 to 1.75 times the mean, that sum up to ``neurons``."""
    shares = np.linspace(0.25, 1.75, modules) if modules > 1 else np.ones(1)
    ends = np.round(neurons * np.cumsum(shares) / shares.sum()).astype(int)
    return [int(n) for n in np.diff(ends, prepend=0)]


def rate_and_cv(result: Result) -> tuple[float, float]:
    """Rate in Hz and CV of intervals, once the network has settled."""
    skip, steps = round(_SETTLED_MS / _DT_MS), result.recording.n_steps
    at, neurons = result.recording.spikes["cells"]
    late, size = at >= skip, result.graph.population("cells").size
    found = activity("cells", size, at[late] - skip, neurons[late], steps - skip, result.graph.dt_ms, bin_steps=50)
    return found.rate_hz, float("nan") if found.cv_isi is None else found.cv_isi


def lasts(result: Result) -> bool:
    """Whether anything fires in the last 50 ms."""
    steps, _ = result.recording.spikes["cells"]
    return bool(steps.max(initial=-1) >= result.recording.n_steps - round(_LAST_MS / _DT_MS))


def spikes_of(result: Result) -> int:
    """How many the network had."""
    return result.spike_counts["cells"]


def experiment(
    *,
    backend: str = "native",
    seeds: Sequence[int] = tuple(range(5)),
    progress: Callable[[float], None] = lambda fraction: None,
    sizes: tuple[int, ...] = (1000, 4000, 16_000),
    duration_ms: float = 1000.0,
    backends: tuple[str, ...] = ("reference", "brian2", "nest", "loihi-emulator"),
    backends_neurons: int = 4000,
    modular_neurons: int = 8000,
) -> Findings:
    """Rates and times on ``backend`` at ``sizes``, and rates on ``backends`` beside it, of ``backends_neurons``.

    Every run lasts ``duration_ms``; the other backends get the first seed.
    """
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
            "fell_silent": Estimate.of([not lasts(result) for result, _ in runs]),
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
    """How many spikes reached a synapse's target: every spike once for each of its neuron's synapses."""
    _, neurons = result.recording.spikes["cells"]
    size = result.graph.population("cells").size
    spikes, synapses = np.bincount(neurons, minlength=size), np.zeros(size, int)
    for p in result.graph.projections:
        if p.pre == "cells":
            of = slice(p.pre_start, p.pre_start + p.connectivity.n_pre)
            synapses[of] += np.diff(p.connectivity.indptr)
    return int(spikes @ synapses)


def measured(results: dict[str, Any]) -> str:
    """A line for the table of published systems."""
    slow, *fast = results["rates"].values()
    sizes = list(results["scaling"])
    told = []
    for size, r, s in zip(sizes, fast, results["scaling"].values(), strict=True):
        if size in (sizes[0], sizes[-1]):
            silent, rate = sum(r["fell_silent"]["values"]), r["rate_hz"]
            told.append(
                f"{size} neurons {rate['mean']:.1f} ± {rate['ci95'] or 0:.1f} Hz, CV {r['cv_isi']['mean'] or 0:.2f}, "
                f"{1e3 / s['million_events_per_s']['mean']:.0f} ns a synaptic event"
                + (f" ({silent:.0f} of {len(r['fell_silent']['values'])} fell silent)" if silent else "")
            )
    beside = results["backends"]["conductances"]
    return (
        f"conductances: {'; '.join(told)}; rates of {len(beside)} backends within {apart(beside):.1f} %. "
        f"Currents: {slow['rate_hz']['mean']:.1f} Hz"
    )


def apart(beside: dict[str, dict[str, float]]) -> float:
    """By how many per cent the highest rate of a backend lies above the lowest; NaN where one is silent."""
    rates = [r["rate_hz"] for r in beside.values()]
    return 100 * (max(rates) / min(rates) - 1) if min(rates) > 0 else float("nan")


def _on_backends(
    names: Sequence[str], neurons: int, duration_ms: float, seed: int
) -> tuple[dict[str, dict[str, dict[str, float]]], list[str]]:
    """By synapses: rate and CV on each backend that has the network, and why others have not."""
    found: dict[str, dict[str, dict[str, float]]] = {synapses: {} for synapses in KINDS}
    refusals = []
    for synapses, of in found.items():
        for name in names:
            options: dict[str, Any] = {"target": "numpy"} if name == "brian2" else {}
            try:
                result = run(build(neurons, synapses), duration_ms=duration_ms, seed=seed, backend=name, **options)
            except (BackendNotAvailable, UnsupportedOnBackend) as error:
                refusals.append(f"{synapses}: not on {name}: " + " ".join(str(error).split())[:200])
                continue
            rate, cv = rate_and_cv(result)
            of[name] = {"rate_hz": rate, "cv_isi": cv, "spikes": float(spikes_of(result))}
    return found, refusals


def _modular(timed: Callable[..., Any], neurons: int, duration_ms: float, seeds: Sequence[int]) -> dict[str, Estimate]:
    """Rate of the modular network, and where its time goes, in per cent."""
    found: dict[str, list[float]] = {part: [] for part in ("rate_hz", *_PARTS)}
    steps = round(duration_ms / _DT_MS)
    for seed in seeds:
        runs = [timed(neurons, seed, modules=MODULES, idle=idle) for idle in IDLE]
        runs.append(timed(neurons, seed, modules=MODULES, kicked=False))
        found["rate_hz"].append(rate_and_cv(runs[0][0])[0])
        work = [(neurons * steps, spikes_of(result), events_of(result)) for result, _ in runs]
        shares = split_time(np.array(work, float), np.array([wall for _, wall in runs]))
        for part, share in zip(_PARTS, shares[0], strict=True):
            found[part].append(100 * float(share))
    return {part: Estimate.of(values) for part, values in found.items()}


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
    rows = []
    for name, r in rates.items():
        synapses, size = name.removesuffix(" neurons").split(", ")
        times = scaling[size] if synapses == "conductances" else {}
        wall = [str(times[k]) if times else "-" for k in ("wall_s", "million_events_per_s")]
        silent = r["fell_silent"].values
        rows.append([name, str(r["rate_hz"]), str(r["cv_isi"]), f"{sum(silent):.0f} of {len(silent)}", *wall])
    notes = ["mean ± 95 % interval over seeds; on other backends one seed"]
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
        "rates": {name: {k: e.to_json() for k, e in r.items()} for name, r in rates.items()},
        "backends": beside,
        "scaling": {name: {k: e.to_json() for k, e in s.items()} for name, s in scaling.items()},
        "line": line,
        "modular": {part: e.to_json() for part, e in modular.items()},
    }
    heads = ["network", "rate (Hz)", "CV of intervals", "fell silent", "wall (s)", "million events per s"]
    pictures = [
        charts.line(
            [s["million_events"].mean for s in scaling.values()],
            {"wall": [s["wall_s"] for s in scaling.values()]},
            title="Wall time against synaptic events",
            x_label="million synaptic events",
            y_label="wall (s)",
            log_x=True,
            log_y=True,
        ),
        charts.bars(
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
