r"""Experiment ``homeostasis``: a network holds its rate by loops of four time scales, alone and with a coordinator.

80 excitatory and 20 inhibitory DeltaLIF neurons (tau 20 ms; V jumps by the weight) with 100 Poisson inputs of 20 Hz,
whose synapses are all the noise there is. Recurrent excitation is held by inhibition, as in cortex: without any loop
the network fires at about 5 Hz, and runs away to more than 100 Hz where inhibition is halved. Each excitatory neuron
has loops that compare its calcium C (a leaky count of its spikes over 2 s) with C0, that of r0 = 5 Hz; e = C/C0 - 1:

    5 ms    a current of -a nA at each of its spikes, decaying with 5 ms
    2 s     its threshold is b (C - C0) mV higher
    5 min   V is shifted by h mV (within +-20): dh/dt = -k 3 mV e/(5 min)                (intrinsic plasticity)
    1 h     its excitatory weights, up to 8 times the first ones: dw/dt = -k w e/(1 h)   (synaptic scaling)

The first two act at once and leave a part of every error; the others leave none and need time. Of each network one
coordinator hears all excitatory neurons over 2 s: while their rate is more than 10 % (half of what is tolerated) away
from r0 both slow loops run k = ``HURRY`` times as fast, otherwise at their own speed, k = 1. Minutes and hours pass
``speed_up`` times faster than in nature; milliseconds and seconds do not.

Protocol. Every network settles, then is struck six times, each after ``window_s``: input is threefold, and as before;
30 % of the excitatory synapses onto excitatory neurons are lost, those of inputs too, and grow again with their first
weight; inhibition is halved, and as before. A loop that has balanced a blow thus meets the opposite one. In the end,
the input is half as strong again for a second, ``PULSES`` times: the ``answer`` is by how much the rate is then higher.
A loop so strong that the network no longer answers holds its rate, but holds it against what the network is for.

Judgement. A network has recovered from a blow from the second on since which its mean over 10 s has been within 20 %
of r0, up to the next blow; it fails when it has not, or has run away: a mean over 3 s above 10 r0. Without recovery
``window_s`` counts in the mean time.

A fair comparison. A single slow loop runs alone at its own speed, and ``hurried``: always k times as fast, at the k
that served it best and leaves it slower than the loop of 2 s; that may be more than the coordinator ever gives.
Strengths were chosen on seeds 100 to 102 by fewest failures, then fastest recovery, of the grids a = .5, 2 nA; b = .3,
.6 (1.2 leaves a third of the answer; half was asked for); k = 16, 64, 256. There, struck as in the full setting, 5 min
failed 1, 2 and 3 times of 18 (recovery 30, 22, 21 s) and 1 h 2, 0 and 0 times (40, 22, 14 s). Synaptic scaling within
seconds is told beside them as ``1 h, in seconds`` (k = 1024): no loop of hours any more, but one loop, and on those
seeds as good as all four. ``HURRY`` is the largest k of the grid that leaves both slow loops slower than that of 2 s
(with 16, 64, 256 all four, coordinated, never failed and recovered in 9, .9, .1 s).
``all, hurried`` has the four loops with k = HURRY at all times: what it does as well is not the coordinator's merit.
The quick setting cannot tell how much sooner recovery is: six times as fast, ``1 h, hurried`` is a loop of seconds.

The network was chosen on seeds 100 and 101 for what is said of it above, before any loop was tried. All conditions
play on the same networks and inputs. No published experiment has these loops together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.astrocytes import Modulator, ThirdFactor
from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import DeltaLIF
from ernsnn.describe.populations import Population
from ernsnn.describe.stimuli import Poisson, Schedule
from ernsnn.errors import InvalidModel
from ernsnn.report import charts
from ernsnn.result import Result, run
from ernsnn.studies.experiment import Estimate, Findings

SOURCE = "no single paper: the loops are of Turrigiano 2008 (Cell 135:422) and Zenke et al. 2013"
PUBLISHED = "no figures: no published experiment has these four loops together"
SETTINGS = {"full": {"tries": 4, "window_s": 120, "speed_up": 2.0}}


@dataclass(frozen=True)
class Loops:
    """The strengths of a network's loops; 0: it has none."""

    a_nA: float = 0.0
    b_mV: float = 0.0
    k_minutes: float = 0.0
    k_hours: float = 0.0
    k_coordinated: float = 0.0
    """What the coordinator makes of both k where it sees need."""


