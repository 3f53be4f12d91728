"""Recorder: collects spikes and probes step by step, and passes them on as arrays in chunks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np

from ernsnn.arrays import Form
from ernsnn.graph.graph import Graph, Probe
from ernsnn.recording.keys import signal_keys, spike_keys

Chunk = dict[str, np.ndarray]
"""Consecutive steps of a recording, in the layout of ``Recording.to_arrays``."""

Train = tuple[np.ndarray, np.ndarray]
"""Spikes of a population: their steps, which rise, and their neurons, which rise within a step."""

Signal = tuple[np.ndarray, np.ndarray]
"""What a probe has seen: the steps, and a row of values for each."""

CHUNK_STEPS, CHUNK_BYTES = 1024, 1 << 23
"""A chunk ends after so many steps, or when its probes have taken so many bytes."""


_NOTHING: Mapping[str, Signal] = MappingProxyType({})


class Probed(Protocol):
    """The part of an engine that a recorder reads."""

    @property
    def graph(self) -> Graph:
        """The graph of the run."""

    def probe(self, probe: Probe) -> np.ndarray:
        """A copy of the present values of a probe."""


class Recorder:
    """Collects spikes and probes of consecutive steps, from step ``first`` on; ``keep`` is called with each chunk.

    In the steps ``samples`` every variable of every plastic synapse is recorded, as a probe would.
    """

    def __init__(
        self, engine: Probed, keep: Callable[[Chunk], None], samples: Collection[int] = (), first: int = 0
    ) -> None:
        self.engine, self.keep, self.samples, self.first = engine, keep, frozenset(samples), first
        self.probes: Sequence[Probe] = engine.graph.probes
        self.sampled = list(_variables(engine.graph)) if samples else []
        self.widths = {p.key: engine.probe(p)[np.newaxis][:0] for p in (*self.probes, *self.sampled)}
        self._begin()

    def _begin(self) -> None:
        self.trains: list[Mapping[str, Train]] = []
        self.seen: dict[str, list[Signal]] = {key: [] for key in self.widths}
        self.n_steps = self.n_bytes = 0

    def forms(self, n_steps: int) -> dict[str, Form]:
        """Name -> form of the arrays of all chunks together, after at most ``n_steps`` steps."""
        whole, forms = np.dtype(np.int64).str, {}
        for p in self.engine.graph.populations:
            for key, dtype in zip(spike_keys(p.name), (whole, np.dtype(np.int32).str), strict=True):
                forms[key] = Form("i", (None,), n_steps * p.most_spikes, dtype)
        for probe_key, none in self.widths.items():
            steps, values = signal_keys(probe_key)
            forms[steps] = Form("i", (None,), n_steps, whole)
            forms[values] = Form(none.dtype.kind, (None, *none.shape[1:]), n_steps, none.dtype.str)
        return forms

    def add(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Record step ``t`` (stage 6), in which the neurons ``spikes[population]`` spiked."""
        self.extend(t, t + 1, {name: (np.full(len(neurons), t), neurons) for name, neurons in spikes.items()})

    def extend(self, t: int, stop: int, trains: Mapping[str, Train], signals: Mapping[str, Signal] = _NOTHING) -> None:
        """Record the steps ``t`` to ``stop`` (exclusive): their spikes, and the ``signals`` of probes that have looked.

        All other probes look at the state as it is now; ``next_look`` returns the step to stop at for them.
        """
        self.trains.append(trains)
        self.n_steps += stop - t
        for key, seen in signals.items():
            self._see(key, seen)
        if self.widths:
            last = stop - 1
            due = {p.key: p for p in self.probes if stop % p.every == 0 and p.key not in signals}
            if last in self.samples:
                due.update({p.key: p for p in self.sampled})
            for key, p in due.items():
                self._see(key, (np.array([last]), self.engine.probe(p)[np.newaxis]))
        if self.n_steps >= CHUNK_STEPS or self.n_bytes > CHUNK_BYTES:
            self.flush()

    def next_look(self, t: int, but: Collection[Probe] = ()) -> int:
        """The end of the steps from ``t`` on that can be recorded at once: all probes ``but`` some look there first."""
        looks = [(t // p.every + 1) * p.every for p in self.probes if p not in but]
        looks += [sample + 1 for sample in self.samples if sample >= t]
        return min([*looks, t + CHUNK_STEPS - self.n_steps])

    def _see(self, key: str, seen: Signal) -> None:
        self.seen[key].append(seen)
        self.n_bytes += seen[1].nbytes

    def flush(self) -> None:
        """Pass on what has been collected as a chunk."""
        if not self.trains:
            return
        chunk: Chunk = {}
        for population in self.engine.graph.populations:
            trains = [each[population.name] for each in self.trains]
            of_steps, of_neurons = spike_keys(population.name)
            chunk[of_steps] = np.concatenate([steps for steps, _ in trains])
            chunk[of_neurons] = np.concatenate([neurons for _, neurons in trains]).astype(np.int32)
        for key, seen in self.seen.items():
            of_steps, of_values = signal_keys(key)
            chunk[of_steps] = np.concatenate([np.zeros(0, np.int64), *(steps for steps, _ in seen)])
            chunk[of_values] = np.concatenate([self.widths[key], *(values for _, values in seen)])
        self.first += self.n_steps
        self._begin()
        self.keep(chunk)


def _variables(graph: Graph) -> Iterator[Probe]:
    for p in graph.projections:
        if p.learning:
            yield from (Probe("synapses", p.name, 0, p.n_synapses, v.name, 0) for v in p.variables)


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Concatenate consecutive chunks. They are emptied meanwhile, so that memory holds each array about once."""
    return Growing().add(chunks)


class Growing:
    """Consecutive chunks as one, to which others are added without copying all earlier ones."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.lengths: dict[str, int] = {}

    def add(self, chunks: Sequence[Chunk]) -> Chunk:
        """Add chunks, which are emptied, and return all arrays; later additions do not change these."""
        known = list(self.arrays or (chunks[0] if chunks else ()))
        self.arrays = {key: self._with(key, chunks) for key in known if all(key in chunk for chunk in chunks)}
        return {key: array[: self.lengths[key]] for key, array in self.arrays.items()}  # probes may have ended

    def _with(self, key: str, chunks: Sequence[Chunk]) -> np.ndarray:
        array, end = self.arrays.get(key), self.lengths.get(key, 0)
        needed = end + sum(len(chunk[key]) for chunk in chunks)
        if array is None or needed > len(array):
            kind = chunks[0][key]
            larger = np.empty((needed if array is None else needed + needed // 2, *kind.shape[1:]), kind.dtype)
            if array is not None:
                larger[:end] = array[:end]
            array = larger
        for chunk in chunks:
            part = chunk.pop(key)
            array[end : end + len(part)] = part
            end += len(part)
        self.lengths[key] = end
        return array
