"""Detection of NaN and infinities in the state of a run, as with weights of 1e308: which number, and in which step.

NaN and infinities stay where they are: they decay to themselves, and what is NaN never spikes. So the state is checked
from time to time. Only a V of +infinity does not stay: such a neuron spikes at once, and is reset like any other.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

import numpy as np

from ernsnn.describe.names import owner_and_variable
from ernsnn.errors import NotFinite
from ernsnn.graph.graph import Graph, Probe
from ernsnn.graph.probes import variables
from ernsnn.recording.keys import ArrayKey
from ernsnn.recording.recording import Recording

_LEAST_BETWEEN = 1000
"""Checks take at most 1/_LEAST_BETWEEN of the time of a run."""

REMEDY = "weights, currents or learning rates are too large for its numbers, or grow without bound; choose smaller ones"


class Looked(Protocol):
    """The part of an engine that is checked."""

    @property
    def graph(self) -> Graph:
        """The graph of the run."""

    def probe(self, probe: Probe) -> np.ndarray:
        """A copy of the present values of a probe."""

    def final_values(self) -> dict[str, np.ndarray]:
        """The present values of plastic variables, under their names in ``Recording.to_arrays``."""


class Watch:
    """Checks an engine before step ``t``: neurons and modulators from time to time, learned variables on demand.

    ``began`` is the first step of its run, ``t`` by default: since then learned variables have not been checked.
    """

    def __init__(self, engine: Looked, t: int, began: int | None = None) -> None:
        self.engine, self.began, self.sound, self.due = engine, t if began is None else began, t, 0.0
        self.probes = [p for p in variables(engine.graph) if p.kind != "synapses"]

    def look(self, t: int, now: float) -> None:
        """Check neurons and modulators before step ``t``, at the time ``now``, if a check is due. Raises NotFinite."""
        if now >= self.due:
            began = time.perf_counter()
            self.insist(t)
            ended = time.perf_counter()
            self.due = ended + _LEAST_BETWEEN * (ended - began)

    def insist(self, t: int) -> None:
        """Check neurons and modulators before step ``t``. Raises NotFinite."""
        if wrong := next(self._of_probes(), None):
            raise left(self.engine.graph, *wrong, self.sound, t)
        self.sound = t

    def insist_on_all(self, t: int) -> None:
        """Check learned variables, too, whose rows are brought up to date for that. Raises NotFinite."""
        self.insist(t)
        if wrong := next(_of_learned(self.engine.graph, self.engine.final_values()), None):
            raise left(self.engine.graph, *wrong, self.began, t)

    def _of_probes(self) -> Iterator[tuple[str, str]]:
        for probe in self.probes:
            for place, value in _wrong(self.engine.probe(probe), probe.variable):
                yield _named(self.engine.graph, probe.target, probe.variable, place, value)


def left(graph: Graph, name: str, what: str, first: int, stop: int) -> NotFinite:
    """The error that a number of ``name`` left the finite ones in a step from ``first`` to ``stop`` (exclusive)."""
    ms = f"{first * graph.dt_ms:.12g} ms"
    when = f"step {first}, at {ms}" if stop <= first + 1 else f"one of the steps {first} to {stop - 1}, from {ms} on"
    error = NotFinite(f"{name}: {what} after {when}: {REMEDY}", path=name)
    error.steps = first, max(stop, first + 1)
    return error


def check_values(graph: Graph, values: Iterable[tuple[Probe, np.ndarray]], first: int, stop: int) -> None:
    """Raise NotFinite on values of probes of whole populations and modulators after the steps ``first`` to ``stop``."""
    for probe, seen in values:
        for place, value in _wrong(seen, probe.variable):
            raise left(graph, *_named(graph, probe.target, probe.variable, place, value), first, stop)


def check_recording(graph: Graph, recording: Recording) -> None:
    """Raise NotFinite where a recorded value is not finite: of a probe, which gives the step, or a learned one.

    Backends that hand over a state to go on from check that in their own ``run``.
    """
    for key, (steps, values) in recording.signals.items():
        target, variable = owner_and_variable(key)
        flat = np.asarray(values)
        if wrong := next(_wrong(flat, variable), None):
            row, place = divmod(wrong[0], flat.shape[1])
            step = int(steps[row])
            first = next((p.start for p in graph.probes if p.key == key), 0)
            raise left(graph, *_named(graph, target, variable, first + place, wrong[1]), step, step + 1)
    if what := next(_of_learned(graph, recording.final_values()), None):
        raise left(graph, *what, recording.first_step, recording.end)


def _of_learned(graph: Graph, learned: Mapping[str, np.ndarray]) -> Iterator[tuple[str, str]]:
    for key, values in learned.items():
        _, name, variable = ArrayKey.parse(key)
        for place, value in _wrong(values, variable):
            yield _named(graph, name, variable, place, value)


def _named(graph: Graph, name: str, variable: str, place: int, value: float) -> tuple[str, str]:
    """(owner, text) on a number of the state, in the user's names."""
    projection = next((p for p in graph.projections if p.name == name), None)
    if projection is not None and variable not in {v.name for v in projection.variables}:
        where = f"of pre neuron {place}, of its short-term plasticity,"
    elif projection is not None:
        rows = projection.synapses
        where = f"of the synapse from neuron {rows.pre[place]} to neuron {rows.post[place]}"
    else:
        neurons = any(p.name == name for p in graph.populations)
        where = f"of neuron {place}" if neurons else f"of unit {place}"
    return name, f"{variable} {where} is {value}"


def sound(values: np.ndarray) -> bool:
    """Whether all values are finite; takes about as long as their sum."""
    with np.errstate(over="ignore", invalid="ignore"):
        return values.dtype.kind != "f" or bool(np.isfinite(values.sum())) or bool(np.isfinite(values).all())


def _wrong(values: np.ndarray, variable: str) -> Iterator[tuple[int, float]]:
    """Yield (index, value) of values that are not finite and stay so."""
    if not sound(values):
        flat = values.reshape(-1)
        stays = ~np.isfinite(flat) if variable != "v_mV" else ~(np.isfinite(flat) | (flat == np.inf))
        for place in np.flatnonzero(stays).tolist():
            yield place, float(flat[place])
