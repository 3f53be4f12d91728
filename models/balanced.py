r"""Experiment ``balanced``: a network of excitation and inhibition in balance, from 1,000 to 100,000 neurons.

Vogels and Abbott (2005, Journal of Neuroscience 25:10786) with current-based synapses, as in Brette et al. (2007):

    tau_m dV/dt = -(V + 60 mV) + drive + R (I_E - I_I),  spike at -50 mV, reset -60 mV, 5 ms refractory, tau_m 20 ms
    dI_E/dt = -I_E/5 ms,  dI_I/dt = -I_I/10 ms;  a spike adds 1.62 mV/R to I_E or 9 mV/R to I_I of its targets

Four neurons of five excite. Each has 64 excitatory and 16 inhibitory inputs whatever the size (2 % of 4,000), as in the
scaling benchmarks of BrainPy, so that the work grows with the neurons. Delay 1 ms, steps of .1 ms.

Published: a drive of 11 mV and synapses of current or conductance. With currents and that drive the network is
irregular but slow (``published``); the 15 to 25 Hz of the literature are those of conductances, which the package's
neurons have not. ``driven`` is the same network with a drive of 30 mV: of 20, 25 and 30, tried on seed 100 alone, the
one whose rate was nearest to 20 Hz.

Wall times are of the simulation alone. The modular network has 16 modules, the largest 7 times the smallest; of a
neuron's 64 excitatory inputs 16 come from other modules. Its time is split by least squares over four runs (no
spikes; 20, 80 and 320 inputs with weights in inverse proportion):

    wall = a neurons * steps (neuron update) + b spikes (delivery) + c synaptic events (synapses)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ernsnn.analyse.activity import activity
from ernsnn.analyse.result import Result
from ernsnn.describe.connectors import Connector, FixedInDegree, FromList
from ernsnn.describe.distributions import Uniform
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.errors import BackendNotAvailable, InvalidModel, UnsupportedOnBackend
from ernsnn.execution.experiments import Estimate, Findings
from ernsnn.execution.simulate import run
from ernsnn.report import charts

SOURCE = "Vogels and Abbott 2005, J. Neurosci. 25:10786; Brette et al. 2007"
PUBLISHED = "asynchronous and irregular, 15 to 25 Hz with synapses of conductance"
DRIVES_MV = {"published": 11.0, "driven": 30.0}
MODULES, IN_DEGREE = 16, 80
_DT_MS, _R_MOHM, _E_MV, _I_MV = 0.1, 100.0, 1.62, 9.0
_PARTS = ("neuron_update", "delivery", "synapses")
_SETTLED_MS = 200.0
"""What comes before does not count for rates and intervals."""


def build(
    neurons: int = 4000,
    drive_mV: float = DRIVES_MV["driven"],
    in_degree: int = IN_DEGREE,
    modules: int = 1,
    seed: int = 0,
) -> Network:
    """The network of the module's text: population ``cells``, the excitatory neurons first.

    ``in_degree`` is a multiple of 20; weights are in inverse proportion to it. With several ``modules`` each has a
    slice of the excitatory and one of the inhibitory neurons, and ``seed`` draws the synapses.
    """
    if modules < 1 or in_degree < 20 or in_degree % 20 or neurons < 20 * modules:
        raise InvalidModel(
            f"balanced: needs 20, 40, ... inputs, modules >= 1 and 20 neurons a module, got {in_degree} inputs, "
            f"{modules} modules and {neurons} neurons"
        )
    net = Network(name="balanced", dt_ms=_DT_MS)
    cells = net.population(
        "cells",
        neurons,
        LIF(
            cm_nF=20.0 / _R_MOHM,
            tau_m_ms=20.0,
            tau_refrac_ms=5.0,
            tau_syn_E_ms=5.0,
            tau_syn_I_ms=10.0,
            v_rest_mV=-60.0,
            v_reset_mV=-60.0,
            v_threshold_mV=-50.0,
            i_offset_nA=drive_mV / _R_MOHM,
            v_init_mV=Uniform(-60.0, -50.0),
        ),
    )
    n_E, n_inhibitory = neurons * 4 // 5, in_degree // 5
    excites: Connector = FixedInDegree(in_degree - n_inhibitory)
    inhibits: Connector = FixedInDegree(n_inhibitory)
    if modules > 1:
        excites, inhibits = (FromList(p) for p in modular_pairs(neurons, n_E, modules, in_degree, seed))
    weaker = IN_DEGREE / in_degree / _R_MOHM
    net.projection("excites", cells[:n_E], cells, excites, weight_nA=_E_MV * weaker, delay_ms=1.0)
    net.projection(
        "inhibits", cells[n_E:], cells, inhibits, weight_nA=_I_MV * weaker, delay_ms=1.0, receptor="inhibitory"
    )
    return net


def modular_pairs(neurons: int, n_E: int, modules: int, in_degree: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(pre, post) of the excitatory and of the inhibitory synapses; inhibitory pre count from ``n_E`` on.

    A neuron has three quarters of its excitatory inputs and all its inhibitory ones from its own module; each of the
    others comes from any other module. Sources are drawn with replacement.
    """
    rng = np.random.default_rng(seed)
    sizes = {"E": module_sizes(n_E, modules), "I": module_sizes(neurons - n_E, modules)}
    start = {kind: np.concatenate([[0], np.cumsum(s)]) for kind, s in sizes.items()}
    module = np.concatenate([np.repeat(np.arange(modules), s) for s in sizes.values()])
    own, far, inhibitory = 3 * in_degree // 5, in_degree // 5, in_degree // 5

    def within(kind: str, count: int) -> np.ndarray:
        low, high = start[kind][module], start[kind][module + 1]
        return rng.integers(low[:, None], high[:, None], size=(neurons, count))

    # Any excitatory neuron but those of the own module: the numbers beyond it are shifted by its size.
    size = np.asarray(sizes["E"])[module][:, None]
    other = rng.integers(0, n_E - size, size=(neurons, far))
    other += np.where(other >= start["E"][module][:, None], size, 0)
    pre_E, pre_I = np.hstack([within("E", own), other]), within("I", inhibitory)
    post = np.arange(neurons)
    return tuple(np.column_stack([p.ravel(), np.repeat(post, p.shape[1])]) for p in (pre_E, pre_I))  # type: ignore[return-value]


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


