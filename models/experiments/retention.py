"""How many memories does a pool keep, and how old do they get?

K random patterns of ``active`` inputs are taught one after the other, each for 30 s with a teacher and followed by a
gap of 40 s, to pools of 5 neurons side by side on the same inputs (``ernsnn.models.marked_pool``): ``none`` (no marks),
``marks`` (no budget) and ``budget`` (marks are erased where their mean exceeds .5; feed-forward inhibition k = .15).
After each of the numbers ``at`` of memories all are probed while nothing learns, 6 times 400 ms each, and so are novel
patterns, twice each. Rates are no measure, since a saturated pool answers to everything: a memory's AUC is the chance
that it drives the pool more than a novel pattern does. J is .075 mV * 30/active, with the budget .055 mV * 50/active.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ernsnn.describe.timeline import Phase, Timeline
from ernsnn.errors import InvalidModel
from ernsnn.result import Result
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Line

from ..draws import rng_of
from ..marked_pool import BACKGROUND_HZ, Synapses, cue_rates, lesson, pools, probes, simulate, to_whole_epochs

LEARN_S, GAP_MS = 30.0, 40_000.0
MEMORY_PROBES, NOVEL_PROBES = 6, 2
NEWEST = 10
LATCHED = 0.5
SAMPLE_MS = 10_000.0  # how often the marks are recorded


def conditions(active: int) -> dict[str, Synapses]:
    """The pools, by name."""
    J = 0.075 * 30 / active
    return {
        "none": Synapses(J=J),
        "marks": Synapses(labile=True, stable=True, J=J),
        "budget": Synapses(labile=True, stable=True, budget=0.5, J=0.055 * 50 / active, k=0.15),
    }


def protocol(patterns: np.ndarray, novel: np.ndarray, inputs: int, at: Sequence[int]) -> Timeline:
    """The timeline of the module's text; block K has phases "K: memory M.n" and "K: novel M.n"."""
    phases = []
    for k, pattern in enumerate(patterns):
        phases += [lesson(f"learn {k}", pattern, inputs, LEARN_S), Phase(f"gap {k}", GAP_MS)]
        if k + 1 in at:
            block = [
                phase
                for kind, shown, count in (("memory", patterns[: k + 1], MEMORY_PROBES), ("novel", novel, NOVEL_PROBES))
                for m, each in enumerate(shown)
                for phase in probes(f"{k + 1}: {kind} {m}", each, inputs, count)
            ]
            phases += to_whole_epochs(f"{k + 1}: rest", block)
    return Timeline(phases, inputs=np.full(inputs, BACKGROUND_HZ), teacher=0.0)


def experiment(
    repeats: Repeats,
    *,
    inputs: int = 1000,
    active: int = 50,
    at: Sequence[int] = (2, 5, 10, 20, 50),
    novel: int = 20,
) -> Findings:
    """Teach max(``at``) memories once a seed, and probe them with ``novel`` other patterns after each number ``at``."""
    if not at or any(isinstance(k, bool) or not isinstance(k, int) or not 1 <= k <= 1000 for k in at):
        raise InvalidModel(f"retention: at must be numbers of memories from 1 to 1000, got {list(at)}")
    if not 1 <= active <= inputs or novel < 1:
        raise InvalidModel(f"retention: needs 1 <= active <= inputs and novel >= 1, got {active}, {inputs}, {novel}")
    by_pool: dict[str, dict[int, list[dict[str, Any]]]] = {c: {k: [] for k in sorted(at)} for c in conditions(active)}
    for seed in repeats:
        rng = rng_of(seed, "marked_pool.retention")
        drawn = np.array([rng.permutation(inputs)[:active] for _ in range(max(at) + novel)])
        patterns, others = drawn[: max(at)], drawn[max(at) :]
        timeline = protocol(patterns, others, inputs, at)
        network = pools(timeline, conditions(active), name="retention")
        for name, synapses in conditions(active).items():
            if synapses.stable:
                network.probe(network.projections[f"inputs-{name}"], "m", every_ms=SAMPLE_MS)
        result = simulate(network, timeline, seed, repeats.backend)
        for name, blocks in by_pool.items():
            for k, values in blocks.items():
                values.append(_read(result, name, timeline, k, novel))
    return _findings(by_pool)


