"""How much memory a run takes, found from the graph's descriptors before any of it is taken."""

from __future__ import annotations

import numpy as np

from ernsnn.backend.memory import input_bytes
from ernsnn.describe.learning import POST
from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Graph, Projection
from ernsnn.graph.values import Scalar

STEPS = 2048
"""Learning steps that a log of post spikes holds; then every row catches up, and the log begins anew."""

SPIKES_A_NEURON, SPARE = 32, 1024
"""How many spikes a log has room for."""

_STREAM_BYTES = 8
_NEURON_BYTES = 350


def needed_bytes(graph: Graph, precision: str) -> int:
    """The bytes of neurons, what is on its way to them, synapses with variables in ``precision``, and spike logs."""
    number = 4 if precision == "float32" else 8
    ring = 2 * 8 * (1 + max((int(p.delay.some(p.n_synapses).max(initial=1)) for p in graph.projections), default=1))
    neurons = (_NEURON_BYTES + ring) * sum(p.size for p in graph.populations) + input_bytes(graph)
    return neurons + sum(_projection_bytes(p, number) + _log_bytes(p, number) for p in graph.projections)


def _log_bytes(p: Projection, number: int) -> int:
    """A log for every delay, and the path of a pre trace through it."""
    if p.learning is None:
        return 0
    post = sum(t.trace.event == POST for t in p.learning.traces)
    spike = 4 * 4 + number * (post + len(p.learning.third_factors))
    size = SPIKES_A_NEURON * p.connectivity.n_post + SPARE
    log = spike * size + 4 * p.connectivity.n_post + 8 * STEPS * (1 + len(p.learning.traces) - post)
    return len(np.unique(p.delay.some(p.n_synapses))) * log


def _projection_bytes(p: Projection, number: int) -> int:
    listed = not isinstance(p.connectivity, Dense) or not isinstance(p.delay, Scalar)
    # Targets and delays of static projections are joined, which takes both for a moment.
    synapse = number * len(p.variables) + 4 * listed * (1 if p.learning else 2)
    if p.learning is None and not listed and p.n_synapses < p.connectivity.n_pre * p.connectivity.n_post:
        synapse += number + 1  # a full matrix with 0 on its diagonal is made of what is there
    if not isinstance(p.delay, Scalar):
        # Plastic synapses of several delays are sorted by them, which takes both orders for a moment.
        synapse += 8 if p.learning is None else 16 + number * len(p.variables)
    if p.learning is not None:
        synapse += _STREAM_BYTES * sum(flow.draws for flow in p.learning.flows)
        if not isinstance(p.delay, Scalar):
            synapse += number * len(p.variables)  # what the recording holds
    return synapse * p.n_synapses
