"""Sorting the synapses of a row by their delays, and moving numbers to and from where they then stand."""

from __future__ import annotations

import numpy as np

from .jit import compiled


@compiled
def order(
    starts: np.ndarray,
    delays: np.ndarray,
    places: np.ndarray,
    stretches: np.ndarray,
    counts: np.ndarray,
    at: np.ndarray,
    different: np.ndarray,
) -> int:
    """Where each synapse stands once rows are sorted by delay, and how rows are made of stretches of equal delays.

    Row i has the synapses ``starts[q, i]`` to ``starts[q, i + 1]`` of each list q, one list after the other; those of
    one delay stay in that order. ``places`` counts from the first row on. ``stretches`` gets the delay of each and its
    end, counted from the start of its row, ``counts`` how many a row has; how many there are in all is returned. ``at``
    (a number for each possible delay, all 0) and ``different`` are scratch space.
    """
    first, n = 0, 0
    for i in range(starts.shape[1] - 1):
        k = 0
        for q in range(starts.shape[0]):
            for s in range(starts[q, i], starts[q, i + 1]):
                d = delays[s]
                if at[d] == 0:
                    different[k] = d
                    k += 1
                at[d] += 1
        _sort(different, k)
        end = first
        for j in range(k):
            d = different[j]
            end, at[d] = end + at[d], end
            stretches[n, 0], stretches[n, 1] = d, end - first
            n += 1
        for q in range(starts.shape[0]):
            for s in range(starts[q, i], starts[q, i + 1]):
                places[s] = at[delays[s]]
                at[delays[s]] += 1
        for j in range(k):
            at[different[j]] = 0
        counts[i], first = k, end
    return n


@compiled
def _sort(values: np.ndarray, n: int) -> None:
    """The first ``n``, by Shell's method: there are few, and often many rows of them."""
    gap = n // 2
    while gap > 0:
        for k in range(gap, n):
            value, j = values[k], k
            while j >= gap and values[j - gap] > value:
                values[j] = values[j - gap]
                j -= gap
            values[j] = value
        gap //= 2


@compiled
def put(values: np.ndarray, places: np.ndarray, out: np.ndarray) -> None:
    """``out[places] = values``."""
    for s in range(len(places)):
        out[places[s]] = values[s]


@compiled
def take(values: np.ndarray, places: np.ndarray, out: np.ndarray) -> None:
    """``out[:] = values[places]``."""
    for s in range(len(places)):
        out[s] = values[places[s]]
