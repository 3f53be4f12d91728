"""Statistics of the spikes of a population: rate, regularity, synchrony and branching factor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Activity:
    r"""Statistics of one population over a whole run; None where its spikes are too few to compute one.

    - ``rate_hz``: spikes per neuron and second.
    - ``cv_isi``: mean over neurons of the coefficient of variation of their intervals, of those with at least two
      intervals; 0 for a clock, 1 for a Poisson process.
    - ``synchrony``: :math:`\chi = \sqrt{Var_t(\bar a) / \overline{Var_t(a_i)}}` of the spike counts a_i in bins (Golomb
      2007, equation 2); 1 where all neurons do the same, about :math:`1/\sqrt N` where they are independent.
    - ``branching_factor``: mean of n(k + 1)/n(k) over bins k with spikes, n being the spikes of all neurons in a bin
      (Beggs and Plenz 2003); of bins whose successor lies within the run.
    - ``activation_sparsity``: 1 - spikes/(neurons * steps) (NeuroBench).
    """

    population: str
    neurons: int
    spikes: int
    rate_hz: float
    cv_isi: float | None
    synchrony: float | None
    branching_factor: float | None
    activation_sparsity: float | None


def activity(
    population: str, size: int, steps: np.ndarray, neurons: np.ndarray, n_steps: int, dt_ms: float, bin_steps: int
) -> Activity:
    """Compute the statistics of a population whose neurons ``neurons`` (int) spiked in steps ``steps`` (int)."""
    return Activity(
        population=population,
        neurons=size,
        spikes=len(steps),
        rate_hz=mean_rate_hz(len(steps), size, n_steps * dt_ms),
        cv_isi=_cv(steps, neurons),
        synchrony=_synchrony(steps, neurons, size, n_steps // bin_steps, bin_steps),
        branching_factor=_branching(steps, n_steps // bin_steps, bin_steps),
        activation_sparsity=1.0 - len(steps) / (size * n_steps) if n_steps else None,
    )


def mean_rate_hz(spikes: int, neurons: int, duration_ms: float) -> float:
    """Spikes per neuron and second; 0 where there is no time."""
    seconds = duration_ms / 1000.0
    return spikes / (neurons * seconds) if seconds else 0.0


def _cv(steps: np.ndarray, neurons: np.ndarray) -> float | None:
    order = np.lexsort((steps, neurons))
    of, intervals = neurons[order][1:], np.diff(steps[order])
    same = of == neurons[order][:-1]
    of, intervals = of[same], intervals[same].astype(float)
    count = np.bincount(of)
    enough = count >= 2
    if not enough.any():
        return None
    mean = np.bincount(of, intervals)[enough] / count[enough]
    spread = np.bincount(of, (intervals - (np.bincount(of, intervals) / np.maximum(count, 1))[of]) ** 2)[enough]
    return float(np.mean(np.sqrt(spread / count[enough]) / mean))


def _synchrony(steps: np.ndarray, neurons: np.ndarray, size: int, n_bins: int, bin_steps: int) -> float | None:
    """Synchrony from the counts that are not 0, which give both variances without an array (neurons, bins)."""
    if n_bins < 2:
        return None
    inside = steps < n_bins * bin_steps
    bins, of = steps[inside] // bin_steps, neurons[inside].astype(np.int64)
    _, counts = np.unique(bins * size + of, return_counts=True)
    squares, per_neuron = np.sum(counts.astype(float) ** 2), np.bincount(of, minlength=size)
    own = (squares / n_bins - np.sum((per_neuron / n_bins) ** 2)) / size
    together = np.var(np.bincount(bins, minlength=n_bins) / size)
    return float(np.sqrt(together / own)) if own > 0 else None


def _branching(steps: np.ndarray, n_bins: int, bin_steps: int) -> float | None:
    counts = np.bincount(steps[steps < n_bins * bin_steps] // bin_steps, minlength=n_bins).astype(float)
    before, after = counts[:-1], counts[1:]
    return float(np.mean(after[before > 0] / before[before > 0])) if (before > 0).any() else None
