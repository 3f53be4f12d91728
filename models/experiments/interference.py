"""Memory A is learnt, then memory B; what is left of A?

100 Poisson inputs onto pools of 5 neurons (``ernsnn.models.marked_pool``), one a condition, side by side on the same
inputs: ``none`` (no marks), ``slow`` (no marks, a fifth of the learning rate), ``labile`` (the labile mark alone: P
stays 0) and ``both`` marks. A and B are 30 inputs each and share 10. Protocol: rest 2 s; A taught for 30 s; gap 40 s;
probes of A; B taught for 120 s; gap 40 s; probes of A and of B. A probe is 12 times 400 ms of the full cue at 40 Hz
(every other input 1 Hz) and 200 ms of rest, without teacher, while nothing learns.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ernsnn.describe.timeline import Phase, Timeline
from ernsnn.errors import InvalidModel
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats

from ..marked_pool import (
    BACKGROUND_HZ,
    LABILE,
    MARKED,
    SLOW,
    UNMARKED,
    lesson,
    mean_rate,
    pools,
    probes,
    simulate,
    to_whole_epochs,
    two_patterns,
)
from .pools import answers

CONDITIONS = {"none": UNMARKED, "slow": SLOW, "labile": LABILE, "both": MARKED}
MEASURES = ("A_after_A", "A_after_B", "B_after_B")
PROBES = 12
# The design note's means over 20 seeds of its own.
_NOTE = {"none": (29.4, 0.5, 29.4), "slow": (29.5, 0.8, 29.4), "labile": (35.1, 1.6, 34.9), "both": (37.3, 37.2, 39.4)}


def protocol(seed: int, inputs: int, active: int, shared: int, A_s: float, gap_s: float, B_s: float) -> Timeline:
    """The timeline of the module's text, with patterns drawn by ``seed``."""
    A, B = two_patterns(seed, inputs, active, shared)
    gap = [Phase("gap", gap_s * 1000)] if gap_s else []
    late_gap = [Phase("gap after B", gap_s * 1000)] if gap_s else []
    return Timeline(
        [
            Phase("rest", 2000),
            lesson("A", A, inputs, A_s),
            *gap,
            *to_whole_epochs("after A", probes("A_after_A", A, inputs, PROBES)),
            lesson("B", B, inputs, B_s),
            *late_gap,
            *to_whole_epochs(
                "after B", [*probes("A_after_B", A, inputs, PROBES), *probes("B_after_B", B, inputs, PROBES)]
            ),
        ],
        inputs=np.full(inputs, BACKGROUND_HZ),
        teacher=0.0,
    )


def experiment(
    repeats: Repeats,
    *,
    inputs: int = 100,
    active: int = 30,
    shared: int = 10,
    A_s: float = 30.0,
    gap_s: float = 40.0,
    B_s: float = 120.0,
) -> Findings:
    """Teach A and B once a seed, patterns of ``active`` inputs. ``A_s``, ``gap_s``, ``B_s`` are whole seconds."""
    if not 0 <= shared <= active <= inputs or 2 * active - shared > inputs:
        raise InvalidModel(
            f"interference: two patterns of {active} that share {shared} need more than the {inputs} inputs there are"
        )
    for name, seconds in (("A_s", A_s), ("gap_s", gap_s), ("B_s", B_s)):
        if seconds < 0 or seconds != round(seconds) or (seconds == 0 and name != "gap_s"):
            raise InvalidModel(f"interference: {name} must be whole seconds above 0, got {seconds}")
    rates: dict[str, dict[str, list[float]]] = {c: {m: [] for m in MEASURES} for c in CONDITIONS}
    for seed in repeats:
        timeline = protocol(seed, inputs, active, shared, A_s, gap_s, B_s)
        result = simulate(pools(timeline, CONDITIONS, name="interference"), timeline, seed, repeats.backend)
        for condition, measures in rates.items():
            for measure, values in measures.items():
                values.append(mean_rate(result, condition, timeline, measure, PROBES))
    return _findings(rates)


def _findings(rates: dict[str, dict[str, list[float]]]) -> Findings:
    estimates = {condition: Estimate.of_each(measures) for condition, measures in rates.items()}
    results: dict[str, Any] = {}
    rows = []
    for condition, measures in rates.items():
        kept = [b / a if a else 0.0 for a, b in zip(measures["A_after_A"], measures["A_after_B"], strict=True)]
        measured = {f"{m}_hz": e for m, e in estimates[condition].items()} | {"A_kept": Estimate.of(kept)}
        results[condition] = {**measured, "note_hz": list(_NOTE[condition])}
        note = " / ".join(f"{value:g}" for value in _NOTE[condition])
        rows.append([condition, *measured.values(), f"{min(kept):.3g} to {max(kept):.3g}", note])
    heads = ["marks", "A after A (Hz)", "A after B (Hz)", "B after B (Hz)", "A kept", "range", "note (Hz)"]
    notes = [f"{INTERVAL}; A kept: A after B / A after A"]
    expected = {measure: [_NOTE[c][k] for c in rates] for k, measure in enumerate(MEASURES)}
    return Findings(results, heads, rows, notes, [answers(estimates, expected)])


EXPERIMENT = Experiment(
    name="interference",
    title="Memory A, then memory B: what is left of A?",
    about=__doc__,
    backend="brian2",
    run=experiment,
)
