"""What each population did in trials: spikes, first spikes, silent trials, and labels that it tells."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ernsnn.recording.trials import TrialReadings

MOST_COUNTS = 20_000_000
"""Of populations with more counts, one a trial and neuron, only the size is known."""


@dataclass(frozen=True)
class InTrials:
    """A population while trials are shown; None is what cannot be said.

    ``spikes_a_trial`` is the mean, ``first_spike_ms`` that of any neuron in the median trial, ``silent_trials`` how
    many have no spike. ``told_right``: trials of which ``TrialReadings.majority`` is the label.
    """

    population: str
    neurons: int
    spikes_a_trial: float | None = None
    first_spike_ms: float | None = None
    silent_trials: int | None = None
    told_right: int | None = None


def by_trials(read: TrialReadings) -> Iterator[InTrials]:
    """Every population."""
    for p in read.graph.populations:
        if p.size * read.n > MOST_COUNTS:
            yield InTrials(p.name, p.size)
            continue
        spikes, latencies = read.counts(p.name).sum(axis=1), read.latencies_ms(p.name)
        first = np.min(latencies, axis=1, where=np.isfinite(latencies), initial=np.inf)[spikes > 0]
        yield InTrials(
            population=p.name,
            neurons=p.size,
            spikes_a_trial=float(spikes.mean()),
            first_spike_ms=float(np.median(first)) if len(first) else None,
            silent_trials=int((spikes == 0).sum()),
            told_right=None if read.labels is None else int((read.majority(p.name) == read.labels).sum()),
        )
