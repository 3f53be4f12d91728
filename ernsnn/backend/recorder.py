"""From steps to arrays: gathers what a run records, and hands it on in chunks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Protocol

import numpy as np

from ernsnn.arrays import Form
from ernsnn.graph.graph import Graph, Probe

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
    """What a recorder looks at."""

    @property
    def graph(self) -> Graph:
        """Whose run it is."""

    def probe(self, probe: Probe) -> np.ndarray:
        """A copy of what a probe sees now."""


class Recorder:
    """Spikes and probes of consecutive steps, from step ``first`` on.

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
        """What every array of its chunks is, and how long all can become in so many steps."""
        whole, found = np.dtype(np.int64).str, {}
        for p in self.engine.graph.populations:
            for what, kind in (("steps", whole), ("neurons", np.dtype(np.int32).str)):
                found[f"spikes/{p.name}/{what}"] = Form("i", (None,), n_steps * p.size, kind)
        for key, none in self.widths.items():
            found[f"signals/{key}/steps"] = Form("i", (None,), n_steps, whole)
            found[f"signals/{key}/values"] = Form(none.dtype.kind, (None, *none.shape[1:]), n_steps, none.dtype.str)
        return found

    def add(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Stage 6 of step ``t``, in which the neurons ``spikes`` of each population spiked."""
        self.extend(t, t + 1, {name: (np.full(len(neurons), t), neurons) for name, neurons in spikes.items()})

    def extend(self, t: int, stop: int, trains: Mapping[str, Train], signals: Mapping[str, Signal] = _NOTHING) -> None:
        """Stage 6 of the steps ``t`` to ``stop`` (exclusive), with their spikes, and what some probes saw already.

        The others look at the state that is there now, which ``next_look`` says where to stop for.
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
        return min(looks, default=t + CHUNK_STEPS) if self.widths else t + CHUNK_STEPS - self.n_steps

    def _see(self, key: str, seen: Signal) -> None:
        self.seen[key].append(seen)
        self.n_bytes += seen[1].nbytes

    def flush(self) -> None:
        """Hand on what has been gathered."""
        if not self.trains:
            return
        chunk: Chunk = {}
        for population in self.engine.graph.populations:
            found = [trains[population.name] for trains in self.trains]
            chunk[f"spikes/{population.name}/steps"] = np.concatenate([steps for steps, _ in found])
            chunk[f"spikes/{population.name}/neurons"] = np.concatenate([n for _, n in found]).astype(np.int32)
        for key, seen in self.seen.items():
            chunk[f"signals/{key}/steps"] = np.concatenate([np.zeros(0, np.int64), *(steps for steps, _ in seen)])
            chunk[f"signals/{key}/values"] = np.concatenate([self.widths[key], *(values for _, values in seen)])
        self.first += self.n_steps
        self._begin()
        self.keep(chunk)


def _variables(graph: Graph) -> Iterator[Probe]:
    for p in graph.projections:
        if p.learning:
            yield from (Probe("synapses", p.name, 0, p.n_synapses, v.name, 0) for v in p.variables)


def joined(chunks: Sequence[Chunk]) -> Chunk:
    """Chunks that follow one another as one. They are emptied meanwhile, so that memory holds little more than one."""
    return Growing().add(chunks)


class Growing:
    """Chunks that follow one another as one, to which others can be added without copying all that is there."""

    def __init__(self) -> None:
        self.arrays: dict[str, np.ndarray] = {}
        self.lengths: dict[str, int] = {}

    def add(self, chunks: Sequence[Chunk]) -> Chunk:
        """Add chunks, which are emptied, and return the whole: arrays that later additions leave as they are."""
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