HURRY = 64.0
_BESIDE = ("1 h, in seconds", "all, hurried")
"""What the coordinated loops are held against, beside the best single one."""
SINGLE = {
    "5 ms": Loops(a_nA=0.5),
    "2 s": Loops(b_mV=0.6),
    "5 min": Loops(k_minutes=1.0),
    "5 min, hurried": Loops(k_minutes=16.0),
    "1 h": Loops(k_hours=1.0),
    "1 h, hurried": Loops(k_hours=256.0),
}
CONDITIONS = {
    "none": Loops(),
    **SINGLE,
    "1 h, in seconds": Loops(k_hours=1024.0),
    "all": Loops(0.5, 0.3, 1.0, 1.0),
    "all, hurried": Loops(0.5, 0.3, HURRY, HURRY),
    "all, coordinated": Loops(0.5, 0.3, 1.0, 1.0, k_coordinated=HURRY),
}
BLOWS = (
    "threefold input",
    "input as before",
    "30 % of synapses lost",
    "synapses regrown",
    "inhibition halved",
    "inhibition as before",
)
R0_HZ, INPUT_HZ, N_E, N_I, N_IN, PULSES = 5.0, 20.0, 80, 20, 100, 6
_EPOCH_MS, _TAU_C_MS, _TOLERATED, _MEAN_S, _RUNAWAY_S = 100.0, 2000.0, 0.2, 10, 3
_C0 = R0_HZ * _TAU_C_MS / 1000
_SIZES = {"inputs": N_IN, "excites": N_E, "inhibits": N_I}
_SYNAPSES = {  # pre, post, inputs a neuron, weight in mV
    "to_E": ("inputs", "excites", 20, 1.0),
    "to_I": ("inputs", "inhibits", 20, 0.5),
    "EE": ("excites", "excites", 16, 3.0),
    "EI": ("excites", "inhibits", 16, 3.0),
    "IE": ("inhibits", "excites", 5, 8.0),
    "II": ("inhibits", "inhibits", 5, 2.0),
}
_SCALED = ("to_E", "EE")


@dataclass(frozen=True, eq=False)
class Wiring:
    """The synapses of ``networks`` side by side: (pre, post) by projection, and which of the scaled ones get lost."""

    networks: int
    pairs: dict[str, np.ndarray]
    lost: dict[str, np.ndarray]


def wire(seeds: Sequence[int], tries: int) -> Wiring:
    """One network for every seed and try, the try changing fastest; each neuron has inputs drawn with replacement."""
    draws = [np.random.default_rng([seed, k]) for seed in seeds for k in range(tries)]
    pairs, lost = {}, {}
    for name, (pre, post, degree, _) in _SYNAPSES.items():
        n_pre, n_post = _SIZES[pre], _SIZES[post]
        drawn = np.concatenate([rng.integers(0, n_pre, n_post * degree) + k * n_pre for k, rng in enumerate(draws)])
        listed = np.column_stack([drawn, np.repeat(np.arange(len(draws) * n_post), degree)])
        pairs[name] = listed[np.lexsort(listed.T[::-1])]  # as a graph has them
        lost[name] = np.concatenate([rng.random(n_post * degree) < 0.3 for rng in draws])
    return Wiring(len(draws), pairs, {name: lost[name] for name in _SCALED})