def spikes_of(result: Result) -> int:
    """How many there were."""
    return result.spike_counts["cells"]


def experiment(
    *,
    backend: str = "native",
    seeds: Sequence[int] = tuple(range(5)),
    progress: Callable[[float], None] = lambda fraction: None,
    sizes: tuple[int, ...] = (1000, 4000, 16_000, 64_000),
    duration_ms: float = 1000.0,
    backends: tuple[str, ...] = ("reference", "brian2", "nest", "loihi-emulator"),
    backends_neurons: int = 1000,
    modular_neurons: int = 16_000,
) -> Findings:
    """Rates and times on ``backend`` at ``sizes``, and rates on ``backends`` beside it, of ``backends_neurons``.

    Every run lasts ``duration_ms``; the other backends get the first seed. Full setting: sizes up to 100,000.
    """
    if not sizes or min(sizes) < 400 or duration_ms <= 2 * _SETTLED_MS:
        raise InvalidModel(f"balanced: needs sizes of at least 400 and duration_ms above {2 * _SETTLED_MS:g}")

    def timed(neurons: int, seed: int, **how: Any) -> tuple[Result, float]:
        result = run(build(neurons, seed=seed, **how), duration_ms=duration_ms, seed=seed, backend=backend)
        return result, float(result.meta["wall_s"])

    timed(400, seeds[0])  # compiles, which is not timed
    rates: dict[str, dict[str, Any]] = {}
    walls: dict[int, list[float]] = {int(n): [] for n in sizes}
    events: dict[int, list[float]] = {int(n): [] for n in sizes}
    for kind, drive in DRIVES_MV.items():
        for n in sizes if kind == "driven" else [4000]:
            pairs = []
            for seed in seeds:
                result, wall = timed(int(n), seed, drive_mV=drive)
                pairs.append(rate_and_cv(result))
                if kind == "driven":
                    walls[int(n)].append(wall)
                    events[int(n)].append(float(spikes_of(result) * IN_DEGREE))
            rates[f"{kind}, {n} neurons"] = {
                "rate_hz": Estimate.of([rate for rate, _ in pairs]),
                "cv_isi": Estimate.of([cv for _, cv in pairs]),
            }
            progress(len(rates) / (len(sizes) + 3))
    beside, refusals = _on_backends((backend, *backends), backends_neurons, duration_ms, int(seeds[0]))
    progress((len(rates) + 1) / (len(sizes) + 3))
    modular = _modular(timed, modular_neurons, duration_ms, seeds)
    progress(1.0)
    scaling = {
        str(n): {
            "wall_s": Estimate.of(walls[n]),
            "million_events": Estimate.of([e / 1e6 for e in events[n]]),
            "million_events_per_s": Estimate.of([e / w / 1e6 for e, w in zip(events[n], walls[n], strict=True)]),
        }
        for n in walls
    }
    return _findings(rates, beside, refusals, scaling, modular)


