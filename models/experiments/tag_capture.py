"""A train tags a synapse, a consolidation signal latches the tagged, the latched stay.

The design note gives the resulting weights but not the trains. Chosen here: pairings at 20 Hz with a lag of 3 ms (post
after pre at the synapse; depressing: pre after post), with which all its weights come out within .02; the weak train
has 20 pairings (1 s), the strong one 400 (20 s), the depressing one 200 (10 s, from 600 s on). Trains start at 1 s. P
is 1 for 60 s: with the train from its start (concurrent), or from 60 s or 240 s after its start; one more protocol
counts the 60 s from the train's end, by when the tag has faded. "Marked" before the depressing train is a strong train
with concurrent P.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.result import Result, run
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars

from .. import tag_capture
from ..tag_capture import Protocol, build

START_MS, DEPRESSING_MS, DURATION_MS = 1_000, 600_000, 1_800_000
_NOTE_TOLERANCE = 0.03


def train(start_ms: int, pairings: int, rate_hz: float, lag_ms: int) -> tuple[list[int], list[int]]:
    """(pre, post) spike times of pairings; a negative lag puts post before pre."""
    first = [start_ms + round(k * 1000 / rate_hz) for k in range(pairings)]
    second = [t + abs(lag_ms) for t in first]
    return (first, second) if lag_ms > 0 else (second, first)


def protocols(
    rate_hz: float, lag_ms: int, weak: int, strong: int, depressing: int, consolidation_s: float
) -> dict[str, Protocol]:
    """The protocols by name; see the module's text."""
    many = train(START_MS, strong, rate_hz, lag_ms)
    down = train(DEPRESSING_MS, depressing, rate_hz, -lag_ms)
    both = ([*many[0], *down[0]], [*many[1], *down[1]])
    length = round(1000 * consolidation_s)

    def open_from(start: int) -> tuple[int, int]:
        return start, start + length

    return {
        "weak": Protocol(*train(START_MS, weak, rate_hz, lag_ms)),
        "strong": Protocol(*many),
        "strong_concurrent_P": Protocol(*many, open_from(START_MS)),
        "strong_P_after_60s": Protocol(*many, open_from(START_MS + 60_000)),
        "strong_P_after_240s": Protocol(*many, open_from(START_MS + 240_000)),
        "strong_P_60s_after_end": Protocol(*many, open_from(max(many[1]) + 60_000)),
        "marked_depressed": Protocol(*both, open_from(START_MS)),
        "unmarked_depressed": Protocol(*both),
    }


# The design note's figures: the weight at 1800 s, or before and after the depressing train.
_NOTE_FINAL = {
    "weak": 0.316,
    "strong": 0.388,
    "strong_concurrent_P": 0.982,
    "strong_P_after_60s": 0.939,
    "strong_P_after_240s": 0.388,
}
_NOTE_DEPRESSED = {"marked_depressed": (0.933, 0.934), "unmarked_depressed": (0.634, 0.149)}


def experiment(
    repeats: Repeats,
    *,
    rate_hz: float = 20.0,
    lag_ms: int = 3,
    weak_pairings: int = 20,
    strong_pairings: int = 400,
    depressing_pairings: int = 200,
    consolidation_s: float = 60.0,
) -> Findings:
    """Play all protocols for 1800 s in steps of 1 ms, side by side, in one run: nothing is random, seeds are alike.

    ``lag_ms``: a pre spike to its post spike at the synapse; ``consolidation_s``: for how long P is 1. Raises
    InvalidModel on settings outside their range.
    """
    if not rate_hz > 0 or not consolidation_s > 0:
        raise InvalidModel(f"tag_capture: rate_hz and consolidation_s must be > 0, got {rate_hz}, {consolidation_s}")
    if not 0 < lag_ms < 500 / rate_hz:
        raise InvalidModel(f"tag_capture: lag_ms must lie between 0 and half a period of {1000 / rate_hz} ms")
    longest = 1000 * max(weak_pairings, strong_pairings, depressing_pairings) / rate_hz
    if min(weak_pairings, strong_pairings, depressing_pairings) < 1 or longest > 300_000:
        raise InvalidModel(f"tag_capture: a train has at least one pairing and lasts at most 300 s, not {longest} ms")
    played = protocols(rate_hz, lag_ms, weak_pairings, strong_pairings, depressing_pairings, consolidation_s)
    options: dict[str, Any] = {"target": "cpp_standalone"} if repeats.backend == "brian2" else {}
    result = run(build(played), duration_ms=DURATION_MS, backend=repeats.backend, seed=int(repeats.seeds[0]), **options)
    repeats.progress(1.0)
    after_ms = DEPRESSING_MS + round(1000 * depressing_pairings / rate_hz) + 1000
    return _findings(list(played), result, after_ms)


def _findings(names: list[str], result: Result, after_ms: int) -> Findings:
    results: dict[str, Any] = {}
    rows, different = [], []
    shown: dict[str, tuple[float, float | None]] = {}
    for k, name in enumerate(names):
        final = {v: float(_at(result, v, DURATION_MS)[k]) for v in ("w", "a", "m")}
        measured: dict[str, Any] = {"w_1800s": final["w"], "m_1800s": final["m"]}
        pairs = [("at 1800 s", final["w"], _NOTE_FINAL.get(name))]
        if name in _NOTE_DEPRESSED:
            before, after = (float(_at(result, "w", t)[k]) for t in (DEPRESSING_MS, after_ms))
            measured |= {"w_before": before, "w_after": after}
            expected = _NOTE_DEPRESSED[name]
            pairs = [("before depression", before, expected[0]), ("after depression", after, expected[1])]
        measured["note"] = [expected for _, _, expected in pairs]
        results[name] = measured
        for when, got, expected_w in pairs:
            shown[f"{name}, {when}"] = got, expected_w
            rows.append([name, when, f"{got:.3f}", "-" if expected_w is None else f"{expected_w:.3f}"])
            if expected_w is not None and abs(got - expected_w) > _NOTE_TOLERANCE:
                different.append(f"{name} {when}: {got:.3f}, the note has {expected_w:.3f}")
    notes = [
        "no randomness: one run stands for every seed",
        "the note does not give its trains; those used here are in ernsnn.models.tag_capture",
        *(f"differs by more than {_NOTE_TOLERANCE}: {text}" for text in different),
    ]
    picture = Bars(
        list(shown),
        {"found": [got for got, _ in shown.values()]},
        title="What the weight comes to",
        x_label="w",
        references={"found": [expected for _, expected in shown.values()]},
    )
    return Findings(results, ["protocol", "weight", "found", "note"], rows, notes, [picture])


def _at(result: Result, variable: str, t_ms: int) -> np.ndarray:
    """A probed variable of every synapse at the end of ``t_ms``."""
    return np.asarray(result.recording.signals[f"synapses.{variable}"][1][t_ms // 1000 - 1])


EXPERIMENT = Experiment(
    name="tag_capture",
    title="A train tags a synapse, a consolidation signal latches it",
    about=f"{tag_capture.__doc__}\n{__doc__}",
    backend="brian2",
    run=experiment,
)
