"""Backends that run a graph step by step in this process: what their engines share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from itertools import pairwise
from typing import Any, ClassVar

import numpy as np

from ernsnn.backend.finite import Watch, sound
from ernsnn.backend.protocol import Backend, Progress
from ernsnn.backend.recorder import Chunk, Recorder, joined
from ernsnn.backend.state import restore, state_of
from ernsnn.errors import InvalidModel, NotFinite
from ernsnn.graph.graph import Graph, Probe
from ernsnn.graph.spikes import Drawn, GivenSpikes, PoissonSpikes
from ernsnn.loading import Unfit
from ernsnn.recording.recording import Recording

_BLOCK = 1024
_NO_SPIKES = np.zeros(0, np.int64)
_TOLD_EVERY_S, _LOOK_EVERY = 0.1, 32


class Engine(ABC):
    """All state of one run; what of it changes is named in ``changes`` (see ``backend.state``)."""

    graph: Graph
    changes: tuple[str, ...]

    @abstractmethod
    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Stages 1 to 5 of a step, given the spikes of the sources; adds those of the other populations."""

    @abstractmethod
    def probe(self, probe: Probe) -> np.ndarray:
        """A copy of what a probe sees now."""

    @abstractmethod
    def write(self, probe: Probe, values: np.ndarray) -> None:
        """Set what a probe of neurons or synapses sees, between two steps."""

    @abstractmethod
    def learned(self) -> dict[str, np.ndarray]:
        """Variables of plastic synapses and neurons as they are now, in the layout of ``Recording.to_arrays``."""

    @abstractmethod
    def teach(self, recording: Recording) -> None:
        """Set what ``learned`` gave, before the first step."""

    @abstractmethod
    def adjust(self, graph: Graph) -> None:
        """Between two steps: go on with the currents and the parameters of neurons of ``graph``.

        It is that of the engine in all else but spikes of sources, and its populations are of the same kinds; V stays.
        """

    def problems(self) -> Iterator[str]:
        """What cannot be in a state that has been brought back: numbers that the next steps would follow to nowhere."""
        yield from ()

    def state(self) -> dict[str, np.ndarray]:
        """All else that another run needs to go on from here, after ``learned``."""
        return state_of(self, whole=False)

    def go_on(self, start: Recording) -> None:
        """Before the first step: stand where ``start`` ended. Raises InvalidModel where its state does not fit."""
        assert start.state is not None
        try:
            restore(self, start.state, whole=False)
            problem = next(self.problems(), None)
            if problem:
                raise Unfit(problem)
        except ValueError as error:
            if isinstance(error, InvalidModel):  # the file is damaged
                raise
            raise InvalidModel(f"start: its state does not fit: {error}; go on with the options of that run") from None
        self.teach(start)

    def run(
        self, n_steps: int, progress: Progress, samples: Collection[int] = (), start: Recording | None = None
    ) -> Recording:
        """Run from step 0, or from the end of ``start``, and record in memory; for ``samples`` see ``Recorder``."""
        chunks: list[Chunk] = []
        first = 0
        if start is not None:
            first = start.end
            self.go_on(start)
        run = Run(self, Recorder(self, chunks.append, samples, first), first + n_steps, first)
        run.until(run.end, progress)
        spans = {"n_steps": np.array(n_steps), "first_step": np.array(first)}
        return Recording.from_arrays(joined(chunks) | self.learned() | spans, {}, self.state())


class SteppedBackend(Backend):
    """A backend whose runs can be looked into, recorded to disk, interrupted and resumed."""

    continues: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    def recorded_bytes(self, kind: str, options: Mapping[str, Any]) -> int:
        """See ``Backend.recorded_bytes``; as much on a disk."""
        return 12 if kind == "spikes" else 8

    @abstractmethod
    def engine(self, graph: Graph, **options: Any) -> Engine:
        """A run of ``graph`` that stands before step 0. May raise UnsupportedOnBackend, before taking memory."""

    def versions(self) -> dict[str, str]:
        """The versions of what the results depend on beside NumPy."""
        return {}

    def run(
        self,
        graph: Graph,
        n_steps: int,
        progress: Progress,
        *,
        samples: Collection[int] = (),
        start: Recording | None = None,
        **options: Any,
    ) -> Recording:
        """See ``Backend.run``; for ``samples``, which is no option, see ``Recorder``."""
        try:
            recording = self.engine(graph, **options).run(n_steps, progress, samples, start)
        except NotFinite as error:
            again = self.engine(graph, **options)
            if start is not None:
                again.go_on(start)
            raise located(error, again, 0 if start is None else start.end) from None
        recording.meta["versions"] = self.versions()
        return recording


