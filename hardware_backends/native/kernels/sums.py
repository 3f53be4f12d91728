"""Sums over the synapses of a neuron, and scaling them: what Normalise and budgets need."""

from __future__ import annotations

import numpy as np

from .jit import compiled


@compiled
def add_up(
    values: np.ndarray,
    indptr: np.ndarray,
    targets: np.ndarray,
    n_post: int,
    per_post: bool,
    count: bool,
    totals: np.ndarray,
) -> None:
    """Add to ``totals`` of each neuron its synapses' values, or only their number; for the rest see ``Wiring``."""
    listed = len(targets) > 0
    for i in range(len(indptr) - 1):
        first, last = indptr[i], indptr[i + 1]
        hole = i if last - first < n_post else n_post
        for s in range(first, last):
            j = np.int64(targets[s]) if listed else s - first + (s - first >= hole)
            totals[j if per_post else i] += 1.0 if count else values[s]


@compiled
def hand_over(sent: np.ndarray, values: np.ndarray, at: int, low: int, high: int) -> None:
    """Add ``sent`` from ``low`` to ``high`` (exclusive) to ``values`` from ``at + low`` on, and empty it."""
    out = values[at : at + len(sent)]
    for j in range(low, high):
        out[j] += sent[j]
        sent[j] = 0


@compiled
def scale(
    values: np.ndarray,
    indptr: np.ndarray,
    targets: np.ndarray,
    n_post: int,
    per_post: bool,
    factors: np.ndarray,
    low: float,
    high: float,
) -> None:
    """Multiply each neuron's synapses by its factor; then the bounds."""
    listed = len(targets) > 0
    for i in range(len(indptr) - 1):
        first, last = indptr[i], indptr[i + 1]
        hole = i if last - first < n_post else n_post
        for s in range(first, last):
            j = np.int64(targets[s]) if listed else s - first + (s - first >= hole)
            values[s] = min(max(values[s] * factors[j if per_post else i], low), high)
