r"""Does reading the stable mark out beside the weight help recall, and where does it not?

Pools of 5 neurons (``ernsnn.models.marked_pool``) hold one pattern of 30 of 100 inputs; nothing learns. Inputs of the
pattern have weight w and mark m = .97, the others w from (.1, .3) and m = 0. Per input spike V moves by

    plain           J w
    additive        J (w + rho m - k),   with feed-forward inhibition k = .2, the mean weight of unmarked synapses
    multiplicative  J w (1 + rho m)

with rho = 1. ``eroded``: the weights of the pattern have faded to .32, and J is .075 mV for all. ``intact``: w = .95,
and J is such that the full cue drives every read-out equally. Cues are the pattern or random halves of it; novel cues
are as many inputs drawn from the others. A cue lasts 400 ms and is followed by 200 ms of rest. Hits: cues to which most
neurons of the pool answer with a spike. AUC: the chance that a cue calls up more spikes than a novel one (ties count
half). Latency: a neuron's first spike after cue onset, over the neurons and cues that answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.learning import LearningRule, Mark
from ernsnn.describe.network import Network
from ernsnn.describe.stimuli import Poisson
from ernsnn.describe.timeline import Phase, Timeline
from ernsnn.errors import InvalidModel
from ernsnn.result import Result
from ernsnn.studies.estimates import Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars

from ..draws import rng_of
from ..marked_pool import BACKGROUND_HZ, CELL, CUE_MS, PAUSE_MS, rates_of, simulate

INPUTS, ACTIVE, NEURONS = 100, 30, 5
MARK, INTACT, ERODED = 0.97, 0.95, 0.32
J, RHO, K = 0.075, 1.0, 0.2
READ_OUTS = {"plain": "J*w", "additive": f"J*(w + {RHO}*m - {K})", "multiplicative": f"J*w*(1 + {RHO}*m)"}
# What the cue of an intact pattern moves V by per spike, in units of J.
_INTACT_DRIVE = {"plain": INTACT, "additive": INTACT + RHO * MARK - K, "multiplicative": INTACT * (1 + RHO * MARK)}
MEASURES = ("hits", "false_alarms", "auc", "rate_hz", "latency_ms")


@dataclass(frozen=True)
class Store:
    """A pool: how it reads out, the weight of the pattern's synapses, and J in mV."""

    read_out: str
    w: float
    J: float


STORES = {f"eroded {r}": Store(r, ERODED, J) for r in READ_OUTS} | {
    f"intact {r}": Store(r, INTACT, J * INTACT / _INTACT_DRIVE[r]) for r in READ_OUTS
}


def build(timeline: Timeline, pattern: np.ndarray, rng: np.random.Generator) -> Network:
    """All stores side by side on the same inputs."""
    net = Network(name="resonance", dt_ms=1.0)
    inputs = net.population("inputs", INPUTS, Poisson(timeline.schedule("inputs")))
    unmarked = rng.uniform(0.1, 0.3, (INPUTS, NEURONS))
    marks = np.zeros((INPUTS, NEURONS))
    marks[pattern] = MARK
    for name, store in STORES.items():
        cells = net.population(name.replace(" ", "_"), NEURONS, CELL)
        weights = unmarked.copy()
        weights[pattern] = store.w
        rule = LearningRule(terms=[], marks=[Mark("m", marks)], bounds={"w": (0, 1)}, parameters={"J": store.J})
        transmit = READ_OUTS[store.read_out]
        net.projection(f"inputs-{cells.name}", inputs, cells, weight_mV=weights, learning=rule, transmit=transmit)
    return net


