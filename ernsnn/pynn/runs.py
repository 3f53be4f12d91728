"""Runs of scripts: step by step where the backend can, else in one go when data are first read."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, cast

import numpy as np

from ernsnn.backend.doubts import warn_of
from ernsnn.backend.finite import Watch
from ernsnn.backend.issues import Issues
from ernsnn.backend.memory import Room, probed_bytes
from ernsnn.backend.protocol import Backend
from ernsnn.backend.recorder import Chunk, Growing, Recorder, joined
from ernsnn.backend.registry import choose_backend, names_of
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.errors import UnsupportedOnBackend, about
from ernsnn.graph.graph import Graph, Injected, Probe, Source
from ernsnn.graph.injections import merged
from ernsnn.graph.lower import lower
from ernsnn.recording.keys import signal_keys, spike_keys
from ernsnn.recording.recording import Recording
from ernsnn.result import Result, run
from ernsnn.running.folder import interruptible

from .absent import unsupported
from .building import describe
from .codes import CODES
from .labels import in_labels, labelled
from .simulator import ScriptRun, State

_STATES = "potentials and synaptic variables"


def settings_of(backend: Backend, options: Mapping[str, Any]) -> dict[str, Any]:
    """All options of a backend, as a script has them. Raises InvalidModel on a value that it does not take.

    PyNN's numbers are doubles: a weight that is set is read back as it was.
    """
    return backend.settings({**backend.doubles, **options})


def begin(state: State) -> ScriptRun:
    """Lower the script's network, and start its run. Raises UnsupportedOnBackend, in the script's labels."""
    require_known(state)
    graph = graph_of(state)
    with labelled(state.labels):
        backend = choose_backend(graph)[0] if state.backend is None else state.backend
        settings = settings_of(backend, state.options)
        backend.require_installed()
        issues = backend.require(graph, **settings)
        if isinstance(backend, SteppedBackend):
            made: ScriptRun = Stepwise(graph, backend, settings)
        else:
            made = InOneGo(graph, backend, settings)
        for population in state.populations:
            population.start(made)
    # A script may let sources spike, or cells be driven, as it goes on.
    doubtful = (in_labels(issue, state.labels) for issue in issues if issue.code not in ("G305", "G306"))
    warn_of(doubtful, graph)
    return cast("ScriptRun", _Labelled(made, state))


def require_known(state: State) -> None:
    """Raise UnsupportedOnBackend where the script has parts of types that ernsnn does not have."""
    absent = Issues("ernsnn.pynn", [limit.issue("ernsnn.pynn", CODES) for limit in unsupported(state)])
    if absent:
        raise UnsupportedOnBackend("\n  ".join(["ernsnn cannot run this script:", *map(str, absent)]))


def graph_of(state: State) -> Graph:
    """The graph of the script's network; random numbers of a run differ from segment to segment."""
    with labelled(state.labels):
        graph = lower(describe(state), state.segment_seed)
    ours = {cells.name: cells for cells in state.populations}
    populations = (ours[p.name].as_seeded(p) if isinstance(p, Source) else p for p in graph.populations)
    return dataclasses.replace(graph, populations=tuple(populations))


