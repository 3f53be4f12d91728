"""How much memory a run takes, found from the graph's descriptors before any of it is taken."""

from __future__ import annotations

import os
from pathlib import Path

from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Graph, Projection
from ernsnn.graph.values import Scalar

_STREAM_BYTES = 8
_NEURON_BYTES = 300


def needed_bytes(graph: Graph, precision: str) -> int:
    """The bytes of synapses and neurons with synaptic variables in ``precision``."""
    number = 4 if precision == "float32" else 8
    return sum(_projection_bytes(p, number) for p in graph.projections) + _NEURON_BYTES * sum(
        p.size for p in graph.populations
    )


def _projection_bytes(p: Projection, number: int) -> int:
    listed = not isinstance(p.connectivity, Dense) or not isinstance(p.delay, Scalar)
    synapse = number * len(p.variables) + 4 * listed
    if p.learning is None and not listed and p.n_synapses < p.connectivity.n_pre * p.connectivity.n_post:
        synapse += number + 1  # a full matrix with 0 on its diagonal is made of what is there
    if not isinstance(p.delay, Scalar):
        # Plastic synapses of several delays are sorted by them, which takes both orders for a moment.
        synapse += 4 if p.learning is None else 16 + number * len(p.variables)
    if p.learning is not None:
        synapse += _STREAM_BYTES * sum(flow.draws for flow in p.learning.flows)
        synapse += number * len(p.variables)  # what the recording holds
    return synapse * p.n_synapses


def available_bytes() -> int:
    """What this machine can still give: as its kernel says, or else all that it has."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def too_large(needed: int, available: int) -> str:
    """The message of a refusal."""
    return f"needs {needed} bytes ({needed / 1e9:.1f} GB) of memory; {available / 1e9:.1f} GB are available"