def _read(result: Result, pool: str, timeline: Timeline, k: int, novel: int) -> dict[str, Any]:
    """AUC of each of ``k`` memories against the novel patterns, oldest first, and the share of latched marks."""

    def scores(kind: str, count: int, repeats: int) -> np.ndarray:
        names = [f"{k}: {kind} {m}.{n}" for m in range(count) for n in range(repeats)]
        rates = cue_rates(result, pool, timeline, names).reshape(count, repeats)
        return np.asarray(rates.mean(axis=1))

    remembered, unknown = scores("memory", k, MEMORY_PROBES), scores("novel", novel, NOVEL_PROBES)
    auc = (remembered[:, None] > unknown).mean(axis=1) + 0.5 * (remembered[:, None] == unknown).mean(axis=1)
    signal = result.recording.signals.get(f"inputs-{pool}.m")
    marked = 0.0
    if signal is not None:
        steps, values = signal
        marked = float((values[np.searchsorted(steps, timeline[f"{k}: memory 0.0"].start_ms) - 1] > LATCHED).mean())
    return {"auc": auc, "marked": marked, "rate_hz": remembered.mean(), "novel_hz": unknown.mean()}


def _findings(by_pool: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]) -> Findings:
    results: dict[str, Any] = {}
    rows = []
    for pool, blocks in by_pool.items():
        results[pool] = {}
        for k, values in blocks.items():
            estimates = {
                "mean_auc": Estimate.of([v["auc"].mean() for v in values]),
                "first_auc": Estimate.of([v["auc"][0] for v in values]),
                f"newest_{NEWEST}_auc": Estimate.of([v["auc"][-NEWEST:].mean() for v in values]),
                "marked": Estimate.of([v["marked"] for v in values]),
                "memory_hz": Estimate.of([v["rate_hz"] for v in values]),
                "novel_hz": Estimate.of([v["novel_hz"] for v in values]),
            }
            by_age = np.mean([v["auc"][::-1] for v in values], axis=0)
            results[pool][str(k)] = {**estimates, "auc_by_age": by_age.tolist()}
            rows.append([pool, k, *estimates.values()])
    heads = [
        "pool",
        "memories",
        "mean AUC",
        "AUC of the first",
        f"of the newest {NEWEST}",
        "marked",
        "memory Hz",
        "novel Hz",
    ]
    notes = [
        f"{INTERVAL}; marked: share of synapses with m > .5",
        "results.json has the AUC by age, newest memory first",
    ]
    return Findings(results, heads, rows, notes, _pictures(by_pool))


def _pictures(by_pool: Mapping[str, Mapping[int, Sequence[Mapping[str, Any]]]]) -> list[Line]:
    """Pictures of the AUC of memories against novel patterns: as more are taught, and by their age in the end."""
    taught = list(next(iter(by_pool.values())))
    means = {
        pool: [Estimate.of([v["auc"].mean() for v in values]) for values in blocks.values()]
        for pool, blocks in by_pool.items()
    }
    ages = {
        pool: [Estimate.of([v["auc"][-1 - age] for v in blocks[taught[-1]]]) for age in range(taught[-1])]
        for pool, blocks in by_pool.items()
    }
    since = range(taught[-1])
    after = Line(taught, means, title="All memories", x_label="memories taught", y_label="AUC")
    by_age = Line(since, ages, title="Each of the last", x_label="memories taught since", y_label="AUC")
    return [after, by_age]


EXPERIMENT = Experiment(
    name="retention",
    title="How many memories does a pool keep, and how old do they get?",
    about=__doc__,
    backend="brian2",
    run=experiment,
)