class Run:
    """An engine on its way from step ``first`` to step ``end`` (exclusive); ``t`` is the next step."""

    def __init__(self, engine: Engine, recorder: Recorder, end: int, t: int = 0, first: int | None = None) -> None:
        self.engine, self.recorder, self.end, self.t = engine, recorder, end, t
        self.first = t if first is None else first
        self.feeds = Feeds(engine.graph, end)
        self.told, self.watch = time.perf_counter(), Watch(engine, t, self.first)

    def until(self, end: int, progress: Progress, stopped: Callable[[], bool] = lambda: False) -> None:
        """Run and record up to step ``end`` (exclusive), or some steps up to where ``stopped`` says so.

        Raises NotFinite where the state left the finite numbers, in one of the steps that the error names.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            while self.t < end:
                spikes = self.feeds.at(self.t)
                self.engine.step(self.t, spikes)
                self.recorder.add(self.t, spikes)
                self.t += 1
                if self.t % _LOOK_EVERY == 0:
                    self._look(progress)
                if stopped():
                    break
            self.watch.insist(self.t)
            if self.t == self.end:
                self.watch.insist_on_all(self.t)
        self.recorder.flush()

    def _look(self, progress: Progress) -> None:
        now = time.perf_counter()
        if now > self.told + _TOLD_EVERY_S:
            progress((self.t - self.first) / (self.end - self.first))
            self.told = now
        self.watch.look(self.t, now)


def located(error: NotFinite, engine: Engine, t: int) -> NotFinite:
    """``error`` with the very step: ``engine``, which is before step ``t``, goes that way again, and is looked at."""
    first, stop = error.steps
    if t > first:  # too late
        return error
    feeds, watch = Feeds(engine.graph, stop), Watch(engine, t)
    with np.errstate(over="ignore", invalid="ignore"):
        while t < stop:
            engine.step(t, feeds.at(t))
            t += 1
            try:
                if t > first and not all(map(sound, state_of(engine).values())):
                    watch.insist_on_all(t)
            except NotFinite as found:
                return found
            watch.began = watch.sound = t
    return error


class Feeds:
    """The spikes of all sources, some steps ahead, up to ``end`` if it is known. Steps are asked for once, and rise."""

    def __init__(self, graph: Graph, end: int | None = None) -> None:
        self.feeds = {source.name: Feed(source.spikes, end=end) for source in graph.sources()}

    def at(self, t: int) -> dict[str, np.ndarray]:
        """The neurons of each source that spike in step ``t``, rising."""
        return {name: feed.at(t) for name, feed in self.feeds.items()}

    def change(self, name: str, spikes: GivenSpikes | PoissonSpikes) -> None:
        """Let a source send other spikes from now on; Poisson ones have the key that they had."""
        self.feeds[name] = Feed(spikes, self.feeds[name])


class Feed:
    """The spikes of one source. What was changed, and so may be again, is looked at a few steps ahead at first."""

    def __init__(self, spikes: GivenSpikes | PoissonSpikes, before: Feed | None = None, end: int | None = None) -> None:
        self.end: int | None = end if before is None else before.end
        self.spikes, self.stop, self.ahead = spikes, -1, _BLOCK if before is None else 1
        self.found: dict[int, np.ndarray] = {}
        self.drawn: Drawn | None = None
        if before is not None and isinstance(spikes, PoissonSpikes):
            self.drawn = before.drawn or Drawn(spikes.key, spikes.probabilities.shape[1])

    def at(self, t: int) -> np.ndarray:
        """See ``Feeds.at``."""
        if t >= self.stop:
            self._fetch(t)
        return self.found.get(t, _NO_SPIKES)

    def _fetch(self, t: int) -> None:
        self.stop = (t // self.ahead + 1) * self.ahead
        if self.end is not None:
            self.stop = max(t + 1, min(self.stop, self.end))
        self.ahead = min(2 * self.ahead, _BLOCK)
        if isinstance(self.spikes, PoissonSpikes):
            steps, neurons = self.spikes.between(t, self.stop, self.drawn)
        else:
            steps, neurons = self.spikes.between(t, self.stop)
        cuts = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(steps)]
        self.found = {int(steps[a]): neurons[a:b] for a, b in pairwise(cuts) if b > a}
