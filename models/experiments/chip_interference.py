r"""The experiment ``interference`` small enough for a neuromorphic chip, on any backend.

Memory A is learnt, then memory B; what is left of A? 100 Poisson inputs onto pools of 5 neurons, one a condition, side
by side on the same inputs: ``none`` (no marks), ``slow`` (no marks, a fifth of the learning rate), ``labile`` and
``both`` marks. It differs from ``interference`` in what a chip has not: no noise on membranes, no current as teacher
(each neuron has a Poisson teacher of 40 Hz that makes it fire), no flow of the weight itself, and plasticity is never
switched off: probes are of a copy with the weights of that moment, which does not learn. What is slow is ten times
faster: marks of 12 and 60 s, consolidation at 1.5 per second, an astrocyte of 2 s.

    pre :  V_post += w;  w -= eta A_minus y w g(m)
    post:  w += eta [A_plus x (1 + a)(J - w) - A_h w] g(m);  a += .02 x (1 - a) - .006 a
    g(m) = (1 - .98 m)^2;  dC/dt = -C/2 s + (post spikes)/400;  P = 1 where C >= .5, else 0

with w from 0 to J = .075 mV, A_plus .01, A_minus .002, A_h .0015, and tau 20 ms of x, y and the membrane (threshold 1
mV above rest, refractory 2 ms). A and B are 30 inputs each and share 10. Protocol: A is taught for 10 s; gap 4 s; B for
38 s; gap 4 s. A probe is 12 times 400 ms of the full cue at 40 Hz (every other input 1 Hz) and 200 ms of rest.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ernsnn.describe.connectors import FromList, OneToOne
from ernsnn.describe.distributions import Uniform
from ernsnn.describe.learning import LearningRule
from ernsnn.describe.marks import AnyMark, Labile, Stable, with_marks
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import DeltaLIF
from ernsnn.describe.stimuli import Poisson
from ernsnn.describe.timeline import Phase, Timeline
from ernsnn.errors import InvalidModel
from ernsnn.result import Result, run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats

from ..marked_pool import (
    BACKGROUND_HZ,
    LABILE,
    MARKED,
    SLOW,
    UNMARKED,
    Synapses,
    cue_rates,
    probes,
    rates_of,
    two_patterns,
    unmarked_rule,
)
from .pools import answers

CONDITIONS = {"none": UNMARKED, "slow": SLOW, "labile": LABILE, "both": MARKED}
MEASURES = ("A_after_A", "A_after_B", "B_after_B")
INPUTS, ACTIVE, SHARED, NEURONS, PROBES = 100, 30, 10, 5, 12
J, TEACHER_HZ, TEACHER_MV = 0.075, 40.0, 1.5
EPOCH_MS = 512.0
CELL = DeltaLIF(tau_m_ms=20.0, tau_refrac_ms=2.0, v_rest_mV=0.0, v_reset_mV=0.0, v_init_mV=0.0, v_threshold_mV=1.0)


def rule(synapses: Synapses) -> LearningRule:
    """The learning rule of the module's text; its third factor is P where there are stable marks."""
    plain = unmarked_rule(synapses.eta, J)
    marks: list[AnyMark] = []
    if synapses.labile:
        marks.append(Labile("a", tau_s=12.0, rise=0.02, fall=0.006))
    if synapses.stable:
        marks.append(Stable("m", tau_s=60.0, consolidated_by="P", tag="a", rate_per_s=1.5))
    return with_marks(plain, marks, EPOCH_MS) if marks else plain


def learning(seed: int, A_s: float, gap_s: float, B_s: float) -> Network:
    """The pools while they learn; weights are probed every second."""
    A, B = two_patterns(seed, INPUTS, ACTIVE, SHARED)
    timeline = Timeline(
        [
            Phase("A", A_s * 1000, inputs=rates_of(A, INPUTS), teacher=TEACHER_HZ),
            Phase("gap", gap_s * 1000),
            Phase("B", B_s * 1000, inputs=rates_of(B, INPUTS), teacher=TEACHER_HZ),
            Phase("gap after B", gap_s * 1000),
        ],
        inputs=np.full(INPUTS, BACKGROUND_HZ),
        teacher=0.0,
    )
    net = Network(name="chip_interference", dt_ms=1.0)
    inputs = net.population("inputs", INPUTS, Poisson(timeline.schedule("inputs"), at_most_one=True))
    teacher = net.population("teacher", NEURONS, Poisson(timeline.schedule("teacher"), at_most_one=True))
    for name, synapses in CONDITIONS.items():
        cells = net.population(name, NEURONS, CELL)
        net.projection(f"teacher-{name}", teacher, cells, OneToOne(), weight_mV=TEACHER_MV)
        third: dict[str, Any] = {}
        if synapses.stable:
            third["P"] = net.astrocyte(f"{name}_glia", [cells], tau_ms=2000.0, weight=1 / 400, threshold=0.5)
        plastic = net.projection(
            f"inputs-{name}",
            inputs,
            cells,
            weight_mV=Uniform(0.1 * J, 0.3 * J),
            learning=rule(synapses),
            third_factors=third,
        )
        net.probe(plastic, "w", every_ms=1000.0)
    net.follow(timeline)
    return net


