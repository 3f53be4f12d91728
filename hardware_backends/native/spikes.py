"""The spikes of the last steps and of those that the loop runs through: from here all kernels read who spikes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np

from ernsnn.backend.recorder import Train
from ernsnn.backend.state import outside
from ernsnn.graph.graph import Graph

from ..machine_code import Call
from .kernels.jit import compiled
from .memory import SPARE_SPIKES


class Spikes(NamedTuple):
    """Population p spikes in step t with ``neurons[begin[p, k]:end[p, k]]``, which rise; k is ``t - origin[0]``.

    ``used[0]`` neurons are there.
    """

    neurons: np.ndarray
    begin: np.ndarray
    end: np.ndarray
    origin: np.ndarray
    used: np.ndarray


class Emitted(NamedTuple):
    """Spikes as kernels of neurons emit them: steps, and neurons, counted among all that are computed.

    Those of each worker are ``counts[worker]`` from ``first[worker]`` on.
    """

    step: np.ndarray
    neuron: np.ndarray
    first: np.ndarray
    counts: np.ndarray


class SpikeLog:
    """The log of a run: of ``steps`` steps at most at a time, and of the ``kept`` steps before them.

    Of the latter only the spikes of ``remembered`` populations are kept. A window has ``window`` steps at most. Worker
    w computes the neurons ``shares[w]`` to ``shares[w + 1]`` of all that are computed.
    """

    changes = ("ages", "past")

    def __init__(
        self, graph: Graph, remembered: Iterable[str], kept: int, window: int, steps: int, shares: np.ndarray
    ) -> None:
        self.rows = {p.name: k for k, p in enumerate(graph.populations)}
        self.sizes = {p.name: p.size for p in graph.populations}
        self.kept = kept
        # How many steps before the next one spikes of the last steps lie, and of which neurons they are.
        self.ages = {name: np.zeros(0, np.int64) for name in remembered}
        self.past = {name: np.zeros(0, np.int64) for name in remembered}
        computed = list(graph.neurons())
        sizes = np.array([p.size for p in computed], np.int64)
        self.computed = [p.name for p in computed]
        self.most = int(sizes.sum()) * window
        shape = (2, len(self.rows), kept + steps)
        self.spikes = Spikes(
            np.zeros(self.most + SPARE_SPIKES, np.int32), *np.zeros(shape, np.int64), *np.zeros((2, 1), np.int64)
        )
        self.emitted = Emitted(
            np.zeros(self.most, np.int64),
            np.zeros(self.most, np.int64),
            shares[:-1] * window,
            np.zeros_like(shares[:-1]),
        )
        self.owner = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
        self.start = (np.cumsum(sizes) - sizes).astype(np.int64)
        self.row = np.array([self.rows[name] for name in self.computed], np.int64)
        self.counts = np.zeros(window * len(sizes) + 1, np.int64)

    def sort(self) -> Call:
        """The kernel that moves what was emitted in a window into the spikes."""
        return sort.bind(self.emitted, self.spikes, self.owner, self.start, self.row, self.counts)

    def room(self) -> Call:
        """The kernel that stops the loop where a window might not have room."""
        return room.bind(self.spikes, self.most)

    def open(self, t: int, stop: int, sources: Mapping[str, Train]) -> bool:
        """Begin at step ``t``, with the spikes of the sources up to ``stop``; whether other arrays are there now."""
        total = sum(len(part) for part in self.past.values()) + sum(len(neurons) for _, neurons in sources.values())
        grown = total + self.most > len(self.spikes.neurons)
        if grown:
            self.spikes = self.spikes._replace(neurons=np.zeros(total + self.most + max(total, SPARE_SPIKES), np.int32))
        spikes, n = self.spikes, self.kept + stop - t
        spikes.origin[0], used = t - self.kept, 0
        if self.kept:
            spikes.begin[:, : self.kept] = spikes.end[:, : self.kept] = 0
        past = {name: (t - self.ages[name], neurons) for name, neurons in self.past.items()}
        kept = [(name, train, 0, self.kept) for name, train in past.items()]
        for name, (steps, neurons), first, last in [*kept, *((*s, self.kept, n) for s in sources.items())]:
            row, cuts = self.rows[name], (steps - spikes.origin[0]).searchsorted(np.arange(first, last + 1)) + used
            spikes.begin[row, first:last], spikes.end[row, first:last] = cuts[:-1], cuts[1:]
            spikes.neurons[used : used + len(neurons)] = neurons
            used += len(neurons)
        spikes.used[0] = used
        return grown

    def close(self, t: int, stop: int) -> dict[str, Train]:
        """The spikes of the computed populations from step ``t`` to ``stop``, where the next call begins."""
        found = {name: self._train(name, self.kept, self.kept + stop - t) for name in self.computed}
        for name in self.past:
            steps, neurons = self._train(name, stop - t, self.kept + stop - t)
            self.ages[name], self.past[name] = stop - steps, neurons.astype(np.int64)
        return found

    def _train(self, name: str, first: int, last: int) -> Train:
        """Spikes of the steps from the place ``first`` to ``last`` (exclusive)."""
        begin, end = self.spikes.begin[self.rows[name], first:last], self.spikes.end[self.rows[name], first:last]
        counts = end - begin
        if len(counts) == 1:
            places: np.ndarray | slice = slice(int(begin[0]), int(end[0]))
        else:
            before = counts.cumsum() - counts
            places = np.arange(int(counts.sum())) + (begin - before).repeat(counts)
        origin = int(self.spikes.origin[0])
        return np.arange(first + origin, last + origin).repeat(counts), self.spikes.neurons[places].copy()

    def possible(self) -> bool:
        """Whether what is kept of the last steps can be."""
        return all(
            len(self.ages[name]) == len(neurons)
            and not outside(neurons, self.sizes[name])
            and not outside(self.ages[name], self.kept + 1, least=1)
            and bool((np.diff(self.ages[name]) <= 0).all())
            for name, neurons in self.past.items()
        )


@compiled
def room(spikes: Spikes, most: int, a: int, b: int, worker: int) -> int:
    """Whether ``most`` further spikes have no room; no worker is past the next barrier before all have asked."""
    return int(spikes.used[0] + most > len(spikes.neurons))


@compiled
def sort(
    emitted: Emitted,
    spikes: Spikes,
    owner: np.ndarray,
    start: np.ndarray,
    row: np.ndarray,
    counts: np.ndarray,
    a: int,
    b: int,
    worker: int,
) -> int:
    """Sort spikes of the steps ``a`` to ``b`` by step and population, within which they were emitted in order.

    Of computed population c, ``start[c]`` is its first neuron, ``row[c]`` its place in the spikes.
    """
    if worker > 0:
        return 0
    n_populations, used, first = len(start), spikes.used[0], a - spikes.origin[0]
    n_keys = (b - a) * n_populations
    counts[: n_keys + 1] = 0
    for w in range(len(emitted.first)):
        for e in range(emitted.first[w], emitted.first[w] + emitted.counts[w]):
            counts[(emitted.step[e] - a) * n_populations + owner[emitted.neuron[e]] + 1] += 1
    for key in range(n_keys):
        counts[key + 1] += counts[key]
    for k in range(b - a):
        for c in range(n_populations):
            key = k * n_populations + c
            spikes.begin[row[c], first + k] = used + counts[key]
            spikes.end[row[c], first + k] = used + counts[key + 1]
    spikes.used[0] = used + counts[n_keys]
    for w in range(len(emitted.first)):
        for e in range(emitted.first[w], emitted.first[w] + emitted.counts[w]):
            neuron = emitted.neuron[e]
            c = owner[neuron]
            key = (emitted.step[e] - a) * n_populations + c
            spikes.neurons[used + counts[key]] = neuron - start[c]
            counts[key] += 1
        emitted.counts[w] = 0
    return 0
