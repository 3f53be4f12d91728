"""Limits of the reference: memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.backend.issues import Codes, Limit
from ernsnn.backend.memory import neuron_bytes, too_little_memory
from ernsnn.graph.graph import Graph, Projection

CODES: Codes = {"R301": ("unsupported", "more memory than there is")}


def needed_bytes(graph: Graph) -> int:
    """The bytes of explicit synapses, and of arrivals up to the longest delay."""
    longest = max((float(np.max(p.delay.some(p.n_synapses), initial=1.0)) for p in graph.projections), default=1.0)
    neurons = neuron_bytes(graph) + int(16 * (longest + 1) * sum(p.size for p in graph.neurons()))
    return neurons + sum(_numbers(p) * 8 * p.n_synapses for p in graph.projections)


def memory(graph: Graph) -> Iterator[Limit]:
    """Yield a limit where memory is too small."""
    return too_little_memory(graph, "R301", needed_bytes(graph))


def _numbers(p: Projection) -> int:
    """Numbers stored for a synapse: both ends, delay and variables.

    A plastic synapse has its variables again, and its place by post neuron.
    """
    return 3 + len(p.variables) + (len(p.variables) + 5 if p.learning else 0)


CAPABILITIES = (memory,)
