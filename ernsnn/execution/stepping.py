"""Backends that run a graph step by step in this process: what their engines share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from ernsnn.execution.backend import Backend, Progress
from ernsnn.execution.recorder import Chunk, Recorder, joined
from ernsnn.graph.graph import GivenSpikes, Graph, Probe
from ernsnn.recording import Recording

_BLOCK = 1024
_TOLD_EVERY_S, _LOOK_EVERY = 0.1, 32


class Engine(ABC):
    """All state of one run; what of it changes is named in ``changes`` (see ``execution.state``)."""

    graph: Graph
    changes: tuple[str, ...]

    @abstractmethod
    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Stages 1 to 5 of a step, given the spikes of the sources; adds those of the other populations."""

    @abstractmethod
    def probe(self, probe: Probe) -> np.ndarray:
        """A copy of what a probe sees now."""

    @abstractmethod
    def learned(self) -> dict[str, np.ndarray]:
        """Variables of plastic synapses and neurons as they are now, in the layout of ``Recording.to_arrays``."""

    def run(self, n_steps: int, progress: Progress, samples: Collection[int] = ()) -> Recording:
        """Run from step 0 and record in memory; for ``samples`` see ``Recorder``."""
        chunks: list[Chunk] = []
        run = Run(self, Recorder(self, chunks.append, samples), n_steps)
        run.until(n_steps, progress)
        return Recording.from_arrays(joined(chunks) | self.learned() | {"n_steps": np.array(n_steps)}, {})


class SteppedBackend(Backend):
    """A backend whose runs can be looked into, recorded to disk, interrupted and resumed."""

    @abstractmethod
    def engine(self, graph: Graph, **options: Any) -> Engine:
        """A run of ``graph`` that stands before step 0. May raise UnsupportedOnBackend, before taking memory."""

    def versions(self) -> dict[str, str]:
        """The versions of what the results depend on beside NumPy."""
        return {}

    def run(
        self, graph: Graph, n_steps: int, progress: Progress, *, samples: Collection[int] = (), **options: Any
    ) -> Recording:
        """See ``Backend.run``; for ``samples``, which is no option, see ``Recorder``."""
        recording = self.engine(graph, **options).run(n_steps, progress, samples)
        recording.meta["versions"] = self.versions()
        return recording


class Run:
    """An engine on its way through ``n_steps`` steps; ``t`` is the next of them."""

    def __init__(self, engine: Engine, recorder: Recorder, n_steps: int, t: int = 0) -> None:
        self.engine, self.recorder, self.n_steps, self.t = engine, recorder, n_steps, t
        self.feeds = Feeds(engine.graph, n_steps)
        self.told = time.perf_counter()

    def until(self, end: int, progress: Progress, stopped: Callable[[], bool] = lambda: False) -> None:
        """Run and record up to step ``end`` (exclusive), or some steps up to where ``stopped`` says so."""
        while self.t < end:
            spikes = self.feeds.at(self.t)
            self.engine.step(self.t, spikes)
            self.recorder.add(self.t, spikes)
            self.t += 1
            if self.t % _LOOK_EVERY == 0 and time.perf_counter() > self.told + _TOLD_EVERY_S:
                progress(self.t / self.n_steps)
                self.told = time.perf_counter()
            if stopped():
                break
        self.recorder.flush()


class Feeds:
    """The spikes of all sources, a block of steps at a time; given ones are sorted once."""

    def __init__(self, graph: Graph, n_steps: int) -> None:
        self.sources = {source.name: source.spikes for source in graph.sources()}
        self.known = {n: s.between(0, n_steps) for n, s in self.sources.items() if isinstance(s, GivenSpikes)}
        self.block = -1
        self.given: list[dict[str, np.ndarray]] = []

    def at(self, t: int) -> dict[str, np.ndarray]:
        """The neurons of each source that spike in step ``t``, rising. Each step is asked for once."""
        if t // _BLOCK != self.block:
            self.block = t // _BLOCK
            self._fetch(self.block * _BLOCK)
        return self.given[t % _BLOCK]

    def _fetch(self, first: int) -> None:
        self.given = [{} for _ in range(_BLOCK)]
        for name, source in self.sources.items():
            steps, neurons = self.known.get(name) or source.between(first, first + _BLOCK)
            cuts = np.searchsorted(steps, np.arange(first, first + _BLOCK + 1)).tolist()
            for k, given in enumerate(self.given):
                given[name] = neurons[cuts[k] : cuts[k + 1]]