def build(
    loops: Loops,
    wiring: Wiring,
    rate_hz: float | Schedule = INPUT_HZ,
    weights_mV: Mapping[str, np.ndarray] | None = None,
    speed_up: float = 1.0,
) -> Network:
    """The networks of ``wiring`` side by side, with inputs of ``rate_hz``; ``weights_mV``: those that are others."""
    net, n = Network(name="homeostasis", dt_ms=1.0), wiring.networks
    cell: dict[str, Any] = {"tau_m_ms": 20.0, "tau_refrac_ms": 2.0}
    excites = net.population("excites", n * N_E, DeltaLIF(**cell, v_threshold_mV=-50.0 - loops.b_mV * _C0))
    inhibits = net.population("inhibits", n * N_I, DeltaLIF(**cell, i_offset_nA=0.2))
    populations = {"inputs": net.population("inputs", n * N_IN, Poisson(rate_hz))}
    populations |= {"excites": excites, "inhibits": inhibits}
    calcium = net.astrocyte("calcium", [excites], tau_ms=_TAU_C_MS, per="neuron", initial=_C0)
    if loops.a_nA:
        fast = net.astrocyte("fast", [excites], tau_ms=5.0, per="neuron")
        net.modulate(excites, fast, "i_offset_nA", gain=-loops.a_nA)
    if loops.b_mV:
        net.modulate(excites, calcium, "v_threshold_mV", gain=loops.b_mV)
    factors: dict[str, Modulator] = {"C": calcium}
    if loops.k_coordinated:
        factors["need"] = _coordinator(net, excites)
    third = {name: ThirdFactor(modulator=factor, per="post") for name, factor in factors.items()}
    if loops.k_minutes:
        # A cell that spikes in every step, so that its weight is a current.
        clock = net.population("clock", 1, DeltaLIF(v_rest_mV=0.0, v_reset_mV=0.0, v_threshold_mV=1.0, i_offset_nA=2.0))
        per_mV = 1 - np.exp(-1 / 20)
        rule = _slow("-each", 3.0 * per_mV * speed_up / 300, loops.k_minutes, loops, (-20 * per_mV, 20 * per_mV))
        net.projection("shift", clock, excites, weight_mV=0.0, receptor="signed", learning=rule, third_factors=third)
    for name, (pre, post, _, w_mV) in _SYNAPSES.items():
        scaled: dict[str, Any] = {}
        if loops.k_hours and name in _SCALED:
            rule = _slow("-each * w", speed_up / 3600, loops.k_hours, loops, (0.0, 8 * w_mV))
            scaled = {"learning": rule, "third_factors": third}
        net.projection(
            name,
            populations[pre],
            populations[post],
            FromList(wiring.pairs[name]),
            weight_mV=(weights_mV or {}).get(name, w_mV),
            receptor="inhibitory" if name[0] == "I" else "excitatory",
            **scaled,
        )
    return net


def _coordinator(net: Network, excites: Population) -> Modulator:
    """1 where the network's rate is away from r0. It is there once for each neuron, as third factors are.

    A relay without leak counts the spikes of its network up to 40, and tells the astrocytes. It misses those that
    arrive with the one that completes the count, about 5 (found on seeds 100 to 102, within 10 %).
    """
    n, of_one = excites.size // N_E, np.arange(N_E)
    cell = DeltaLIF(tau_m_ms=1e6, v_rest_mV=0.0, v_reset_mV=0.0, v_threshold_mV=39.5)
    relay = net.population("relay", excites.size, cell)
    pairs = np.column_stack([np.repeat(of_one, N_E), np.tile(of_one, N_E)])
    net.projection("heard", excites, relay, FromList(_side_by_side(pairs, n)), weight_mV=1.0)
    expected = N_E / 45 * _C0
    sides = [
        net.astrocyte(
            name,
            [relay],
            tau_ms=_TAU_C_MS,
            per="neuron",
            weight=sign,
            initial=sign * expected,
            threshold=sign * (1 + sign * _TOLERATED / 2) * expected,
        )
        for name, sign in (("above", 1.0), ("below", -1.0))
    ]
    return net.either("need", sides)


def _side_by_side(pairs: np.ndarray, networks: int) -> np.ndarray:
    """(pre, post) of one network of excitatory neurons, for all."""
    return np.asarray((pairs + np.arange(networks)[:, None, None] * N_E).reshape(-1, 2))


def _slow(change: str, each_s: float, k: float, loops: Loops, bounds: tuple[float, float]) -> LearningRule:
    """d/dt w = ``change`` k e, where ``each`` is ``each_s``, and k that of the coordinator where there is need."""
    coordinated = f" * (1 + {loops.k_coordinated / k - 1} * need)" if loops.k_coordinated else ""
    return LearningRule.from_equations(
        on_epoch={"w": f"{change} * (C/C0 - 1)" + coordinated},
        parameters={"each": k * each_s * _EPOCH_MS / 1000, "C0": _C0},
        bounds={"w": bounds},
        third_factors=["C", "need"] if coordinated else ["C"],
        epoch_ms=_EPOCH_MS,
    )


