"""Readings of a run by its trials: counts, rates, latencies, and labels by majority."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.units import exact, same_time, whole_steps
from ernsnn.errors import InvalidModel

if TYPE_CHECKING:
    from ernsnn.recording.readings import Readings


@dataclass(frozen=True, eq=False)
class TrialReadings:
    """A run by its ``n`` trials, each shown for ``show_ms`` with a rest of ``rest_ms`` after it, from ``start_ms`` on.

    Only spikes while a trial is shown count. ``labels`` (trials,) is None where the trials had none. A predicted or
    assigned label is -1 where there is no spike to tell.
    """

    readings: Readings
    start_ms: float
    show_ms: float
    rest_ms: float
    n: int
    labels: np.ndarray | None

    @classmethod
    def of(cls, readings: Readings, stored: dict[str, Any]) -> TrialReadings:
        """The trials that the meta data of ``readings`` name. Raises InvalidModel on those that cannot be theirs."""
        times = [stored[name] for name in ("start_ms", "show_ms", "rest_ms")]
        start, show, rest = times
        fine = all(map(math.isfinite, times)) and start >= 0 and show > 0 and rest >= 0 and stored["n"] >= 1
        labels, end = stored["labels"], readings.start_ms + readings.duration_ms
        fine = fine and (labels is None or (len(labels) == stored["n"] and all(0 <= k < 2**31 for k in labels)))
        fine = fine and same_time(start, readings.start_ms) and start + stored["n"] * (show + rest) <= end * (1 + 1e-9)
        if not fine:
            raise InvalidModel("trials: the stored times or labels are not those of this run; it is damaged")
        for time in times:
            whole_steps(time, readings.graph.dt_ms, "trials")
        return cls(readings, start, show, rest, stored["n"], None if labels is None else np.array(labels, np.int64))

    @property
    def starts_ms(self) -> np.ndarray:
        """The time at which each trial starts."""
        start, period = exact(self.start_ms), exact(self.show_ms) + exact(self.rest_ms)
        return np.array([float(start + k * period) for k in range(self.n)])

    @checked
    def counts(self, population: str) -> np.ndarray:
        """Spikes of each neuron in each trial, (trials, neurons)."""
        starts = self.starts_ms
        edges = np.stack([starts, starts + self.show_ms], axis=1).reshape(-1)
        if not self.rest_ms:
            edges = np.append(starts, starts[-1] + self.show_ms)
            return self.readings.counts(population, edges)
        return self.readings.counts(population, edges)[::2]

    @checked
    def rates_hz(self, population: str) -> np.ndarray:
        """``counts`` divided by ``show_ms``, (trials, neurons)."""
        return self.counts(population) / (self.show_ms / 1000.0)

    @checked
    def latencies_ms(self, population: str) -> np.ndarray:
        """The time from the start of a trial to a neuron's first spike in it, (trials, neurons); NaN without one."""
        times, neurons = self.readings.spikes(population)
        dt, size = self.readings.graph.dt_ms, self.readings.graph.population(population).size
        start, show, rest = (round(t / dt) for t in (self.start_ms, self.show_ms, self.rest_ms))
        trial, within = np.divmod(np.rint(times / dt).astype(np.int64) - start, show + rest)
        inside = (trial >= 0) & (trial < self.n) & (within < show)
        first = np.full((self.n, size), np.inf)
        np.minimum.at(first, (trial[inside], neurons[inside]), within[inside] * dt)
        return np.where(np.isfinite(first), first, np.nan)

    @checked
    def neuron_labels(self, population: str) -> np.ndarray:
        """The label in whose trials a neuron spikes most on average, (neurons,); the lowest where several tie."""
        labels, counts = self._labels(), self.counts(population)
        known = np.unique(labels)
        means = np.stack([counts[labels == label].mean(axis=0) for label in known])
        return np.where(counts.any(axis=0), known[means.argmax(axis=0)], -1)

    @checked
    def majority(self, population: str, neuron_labels: Any = None) -> np.ndarray:
        """The label whose neurons spike most on average in each trial, (trials,); the lowest where several tie.

        ``neuron_labels``, one a neuron, -1 for those without, are those of this very run unless given: those of the
        trials that a network learnt from say more of how it does on others.
        """
        counts = self.counts(population)
        of = self.neuron_labels(population) if neuron_labels is None else np.asarray(neuron_labels)
        if of.shape != (counts.shape[1],) or of.dtype.kind not in "iu":
            raise InvalidModel(
                f"neuron_labels: needs a whole number for each of {counts.shape[1]} neurons of {population}"
            )
        known = np.unique(of[of >= 0])
        if not len(known):
            return np.full(self.n, -1)
        means = np.stack([counts[:, of == label].mean(axis=1) for label in known], axis=1)
        return np.where(means.any(axis=1), known[means.argmax(axis=1)], -1)

    @checked
    def confusion(self, predicted: Any) -> np.ndarray:
        """Trials by (label, predicted label); a last column counts those without a predicted one."""
        labels, told = self._labels(), np.asarray(predicted)
        if told.shape != (self.n,) or told.dtype.kind not in "iu" or (told < -1).any():
            raise InvalidModel(f"confusion: needs a predicted label, or -1, for each of {self.n} trials")
        size = int(max(labels.max(), told.max())) + 1
        matrix = np.zeros((size, size + 1), np.int64)
        np.add.at(matrix, (labels, np.where(told < 0, size, told)), 1)
        return matrix

    def _labels(self) -> np.ndarray:
        if self.labels is None:
            raise InvalidModel("trials: have no labels; give them: Trials(..., labels=[...])")
        return self.labels
