"""How much the CA3 memory forgets by being read and under noise: as published, and behind two kinds of astrocyte gates.

Random operations (40 % learns of a random cue with random content, 20 % recalls by cue, 40 % by a fragment of 1 to 4
bits of a learnt content; only learnt cues are recalled) are played at several spacings. A recall by cue is right if
OUT shows exactly the cue at +5 ms and exactly its content at +6; one by fragment if it shows the fragment at +5 and
exactly the matching cues at +6.

With noise, recalls are judged after all operations and without noise: every learnt cue once, and one fragment of the
content of each. ``drop p``: each input spike of a learn is left out with probability p. ``spurious p``: there are
extra input spikes, their number binomial (all input spikes of the operations, p), each at a random input and ms.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.result import run
from ernsnn.studies.estimates import INTERVAL, Estimate
from ernsnn.studies.experiment import Experiment, Findings, Repeats
from ernsnn.studies.pictures import Bars

from ..ca3_memory.network import Gating, build
from ..ca3_memory.operations import Pattern, expected_responses, input_times
from ..ca3_memory.workload import Noise, clean_probes, noisy_trains, random_operations

MEMORIES: dict[str, Gating] = {"published": "none", "gated": "astrocyte", "majority": "majority"}
ANSWER_MS = 16
_BLOCK_MS = 4096  # durations of compiled runs are rounded up to it, so that the code is used again
_KINDS = ("cue", *(f"fragment_{bits}" for bits in range(1, 5)))
_SUMS = {"fragment": _KINDS[1:], "all": _KINDS}


@dataclass(frozen=True)
class Condition:
    """A memory and its operations, with spacings in ms after a learn and after a recall."""

    memory: str
    size: int
    after_learn: int
    after_recall: int
    operations: int
    density: float
    noise: Noise | None = None
    level: float = 0.0

    @property
    def spacing(self) -> str:
        """The spacing as text, as it was given."""
        return f"{self.after_learn}/{self.after_recall}"

    @property
    def label(self) -> str:
        """The condition in the results, below memory and size."""
        return f"{self.spacing} {self.noise} {self.level:g}" if self.noise else self.spacing


@dataclass
class Score:
    """(asked, right) per kind of recall, of one seed after the other."""

    counts: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def add(self, counts: dict[str, tuple[int, int]]) -> None:
        """One seed's counts; sums over all fragments and over all recalls are added."""
        for name, kinds in (*((kind, (kind,)) for kind in _KINDS), *_SUMS.items()):
            of_kinds = [counts.get(kind, (0, 0)) for kind in kinds]
            self.counts.setdefault(name, []).append((sum(a for a, _ in of_kinds), sum(r for _, r in of_kinds)))

    def shares(self) -> dict[str, Any]:
        """Per kind that was asked for: asked and right in all, and the share over seeds."""
        return {
            kind: {
                "asked": sum(asked for asked, _ in counts),
                "right": sum(right for _, right in counts),
                "share": Estimate.of([right / asked for asked, right in counts if asked]),
            }
            for kind, counts in self.counts.items()
            if any(asked for asked, _ in counts)
        }


def experiment(
    repeats: Repeats,
    *,
    memories: Sequence[str] = tuple(MEMORIES),
    sizes: Sequence[int] = (16,),
    spacings: Sequence[str] = ("14/14", "12/7", "12/6", "10/6", "7/6"),
    density: float = 0.25,
    operations: int = 200,
    lateral_nA: float | None = None,
    noise: Sequence[float] = (0.05, 0.1),
    noise_spacing: str = "12/8",
) -> Findings:
    """Play random operations on every memory: without noise at all ``spacings``, then with each level of ``noise``.

    ``memories``: published, gated (``gate="astrocyte"``) and majority (see ``ca3_memory.build``). Spacings are ms after
    a learn / after a recall. ``noise``: levels, each played as ``drop`` and as ``spurious`` at ``noise_spacing``. Each
    time there are as many ``operations``. All memories see the same operations and the same noise.
    """
    _check(memories, sizes, [*spacings, noise_spacing], density, operations, noise)
    kinds: tuple[Noise, ...] = get_args(Noise)
    conditions = [
        condition
        for memory in memories
        for size in sizes
        for condition in (
            *(Condition(memory, size, *_spacing(spacing), operations, density) for spacing in spacings),
            *(
                Condition(memory, size, *_spacing(noise_spacing), operations, density, kind, level)
                for kind in kinds
                for level in noise
            ),
        )
    ]
    scores = {condition: Score() for condition in conditions}
    for k, (condition, seed) in enumerate([(condition, seed) for condition in scores for seed in repeats.seeds]):
        scores[condition].add(play(condition, seed, lateral_nA, repeats.backend))
        repeats.progress((k + 1) / (len(scores) * len(repeats.seeds)))
    return _findings(scores, lateral_nA)


