"""A network is perturbed again and again: which loops bring its rate back, and how soon?

The first two act at once and leave a part of every error; the others leave none and need time. Of each network one
coordinator hears all excitatory neurons over 2 s: while their rate is more than 10 % (half of what is tolerated) away
from r0 both slow loops run k = ``HURRY`` times as fast, otherwise at their own speed, k = 1. Minutes and hours pass
``speed_up`` times faster than in nature; milliseconds and seconds do not.

Protocol. Every network settles, then is perturbed six times, each after ``window_s``: input is threefold, and as
before; 30 % of the excitatory synapses onto excitatory neurons are lost, those of inputs too, and grow again with their
first weight; inhibition is halved, and as before. A loop that has balanced a perturbation thus meets the opposite one.
In the end, the input is half as strong again for a second, ``PULSES`` times: the ``answer`` is by how much the rate is
then higher. A loop so strong that the network no longer answers holds its rate, but holds it against what the network
is for.

Judgement. A network has recovered from a perturbation from the second on since which its mean over 10 s has been within
20 % of r0, up to the next perturbation; it fails when it has not, or has run away: a mean over 3 s above 10 r0. Without
recovery ``window_s`` counts in the mean time.

A fair comparison. A single slow loop runs alone at its own speed, and ``hurried``: always k times as fast, at the k
that served it best and leaves it slower than the loop of 2 s; that may be more than the coordinator ever gives.
Strengths were chosen on seeds 100 to 102 by fewest failures, then fastest recovery, of the grids a = .5, 2 nA; b = .3,
.6 (1.2 leaves a third of the answer; half was asked for); k = 16, 64, 256. There, perturbed as in the full setting, 5
min failed 1, 2 and 3 times of 18 (recovery 30, 22, 21 s) and 1 h 2, 0 and 0 times (40, 22, 14 s). Synaptic scaling
within seconds is listed beside them as ``1 h, in seconds`` (k = 1024): no loop of hours any more, but one loop, and on
those seeds as good as all four. ``HURRY`` is the largest k of the grid that leaves both slow loops slower than that of
2 s (with 16, 64, 256 all four, coordinated, never failed and recovered in 9, .9, .1 s). ``all, hurried`` has the four
loops with k = HURRY at all times: results that it shares are not due to the coordinator. The quick setting does not
resolve how much sooner recovery is: six times as fast, ``1 h, hurried`` is a loop of seconds.

The network was chosen on seeds 100 and 101 for what is said of it above, before any loop was tried. All conditions
play on the same networks and inputs. No published experiment has these loops together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ernsnn.describe.stimuli import Schedule
from ernsnn.errors import InvalidModel
from ernsnn.result import Result, run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Line

from .. import homeostasis
from ..homeostasis import HURRY, INPUT_HZ, N_E, R0_HZ, SYNAPSES, TOLERATED, Loops, Networks, build, wire

PULSES = 6
_MEAN_S, _RUNAWAY_S = 10, 3
_BESIDE = ("1 h, in seconds", "all, hurried")
"""The conditions with which the coordinated loops are compared, beside the best single one."""
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
PERTURBATIONS = (
    "threefold input",
    "input as before",
    "30 % of synapses lost",
    "synapses regrown",
    "inhibition halved",
    "inhibition as before",
)


def play(
    loops: Loops,
    wiring: Networks,
    settle_s: int,
    window_s: int,
    speed_up: float,
    seed: int = 0,
    backend: str = "native",
    progress: Callable[[float], object] = lambda fraction: None,
) -> np.ndarray:
    """Rate of the excitatory neurons of every network (columns) in every second (rows) of the protocol."""
    starts = [settle_s + k * window_s for k in range(len(PERTURBATIONS) + 1)]
    times = [0, *starts[:2], *(starts[-1] + k for k in range(1, 2 * PULSES))]
    strengths = [1.0, 3.0, 1.0, *([1.5, 1.0] * PULSES)[: 2 * PULSES - 1]]
    rate_hz = Schedule(np.array(times) * 1000.0, np.array(strengths) * INPUT_HZ)
    net = build(loops, wiring, rate_hz, speed_up=speed_up)
    result = run(net, duration_ms=1000 * settle_s, seed=seed, backend=backend)
    rates = [rates_hz(result, wiring.networks)]
    for k, perturbation in enumerate([*PERTURBATIONS, "pulses"]):
        changed = perturbed(perturbation, wiring)
        net = build(loops, wiring, rate_hz, changed, speed_up)
        if loops.k_hours and perturbation in ("30 % of synapses lost", "synapses regrown"):
            for name, lost in wiring.lost.items():
                w, w_new = result.recording.synapses[name]["w"], changed.get(name, SYNAPSES[name][3])
                result = result.with_weights(name, np.where(lost, w_new, w))
        duration_s = window_s if perturbation in PERTURBATIONS else 2 * PULSES
        result = run(net, duration_ms=1000 * duration_s, seed=seed, backend=backend, start=result)
        rates.append(rates_hz(result, wiring.networks))
        progress((k + 1) / (len(PERTURBATIONS) + 1))
    return np.concatenate(rates)


def perturbed(perturbation: str, wiring: Networks) -> dict[str, np.ndarray]:
    """The weights that a perturbation changes, in mV as they were built."""
    if perturbation == "30 % of synapses lost":
        return {name: np.where(lost, 0.0, SYNAPSES[name][3]) for name, lost in wiring.lost.items()}
    if perturbation == "inhibition halved":
        return {"IE": np.full(len(wiring.pairs["IE"]), 0.5 * SYNAPSES["IE"][3])}
    return {}


def rates_hz(result: Result, networks: int) -> np.ndarray:
    """Rate of the excitatory neurons of every network (columns) in every second (rows) of a run of whole seconds."""
    counts = result.counts("excites", np.arange(result.start_ms, result.start_ms + result.duration_ms + 1, 1000))
    return np.asarray(counts.reshape(len(counts), networks, N_E).mean(axis=2))


def judged(rates: np.ndarray) -> tuple[float | None, bool]:
    """(seconds to recovery, if it recovered; whether it ran away) of the rates between two perturbations."""

    def means(seconds: int) -> np.ndarray:
        return np.asarray(np.convolve(rates, np.ones(seconds) / seconds, mode="valid"))

    outside = np.flatnonzero(np.abs(means(_MEAN_S) / R0_HZ - 1) > TOLERATED)
    recovery = int(outside[-1]) + 1 if len(outside) else 0
    recovered = recovery <= len(rates) - _MEAN_S
    return (float(recovery) if recovered else None), bool((means(_RUNAWAY_S) > 10 * R0_HZ).any())


def experiment(
    repeats: Repeats,
    *,
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
    seeds = repeats.seeds
    wiring, rates = wire(seeds, tries), {}
    for k, (name, loops) in enumerate(CONDITIONS.items()):

        def report(fraction: float, k: int = k) -> None:
            repeats.progress((k + fraction) / len(CONDITIONS))

        rates[name] = play(loops, wiring, settle_s, window_s, speed_up, int(seeds[0]), repeats.backend, report)
    return _findings(rates, len(seeds), settle_s, window_s)


def summary(rates: np.ndarray, seeds: int, settle_s: int, window_s: int) -> dict[str, Any]:
    """Measures of the rates (seconds, networks) of one condition: in all, and for each perturbation."""
    of = rates.reshape(len(rates), seeds, -1)  # seconds, seed, try
    pulses = of[-2 * PULSES :].mean(axis=2)
    perturbations: dict[str, Any] = {}
    for k, perturbation in enumerate(PERTURBATIONS):
        window = of[settle_s + k * window_s : settle_s + (k + 1) * window_s]
        each = [[judged(window[:, s, t]) for t in range(of.shape[2])] for s in range(seeds)]
        recoveries = [[time for time, _ in tries] for tries in each]
        perturbations[perturbation] = {
            "rate_end_hz": Estimate.of(window[-_MEAN_S:].mean(axis=(0, 2)).tolist()),
            "failures": sum(time is None or ran for tries in each for time, ran in tries),
            "runaways": sum(ran for tries in each for _, ran in tries),
            "recovery_s": Estimate.of(
                [float(np.mean([window_s if t is None else t for t in times])) for times in recoveries]
            ),
        }
    means = np.mean([b["recovery_s"].values for b in perturbations.values()], axis=0)
    return {
        "rate_before_hz": Estimate.of(of[settle_s - _RUNAWAY_S : settle_s].mean(axis=(0, 2)).tolist()),
        "answer_hz": Estimate.of((pulses[1::2] - pulses[::2]).mean(axis=0).tolist()),
        "tries": len(PERTURBATIONS) * rates.shape[1],
        "failures": sum(b["failures"] for b in perturbations.values()),
        "runaways": sum(b["runaways"] for b in perturbations.values()),
        "recovery_s": Estimate.of(means.tolist()),
        "perturbations": perturbations,
    }


def _findings(rates: dict[str, np.ndarray], seeds: int, settle_s: int, window_s: int) -> Findings:
    conditions = {name: summary(r, seeds, settle_s, window_s) for name, r in rates.items()}
    best = min(SINGLE, key=lambda name: (conditions[name]["failures"], conditions[name]["recovery_s"].mean))
    ours = conditions["all, coordinated"]["recovery_s"]
    faster = {}
    for name in (best, *_BESIDE):
        other = np.array(conditions[name]["recovery_s"].values)
        faster[name] = Estimate.of((other - np.array(ours.values)).tolist())
    results = {"conditions": conditions, "best_single": best, "seconds_saved_over": faster}
    heads = ["loops", "rate before (Hz)", "answer (Hz)", "failures", "runaways", "recovery (s)"]
    heads += [f"{perturbation}: failures, recovery (s)" for perturbation in PERTURBATIONS]
    rows = [
        [
            name,
            f["rate_before_hz"],
            f["answer_hz"],
            f"{f['failures']} of {f['tries']}",
            f["runaways"],
            f["recovery_s"],
            *(f"{b['failures']}, {b['recovery_s']}" for b in f["perturbations"].values()),
        ]
        for name, f in conditions.items()
    ]
    notes = [
        f"{INTERVAL}; without recovery {window_s} s count",
        f"best single loop: {best}; recovery under all, coordinated is sooner by "
        + ", ".join(f"{saved} s than under {name}" for name, saved in faster.items()),
    ]
    seconds = list(range(len(rates["none"])))
    pictures = [
        Line(
            seconds,
            {name: np.maximum(rates[name].mean(axis=1), 0.1).tolist() for name in names},
            title=f"Rate of the excitatory neurons, perturbed every {window_s} s from {settle_s} s on",
            x_label="time (s)",
            y_label="rate, at least 0.1 (Hz)",
            log_y=True,
        )
        for names in (["none", *SINGLE], [best, *_BESIDE, "all", "all, coordinated"])
    ]
    return Findings(results, heads, rows, notes, pictures)


def measured(results: Mapping[str, Any]) -> str:
    """A line for the table of published systems."""
    conditions, best = results["conditions"], results["best_single"]
    failures = "; ".join(f"{name} {f['failures']}" for name, f in conditions.items())
    tries = conditions["none"]["tries"]
    times = [
        f"{conditions[name]['recovery_s']['mean']:.1f} s ({name})" for name in (best, *_BESIDE, "all, coordinated")
    ]
    return f"failures of {tries} perturbations: {failures}. Recovery: {', '.join(times)}"


EXPERIMENT = Experiment(
    name="homeostasis",
    title="A network holds its rate by loops of four time scales, alone and with a coordinator",
    about=f"{homeostasis.__doc__}\n{__doc__}",
    source="no single paper: the loops are of Turrigiano 2008 (Cell 135:422) and Zenke et al. 2013",
    published="no figures: no published experiment has these four loops together",
    measured=measured,
    settings={"full": {"tries": 4, "window_s": 120, "speed_up": 2.0}},
    backend="native",
    run=experiment,
)
