"""How much memory a run takes, found from the graph's descriptors before any of it is taken."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from ernsnn.backend.memory import input_bytes
from ernsnn.describe.learning import POST
from ernsnn.graph.chunks import CHUNK, processors
from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Graph, Projection
from ernsnn.graph.values import Draw, Scalar

STEPS = 2048
"""Learning steps that a log of post spikes holds; then every row catches up, and the log begins anew."""

SPIKES_A_NEURON, SPARE = 32, 1024
"""How many spikes a log has room for."""

LONGEST_WINDOW, NEURON_STEPS = 64, 1 << 20
"""Steps of a window at most, and neurons times steps."""

LONGEST_CALL, SPARE_SPIKES = 1024, 1 << 16
"""Steps that the loop runs in one call at most, and spikes of them that there is room for beyond those of a window."""

_EMITTED_BYTES, _LOGGED_BYTES, _CALL_BYTES = 16, 4, 16
"""Of a spike as a neuron emits it, and in the log; of a population's step in the log."""
_STREAM_BYTES = 8
_NEURON_BYTES = 350
_ROW_BYTES = 8
"""Of a row of listed synapses: where it starts."""
_STRETCH_BYTES = 8
"""Of a row's synapses of one delay: the delay and their end, in 16 bits each; twice, as those of chunks are joined."""


def needed_bytes(graph: Graph, precision: str) -> int:
    """The bytes of neurons, what is on its way to them, synapses with variables in ``precision``, and spike logs."""
    number = 4 if precision == "float32" else 8
    n = sum(p.size for p in graph.populations)
    window = window_of(graph, (int(p.delay.some(p.n_synapses).min(initial=LONGEST_WINDOW)) for p in graph.projections))
    longest = max((int(p.delay.some(p.n_synapses).max(initial=1)) for p in graph.projections), default=window)
    ring = 2 * 8 * (1 + longest)
    neurons = (_NEURON_BYTES + ring + window * (_EMITTED_BYTES + _LOGGED_BYTES)) * n
    neurons += _LOGGED_BYTES * SPARE_SPIKES + _CALL_BYTES * LONGEST_CALL * len(graph.populations)
    synapses = sum(_plastic_bytes(p, number) if p.learning else _static_bytes(p, number) for p in graph.projections)
    at_once = CHUNK * processors()
    chunk = max((_chunk_bytes(p, number) * min(p.n_synapses, at_once) for p in graph.projections), default=0)
    return neurons + synapses + chunk + input_bytes(graph)


def window_of(graph: Graph, shortest_delays: Iterable[int]) -> int:
    """How many steps neurons advance before their spikes are delivered, given the shortest delay of each projection."""
    n = max(1, sum(p.size for p in graph.neurons()))
    return max(1, min(LONGEST_WINDOW, NEURON_STEPS // n, *shortest_delays))


def _chunk_bytes(p: Projection, number: int) -> int:
    """Of a synapse that is among those on which the threads work that build: what is drawn, and its place."""
    if not isinstance(p.delay, Scalar):
        return 24
    return 8 + number if isinstance(p.weight, Draw) else 0


def _static_bytes(p: Projection, number: int) -> int:
    """See ``static.Table``; how many different delays a row has is found from some of them."""
    c, one = p.connectivity, isinstance(p.delay, Scalar)
    weight = 0 if isinstance(p.weight, Scalar) else number
    if isinstance(c, Dense) and one:
        return weight * c.n_pre * c.n_post
    different = len(np.unique(p.delay.some(p.n_synapses)))
    stretches = 0 if one else min(p.n_synapses, c.n_pre * different)
    return (4 + weight) * p.n_synapses + (1 if one else 2) * _ROW_BYTES * c.n_pre + _STRETCH_BYTES * stretches


def _log_bytes(p: Projection, number: int) -> int:
    """A log for every delay, and the path of a pre trace through it."""
    assert p.learning is not None
    post = sum(t.trace.event == POST for t in p.learning.traces)
    spike = 4 * 4 + number * (post + len(p.learning.third_factors))
    size = SPIKES_A_NEURON * p.connectivity.n_post + SPARE
    log = spike * size + 4 * p.connectivity.n_post + 8 * STEPS * (1 + len(p.learning.traces) - post)
    return len(np.unique(p.delay.some(p.n_synapses))) * log


def _plastic_bytes(p: Projection, number: int) -> int:
    assert p.learning is not None
    one = isinstance(p.delay, Scalar)
    listed = not isinstance(p.connectivity, Dense) or not one
    synapse = number * len(p.variables) + 4 * listed + _STREAM_BYTES * sum(flow.draws for flow in p.learning.flows)
    if not one:
        # Sorted by delays, which takes both orders for a moment; then what the recording holds.
        synapse += 16 + 2 * number * len(p.variables)
    return synapse * p.n_synapses + _log_bytes(p, number)
