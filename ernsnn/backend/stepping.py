"""Backends that run a graph step by step in this process: what their engines share."""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, ClassVar

import numpy as np

from ernsnn.backend.finite import Watch, sound
from ernsnn.backend.protocol import Backend, Progress
from ernsnn.backend.recorder import Chunk, Recorder, joined
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.backend.state import restore, state_of
from ernsnn.errors import InvalidModel, NotFinite
from ernsnn.graph.graph import Graph, Probe
from ernsnn.loading import Unfit
from ernsnn.recording.recording import Recording

_REPORT_EVERY_S, _LOOK_EVERY = 0.1, 32


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
    def final_values(self) -> dict[str, np.ndarray]:
        """Variables of plastic synapses and neurons as they are now, in the layout of ``Recording.to_arrays``."""

    @abstractmethod
    def load_values(self, recording: Recording) -> None:
        """Set what ``final_values`` gave, before the first step."""

    @abstractmethod
    def adjust(self, graph: Graph) -> None:
        """Between two steps: go on with the currents and the parameters of neurons of ``graph``.

        It is that of the engine in all else but spikes of sources, and its populations are of the same kinds; V stays.
        """

    def problems(self) -> Iterator[str]:
        """What cannot be in a state that has been brought back: numbers that the next steps would follow to nowhere."""
        yield from ()

    def state(self) -> dict[str, np.ndarray]:
        """All else that another run needs to go on from here, after ``final_values``."""
        return state_of(self, whole=False)

    def continue_from(self, start: Recording) -> None:
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
        self.load_values(start)

    def run(
        self, n_steps: int, progress: Progress, samples: Collection[int] = (), start: Recording | None = None
    ) -> Recording:
        """Run from step 0, or from the end of ``start``, and record in memory; for ``samples`` see ``Recorder``."""
        chunks: list[Chunk] = []
        first = 0
        if start is not None:
            first = start.end
            self.continue_from(start)
        run = Run(self, Recorder(self, chunks.append, samples, first), first + n_steps, first)
        run.until(run.end, progress)
        spans = {"n_steps": np.array(n_steps), "first_step": np.array(first)}
        return Recording.from_arrays(joined(chunks) | self.final_values() | spans, {}, self.state())


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
                again.continue_from(start)
            raise located(error, again, 0 if start is None else start.end) from None
        recording.meta["versions"] = self.versions()
        return recording


class Run:
    """An engine on its way from step ``first`` to step ``end`` (exclusive); ``t`` is the next step."""

    def __init__(self, engine: Engine, recorder: Recorder, end: int, t: int = 0, first: int | None = None) -> None:
        self.engine, self.recorder, self.end, self.t = engine, recorder, end, t
        self.first = t if first is None else first
        self.source_spikes = SourceSpikes(engine.graph, end)
        self.reported_at, self.watch = time.perf_counter(), Watch(engine, t, self.first)

    def until(self, end: int, progress: Progress, stopped: Callable[[], bool] = lambda: False) -> None:
        """Run and record up to step ``end`` (exclusive), or some steps up to where ``stopped`` says so.

        Raises NotFinite where the state left the finite numbers, in one of the steps that the error names.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            while self.t < end:
                spikes = self.source_spikes.at(self.t)
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
        if now > self.reported_at + _REPORT_EVERY_S:
            progress((self.t - self.first) / (self.end - self.first))
            self.reported_at = now
        self.watch.look(self.t, now)


def located(error: NotFinite, engine: Engine, t: int) -> NotFinite:
    """``error`` with the very step: ``engine``, which is before step ``t``, goes that way again, and is looked at."""
    first, stop = error.steps
    if t > first:  # too late
        return error
    source_spikes, watch = SourceSpikes(engine.graph, stop), Watch(engine, t)
    with np.errstate(over="ignore", invalid="ignore"):
        while t < stop:
            engine.step(t, source_spikes.at(t))
            t += 1
            try:
                if t > first and not all(map(sound, state_of(engine).values())):
                    watch.insist_on_all(t)
            except NotFinite as error:
                return error
            watch.began = watch.sound = t
    return error