def probing(seed: int, learnt: Result, A_end_s: float) -> tuple[Network, Timeline]:
    """Copies of the pools that do not learn, with the weights after A and in the end, while A and B are shown."""
    A, B = two_patterns(seed, INPUTS, ACTIVE, SHARED)
    timelines = {
        cue: Timeline(probes("cue", pattern, INPUTS, PROBES), inputs=np.full(INPUTS, BACKGROUND_HZ))
        for cue, pattern in (("A", A), ("B", B))
    }
    net = Network(name="chip_interference_probes", dt_ms=1.0)
    shown = {
        cue: net.population(cue, INPUTS, Poisson(t.schedule("inputs"), at_most_one=True))
        for cue, t in timelines.items()
    }
    for condition in CONDITIONS:
        projection = next(p for p in learnt.graph.projections if p.name == f"inputs-{condition}")
        pairs = FromList(list(zip(projection.synapses.pre.tolist(), projection.synapses.post.tolist(), strict=True)))
        steps, weights = learnt.recording.signals[f"inputs-{condition}.w"]
        after = {"A": weights[np.searchsorted(steps, A_end_s * 1000 - 1)], "B": weights[-1]}
        for measure in MEASURES:
            cue, _, memory = measure.split("_")
            cells = net.population(f"{condition}_{measure}", NEURONS, CELL)
            held = np.maximum(after[memory], 0.0)
            net.projection(f"{cue}-{condition}_{measure}", shown[cue], cells, pairs, weight_mV=held)
    return net, timelines["A"]


def experiment(
    repeats: Repeats,
    *,
    A_s: float = 10.0,
    gap_s: float = 4.0,
    B_s: float = 38.0,
) -> Findings:
    """Teach A and B once a seed. ``A_s``, ``gap_s``, ``B_s`` are whole seconds."""
    for name, seconds in (("A_s", A_s), ("gap_s", gap_s), ("B_s", B_s)):
        if seconds < 1 or seconds != round(seconds):
            raise InvalidModel(f"chip_interference: {name} must be whole seconds above 0, got {seconds}")
    by_condition: dict[str, dict[str, list[float]]] = {c: {m: [] for m in (*MEASURES, "A_kept")} for c in CONDITIONS}
    for seed in repeats:
        taught = run(
            learning(seed, A_s, gap_s, B_s),
            duration_ms=1000 * (A_s + B_s + 2 * gap_s),
            seed=seed,
            backend=repeats.backend,
        )
        net, timeline = probing(seed, taught, A_s + gap_s)
        result = run(net, duration_ms=timeline.duration_ms, seed=seed, backend=repeats.backend)
        for condition, measures in by_condition.items():
            for measure in MEASURES:
                cues = [f"cue.{k}" for k in range(PROBES)]
                measures[measure].append(float(cue_rates(result, f"{condition}_{measure}", timeline, cues).mean()))
            before = measures["A_after_A"][-1]
            measures["A_kept"].append(measures["A_after_B"][-1] / before if before else 0.0)
    estimates = {c: Estimate.of_each(measures) for c, measures in by_condition.items()}
    rows = [
        [c, *of.values(), f"{min(of['A_kept'].values):.3g} to {max(of['A_kept'].values):.3g}"]
        for c, of in estimates.items()
    ]
    heads = ["marks", "A after A (Hz)", "A after B (Hz)", "B after B (Hz)", "A kept", "range"]
    results = {c: {m if m == "A_kept" else f"{m}_hz": e for m, e in of.items()} for c, of in estimates.items()}
    notes = [f"{INTERVAL}; A kept: A after B / A after A"]
    rates = {c: {m: of[m] for m in MEASURES} for c, of in estimates.items()}
    return Findings(results, heads, rows, notes, [answers(rates)])


EXPERIMENT = Experiment(
    name="chip_interference",
    title="Memory A, then memory B, small enough for a neuromorphic chip",
    about=__doc__,
    backend="brian2",
    run=experiment,
)
