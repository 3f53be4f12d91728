"""The contents of a result as labelled arrays with units, from which all exports are made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ernsnn.describe.names import owner_and_variable, variable_of
from ernsnn.graph.graph import Graph, Neurons, Probe, Projection
from ernsnn.recording.readings import Readings

_SUFFIXES = {"_mV": "mV", "_nA": "nA", "_uS": "uS"}


@dataclass(frozen=True, eq=False)
class Spikes:
    """All spikes of a population, by time, then neuron."""

    population: str
    size: int
    times_ms: np.ndarray
    neurons: np.ndarray


@dataclass(frozen=True, eq=False)
class Series:
    """One probe: ``values`` (k, n) at ``times_ms`` (k,), which are ``steps`` of the run.

    ``labels`` say what the n are: ``neuron``, or ``pre`` and ``post`` of a synapse, or ``index``. ``unit`` is mV, nA,
    uS, uM or empty.
    """

    target: str
    variable: str
    unit: str
    steps: np.ndarray
    times_ms: np.ndarray
    labels: dict[str, np.ndarray]
    values: np.ndarray

    @property
    def name(self) -> str:
        """``target.variable``."""
        return variable_of(self.target, self.variable)


@dataclass(frozen=True, eq=False)
class Final:
    """Final values of plastic synapses, or of neurons: every array has one value for each of them."""

    kind: Literal["synapses", "neurons"]
    owner: str
    labels: dict[str, np.ndarray]
    variables: dict[str, np.ndarray]
    units: dict[str, str]


@dataclass(frozen=True, eq=False)
class Contents:
    """The contents of a result, in the order of the graph. ``about`` is its meta data as JSON."""

    name: str
    dt_ms: float
    start_ms: float
    duration_ms: float
    digest: str
    about: str
    spikes: tuple[Spikes, ...]
    series: tuple[Series, ...]
    finals: tuple[Final, ...]

    @property
    def stop_ms(self) -> float:
        """The time at which the run ends."""
        return self.start_ms + self.duration_ms


def contents(result: Readings) -> Contents:
    """The contents of ``result``."""
    graph, recording = result.graph, result.recording
    return Contents(
        name=graph.name,
        dt_ms=graph.dt_ms,
        start_ms=result.start_ms,
        duration_ms=result.duration_ms,
        digest=graph.digest,
        about=json.dumps(result.meta, sort_keys=True),
        spikes=tuple(
            Spikes(p.name, p.size, *result.spikes(p.name)) for p in graph.populations if p.name in recording.spikes
        ),
        series=tuple(_series(graph, key, steps, values) for key, (steps, values) in recording.signals.items()),
        finals=tuple(_finals(result)),
    )


def _series(graph: Graph, key: str, steps: np.ndarray, values: np.ndarray) -> Series:
    target, variable = owner_and_variable(key)
    labels, unit = _seen(graph, key, target, variable, values.shape[1])
    return Series(target, variable, unit, steps, steps * graph.dt_ms, labels, values)


def _seen(graph: Graph, key: str, target: str, variable: str, width: int) -> tuple[dict[str, np.ndarray], str]:
    """The labels of the columns of a probe, and the unit of its values."""
    projection = next((p for p in graph.projections if p.name == target), None)
    if projection and variable in {v.name for v in projection.variables}:
        return _ends(projection), weight_unit(graph, projection, variable)
    if projection:
        return {"neuron": projection.pre_start + np.arange(width)}, _suffix(variable)
    probe = next(p for p in graph.probes if p.key == key)
    if probe.kind == "neurons":
        return {"neuron": np.arange(probe.start, probe.stop)}, _suffix(variable)
    return {"index": np.arange(width)}, _concentration(graph, probe)


def _finals(result: Readings) -> Iterator[Final]:
    graph, recording = result.graph, result.recording
    for p in graph.projections:
        if p.name in recording.synapses:
            variables = recording.synapses[p.name]
            yield Final("synapses", p.name, _ends(p), variables, {v: weight_unit(graph, p, v) for v in variables})
    for name, variables in recording.neurons.items():
        labels = {"neuron": np.arange(graph.population(name).size)}
        yield Final("neurons", name, labels, variables, {v: _suffix(v) for v in variables})


def _ends(p: Projection) -> dict[str, np.ndarray]:
    return {"pre": p.synapses.pre, "post": p.synapses.post}


def weight_unit(graph: Graph, p: Projection, variable: str = "w") -> str:
    """The unit of a variable of synapses: of weights nA, mV where they move V, or uS; marks have none."""
    post = graph.population(p.post)
    return post.kind.receptor(p.arrives_at).unit if variable == "w" and isinstance(post, Neurons) else ""


def _suffix(variable: str) -> str:
    return next((unit for suffix, unit in _SUFFIXES.items() if variable.endswith(suffix)), "")


def _concentration(graph: Graph, probe: Probe) -> str:
    modulator = next(m for m in graph.modulators if m.name == probe.target)
    return dict(modulator.kind.units).get(probe.variable, "")
