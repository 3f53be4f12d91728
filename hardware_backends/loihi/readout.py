"""Readouts: values of a recording from those of the integer network, (integer + zero) * unit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ernsnn.graph.graph import Graph, Neurons, Probe, Projection
from ernsnn.recording.keys import synapse_key

from .arithmetic.integers import Connection, IntegerNetwork
from .arithmetic.limits import STATE_SHIFT
from .arithmetic.rules import Axis
from .floats import FloatNetwork
from .quantise.astrocytes import GAIN_BITS, leaky
from .quantise.latch import without_field
from .quantise.learning import mark_axis, weight_axis
from .quantise.transmit_first import tag_axis


@dataclass(frozen=True, eq=False)
class Readout:
    """``variable`` of ``name``, an object of the integer network, after each of ``steps``, as the recording has it.

    ``key`` is that of a probe, or, of a ``final`` value, the name of its array.
    ``picked`` are the positions of its values in the flattened state: of matrices (post, pre) of the connection itself.
    """

    key: str
    name: str
    variable: str
    steps: np.ndarray
    picked: np.ndarray
    unit: float
    zero: float = 0.0
    final: bool = False


def readouts(graph: Graph, network: IntegerNetwork | FloatNetwork, n_steps: int) -> list[Readout]:
    """One for each probe of neurons, astrocytes and plastic synapses, and one for each final value of the latter."""
    connections = {c.name: c for c in network.connections}
    probed = [_probe(graph, network, connections, probe, n_steps) for probe in graph.probes]
    return [*probed, *_finals(graph, connections, n_steps)]


def _probe(
    graph: Graph,
    network: IntegerNetwork | FloatNetwork,
    connections: dict[str, Connection],
    probe: Probe,
    n_steps: int,
) -> Readout:
    key, steps = probe.key, np.arange(probe.every - 1, n_steps, probe.every)
    if probe.kind == "neurons":
        cells = graph.population(probe.target)
        assert isinstance(cells, Neurons)
        unit = 1 / (network.scale[probe.target] * 2**STATE_SHIFT)
        rest = float(np.ravel(cells.parameters["v_rest_mV"])[0])
        return Readout(key, probe.target, "v", steps, np.arange(probe.start, probe.stop), unit, rest / unit)
    if probe.kind == "modulator":
        sender = next(a for a in network.astrocytes if a.name == probe.target)
        one = next(m for m in leaky(graph) if m.name == probe.target).weights[0] / 2**GAIN_BITS
        if probe.variable == "value":
            unit = one * 2**sender.shift if sender.threshold is None else 1 / sender.level
            return Readout(key, probe.target, "y", steps, np.arange(1), unit)
        return Readout(key, probe.target, "c", steps, np.arange(1), one)
    p = next(p for p in graph.projections if p.name == probe.target)
    variable, axis = _axis(p, connections[p.name], probe.variable)
    picked = _places(p, connections[p.name])
    return Readout(key, p.name, variable, steps, picked, axis.step, axis.zero)


def _finals(graph: Graph, connections: dict[str, Connection], n_steps: int) -> Iterator[Readout]:
    for p in graph.projections:
        absent = without_field(p.learning) if p.learning else frozenset()
        for v in p.learning.variables if p.learning else ():
            if v.name in absent:
                continue
            variable, axis = _axis(p, connections[p.name], v.name)
            last, picked = np.array([n_steps - 1]), _places(p, connections[p.name])
            key = synapse_key(p.name, v.name)
            yield Readout(key, p.name, variable, last, picked, axis.step, axis.zero, final=True)


def _axis(p: Projection, c: Connection, name: str) -> tuple[str, Axis]:
    """The variable of the connection that holds ``name``, and how."""
    assert p.learning is not None
    assert c.rule is not None
    v = p.learning.variable(name)
    axis = weight_axis(p, v.low, v.high) if name == "w" else mark_axis(v.low, v.high)
    assert axis is not None, "a network with an error must not be run"
    if name == "w" and c.rule.ahead:
        axis = tag_axis(axis)
    return axis.name, axis


def _places(p: Projection, c: Connection) -> np.ndarray:
    rows, n_pre = p.synapses, c.weights.shape[1]
    places: np.ndarray = (rows.post - p.post_start) * n_pre + rows.pre - p.pre_start
    return places
