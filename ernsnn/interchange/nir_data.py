"""Recordings as NIRData, and the spikes in NIRData as stimuli."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.stimuli import SpikeTimes
from ernsnn.describe.units import single_time
from ernsnn.errors import InvalidModel, quoted
from ernsnn.interchange.hdf5 import needed, read_tree
from ernsnn.interchange.linear import MOST_ELEMENTS
from ernsnn.recording.readings import Readings

SPIKES = "spikes"
"""The observable that a node's spikes are called."""
_MOST_SAMPLES = 10**6


@checked
def to_nir_data(result: Readings) -> Any:
    """What a run recorded as a ``nir.NIRGraphData``, which ``nir.write_data`` writes.

    A node for every population has its spikes as ``EventData`` called "spikes", and its probes as ``TimeGriddedData``
    called after their variable, with the neurons if these are not all: ``v_mV``, ``v_mV[2:5]``. Times are in s from the
    start of the run, a spike at the start of its step; there is one sample. Probes of synapses and of third factors are
    no nodes of NIR, and are left out.
    """
    nir, dt = needed("nir"), result.graph.dt_ms / 1000.0
    recording, nodes = result.recording, {}
    for population in result.graph.populations:
        steps, neurons = recording.spikes[population.name]
        steps = steps - recording.first_step
        times, end = _within(steps, dt), float(_within(np.array([recording.n_steps]), dt)[0])
        events = nir.EventData(neurons[None].astype(np.int64), times[None], population.size, end)
        nodes[population.name] = {SPIKES: events}
    for probe in result.graph.probes:
        if probe.kind != "neurons" or probe.key not in recording.signals:
            continue
        values = recording.signals[probe.key][1]
        whole = probe.stop - probe.start == result.graph.population(probe.target).size
        name = probe.variable if whole else f"{probe.variable}[{probe.start}:{probe.stop}]"
        nodes[probe.target][name] = nir.TimeGriddedData(np.asarray(values)[None], probe.every * dt)
    return nir.NIRGraphData({name: nir.NIRNodeData(observables) for name, observables in nodes.items()})


def _within(steps: np.ndarray, dt: float) -> np.ndarray:
    """The times of steps: the first at or after their start that a division by dt does not round to the step before."""
    times = steps * dt
    early = np.floor(times / dt) < steps
    return np.where(early, np.nextafter(times, np.inf), times)


@checked
def from_nir_data(data: Any, *, dt_ms: Any) -> dict[str, tuple[SpikeTimes, ...]]:
    """The spikes in NIRData, a ``nir.NIRGraphData`` or a file, by node: one ``SpikeTimes`` a sample.

    They are what ``Trials`` takes: ``Trials(show_ms=..., **from_nir_data(data, dt_ms=1.0))``. Of a node with several
    observables that called "spikes" counts, of others the only one that has events, or True and False in steps. Times
    are rounded down to steps of ``dt_ms``. Raises InvalidModel, naming the node, on what has no spikes, on two spikes
    of a neuron in a step, and on what is damaged.
    """
    dt = single_time(dt_ms, "from_nir_data: dt_ms")
    if not dt > 0:
        raise InvalidModel(f"from_nir_data: dt_ms must be > 0, got {dt}")
    nodes = _of_file(Path(data)) if isinstance(data, str | Path) else _of_object(data)
    return {name: _spikes(name, observables, dt) for name, observables in nodes.items()}


def duration_s(data: str | Path) -> float:
    """The longest ``t_max`` in a file of NIRData."""
    longest = [_number(o, "t_max") for node in _of_file(Path(data)).values() for o in node.values() if "t_max" in o]
    return max((float(t) for t in longest if np.isfinite(t)), default=0.0)


def _of_object(data: Any) -> dict[str, dict[str, Mapping[str, Any]]]:
    try:
        return {
            str(name): {str(key): vars(value) for key, value in node.observables.items()}
            for name, node in data.nodes.items()
        }
    except Exception:  # a foreign object may raise any error
        raise InvalidModel(f"from_nir_data: needs a file or a nir.NIRGraphData, got {quoted(data)}") from None