def play(condition: Condition, seed: int, lateral_nA: float | None, backend: str) -> dict[str, tuple[int, int]]:
    """(asked, right) per kind of recall: of the probes after noisy operations, else of all recalls."""
    size, density, gate = condition.size, condition.density, MEMORIES[condition.memory]
    rng = np.random.default_rng([seed, size, int(1000 * density)])
    spacing = condition.after_learn, condition.after_recall
    planned = list(random_operations(rng, size, density, condition.operations, *spacing))
    probes = list(clean_probes(rng, planned)) if condition.noise else []
    everything = [*planned, *probes]
    inputs = input_times(everything, size, size)
    trains = [train for side in inputs for train in side]
    if condition.noise:
        trains = noisy_trains(trains, planned, rng, condition.noise, condition.level)
    block = _BLOCK_MS if backend == "brian2" else 1
    duration = -(-(everything[-1].t_ms + ANSWER_MS) // block) * block
    network = build(size, size, trains[:size], trains[size:], gate=gate, lateral_nA=lateral_nA)
    options: dict[str, Any] = {"target": "cpp_standalone"} if backend == "brian2" else {}
    times, neurons = run(network, duration_ms=duration, backend=backend, **options).spikes("OUT")
    shown: dict[int, set[int]] = {}
    for t, neuron in zip(times.astype(int).tolist(), neurons.tolist(), strict=True):
        shown.setdefault(t, set()).add(neuron)
    counts: dict[str, list[int]] = {}
    for op, expected in zip(everything, expected_responses(everything, echoes=gate == "none"), strict=True):
        if op.kind != "recall" or (probes and op.t_ms < probes[0].t_ms):
            continue
        assert expected is not None
        right = all(shown.get(op.t_ms + k, set()) == _out(expected.get(k, Pattern()), size) for k in (5, 6))
        count = counts.setdefault("cue" if op.asked.cues else f"fragment_{len(op.asked.contents)}", [0, 0])
        count[0] += 1
        count[1] += right
    return {kind: (asked, right) for kind, (asked, right) in counts.items()}


def _out(pattern: Pattern, size: int) -> set[int]:
    """Neurons of OUT."""
    return {*pattern.cues, *(size + bit for bit in pattern.contents)}


def _findings(scores: dict[Condition, Score], lateral_nA: float | None) -> Findings:
    results: dict[str, Any] = {}
    rows = []
    for condition, score in scores.items():
        by_kind = score.shares()
        size = f"{condition.size}x{condition.size}"
        results.setdefault(condition.memory, {}).setdefault(size, {})[condition.label] = by_kind
        noise = f"{condition.noise} {100 * condition.level:g} %" if condition.noise else "-"
        cells = [f"{by_kind[kind]['right']}/{by_kind[kind]['asked']}" if kind in by_kind else "-" for kind in _KINDS]
        shares = [by_kind[kind]["share"] if kind in by_kind else "-" for kind in ("cue", "fragment")]
        rows.append([condition.memory, size, condition.spacing, noise, *cells, *shares])
    bits = [f"{bits} bit{'s' * (bits > 1)}" for bits in range(1, 5)]
    heads = ["memory", "size", "after learn/recall ms", "noise", "by cue", *bits, "share by cue", "share by bits"]
    notes = [f"right/asked over all seeds; shares: {INTERVAL}"]
    notes += [f"lateral inhibition {lateral_nA} nA"] if lateral_nA is not None else []
    if any(condition.noise for condition in scores):
        notes.append("noise: recalls after noisy operation, themselves without noise")
    return Findings(results, heads, rows, notes, _pictures(scores))


def _pictures(scores: dict[Condition, Score]) -> list[Bars]:
    """Shares of right recalls by every memory: without noise, and after noisy operation."""
    pictures: list[Bars] = []
    for noisy, title in (
        (False, "Right recalls, by ms after a learn / after a recall"),
        (True, "Right recalls, by noise"),
    ):
        shares_of: dict[str, dict[str, Estimate]] = {}
        for condition, score in scores.items():
            asked = score.shares().get("all")
            if bool(condition.noise) is noisy and asked:
                group = f"{condition.size}x{condition.size}, {condition.label}"
                shares_of.setdefault(condition.memory, {})[group] = asked["share"]
        groups = list(dict.fromkeys(group for of in shares_of.values() for group in of))
        if groups:
            shares = {memory: [of.get(group) for group in groups] for memory, of in shares_of.items()}
            pictures.append(Bars(groups, shares, title=title, x_label="share of recalls"))
    return pictures


def _spacing(text: str) -> tuple[int, int]:
    after_learn, _, after_recall = text.partition("/")
    return int(after_learn), int(after_recall)


def _check(
    memories: Sequence[str],
    sizes: Sequence[int],
    spacings: Sequence[str],
    density: float,
    operations: int,
    noise: Sequence[float],
) -> None:
    for memory in memories:
        if memory not in MEMORIES:
            raise InvalidModel(f"ca3_gated: memories must be of {', '.join(MEMORIES)}; got {memory!r}")
    for spacing in spacings:
        try:
            enough = min(_spacing(spacing)) >= 4
        except (ValueError, AttributeError):
            enough = False
        if not enough:
            raise InvalidModel(f'ca3_gated: a spacing is text such as "12/6", each at least 4 ms; got {spacing!r}')
    if any(isinstance(size, bool) or not isinstance(size, int) or size < 2 for size in sizes):
        raise InvalidModel(f"ca3_gated: sizes must be whole numbers >= 2, got {list(sizes)}")
    if not isinstance(operations, int) or operations < 2:
        raise InvalidModel(f"ca3_gated: operations must be a whole number >= 2, got {operations!r}")
    if not 0 < density <= 1:
        raise InvalidModel(f"ca3_gated: density must lie in (0, 1], got {density}")
    for level in noise:
        if not 0 <= level <= 1:
            raise InvalidModel(f"ca3_gated: noise must be shares in [0, 1], got {level}")


EXPERIMENT = Experiment(
    name="ca3_gated",
    title="How much the CA3 memory forgets by being read and under noise",
    about=__doc__,
    source="Casanueva-Morato et al. 2024, Neural Networks 178:106474",
    backend="brian2",
    run=experiment,
)
