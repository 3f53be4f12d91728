"""Recorder: collects spikes and probes step by step, and passes them on as arrays in chunks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Protocol

import numpy as np

from ernsnn.arrays import Form
from ernsnn.graph.graph import Graph, Probe
from ernsnn.recording.keys import signal_keys, spike_keys

Chunk = dict[str, np.ndarray]
"""Consecutive steps of a recording, in the layout of ``Recording.to_arrays``."""

CHUNK_STEPS, CHUNK_BYTES = 1024, 1 << 23
"""A chunk ends after so many steps, or when its probes have taken so many bytes."""


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
        self.spikes: list[dict[str, np.ndarray]] = []
        self.seen: dict[str, list[tuple[int, np.ndarray]]] = {key: [] for key in self.widths}
        self.n_bytes = 0

    def forms(self, n_steps: int) -> dict[str, Form]:
        """Name -> form of the arrays of all chunks together, after at most ``n_steps`` steps."""
        whole, forms = np.dtype(np.int64).str, {}
        for p in self.engine.graph.populations:
            for key, dtype in zip(spike_keys(p.name), (whole, np.dtype(np.int32).str), strict=True):
                forms[key] = Form("i", (None,), n_steps * p.size, dtype)
        for probe_key, none in self.widths.items():
            steps, values = signal_keys(probe_key)
            forms[steps] = Form("i", (None,), n_steps, whole)
            forms[values] = Form(none.dtype.kind, (None, *none.shape[1:]), n_steps, none.dtype.str)
        return forms

    def add(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Record step ``t`` (stage 6), in which the neurons ``spikes[population]`` spiked."""
        self.spikes.append(spikes)
        if self.widths:
            self._probe(t)
        if len(self.spikes) == CHUNK_STEPS or self.n_bytes > CHUNK_BYTES:
            self.flush()

    def _probe(self, t: int) -> None:
        due = {p.key: p for p in self.probes if (t + 1) % p.every == 0}
        if t in self.samples:
            due.update({p.key: p for p in self.sampled})
        for key, p in due.items():
            values = self.engine.probe(p)
            self.seen[key].append((t, values))
            self.n_bytes += values.nbytes

    def flush(self) -> None:
        """Pass on what has been collected as a chunk."""
        if not self.spikes:
            return
        chunk: Chunk = {}
        steps = np.arange(self.first, self.first + len(self.spikes))
        for population in self.engine.graph.populations:
            spiked = [spikes[population.name] for spikes in self.spikes]
            of_steps, of_neurons = spike_keys(population.name)
            chunk[of_steps] = np.repeat(steps, [len(neurons) for neurons in spiked])
            chunk[of_neurons] = np.concatenate(spiked).astype(np.int32)
        for key, seen in self.seen.items():
            of_steps, of_values = signal_keys(key)
            chunk[of_steps] = np.array([t for t, _ in seen], np.int64)
            chunk[of_values] = np.array([v for _, v in seen]) if seen else self.widths[key]
        self.first += len(self.spikes)
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