class _Labelled:
    """A run whose errors name parts by the script's labels."""

    def __init__(self, run: ScriptRun, state: State) -> None:
        self._its_run, self._state = run, state

    def __getattr__(self, name: str) -> Any:
        with labelled(self._state.labels):
            attribute = getattr(self._its_run, name)
        return self._calling(attribute) if callable(attribute) else attribute

    def _calling(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            with labelled(self._state.labels):
                return function(*arguments)

        return call


_LESS = "record fewer cells or with a larger sampling_interval, or run for a shorter time"


def require_room(room: Room, graph: Graph, backend: Backend, settings: Mapping[str, Any], first: int, n: int) -> None:
    """Raise InvalidModel where the recording of ``n`` steps from ``first`` on does not fit the memory that is left.

    ``room`` is the memory that earlier steps have left.
    """
    needed = probed_bytes(graph, first, first + n, lambda kind: backend.recorded_bytes(kind, settings))
    with about("", *(probe.target for probe in graph.probes)):
        room.take(needed, _LESS)


class Stepwise:
    """A run of an engine in this process: every call of ``advance`` goes on where the last one stopped."""

    live = True

    def __init__(self, graph: Graph, backend: SteppedBackend, settings: dict[str, Any]) -> None:
        self.backend, self.settings, self.step = backend, settings, 0
        self.chunks: list[Chunk] = []
        self.recorded = Growing()
        self.room = Room()
        self._recording: Recording | None = None
        self.engine = backend.engine(graph, **settings)
        self._listen()

    def _listen(self, before: Graph | None = None) -> None:
        self.source_spikes, self.watch = SourceSpikes(self.engine.graph), Watch(self.engine, self.step)
        self.currents: dict[int, list[Injected]] = {}
        self.recorder = Recorder(self.engine, self.chunks.append, first=self.step)
        graph = self.engine.graph
        if before and (before.probes != graph.probes or len(before.populations) != len(graph.populations)):
            self.chunks[:] = [self.recorded.add(self.chunks)]
            _fit(self.chunks[0], before.probes, self.recorder.probes, self.recorder.widths)
            for population in graph.populations:
                for key, kind in zip(spike_keys(population.name), (np.int64, np.int32), strict=True):
                    self.chunks[0].setdefault(key, np.zeros(0, kind))
            self.recorded = Growing()

    def advance(self, n_steps: int) -> None:
        """See ``ScriptRun.advance``."""
        require_room(self.room, self.engine.graph, self.backend, self.settings, self.step, n_steps)
        self._recording = None
        # Ctrl-C is handled between steps, from which a run can go on.
        with interruptible() as stopped, np.errstate(over="ignore", invalid="ignore"):
            end = self.step + n_steps
            while self.step < end:
                self.step = self.engine.advance(self.step, end, self.source_spikes, self.recorder)
                if stopped():
                    raise KeyboardInterrupt
            self.watch.look(self.step, time.perf_counter())

    def change(self, state: State) -> None:
        """See ``ScriptRun.change``: another engine takes over, in the same state."""
        require_known(state)
        graph, before = graph_of(state), self.engine
        if state.added:
            self.backend.require(graph, **self.settings)
        self.recorder.flush()
        self.engine = self.backend.engine(graph, **self.settings)
        self.engine.succeed(before, self.step)
        self._listen(before.graph)
        for population in state.populations:
            if any(part is population for part in state.added):
                population.start(self)

    def adjust(self, state: State) -> None:
        """See ``ScriptRun.adjust``: nothing is lowered but the changed parts, and the engine stays."""
        populations = {p.name: p for p in self.engine.graph.populations}
        currents = dict(self.currents)
        with labelled(state.labels):
            for name, cells in state.changed_cells.items():
                with about(name):
                    populations[name] = cells.lowered()
            currents |= {number: current.lowered() for number, current in state.changed_currents.items()}
            if len(currents) > len(self.currents):
                currents = {s.number: currents.get(s.number) or s.lowered() for s in state.current_sources}
        self.currents = currents
        graph = dataclasses.replace(
            self.engine.graph,
            populations=tuple(populations.values()),
            injections=merged(chain(*currents.values())) or self.engine.graph.injections,
        )
        self.engine.adjust(graph)
        for name in state.changed_cells:
            if isinstance(source := populations[name], Source):
                self.source_spikes.change(name, source.spikes)

    def write(self, probe: Probe, places: Any, values: np.ndarray) -> None:
        """See ``ScriptRun.write``."""
        now = self.engine.probe(probe)
        now[places] = values
        self.engine.write(probe, now)

    def read(self, probe: Probe) -> np.ndarray:
        """See ``ScriptRun.read``."""
        return self.engine.probe(probe)

    def synapses(self, projection: str, variable: str) -> np.ndarray:
        """See ``ScriptRun.synapses``."""
        return self.engine.probe(Probe("synapses", projection, 0, 0, variable, 1))

    @property
    def recording(self) -> Recording:
        """See ``ScriptRun.recording``."""
        if self._recording is None:
            self.watch.insist_on_all(self.step)
            self.recorder.flush()
            whole = self.recorded.add(self.chunks)
            self.chunks.clear()
            self._recording = Recording.from_arrays(whole | {"n_steps": np.array(self.step)}, {})
        return self._recording


class InOneGo:
    """A run of a program, when data are read: of the steps since the last run, or of all if it cannot go on.

    ``parts`` are the results so far, each going on from the one before; a backend that cannot go on has one at most.
    """

    live = False

    def __init__(self, graph: Graph, backend: Backend, settings: dict[str, Any]) -> None:
        self.graph, self.backend, self.settings, self.step = graph, backend, settings, 0
        self.parts: list[Result] = []
        self.room = Room()

    def advance(self, n_steps: int) -> None:
        """See ``ScriptRun.advance``."""
        require_room(self.room, self.graph, self.backend, self.settings, self.step, n_steps)
        self.step += n_steps

    def _catch_up(self) -> None:
        done = self.parts[-1].recording.end if self.parts else 0
        if done < self.step:
            start = self.parts[-1] if self.parts and self.backend.continues else None
            ms = (self.step - (done if start else 0)) * self.graph.dt_ms
            result = run(self.graph, duration_ms=ms, start=start, backend=self.backend, **self.settings)
            self.parts = [*self.parts, result] if start else [result]

    def change(self, state: State) -> None:
        """See ``ScriptRun.change``; only inputs can change where the backend cannot go on."""
        graph = graph_of(state)
        if self.backend.continues:
            if dataclasses.replace(self.graph, probes=graph.probes).digest != graph.digest:
                self._catch_up()
        elif _without_inputs(graph).digest != _without_inputs(self.graph).digest:
            raise self._refusal("parameters", "set")
        self.graph = graph

    def adjust(self, state: State) -> None:
        """See ``ScriptRun.adjust``."""
        self.change(state)

    def write(self, probe: Probe, places: Any, values: np.ndarray) -> None:
        """See ``ScriptRun.write``; only weights, and only where the backend can go on."""
        if not self.backend.continues or probe.kind == "neurons":
            raise self._refusal("weights" if probe.kind == "synapses" else _STATES, "set")
        self._catch_up()
        if self._learns(probe.target):
            self.parts[-1] = self.parts[-1].with_weights(probe.target, values, variable=probe.variable)

    def _learns(self, projection: str) -> bool:
        return any(p.name == projection and p.learning for p in self.graph.projections)

    def read(self, probe: Probe) -> np.ndarray:
        """See ``ScriptRun.read``: not of a program."""
        raise self._refusal(_STATES, "read")

    def _refusal(self, what: str, how: str) -> UnsupportedOnBackend:
        able = names_of(lambda each: each.stepwise or (each.continues and what != _STATES))
        return UnsupportedOnBackend(
            f"{self.backend.name} runs in one go, in which {what} cannot be {how}; set up with backend {able}"
        )

    def synapses(self, projection: str, variable: str) -> np.ndarray:
        """See ``ScriptRun.synapses``."""
        self._catch_up()
        return self.parts[-1].recording.synapses[projection][variable]

    @property
    def recording(self) -> Recording:
        """See ``ScriptRun.recording``."""
        self._catch_up()
        return _whole(self.parts)


def _whole(parts: list[Result]) -> Recording:
    """Spikes and signals of consecutive results as the recording of one."""
    if len(parts) == 1:
        return parts[0].recording
    recordings = (dataclasses.replace(part.recording, synapses={}, neurons={}) for part in parts)
    chunks = [{k: a for k, a in each.to_arrays().items() if k not in ("n_steps", "first_step")} for each in recordings]
    probes = parts[-1].graph.probes
    none = {probe.key: parts[-1].recording.signals[probe.key][1][:0] for probe in probes}
    for part, chunk in zip(parts, chunks, strict=True):
        _fit(chunk, part.graph.probes, probes, none)
    return Recording.from_arrays(joined(chunks) | {"n_steps": np.array(parts[-1].recording.end)}, {})


def _fit(chunk: Chunk, were: Sequence[Probe], probes: Sequence[Probe], none: Mapping[str, np.ndarray]) -> None:
    """Give a chunk of a run with probes that ``were`` the signals of later ``probes``, NaN where it has no values.

    ``none`` has each of these signals without a sample.
    """
    starts = {probe.key: probe.start for probe in were}
    for probe in probes:
        (steps, values), width = signal_keys(probe.key), none[probe.key].shape[1]
        known = chunk.get(values)
        if known is None:  # the probe has begun since
            chunk |= {steps: np.zeros(0, np.int64), values: none[probe.key]}
        elif known.shape[1] < width:
            first = starts[probe.key] - probe.start
            chunk[values] = np.full((len(known), width), np.nan, known.dtype)
            chunk[values][:, first : first + known.shape[1]] = known


def _without_inputs(graph: Graph) -> Graph:
    return dataclasses.replace(graph, populations=tuple(graph.neurons()), injections=(), probes=())
