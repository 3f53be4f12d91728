"""A memory too weak to consolidate awake is consolidated asleep, if it is replayed.

Memory A is taught for 4 s, too short for the astrocyte to open (``ernsnn.models.marked_pool``; patterns of 30 of 100
inputs, sharing 10). From 160 to 190 s the pool sleeps; then follow a gap of 40 s, probes of A, 120 s of memory B with
teacher, a gap of 40 s, and probes of A and of B, all while nothing learns. Four conditions: ``none``; ``gate`` (sleep
consolidates: P = 1 throughout); ``replay`` (A's inputs come back in sleep, without teacher, 400 ms of every 600 ms,
but P follows the astrocyte alone); and ``both``. By the time of sleep the labile marks of A have faded below the
threshold of consolidation, so the gate alone finds nothing to consolidate.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ernsnn.describe.timeline import Phase, Timeline, replay
from ernsnn.errors import InvalidModel
from ernsnn.studies.estimates import Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats

from ..marked_pool import (
    BACKGROUND_HZ,
    CUE_MS,
    PAUSE_MS,
    Synapses,
    lesson,
    mean_rate,
    pools,
    probes,
    rates_of,
    simulate,
    to_whole_epochs,
    two_patterns,
)
from .pools import answers

INPUTS, ACTIVE, SHARED, PROBES = 100, 30, 10, 12
AWAKE, ASLEEP = Synapses(labile=True, stable=True), Synapses(labile=True, stable=True, sleep=True)
# Condition -> the run it is part of (with replay or without), and its pool.
CONDITIONS = {"none": (False, "awake"), "gate": (False, "asleep"), "replay": (True, "awake"), "both": (True, "asleep")}
MEASURES = ("A_after_sleep", "A_after_B", "B_after_B")
# The design note's rates of A after B, of one seed.
_NOTE = {"none": 2.9, "gate": 2.4, "replay": 2.5, "both": 29.3}


def protocol(seed: int, replayed: bool, learn_s: float, asleep_at_s: float, sleep_s: float) -> Timeline:
    """The timeline of the module's text, with patterns drawn by ``seed``."""
    A, B = two_patterns(seed, INPUTS, ACTIVE, SHARED)
    at_rest, learn_ms, sleep_ms = 2000.0, learn_s * 1000, sleep_s * 1000
    shown = [rates_of(A, INPUTS)] if replayed else []
    return Timeline(
        [
            Phase("rest", at_rest),
            lesson("A", A, INPUTS, learn_s),
            Phase("awake", asleep_at_s * 1000 - at_rest - learn_ms),
            *replay("sleep", sleep_ms, "inputs", shown, cue_ms=CUE_MS, pause_ms=PAUSE_MS, seed=seed, sleep=1.0),
            Phase("gap", 40_000),
            *to_whole_epochs("after sleep", probes("A_after_sleep", A, INPUTS, PROBES)),
            lesson("B", B, INPUTS, 120),
            Phase("gap after B", 40_000),
            *to_whole_epochs(
                "after B", [*probes("A_after_B", A, INPUTS, PROBES), *probes("B_after_B", B, INPUTS, PROBES)]
            ),
        ],
        inputs=np.full(INPUTS, BACKGROUND_HZ),
        teacher=0.0,
        sleep=0.0,
    )


def experiment(
    repeats: Repeats,
    *,
    learn_s: float = 4.0,
    asleep_at_s: float = 160.0,
    sleep_s: float = 30.0,
) -> Findings:
    """Learn, sleep and interfere once a seed; all three times are whole seconds."""
    for name, seconds in (("learn_s", learn_s), ("asleep_at_s", asleep_at_s), ("sleep_s", sleep_s)):
        if seconds != round(seconds) or seconds < 1:
            raise InvalidModel(f"sleep: {name} must be whole seconds from 1 on, got {seconds}")
    if asleep_at_s < learn_s + 3:
        raise InvalidModel(f"sleep: asleep_at_s must be at least learn_s + 3, got {asleep_at_s}")
    by_condition: dict[str, dict[str, list[float]]] = {c: {m: [] for m in MEASURES} for c in CONDITIONS}
    for seed in repeats:
        for replayed in (False, True):
            timeline = protocol(seed, replayed, learn_s, asleep_at_s, sleep_s)
            network = pools(timeline, {"awake": AWAKE, "asleep": ASLEEP}, name="sleep")
            result = simulate(network, timeline, seed, repeats.backend)
            for condition, (needs_replay, pool) in CONDITIONS.items():
                if needs_replay is replayed:
                    for measure, values in by_condition[condition].items():
                        values.append(mean_rate(result, pool, timeline, measure, PROBES))
    return _findings(by_condition)


def _findings(by_condition: dict[str, dict[str, list[float]]]) -> Findings:
    results: dict[str, Any] = {}
    rows = []
    estimates = {condition: Estimate.of_each(measures) for condition, measures in by_condition.items()}
    for condition, of in estimates.items():
        results[condition] = {f"{m}_hz": e for m, e in of.items()} | {"note_A_after_B_hz": _NOTE[condition]}
        rows.append([condition, *of.values(), f"{_NOTE[condition]:g}"])
    kept = {condition: np.mean(measures["A_after_B"]) for condition, measures in by_condition.items()}
    single = max(kept["gate"], kept["replay"])
    notes = []
    if single > 0:
        notes.append(f"gate and replay keep {kept['both'] / single:.1f} times what the better of the two alone keeps")
    heads = ["in sleep", "A after sleep (Hz)", "A after B (Hz)", "B after B (Hz)", "note: A after B"]
    picture = answers(estimates, {"A_after_B": [_NOTE[condition] for condition in by_condition]})
    return Findings(results, heads, rows, notes, [picture])


EXPERIMENT = Experiment(
    name="sleep",
    title="A weak memory is consolidated in sleep, if it is replayed",
    about=__doc__,
    backend="brian2",
    run=experiment,
)
