"""Comparison of two results: spikes matched one to one, the first difference, and final weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.names import variable_of
from ernsnn.errors import InvalidModel
from ernsnn.recording.readings import Readings
from ernsnn.text import table


@dataclass(frozen=True, kw_only=True)
class Divergence:
    """The earliest spike of one result that has no partner in the other, which is ``missing_in``."""

    population: str
    neuron: int
    step: int
    time_ms: float
    missing_in: str

    def __str__(self) -> str:
        return f"neuron {self.neuron}, step {self.step} ({self.time_ms:.12g} ms): no such spike in {self.missing_in}"


@dataclass(frozen=True, kw_only=True)
class PopulationComparison:
    """One population: ``precision`` is the part of b's spikes, ``recall`` the part of a's, that has a partner.

    Both are 1 where there are no spikes.
    """

    population: str
    spikes_a: int
    spikes_b: int
    matched: int
    first_divergence: Divergence | None

    @property
    def precision(self) -> float:
        """matched / spikes_b."""
        return self.matched / self.spikes_b if self.spikes_b else 1.0

    @property
    def recall(self) -> float:
        """matched / spikes_a."""
        return self.matched / self.spikes_a if self.spikes_a else 1.0

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {**asdict(self), "precision": self.precision, "recall": self.recall}


@checked
@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The comparison of two results. Prints as a table.

    ``weights`` holds, per variable of a plastic projection, the largest difference, relative to the largest magnitude
    of that variable in either result; None where one of the two returned none, or no
    finite ones.
    """

    a: str
    b: str
    tolerance_steps: int
    populations: Sequence[PopulationComparison]
    weights: dict[str, float | None]
    missing: dict[str, str]

    @property
    def equal(self) -> bool:
        """Whether every spike has a partner within the tolerance. Weights are reported, not judged."""
        return not self.missing and all(p.first_divergence is None for p in self.populations)

    @property
    def first_divergence(self) -> Divergence | None:
        """The earliest spike without a partner in any population."""
        divergences = [p.first_divergence for p in self.populations if p.first_divergence]
        return min(divergences, key=lambda divergence: divergence.step, default=None)

    @property
    def largest_weight_difference(self) -> float:
        """The largest of ``weights``; 0 where nothing is plastic."""
        return max((d for d in self.weights.values() if d is not None), default=0.0)

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        first = self.first_divergence
        return {
            "a": self.a,
            "b": self.b,
            "tolerance_steps": self.tolerance_steps,
            "equal": self.equal,
            "populations": [p.to_json() for p in self.populations],
            "first_divergence": asdict(first) if first else None,
            "weights": self.weights,
            "largest_weight_difference": self.largest_weight_difference,
            "missing": self.missing,
        }

    def __str__(self) -> str:
        head = ("population", self.a, self.b, "matched", "precision", "recall", "first divergence")
        rows = [head]
        for p in self.populations:
            counts = (str(p.spikes_a), str(p.spikes_b), str(p.matched), f"{p.precision:.3f}", f"{p.recall:.3f}")
            rows.append((p.population, *counts, str(p.first_divergence or "-")))
        lines = table(rows, range(1, len(head) - 1))
        lines += [f"{name}: only in {owner}" for name, owner in self.missing.items()]
        return "\n".join([*lines, *self._weight_lines(), self._verdict()])

    def _weight_lines(self) -> list[str]:
        known = {name: d for name, d in self.weights.items() if d is not None}
        lines = [f"{name}: its final values cannot be compared" for name, d in self.weights.items() if d is None]
        if known:
            worst = max(known, key=lambda name: known[name])
            lines.append(f"largest relative difference of weights and marks: {known[worst]:.3g} ({worst})")
        return lines

    def _verdict(self) -> str:
        within = f"within {self.tolerance_steps} step{'s' * (self.tolerance_steps != 1)}"
        if self.equal:
            return f"every spike agrees {within}" if self.tolerance_steps else "every spike agrees"
        first = self.first_divergence
        return "they differ" + (f"; first in {first.population}, {first}" if first else "")