def measured(results: dict[str, Any]) -> str:
    """A line for the table of published systems."""
    rates = [r["rate_hz"]["mean"] for r in results["rates"].values()]
    cv = [r["cv_isi"]["mean"] for r in list(results["rates"].values())[1:]]
    line = results["line"]
    linear = f"; all time over synaptic events {line['ns_per_event']:.0f} ns (R^2 {line['r2']:.3f})" if line else ""
    return (
        f"synapses of current: {rates[0]:.1f} Hz as published, {rates[-1]:.1f} Hz driven harder, CV {cv[0]:.2f} "
        f"at the smallest size, {cv[-1]:.2f} at the largest{linear}"
    )


def _on_backends(
    names: Sequence[str], neurons: int, duration_ms: float, seed: int
) -> tuple[dict[str, dict[str, float]], list[str]]:
    """Rate and CV of the driven network on each backend that has it, and why others have not."""
    found, refusals = {}, []
    for name in names:
        options: dict[str, Any] = {"target": "numpy"} if name == "brian2" else {}
        try:
            result = run(build(neurons), duration_ms=duration_ms, seed=seed, backend=name, **options)
        except (BackendNotAvailable, UnsupportedOnBackend) as error:
            refusals.append(f"not on {name}: " + " ".join(str(error).split())[:200])
            continue
        rate, cv = rate_and_cv(result)
        found[name] = {"rate_hz": rate, "cv_isi": cv, "spikes": float(spikes_of(result))}
    return found, refusals


def _modular(timed: Callable[..., Any], neurons: int, duration_ms: float, seeds: Sequence[int]) -> dict[str, Estimate]:
    """Rate of the modular network, and where its time goes, in per cent."""
    found: dict[str, list[float]] = {part: [] for part in ("rate_hz", *_PARTS)}
    steps = round(duration_ms / _DT_MS)
    for seed in seeds:
        work, walls = [], []
        for in_degree in (20, IN_DEGREE, 320):
            result, wall = timed(neurons, seed, modules=MODULES, in_degree=in_degree)
            work.append((neurons * steps, spikes_of(result), spikes_of(result) * in_degree))
            walls.append(wall)
            if in_degree == IN_DEGREE:
                found["rate_hz"].append(rate_and_cv(result)[0])
        _, wall = timed(neurons, seed, modules=MODULES, drive_mV=0.0)
        shares = split_time(np.array([*work, (neurons * steps, 0, 0)], float), np.array([*walls, wall]))
        for part, share in zip(_PARTS, shares[1], strict=True):
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
    beside: dict[str, dict[str, float]],
    refusals: list[str],
    scaling: dict[str, dict[str, Estimate]],
    modular: dict[str, Estimate],
) -> Findings:
    rows = []
    for name, r in rates.items():
        times = scaling.get(name.removeprefix("driven, ").removesuffix(" neurons"))
        measured = [str(times["wall_s"]), str(times["million_events_per_s"])] if times else ["-", "-"]
        rows.append([name, str(r["rate_hz"]), str(r["cv_isi"]), *measured])
    rows += [[f"driven, on {n}", f"{r['rate_hz']:.4g}", f"{r['cv_isi']:.3g}", "-", "-"] for n, r in beside.items()]
    spread = [r["rate_hz"] for r in beside.values()]
    notes = ["mean ± 95 % interval over seeds; on other backends one seed"]
    if len(spread) > 1:
        notes.append(f"largest difference of rates between backends: {100 * (max(spread) / min(spread) - 1):.2g} %")
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
    heads = ["network", "rate (Hz)", "CV of intervals", "wall (s)", "million events per s"]
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