def experiment(
    repeats: Repeats,
    *,
    cues: int = 40,
) -> Findings:
    """Show ``cues`` full cues, half cues, and novel ones of either size, once a seed."""
    if isinstance(cues, bool) or not isinstance(cues, int) or cues < 1:
        raise InvalidModel(f"resonance: cues must be a whole number >= 1, got {cues!r}")
    by_store: dict[str, dict[str, dict[str, list[float]]]] = {}
    for seed in repeats:
        rng = rng_of(seed, "marked_pool.resonance")
        order = rng.permutation(INPUTS)
        pattern, others = order[:ACTIVE], order[ACTIVE:]
        shown = {
            f"{kind} {size} {c}": rng.permutation(source)[: ACTIVE if size == "full" else ACTIVE // 2]
            for kind, source in (("cue", pattern), ("novel", others))
            for size in ("full", "half")
            for c in range(cues)
        }
        phases = [Phase("rest", 1000.0)]
        for name, active in shown.items():
            phases += [Phase(name, CUE_MS, inputs=rates_of(active, INPUTS)), Phase(f"{name}.pause", PAUSE_MS)]
        timeline = Timeline(phases, inputs=np.full(INPUTS, BACKGROUND_HZ))
        result = simulate(build(timeline, pattern, rng), timeline, seed, repeats.backend)
        for store in STORES:
            for size in ("full", "half"):
                measured = _measure(result, store.replace(" ", "_"), timeline, size, cues)
                kept = by_store.setdefault(store, {}).setdefault(size, {})
                for measure, value in measured.items():
                    kept.setdefault(measure, []).append(value)
    return _findings(by_store)


def _measure(result: Result, pool: str, timeline: Timeline, size: str, cues: int) -> dict[str, float]:
    trains = [np.array([*train, np.inf]) for train in result.trains(pool)]

    def answers(kind: str) -> tuple[np.ndarray, np.ndarray]:
        """(spikes, first spike after onset in ms or NaN) of every cue and neuron."""
        phases = [timeline[f"{kind} {size} {c}"] for c in range(cues)]
        starts = np.array([phase.start_ms for phase in phases])
        counts = result.counts(pool, [t for p in phases for t in (p.start_ms, p.stop_ms)])[::2]
        next_spikes = np.column_stack([train[np.searchsorted(train, starts)] for train in trains])
        return counts, np.where(counts > 0, next_spikes - starts[:, None], np.nan)

    (cued, latency), (novel, _) = answers("cue"), answers("novel")
    remembered, unknown = cued.sum(axis=1), novel.sum(axis=1)
    above = (remembered[:, None] > unknown).mean() + 0.5 * (remembered[:, None] == unknown).mean()
    return {
        "hits": float(((cued > 0).mean(axis=1) > 0.5).mean()),
        "false_alarms": float(((novel > 0).mean(axis=1) > 0.5).mean()),
        "auc": float(above),
        "rate_hz": float(cued.mean() / CUE_MS * 1000.0),
        "latency_ms": float(np.nanmean(latency)) if np.isfinite(latency).any() else float("nan"),
    }


def _findings(by_store: Mapping[str, Mapping[str, Mapping[str, Sequence[float]]]]) -> Findings:
    results: dict[str, Any] = {}
    rows = []
    for store, sizes in by_store.items():
        state, read_out = store.split()
        for size, measures in sizes.items():
            estimates = {name: e for name, values in measures.items() if (e := _estimate(values)) is not None}
            results.setdefault(state, {}).setdefault(read_out, {})[size] = estimates
            rows.append([state, read_out, size, *(estimates.get(name, "-") for name in MEASURES)])
    heads = ["weights", "read-out", "cue", "hits", "false alarms", "AUC", "rate (Hz)", "latency (ms)"]
    notes = [
        "intact: equal drive by the full cue; a read-out that made recall faster would show a shorter latency there",
    ]
    cues = list(next(iter(by_store.values())))
    shown = {cue: [_estimate(of[cue]["auc"]) for of in by_store.values()] for cue in cues}
    title = "How well cues are distinguished from novel ones"
    return Findings(results, heads, rows, notes, [Bars(list(by_store), shown, title=title, x_label="AUC")])


def _estimate(values: Sequence[float]) -> Estimate | None:
    """None where there is no finite value."""
    kept = [v for v in values if np.isfinite(v)]
    return Estimate.of(kept) if kept else None


EXPERIMENT = Experiment(
    name="resonance",
    title="Does reading out the stable mark help recall?",
    about=__doc__,
    backend="brian2",
    run=experiment,
)
