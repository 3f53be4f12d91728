"""Readings of a run by its trials: counts, rates, latencies, and labels by majority."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.units import exact, to_number, whole_steps
from ernsnn.errors import InvalidModel, unknown
from ernsnn.graph.graph import Graph
from ernsnn.graph.memory import require_memory
from ernsnn.recording.recording import Recording, counted


@dataclass(frozen=True, eq=False)
class TrialReadings:
    """A run by its ``n`` trials, each shown for ``show_ms`` with a rest of ``rest_ms`` after it, from ``start_ms`` on.

    Only spikes while a trial is shown count. ``labels`` (trials,) is None where the trials had none. A predicted or
    assigned label is -1 where there is no spike to tell.
    """

    graph: Graph
    recording: Recording
    start_ms: float
    show_ms: float
    rest_ms: float
    n: int
    labels: np.ndarray | None

    @classmethod
    def of(cls, graph: Graph, recording: Recording, stored: dict[str, Any]) -> TrialReadings | None:
        """The trials that the meta data of a recording name; of a run that was interrupted those that were shown whole.

        None where no trial was. Raises InvalidModel on what cannot be the trials of this recording.
        """
        times, n, labels = [stored[name] for name in ("start_ms", "show_ms", "rest_ms")], stored["n"], stored["labels"]
        fine = all(map(math.isfinite, times)) and times[0] >= 0 and times[1] > 0 and times[2] >= 0 and n >= 1
        fine = fine and (labels is None or (len(labels) == n and all(0 <= k < 2**31 for k in labels)))
        if not fine:
            raise InvalidModel("trials: the stored times or labels are damaged; run it anew")
        start, show, rest = (whole_steps(time, graph.dt_ms, "trials") for time in times)
        finished = recording.meta.get("finished", True)
        whole = (recording.end - start + rest) // (show + rest)
        if start != recording.first_step or show < 1 or (finished and n > whole):
            raise InvalidModel("trials: the stored times are damaged, for they are not those of this run; run it anew")
        n = min(n, whole)
        known = None if labels is None else np.array(labels[:n], np.int64)
        return cls(graph, recording, times[0], times[1], times[2], n, known) if n else None

    @property
    def starts_ms(self) -> np.ndarray:
        """The time at which each trial starts."""
        start, period = exact(self.start_ms), exact(self.show_ms) + exact(self.rest_ms)
        return np.array([float(start + k * period) for k in range(self.n)])

    @checked
    def counts(self, population: str) -> np.ndarray:
        """Spikes of each neuron in each trial, (trials, neurons)."""
        steps, neurons = self._spikes(population)
        start, show, rest = self._steps
        starts = start + (show + rest) * np.arange(self.n)
        edges = np.stack([starts, starts + show], axis=1).reshape(-1)
        return counted(steps, neurons, edges, self.graph.population(population).size)[::2]

    @checked
    def rates_hz(self, population: str) -> np.ndarray:
        """``counts`` divided by ``show_ms``, (trials, neurons)."""
        return self.counts(population) / (self.show_ms / 1000.0)

    @checked
    def latencies_ms(self, population: str) -> np.ndarray:
        """The time from the start of a trial to a neuron's first spike in it, (trials, neurons); NaN without one."""
        steps, neurons = self._spikes(population)
        start, show, rest = self._steps
        trial, within = np.divmod(steps - start, show + rest)
        inside = (trial >= 0) & (trial < self.n) & (within < show)
        first = np.full((self.n, self.graph.population(population).size), np.inf)
        np.minimum.at(first, (trial[inside], neurons[inside]), within[inside] * self.graph.dt_ms)
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
        of = (
            self.neuron_labels(population)
            if neuron_labels is None
            else _told("neuron_labels", neuron_labels, counts.shape[1])
        )
        known = np.unique(of[of >= 0])
        if not len(known):
            return np.full(self.n, -1)
        means = np.stack([counts[:, of == label].mean(axis=1) for label in known], axis=1)
        return np.where(means.any(axis=1), known[means.argmax(axis=1)], -1)

    @checked
    def confusion(self, predicted: Any) -> np.ndarray:
        """Trials by (label, predicted label); a last column counts those without a predicted one."""
        labels, told = self._labels(), _told("predicted", predicted, self.n)
        size = int(max(labels.max(), told.max())) + 1
        require_memory(f"confusion of labels up to {size - 1}", 8 * size * (size + 1), "number labels from 0 on")
        matrix = np.zeros((size, size + 1), np.int64)
        np.add.at(matrix, (labels, np.where(told < 0, size, told)), 1)
        return matrix

    @property
    def _steps(self) -> tuple[int, int, int]:
        """The start, the length of a trial and that of a rest, in steps."""
        start, show, rest = (
            whole_steps(time, self.graph.dt_ms, "trials") for time in (self.start_ms, self.show_ms, self.rest_ms)
        )
        return start, show, rest

    def _spikes(self, population: str) -> tuple[np.ndarray, np.ndarray]:
        spikes = self.recording.spikes
        if population not in spikes:
            raise InvalidModel(unknown("no population", population, spikes))
        return spikes[population]

    def _labels(self) -> np.ndarray:
        if self.labels is None:
            raise InvalidModel("trials: have no labels; give them: Trials(..., labels=[...])")
        return self.labels


def _told(what: str, given: Any, size: int) -> np.ndarray:
    told = np.asarray(to_number(given, what))
    if told.shape != (size,) or not ((told >= -1) & (told % 1 == 0) & (told < 2**31)).all():
        raise InvalidModel(f"{what}: needs {size} whole numbers from -1 on, -1 for none, got shape {told.shape}")
    return told.astype(np.int64)