def _of_file(path: Path) -> dict[str, dict[str, Mapping[str, Any]]]:
    try:
        tree = read_tree(path, attributes=True)
    except (FileNotFoundError, NotADirectoryError):
        raise InvalidModel(f"{quoted(str(path))}: no such file") from None
    nodes = tree.get("nodes")
    if not isinstance(nodes, dict):
        raise InvalidModel(f"{path}: is no file of NIRData, which has a group named nodes")
    found: dict[str, dict[str, Mapping[str, Any]]] = {}
    for name, node in nodes.items():
        observables = node.get("observables") if isinstance(node, dict) else None
        if not isinstance(observables, dict) or not all(isinstance(o, dict) for o in observables.values()):
            raise InvalidModel(f"{path}: {quoted(name)} has no observables")
        found[name] = observables
    return found


def _spikes(name: str, observables: Mapping[str, Mapping[str, Any]], dt_ms: float) -> tuple[SpikeTimes, ...]:
    chosen = observables.get(SPIKES)
    if chosen is None:
        events = [o for o in observables.values() if "idx" in o or np.asarray(o.get("data", 0.0)).dtype == bool]
        if len(events) != 1:
            raise InvalidModel(f"{name}: has {len(events)} observables with events, and none called {SPIKES!r}")
        chosen = events[0]
    try:
        samples = list(_samples(chosen, dt_ms))
    except InvalidModel as problem:
        raise InvalidModel(f"{name}: {problem}") from None
    return tuple(samples)


def _samples(given: Mapping[str, Any], dt_ms: float) -> Iterator[SpikeTimes]:
    if "data" in given:
        data, step = np.asarray(given["data"]), _number(given, "dt") * 1000.0
        if data.ndim != 3 or data.dtype != bool:
            raise InvalidModel(f"needs True or False as (samples, steps, neurons), got {data.dtype} of {data.shape}")
        for sample in data:
            steps, neurons = np.nonzero(sample)
            yield _times(steps * step, neurons, sample.shape[1], dt_ms)
        return
    idx, time = np.asarray(given.get("idx")), np.asarray(given.get("time"))
    n = _number(given, "n_neurons")
    if idx.dtype.kind not in "iu" or time.dtype.kind != "f" or idx.ndim != 2 or idx.shape != time.shape:
        raise InvalidModel("needs whole idx and times of the same shape (samples, events)")
    if not 1 <= n <= MOST_ELEMENTS or n % 1 or len(idx) > _MOST_SAMPLES:
        raise InvalidModel(
            f"needs a whole number of neurons and at most {_MOST_SAMPLES} samples, got {n:g}, {len(idx)}"
        )
    for neurons, times in zip(idx, time, strict=True):
        there = neurons != -1
        yield _times(times[there] * 1000.0, neurons[there], int(n), dt_ms)


def _number(given: Mapping[str, Any], name: str) -> float:
    value = np.asarray(given.get(name))
    if value.shape != () or value.dtype.kind not in "iuf" or not np.isfinite(value):
        raise InvalidModel(f"{name} must be a number, got {quoted(given.get(name))}")
    return float(value)


def _times(times_ms: np.ndarray, neurons: np.ndarray, n: int, dt_ms: float) -> SpikeTimes:
    if not np.isfinite(times_ms).all() or (times_ms < 0).any() or (neurons < 0).any() or (neurons >= n).any():
        raise InvalidModel(f"needs times >= 0 and neurons from 0 to {n - 1}")
    steps = np.floor(times_ms / dt_ms * (1 + 1e-12) + 1e-9)
    order = np.lexsort((steps, neurons))
    steps, neurons = steps[order], neurons[order]
    if ((np.diff(neurons) == 0) & (np.diff(steps) == 0)).any():
        raise InvalidModel(f"two spikes of a neuron fall into one step of {dt_ms:g} ms; choose a shorter one")
    return SpikeTimes(np.split(steps * dt_ms, np.searchsorted(neurons, np.arange(1, n))))