def play(
    loops: Loops,
    wiring: Wiring,
    settle_s: int,
    window_s: int,
    speed_up: float,
    seed: int = 0,
    backend: str = "native",
    progress: Callable[[float], None] = lambda fraction: None,
) -> np.ndarray:
    """Rate of the excitatory neurons of every network (columns) in every second (rows) of the protocol."""
    starts = [settle_s + k * window_s for k in range(len(BLOWS) + 1)]
    times = [0, *starts[:2], *(starts[-1] + k for k in range(1, 2 * PULSES))]
    strengths = [1.0, 3.0, 1.0, *([1.5, 1.0] * PULSES)[: 2 * PULSES - 1]]
    rate_hz = Schedule(np.array(times) * 1000.0, np.array(strengths) * INPUT_HZ)
    net = build(loops, wiring, rate_hz, speed_up=speed_up)
    result = run(net, duration_ms=1000 * settle_s, seed=seed, backend=backend)
    rates = [rates_hz(result, wiring.networks)]
    for k, blow in enumerate([*BLOWS, "pulses"]):
        changed = struck(blow, wiring)
        net = build(loops, wiring, rate_hz, changed, speed_up)
        if loops.k_hours and blow in ("30 % of synapses lost", "synapses regrown"):
            for name, lost in wiring.lost.items():
                w, w_new = result.recording.synapses[name]["w"], changed.get(name, _SYNAPSES[name][3])
                result = result.with_weights(name, np.where(lost, w_new, w))
        duration_s = window_s if blow in BLOWS else 2 * PULSES
        result = run(net, duration_ms=1000 * duration_s, seed=seed, backend=backend, start=result)
        rates.append(rates_hz(result, wiring.networks))
        progress((k + 1) / (len(BLOWS) + 1))
    return np.concatenate(rates)


def struck(blow: str, wiring: Wiring) -> dict[str, np.ndarray]:
    """The weights that a blow changes, in mV as they were built."""
    if blow == "30 % of synapses lost":
        return {name: np.where(lost, 0.0, _SYNAPSES[name][3]) for name, lost in wiring.lost.items()}
    if blow == "inhibition halved":
        return {"IE": np.full(len(wiring.pairs["IE"]), 0.5 * _SYNAPSES["IE"][3])}
    return {}


