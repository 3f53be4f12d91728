"""Backends that run a graph step by step in this process, and the protocol of their engines."""

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
from ernsnn.backend.state import initial, restore, state_of
from ernsnn.errors import InvalidModel, NotFinite
from ernsnn.graph.graph import Graph, Probe
from ernsnn.loading import Unfit
from ernsnn.recording.recording import Recording

_REPORT_EVERY_S, _LOOK_EVERY = 0.1, 32


class Engine(ABC):
    """The state of one run; ``changes`` names what changes in it (see ``backend.state``)."""

    graph: Graph
    changes: tuple[str, ...]
    beginning: Mapping[str, np.ndarray]
    """What ``reset`` restores; of no use, and empty, where the graph has no resets."""

    @abstractmethod
    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Compute stages 0 to 5 of step ``t``.

        ``spikes`` holds those of the sources, and gets those of all other populations.
        """

    def begin(self) -> None:
        """Keep the initial values for resets, at the end of the engine's making."""
        self.beginning = initial(self) if self.graph.resets else {}

    def reset(self) -> None:
        """Stage 0: give everything its initial value but weights, marks, parameters, and streams of random numbers."""
        restore(self, self.beginning, "reset")

    def advance(self, t: int, stop: int, sources: SourceSpikes, recorder: Recorder) -> int:
        """Run some steps from ``t`` on, before ``stop``, and record them; returns the next step."""
        spikes = sources.at(t)
        self.step(t, spikes)
        recorder.add(t, spikes)
        return t + 1

    @abstractmethod
    def probe(self, probe: Probe) -> np.ndarray:
        """A copy of the present values of a probe."""

    @abstractmethod
    def write(self, probe: Probe, values: np.ndarray) -> None:
        """Set the values of a probe of neurons or synapses between two steps."""

    @abstractmethod
    def final_values(self) -> dict[str, np.ndarray]:
        """The present values of plastic variables, under their names in ``Recording.to_arrays``."""

    @abstractmethod
    def load_values(self, recording: Recording) -> None:
        """Set the values that ``final_values`` gave, before the first step."""

    @abstractmethod
    def adjust(self, graph: Graph) -> None:
        """Take the currents and the parameters of neurons from ``graph``, between two steps.

        ``graph`` differs from the engine's in these and in spikes of sources only, with the same kinds of neurons; V
        stays.
        """

    def about(self) -> dict[str, Any]:
        """Meta data of the run beside those that every run has."""
        return {}

    def problems(self) -> Iterator[str]:
        """Yield errors in a restored state, such as indices of neurons that do not exist."""
        yield from ()

    def state(self) -> dict[str, np.ndarray]:
        """The state that another run needs to go on from here, beside ``final_values``."""
        return state_of(self, "carried")

    def continue_from(self, start: Recording) -> None:
        """Take the state of ``start`` at its end, before the first step. Raises InvalidModel where it does not fit."""
        assert start.state is not None
        try:
            restore(self, start.state, "carried")
            problem = next(self.problems(), None)
            if problem:
                raise Unfit(problem)
        except ValueError as error:
            if isinstance(error, InvalidModel):  # the file is damaged
                raise
            raise InvalidModel(f"start: its state does not fit: {error}; go on with the options of that run") from None
        self.load_values(start)

    @abstractmethod
    def succeed(self, other: Any, t: int) -> None:
        """Take the state of ``other``, an engine of the same backend before step ``t``, before the first step.

        All parts of its graph are parts of this one's, with the same names, cells and synapses; further ones begin
        here, as at the start of a run.
        """

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
        return Recording.from_arrays(joined(chunks) | self.final_values() | spans, self.about(), self.state())


class SteppedBackend(Backend):
    """A backend whose runs can be read step by step, recorded to disk, interrupted and resumed."""

    continues: ClassVar[bool] = True
    stepwise: ClassVar[bool] = True

    def recorded_bytes(self, kind: str, options: Mapping[str, Any]) -> int:
        """See ``Backend.recorded_bytes``; the same on a disk."""
        return 12 if kind == "spikes" else 8

    @abstractmethod
    def engine(self, graph: Graph, **options: Any) -> Engine:
        """The engine of ``graph`` before step 0. May raise UnsupportedOnBackend, before it allocates memory."""

    def versions(self) -> dict[str, str]:
        """Library -> version of what the results depend on, beside NumPy."""
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
    """A run of an engine from step ``first`` to step ``end`` (exclusive); ``t`` is the next step."""

    def __init__(self, engine: Engine, recorder: Recorder, end: int, t: int = 0, first: int | None = None) -> None:
        self.engine, self.recorder, self.end, self.t = engine, recorder, end, t
        self.first = t if first is None else first
        self.source_spikes = SourceSpikes(engine.graph, end)
        self.reported_at, self.watch = time.perf_counter(), Watch(engine, t, self.first)

    def until(self, end: int, progress: Progress, stopped: Callable[[], bool] = lambda: False) -> None:
        """Run and record up to step ``end`` (exclusive), or some steps up to where ``stopped`` says so.

        Raises NotFinite, naming the steps, where a number of the state became NaN or infinite.
        """
        with np.errstate(over="ignore", invalid="ignore"):
            while self.t < end:
                looked = self.t // _LOOK_EVERY
                self.t = self.engine.advance(self.t, end, self.source_spikes, self.recorder)
                if self.t // _LOOK_EVERY > looked:
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
    """Narrow ``error`` down to one step: ``engine``, before step ``t``, repeats the steps and is checked in each."""
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