@checked
def compare(a: Readings, b: Readings, tolerance_steps: int = 0, *, allow_different: bool = False) -> Comparison:
    """Match the spikes of ``b`` one to one with those of ``a``, neuron by neuron, within ``tolerance_steps``.

    Raises InvalidModel on results of different graphs (``allow_different`` compares the populations of one name
    nevertheless), and of different time steps or durations.
    """
    if tolerance_steps < 0:
        raise InvalidModel(f"compare: tolerance_steps must be a whole number >= 0, got {tolerance_steps!r}")
    tolerance_steps = int(tolerance_steps)
    if a.graph.digest != b.graph.digest and not allow_different:
        raise InvalidModel(
            f"compare: the results are of different graphs ({a.graph.digest[:12]} and {b.graph.digest[:12]}): other "
            "network, input or seed; allow_different=True compares them nevertheless"
        )
    if a.graph.dt_ms != b.graph.dt_ms or a.recording.n_steps != b.recording.n_steps:
        spans = [f"{r.recording.n_steps} steps of {r.graph.dt_ms:.12g} ms" for r in (a, b)]
        raise InvalidModel(f"compare: the results last {spans[0]} and {spans[1]}; run both for the same time")
    if a.recording.first_step != b.recording.first_step:
        raise InvalidModel(
            f"compare: the results start at {a.start_ms:.12g} and {b.start_ms:.12g} ms; compare such as start together"
        )
    names = _labels(a, b)
    spikes_a, spikes_b = a.recording.spikes, b.recording.spikes
    order = [p.name for p in a.graph.populations]
    common = sorted(spikes_a.keys() & spikes_b.keys(), key=lambda n: (order.index(n) if n in order else -1, n))
    populations = []
    for name in common:
        matched, missing_in_b, missing_in_a = match(spikes_a[name], spikes_b[name], tolerance_steps)
        alone = [(*spike, names[1]) for spike in missing_in_b] + [(*spike, names[0]) for spike in missing_in_a]
        first = None
        if alone:
            step, neuron, where = min(alone)
            first = Divergence(
                population=name, neuron=neuron, step=step, time_ms=round(step * a.graph.dt_ms, 9), missing_in=where
            )
        counts = {"spikes_a": len(spikes_a[name][0]), "spikes_b": len(spikes_b[name][0])}
        populations.append(PopulationComparison(population=name, matched=matched, first_divergence=first, **counts))
    return Comparison(
        a=names[0],
        b=names[1],
        tolerance_steps=tolerance_steps,
        populations=populations,
        weights=_weights(a, b),
        missing={
            name: names[0] if name in spikes_a else names[1] for name in sorted(spikes_a.keys() ^ spikes_b.keys())
        },
    )


Spikes = tuple[np.ndarray, np.ndarray]


def match(a: Spikes, b: Spikes, tolerance_steps: int) -> tuple[int, list[tuple[int, int]], list[tuple[int, int]]]:
    """The largest one-to-one matching of spikes (steps, neurons) of the same neuron within the tolerance.

    Returns how many pairs there are, and the spikes (step, neuron) of ``a`` and of ``b`` that are in none. Pairing the
    earliest spikes that can be paired is optimal, since all intervals are equally long.
    """
    if np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]):
        return len(a[0]), [], []
    # Neurons one after the other on one axis, too far apart for a pair across two of them.
    highest = max((int(s.max()) for s in (a[0], b[0]) if len(s)), default=0)
    stride = highest + tolerance_steps + 1
    left, right = (np.sort(n.astype(np.int64) * stride + s.astype(np.int64)).tolist() for s, n in (a, b))
    i = j = matched = 0
    only: tuple[list[int], list[int]] = ([], [])
    while i < len(left) and j < len(right):
        if abs(left[i] - right[j]) <= tolerance_steps:
            i, j, matched = i + 1, j + 1, matched + 1
        elif left[i] < right[j]:
            only[0].append(left[i])
            i += 1
        else:
            only[1].append(right[j])
            j += 1
    only[0].extend(left[i:])
    only[1].extend(right[j:])
    alone_a, alone_b = ([(key % stride, key // stride) for key in keys] for keys in only)
    return matched, alone_a, alone_b


def _labels(a: Readings, b: Readings) -> tuple[str, str]:
    first, second = str(a.meta.get("backend", "a")), str(b.meta.get("backend", "b"))
    return (first, second) if first != second else (f"{first} (a)", f"{second} (b)")


def _weights(a: Readings, b: Readings) -> dict[str, float | None]:
    flat_a, flat_b = (
        {variable_of(p, v): values for p, variables in r.recording.synapses.items() for v, values in variables.items()}
        for r in (a, b)
    )
    return {
        name: _relative(flat_a[name], flat_b[name]) if name in flat_a and name in flat_b else None
        for name in sorted(flat_a.keys() | flat_b.keys())
    }


def _relative(a: np.ndarray, b: np.ndarray) -> float | None:
    if a.shape != b.shape:
        return None
    scale = max(np.max(np.abs(a), initial=0.0), np.max(np.abs(b), initial=0.0))
    largest = float(np.max(np.abs(a - b), initial=0.0) / scale) if scale else 0.0
    return largest if np.isfinite(largest) else None