def rates_hz(result: Result, networks: int) -> np.ndarray:
    """Rate of the excitatory neurons of every network (columns) in every second (rows) of a run of whole seconds."""
    steps, neurons = result.recording.spikes["excites"]
    seconds = result.recording.n_steps // 1000
    row = (steps - result.recording.first_step) // 1000
    count = np.bincount(row * networks + neurons // N_E, minlength=seconds * networks)
    return np.asarray(count.reshape(seconds, networks) / N_E)


def judged(rates: np.ndarray) -> tuple[float | None, bool]:
    """(seconds to recovery, if it recovered; whether it ran away) of the rates between two blows."""

    def means(seconds: int) -> np.ndarray:
        return np.asarray(np.convolve(rates, np.ones(seconds) / seconds, mode="valid"))

    outside = np.flatnonzero(np.abs(means(_MEAN_S) / R0_HZ - 1) > _TOLERATED)
    recovery = int(outside[-1]) + 1 if len(outside) else 0
    recovered = recovery <= len(rates) - _MEAN_S
    return (float(recovery) if recovered else None), bool((means(_RUNAWAY_S) > 10 * R0_HZ).any())


def experiment(
    *,
    backend: str = "native",
    seeds: Sequence[int] = tuple(range(5)),
    progress: Callable[[float], None] = lambda fraction: None,
    tries: int = 1,
    settle_s: int = 8,
    window_s: int = 20,
    speed_up: float = 6.0,
) -> Findings:
    """``tries`` networks a seed, each under every condition."""
    if tries < 1 or speed_up <= 0 or settle_s < _RUNAWAY_S or window_s <= _MEAN_S:
        raise InvalidModel(
            f"homeostasis: needs tries >= 1, speed_up > 0, settle_s >= {_RUNAWAY_S} and window_s > {_MEAN_S}"
        )
    wiring, rates = wire(seeds, tries), {}
    for k, (name, loops) in enumerate(CONDITIONS.items()):

        def told(fraction: float, k: int = k) -> None:
            progress((k + fraction) / len(CONDITIONS))

        rates[name] = play(loops, wiring, settle_s, window_s, speed_up, int(seeds[0]), backend, told)
    return _findings(rates, len(seeds), settle_s, window_s)


def summary(rates: np.ndarray, seeds: int, settle_s: int, window_s: int) -> dict[str, Any]:
    """What the rates (seconds, networks) of one condition say: in all, and blow by blow."""
    of = rates.reshape(len(rates), seeds, -1)  # seconds, seed, try
    pulses = of[-2 * PULSES :].mean(axis=2)
    blows: dict[str, Any] = {}
    for k, blow in enumerate(BLOWS):
        window = of[settle_s + k * window_s : settle_s + (k + 1) * window_s]
        each = [[judged(window[:, s, t]) for t in range(of.shape[2])] for s in range(seeds)]
        recoveries = [[time for time, _ in tries] for tries in each]
        blows[blow] = {
            "rate_end_hz": Estimate.of(window[-_MEAN_S:].mean(axis=(0, 2)).tolist()).to_json(),
            "failures": sum(time is None or ran for tries in each for time, ran in tries),
            "runaways": sum(ran for tries in each for _, ran in tries),
            "recovery_s": Estimate.of(
                [float(np.mean([window_s if t is None else t for t in times])) for times in recoveries]
            ).to_json(),
        }
    means = np.mean([b["recovery_s"]["values"] for b in blows.values()], axis=0)
    return {
        "rate_before_hz": Estimate.of(of[settle_s - _RUNAWAY_S : settle_s].mean(axis=(0, 2)).tolist()).to_json(),
        "answer_hz": Estimate.of((pulses[1::2] - pulses[::2]).mean(axis=0).tolist()).to_json(),
        "tries": len(BLOWS) * rates.shape[1],
        "failures": sum(b["failures"] for b in blows.values()),
        "runaways": sum(b["runaways"] for b in blows.values()),
        "recovery_s": Estimate.of(means.tolist()).to_json(),
        "blows": blows,
    }


def _findings(rates: dict[str, np.ndarray], seeds: int, settle_s: int, window_s: int) -> Findings:
    found = {name: summary(r, seeds, settle_s, window_s) for name, r in rates.items()}
    best = min(SINGLE, key=lambda name: (found[name]["failures"], found[name]["recovery_s"]["mean"]))
    ours = found["all, coordinated"]["recovery_s"]
    faster = {}
    for name in (best, *_BESIDE):
        other = np.array(found[name]["recovery_s"]["values"])
        faster[name] = Estimate.of((other - np.array(ours["values"])).tolist()).to_json()
    results = {"conditions": found, "best_single": best, "seconds_saved_over": faster}
    heads = ["loops", "rate before (Hz)", "answer (Hz)", "failures", "runaways", "recovery (s)"]
    heads += [f"{blow}: failures, recovery (s)" for blow in BLOWS]
    rows = [
        [
            name,
            *(_text(f[key]) for key in ("rate_before_hz", "answer_hz")),
            f"{f['failures']} of {f['tries']}",
            f["runaways"],
            _text(f["recovery_s"]),
            *(f"{b['failures']}, {_text(b['recovery_s'])}" for b in f["blows"].values()),
        ]
        for name, f in found.items()
    ]
    notes = [
        f"mean ± 95 % interval over seeds; without recovery {window_s} s count",
        f"best single loop: {best}; recovery under all, coordinated is sooner by "
        + ", ".join(f"{_text(saved)} s than under {name}" for name, saved in faster.items()),
    ]
    seconds = list(range(len(rates["none"])))
    pictures = [
        charts.line(
            seconds,
            {name: np.maximum(rates[name].mean(axis=1), 0.1).tolist() for name in names},
            title=f"Rate of the excitatory neurons, struck every {window_s} s from {settle_s} s on",
            x_label="time (s)",
            y_label="rate, at least 0.1 (Hz)",
            log_y=True,
        )
        for names in (["none", *SINGLE], [best, *_BESIDE, "all", "all, coordinated"])
    ]
    return Findings(results, heads, rows, notes, pictures)


def _text(estimate: dict[str, Any]) -> str:
    return str(Estimate.of(estimate["values"]))


def measured(results: dict[str, Any]) -> str:
    """A line for the table of published systems."""
    found, best = results["conditions"], results["best_single"]
    failures = "; ".join(f"{name} {f['failures']}" for name, f in found.items())
    tries = found["none"]["tries"]
    times = [f"{found[name]['recovery_s']['mean']:.1f} s ({name})" for name in (best, *_BESIDE, "all, coordinated")]
    return f"failures of {tries} blows: {failures}. Recovery: {', '.join(times)}"
