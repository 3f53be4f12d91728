"""How much the CA3 memory forgets by being read, as published and behind astrocyte gates.

Random operations (40 % learns of a random cue with random content, 20 % recalls by cue, 40 % by a fragment of 1 to 4
bits of a learnt content; only learnt cues are recalled) are played at several spacings. A recall by cue is right if
OUT shows exactly the cue at +5 ms and exactly its content at +6; one by fragment if it shows the fragment at +5 and
exactly the matching cues at +6. With noise, input spikes are dropped from learns or added at random while operating,
and the memory is probed without noise afterwards.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.execution.experiments import Estimate, Findings
from ernsnn.execution.simulate import run

from .ca3_memory.network import build
from .ca3_memory.operations import Operation, Pattern, expected_responses, input_times

Gating = Literal["none", "astrocyte"]
VARIANTS: dict[str, Gating] = {"published": "none", "gated": "astrocyte"}
PROBE_SPACING_MS = 14
ANSWER_MS = 16
_BLOCK_MS = 8192  # durations of compiled runs are rounded up to it, so that the code is used again


@dataclass
class Score:
    """Right answers out of all asked, per kind of recall and seed."""

    asked: dict[str, list[int]] = field(default_factory=dict)
    right: dict[str, list[int]] = field(default_factory=dict)

    def add(self, counts: dict[str, tuple[int, int]]) -> None:
        """One seed's (asked, right) per kind."""
        for kind, (asked, right) in counts.items():
            self.asked.setdefault(kind, []).append(asked)
            self.right.setdefault(kind, []).append(right)

    def share(self, kind: str) -> Estimate:
        """Share of right answers over seeds."""
        both = zip(self.right[kind], self.asked[kind], strict=True)
        return Estimate.of([right / asked for right, asked in both if asked])

    def to_json(self) -> dict[str, Any]:
        """Per kind: asked and right in all, and the share over seeds."""
        return {
            kind: {"asked": sum(self.asked[kind]), "right": sum(self.right[kind]), "share": self.share(kind).to_json()}
            for kind in sorted(self.asked)
            if sum(self.asked[kind])
        }


def experiment(
    *,
    backend: str = "brian2",
    seeds: Sequence[int] = tuple(range(3)),
    progress: Callable[[float], None] = lambda fraction: None,
    sizes: Sequence[int] = (16,),
    spacings: Sequence[str] = ("14/14", "12/7", "12/6", "10/6", "7/6"),
    density: float = 0.25,
    operations: int = 2000,
    lateral_nA: float | None = None,
    drop: float = 0.0,
    spurious: float = 0.0,
) -> Findings:
    """Play random operations on both memories.

    ``spacings`` are ms after a learn / after a recall. ``drop``: share of the input spikes of learns that are left
    out; ``spurious``: extra input spikes at random places, as a share of all. With either, what counts are recalls of
    every cue and of fragments without noise, after all operations.
    """
    _check(sizes, spacings, density, operations, drop, spurious)
    noisy = drop > 0 or spurious > 0
    cells = [(variant, size, spacing) for variant in VARIANTS for size in sizes for spacing in spacings]
    scores = {cell: Score() for cell in cells}
    for k, (cell, seed) in enumerate([(cell, seed) for cell in cells for seed in seeds]):
        variant, size, spacing = cell
        rng = np.random.default_rng([seed, size, int(1000 * density)])
        after_learn, after_recall = _spacing(spacing)
        planned = list(random_operations(rng, size, density, operations, after_learn, after_recall))
        probes = list(clean_probes(rng, planned)) if noisy else []
        scores[cell].add(play(planned, probes, size, VARIANTS[variant], lateral_nA, backend, rng, drop, spurious))
        progress((k + 1) / (len(cells) * len(seeds)))
    return _findings(scores, lateral_nA, noisy)


def random_operations(
    rng: np.random.Generator, size: int, density: float, count: int, after_learn: int, after_recall: int
) -> Iterator[Operation]:
    """``count`` operations of the workload, one after the other."""
    memory: dict[int, list[int]] = {}
    t = 0
    for _ in range(count):
        kind = rng.random()
        if not memory or kind < 0.4:
            cue = int(rng.integers(size))
            content: list[int] = []
            while not content:
                content = np.flatnonzero(rng.random(size) < density).tolist()
            memory[cue] = content
            yield Operation("learn", t, Pattern((cue,), tuple(content)))
            t += after_learn
            continue
        cue = int(rng.choice(sorted(memory)))
        asked = Pattern((cue,)) if kind < 0.6 else fragment(rng, memory[cue], int(rng.integers(1, 5)))
        yield Operation("recall", t, asked)
        t += after_recall


