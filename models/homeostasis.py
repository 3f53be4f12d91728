r"""Experiment ``homeostasis``: a network holds its rate by loops of four time scales, alone and with a coordinator.

80 excitatory and 20 inhibitory LIF neurons (tau 20 ms, noise of 3 mV, V jumps by the weight) with 40 Poisson inputs of
20 Hz. Each excitatory neuron has loops that compare what it fires with r0 = 5 Hz:

    5 ms    current -.5 nA at each of its spikes, decaying with 5 ms
    2 s     threshold + .3 mV (C - C0), C its spikes of about the last 2 s (leaky), C0 = 10 what that is at r0
    5 min   threshold: d theta/dt = (r - r0) 2 mV s/tau, tau = 5 min (intrinsic plasticity)
    1 h     weights of its inputs and excitatory synapses: dw/dt = -w e/tau, e = C/C0 - 1, tau = 1 h (synaptic scaling)

The coordinator watches C: where e is above .2 or below -.2 it lets the slowest loop run twenty times as fast, and not
where the faster loops suffice. Minutes and hours pass ``speed_up`` times faster than in nature; milliseconds and
seconds do not.

After a time to settle a third of the networks has threefold input, a third loses 30 % of its excitatory and input
synapses, and in a third inhibition is halved. A network has recovered when its rate over 1 s, smoothed over 3, is
within 20 % of r0 up to the end; it fails when it has not, or ran away: above 10 r0 in any second after the first.
Every condition plays on the same networks and inputs. No published experiment has these loops together, so all numbers
are of this experiment: those of the loops were set first and not changed; the network was chosen on seed 100, so that
without any loop it fires at about r0 and each perturbation takes it out of the band.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ernsnn.analyse.result import Result
from ernsnn.describe.astrocytes import ThirdFactor
from ernsnn.describe.connectors import FromList
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import DeltaLIF
from ernsnn.describe.populations import IntrinsicPlasticity
from ernsnn.describe.stimuli import Poisson, Schedule
from ernsnn.errors import InvalidModel
from ernsnn.execution.experiments import Estimate, Findings
from ernsnn.execution.simulate import run
from ernsnn.report import charts

SOURCE = "no single paper: the loops are of Turrigiano 2008 (Cell 135:422) and Zenke et al. 2013"
PUBLISHED = "no figures: no published experiment has these four loops together"
LOOPS = ("5 ms", "2 s", "5 min", "1 h")
CONDITIONS: dict[str, tuple[str, ...]] = {
    "none": (),
    **{loop: (loop,) for loop in LOOPS},
    "all": LOOPS,
    "all, coordinated": (*LOOPS, "coordinator"),
}
PERTURBATIONS = ("threefold input", "30 % of synapses lost", "inhibition halved")
R0_HZ, INPUT_HZ, N_E, N_I, N_IN = 5.0, 20.0, 80, 20, 40
_EPOCH_MS, _TAU_C_MS, _BAND = 100.0, 2000.0, 0.2
_C0 = R0_HZ * _TAU_C_MS / 1000
_OFFSET_NA = {"E": -0.03, "I": 0.2}
_W_MV = {"input": 1.5, "EE": 2.0, "EI": 1.5, "IE": 10.0, "II": 2.0}
_IN_DEGREE = {"input": 10, "EE": 16, "EI": 16, "IE": 5, "II": 5}


def build(
    condition: str,
    seeds: Sequence[int] = (0,),
    tries: int = 4,
    settle_s: float = 6.0,
    perturbed_s: float = 18.0,
    speed_up: float = 120.0,
) -> Network:
    """Networks side by side in every population: one for each perturbation, seed and try, the last changing fastest.

    A seed and a try draw the same synapses in every condition and for every perturbation.
    """
    loops, kinds = CONDITIONS[condition], len(PERTURBATIONS)
    draws = [np.random.default_rng([seed, k]) for seed in seeds for k in range(tries)]
    networks = kinds * len(draws)
    net = Network(name="homeostasis", dt_ms=1.0)
    kind = np.repeat(np.arange(kinds), len(draws))
    rates = np.full((2, networks * N_IN), INPUT_HZ)
    rates[1, np.repeat(kind == 0, N_IN)] *= 3
    inputs = net.population("inputs", networks * N_IN, Poisson(Schedule([0.0, settle_s * 1000], rates)))
    cell = {"tau_m_ms": 20.0, "tau_refrac_ms": 2.0, "noise_mV": 3.0}
    shift = 0.3 * _C0 if "2 s" in loops else 0.0
    plasticity = None
    if "5 min" in loops:
        step = 2.0 / (300.0 / speed_up)
        rule = LearningRule.from_equations(
            on_post={"w": "step"},
            on_epoch={"w": "-step * expected"},
            parameters={"step": step, "expected": R0_HZ * _EPOCH_MS / 1000},
            bounds={"w": (-60.0, -20.0)},
            epoch_ms=_EPOCH_MS,
        )
        plasticity = IntrinsicPlasticity(target="v_threshold_mV", rule=rule)
    excites = net.population(
        "excites",
        networks * N_E,
        DeltaLIF(**cell, i_offset_nA=_OFFSET_NA["E"], v_threshold_mV=-50.0 - shift),
        plasticity=plasticity,
    )
    inhibits = net.population("inhibits", networks * N_I, DeltaLIF(**cell, i_offset_nA=_OFFSET_NA["I"]))
    if "5 ms" in loops:
        fast = net.astrocyte("fast", [excites], tau_ms=5.0, per="neuron")
        net.modulate(excites, fast, "i_offset_nA", gain=-0.5)
    calcium = net.astrocyte("calcium", [excites], tau_ms=_TAU_C_MS, per="neuron", initial=_C0)
    if "2 s" in loops:
        net.modulate(excites, calcium, "v_threshold_mV", gain=0.3)
    times = [0.0, settle_s * 1000, settle_s * 1000 + _EPOCH_MS]

    def struck(size: int, which: int) -> Any:
        """1 for one epoch in the neurons of the networks of a perturbation."""
        values = np.zeros((3, networks * size))
        values[1, np.repeat(kind == which, size)] = 1.0
        return net.signal(f"struck{which}_{size}", times_ms=times, values=values)

    factors: dict[str, Any] = {"lost": struck(N_E, 1)}
    if "1 h" in loops:
        factors["C"] = calcium
        if "coordinator" in loops:
            above = net.astrocyte(
                "above", [excites], tau_ms=_TAU_C_MS, per="neuron", initial=_C0, threshold=(1 + _BAND) * _C0
            )
            below = net.astrocyte(
                "below",
                [excites],
                tau_ms=_TAU_C_MS,
                per="neuron",
                weight=-1.0,
                initial=-_C0,
                threshold=-(1 - _BAND) * _C0,
            )
            factors["off"] = net.either("off", [above, below])
    third = {name: ThirdFactor(modulator=m, per="post") for name, m in factors.items()}
    sides = {"input": (inputs, excites), "EE": (excites, excites), "EI": (excites, inhibits)}
    sides |= {"IE": (inhibits, excites), "II": (inhibits, inhibits)}
    numbers = {"inputs": N_IN, "excites": N_E, "inhibits": N_I}
    for name, (pre, post) in sides.items():
        pairs = _pairs(draws, numbers[pre.name], numbers[post.name], _IN_DEGREE[name])
        receptor: Any = "inhibitory" if name[0] == "I" else "excitatory"
        if name in ("input", "EE"):
            lose = np.tile(np.concatenate([rng.random(len(pairs) // networks) < 0.3 for rng in draws]), kinds)
            for part, chosen in (("kept", ~lose), ("lost", lose)):
                rule = _excitatory_rule(part == "lost", _W_MV[name], speed_up, set(factors) - {"lost"})
                used = {k: f for k, f in third.items() if k in rule.third_factors}
                how: dict[str, Any] = {"learning": rule, "third_factors": used} if rule.terms else {}
                net.projection(f"{name}_{part}", pre, post, FromList(pairs[chosen]), weight_mV=_W_MV[name], **how)
        elif name == "IE":
            rule = LearningRule.from_equations(
                on_epoch={"w": "-0.5 * w * K"}, third_factors=["K"], epoch_ms=_EPOCH_MS, bounds={"w": (0, np.inf)}
            )
            K = ThirdFactor(modulator=struck(N_E, 2), per="post")
            net.projection(
                name,
                pre,
                post,
                FromList(pairs),
                weight_mV=_W_MV[name],
                receptor=receptor,
                learning=rule,
                third_factors={"K": K},
            )
        else:
            net.projection(name, pre, post, FromList(pairs), weight_mV=_W_MV[name], receptor=receptor)
    return net


def _pairs(draws: Sequence[np.random.Generator], n_pre: int, n_post: int, in_degree: int) -> np.ndarray:
    """(pre, post) within every network, the same number of inputs for each neuron, drawn with replacement."""
    pre = np.concatenate([rng.integers(0, n_pre, n_post * in_degree) for rng in draws])
    pre = np.tile(pre, len(PERTURBATIONS))
    network = np.repeat(np.arange(len(PERTURBATIONS) * len(draws)), n_post * in_degree)
    post = np.repeat(np.arange(len(PERTURBATIONS) * len(draws) * n_post), in_degree)
    return np.column_stack([network * n_pre + pre, post])


def _excitatory_rule(lost: bool, w_mV: float, speed_up: float, factors: set[str]) -> LearningRule:
    """Synaptic scaling where it is on, and the loss of those synapses that are to be lost."""
    each = speed_up / 3600 * _EPOCH_MS / 1000
    parts = []
    if "C" in factors:
        parts.append("-each * w * (C/C0 - 1)" + (" * (1 + 19 * off)" if "off" in factors else ""))
    if lost:
        parts.append("- w * lost")
    return LearningRule.from_equations(
        on_epoch={"w": " ".join(parts)} if parts else None,
        parameters={"each": each, "C0": _C0},
        bounds={"w": (0.0, 4 * w_mV)},
        third_factors=[*sorted(factors), *(["lost"] if lost else [])],
        epoch_ms=_EPOCH_MS if parts else None,
    )


def rates_hz(result: Result, networks: int) -> np.ndarray:
    """Rate of the excitatory neurons of every network (columns) in every second (rows)."""
    steps, neurons = result.recording.spikes["excites"]
    seconds = result.recording.n_steps // 1000
    inside = steps < seconds * 1000
    count = np.bincount((steps[inside] // 1000) * networks + neurons[inside] // N_E, minlength=seconds * networks)
    return np.asarray(count.reshape(seconds, networks) / N_E)


def judged(rates: np.ndarray) -> tuple[float, bool, bool]:
    """(seconds to recovery or NaN, whether it recovered, whether it ran away) of the rates after a perturbation."""
    smooth = np.convolve(rates, np.ones(3) / 3, mode="valid")
    outside = np.flatnonzero(np.abs(smooth / R0_HZ - 1) > _BAND)
    recovered = bool(not len(outside) or outside[-1] < len(smooth) - 1)
    after = float(outside[-1] + 1) if len(outside) else 0.0
    return (after if recovered else float("nan")), recovered, bool((rates[1:] > 10 * R0_HZ).any())


def experiment(
    *,
    backend: str = "native",
    seeds: Sequence[int] = tuple(range(5)),
    progress: Callable[[float], None] = lambda fraction: None,
    tries: int = 4,
    settle_s: float = 6.0,
    perturbed_s: float = 18.0,
    speed_up: float = 120.0,
) -> Findings:
    """``tries`` networks a seed for every perturbation and condition. Full setting: perturbed_s=120, speed_up=30."""
    if tries < 1 or speed_up <= 0 or min(settle_s, perturbed_s) < 4 or settle_s % 1 or perturbed_s % 1:
        raise InvalidModel("homeostasis: needs tries >= 1, speed_up > 0, and whole seconds, at least 4, in both phases")
    rates: dict[str, np.ndarray] = {}
    for k, condition in enumerate(CONDITIONS):
        net = build(condition, seeds, tries, settle_s, perturbed_s, speed_up)
        result = run(net, duration_ms=1000 * (settle_s + perturbed_s), seed=int(seeds[0]), backend=backend)
        rates[condition] = rates_hz(result, len(PERTURBATIONS) * len(seeds) * tries)
        progress((k + 1) / len(CONDITIONS))
    return _findings(rates, len(seeds), round(settle_s))


def _findings(rates: dict[str, np.ndarray], seeds: int, settled: int) -> Findings:
    results: dict[str, Any] = {}
    rows = []
    # seconds, perturbation, seed, try
    shaped = {c: r.reshape(len(r), len(PERTURBATIONS), seeds, -1) for c, r in rates.items()}
    for condition, r in shaped.items():
        results[condition] = {}
        for k, perturbation in enumerate(PERTURBATIONS):
            of = r[:, k]
            each = [judged(of[settled:, s, t]) for s in range(seeds) for t in range(of.shape[2])]
            times = [time for time, recovered, _ in each if recovered]
            before, late = (Estimate.of(of[when].mean(axis=(0, 2)).tolist()) for when in _ends(settled))
            found = {
                "rate_before_hz": before.to_json(),
                "rate_end_hz": late.to_json(),
                "failures": sum(not recovered or ran for _, recovered, ran in each),
                "runaways": sum(ran for *_, ran in each),
                "tries": len(each),
                "recovery_s": Estimate.of(times).to_json() if times else None,
            }
            results[condition][perturbation] = found
            recovery = str(Estimate.of(times)) if times else "-"
            failures = f"{found['failures']} of {len(each)}"
            rows.append([condition, perturbation, str(before), str(late), failures, found["runaways"], recovery])
    totals = {c: sum(of["failures"] for of in results[c].values()) for c in CONDITIONS}
    notes = [
        "mean ± 95 % interval over seeds (recovery: over the tries that recovered)",
        "failures in all: " + ", ".join(f"{c}: {total}" for c, total in totals.items()),
    ]
    pictures = [
        charts.line(
            list(range(len(shaped["none"]))),
            {c: r[:, k].mean(axis=(1, 2)).tolist() for c, r in shaped.items()},
            title=f"Rate of the excitatory neurons; {perturbation} from second {settled} on",
            x_label="time (s)",
            y_label="rate (Hz)",
        )
        for k, perturbation in enumerate(PERTURBATIONS)
    ]
    heads = [
        "loops",
        "perturbation",
        "rate before (Hz)",
        "rate in the end (Hz)",
        "failures",
        "runaways",
        "recovery (s)",
    ]
    return Findings(results, heads, rows, notes, pictures)


def _ends(settled: int) -> tuple[slice, slice]:
    """The three seconds before the perturbation, and the last three."""
    return slice(settled - 3, settled), slice(-3, None)


def measured(results: dict[str, Any]) -> str:
    """A line for the table of published systems."""
    failures = {c: sum(of["failures"] for of in found.values()) for c, found in results.items()}
    tries = sum(of["tries"] for of in results["none"].values())
    return f"failures of {tries}: " + ", ".join(f"{c}: {n}" for c, n in failures.items())
