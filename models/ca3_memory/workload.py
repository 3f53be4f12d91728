"""Random operations for the CA3 memory, the noise on them, and recalls that test the memory afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import numpy as np

from .operations import Operation, Pattern

Noise = Literal["drop", "spurious"]
PROBE_SPACING_MS = 14


def random_operations(
    rng: np.random.Generator, size: int, density: float, count: int, after_learn: int, after_recall: int
) -> Iterator[Operation]:
    """``count`` operations, one after the other: 40 % learns of a random cue, 20 % recalls by cue, 40 % by a fragment.

    Only learnt cues are recalled. A bit is part of a content with probability ``density``; operations begin at 0 ms,
    and ``after_learn`` or ``after_recall`` ms after the one before.
    """
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


def noisy_trains(
    trains: Sequence[Sequence[int]], planned: Sequence[Operation], rng: np.random.Generator, noise: Noise, level: float
) -> list[list[int]]:
    """Input trains with noise until the ``planned`` operations are over: ``level`` is a probability.

    "drop": each input spike of a learn is left out with it. "spurious": there are extra spikes, their number binomial
    (all input spikes of the operations, level), each at a random input and ms.
    """
    until = planned[-1].t_ms + PROBE_SPACING_MS
    noisy = [set(train) for train in trains]
    operating = [(n, t) for n, train in enumerate(trains) for t in train if t < until]
    if noise == "drop":
        learning = {t for op in planned if op.kind == "learn" for t, _ in op.spikes()}
        for (n, t), chance in zip(operating, rng.random(len(operating)), strict=True):
            if t in learning and chance < level:
                noisy[n].discard(t)
    else:
        for _ in range(rng.binomial(len(operating), level)):
            noisy[int(rng.integers(len(noisy)))].add(int(rng.integers(until)))
    return [sorted(train) for train in noisy]