def fragment(rng: np.random.Generator, content: Sequence[int], bits: int) -> Pattern:
    """Some bits of a content; all where it has fewer."""
    chosen = rng.choice(content, min(bits, len(content)), replace=False)
    return Pattern((), tuple(sorted(int(bit) for bit in chosen)))


def clean_probes(rng: np.random.Generator, planned: Sequence[Operation]) -> Iterator[Operation]:
    """A recall of every learnt cue, and one by a fragment of 1 to 4 bits of its content."""
    memory = {op.asked.cues[0]: op.asked.contents for op in planned if op.kind == "learn"}
    t = planned[-1].t_ms + 2 * PROBE_SPACING_MS
    for cue, content in memory.items():
        for asked in (Pattern((cue,)), fragment(rng, content, int(rng.integers(1, 5)))):
            yield Operation("recall", t, asked)
            t += PROBE_SPACING_MS


def play(
    planned: Sequence[Operation],
    probes: Sequence[Operation],
    size: int,
    gate: Gating,
    lateral_nA: float | None,
    backend: str,
    rng: np.random.Generator,
    drop: float,
    spurious: float,
) -> dict[str, tuple[int, int]]:
    """(asked, right) per kind of recall: of the probes where there are any, else of all recalls."""
    everything = [*planned, *probes]
    until = planned[-1].t_ms + PROBE_SPACING_MS
    trains = noisy_trains(input_times(everything, size, size), planned, until, rng, drop, spurious)
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


def noisy_trains(
    times: tuple[list[list[int]], list[list[int]]],
    planned: Sequence[Operation],
    until: int,
    rng: np.random.Generator,
    drop: float,
    spurious: float,
) -> list[list[int]]:
    """Input trains, cues first, with noise before ``until``: spikes of learns left out, others added at random."""
    trains = [set(train) for side in times for train in side]
    learning = {t for op in planned if op.kind == "learn" for t, _ in op.spikes()}
    operating = [(n, t) for n, train in enumerate(trains) for t in sorted(train) if t < until]
    for (n, t), chance in zip(operating, rng.random(len(operating)), strict=True):
        if t in learning and chance < drop:
            trains[n].discard(t)
    for _ in range(rng.binomial(len(operating), spurious)):
        trains[int(rng.integers(len(trains)))].add(int(rng.integers(until)))
    return [sorted(train) for train in trains]


def _findings(scores: dict[tuple[str, int, str], Score], lateral_nA: float | None, noisy: bool) -> Findings:
    results: dict[str, Any] = {}
    kinds = ["cue", *(f"fragment_{bits}" for bits in range(1, 5))]
    rows = []
    for (variant, size, spacing), score in scores.items():
        found = score.to_json()
        results.setdefault(variant, {}).setdefault(f"{size}x{size}", {})[spacing] = found
        cells = [f"{found[kind]['right']}/{found[kind]['asked']}" if kind in found else "-" for kind in kinds]
        total = Score()
        for by_seed in range(len(next(iter(score.asked.values())))):
            asked = sum(score.asked[kind][by_seed] for kind in score.asked if by_seed < len(score.asked[kind]))
            right = sum(score.right[kind][by_seed] for kind in score.right if by_seed < len(score.right[kind]))
            total.add({"all": (asked, right)})
        results[variant][f"{size}x{size}"][spacing]["all"] = total.to_json()["all"]
        rows.append([variant, f"{size}x{size}", spacing, *cells, str(total.share("all"))])
    heads = [
        "memory",
        "size",
        "after learn/recall ms",
        "by cue",
        *(f"{bits} bits" for bits in range(1, 5)),
        "share right",
    ]
    notes = ["right/asked over all seeds; share right: mean ± 95 % interval over seeds"]
    notes += [f"lateral inhibition {lateral_nA} nA"] if lateral_nA is not None else []
    notes += ["recalls after noisy operation, themselves without noise"] if noisy else []
    return Findings(results, heads, rows, notes)


def _spacing(text: str) -> tuple[int, int]:
    after_learn, _, after_recall = text.partition("/")
    return int(after_learn), int(after_recall)


def _check(
    sizes: Iterable[int], spacings: Iterable[str], density: float, operations: int, drop: float, spurious: float
) -> None:
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
    for name, share in (("density", density), ("drop", drop), ("spurious", spurious)):
        if not 0 <= share <= 1 or (name == "density" and share == 0):
            raise InvalidModel(f"ca3_gated: {name} must lie in [0, 1], and density above 0; got {share}")
