"""Limits of Brian2: one small function each."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.backend.issues import Codes, Limit
from ernsnn.backend.memory import neuron_bytes, too_little_memory
from ernsnn.graph.graph import Graph
from ernsnn.graph.values import Draw, Scalar

from .poisson import table_bytes

LONGEST_PLASTIC_DELAY = 64
MOST_SPIKES = 32
CODES: Codes = {
    "B201": ("unsupported", f"a delay above {LONGEST_PLASTIC_DELAY} steps where there is plasticity"),
    "B301": ("exact", "how much memory so many synapses take"),
    "B302": ("unsupported", "more memory than there is"),
    "B303": ("unsupported", f"more than {MOST_SPIKES} spikes of a neuron in a step where there is plasticity"),
}
_SYNAPSE_BYTES = 24


def plastic_delays(graph: Graph) -> Iterator[Limit]:
    """Yield a limit on long delays of plastic synapses: their weights pass through one register a step."""
    for p in graph.projections:
        if (p.learning is None and p.short_term is None) or any(_lacking(graph)):
            continue
        longest = int(p.delay.value) if isinstance(p.delay, Scalar) else int(np.max(p.synapses.delay, initial=1))
        if longest > LONGEST_PLASTIC_DELAY:
            yield Limit(
                "B201",
                f"{p.name}.delay_ms",
                f"a plastic delay of {longest} steps; the program has registers for {LONGEST_PLASTIC_DELAY}",
                "shorten the delay, choose a larger dt_ms, or use backend='reference'",
            )


def _lacking(graph: Graph) -> Iterator[Limit]:
    needed = neuron_bytes(graph) + _SYNAPSE_BYTES * graph.n_synapses
    return too_little_memory(graph, "B302", needed + table_bytes(graph.poisson_inputs))


def memory(graph: Graph) -> Iterator[Limit]:
    """Yield a limit where memory is too small for explicit synapses and parameters of neurons."""
    yield from _lacking(graph)
    for p in graph.projections:
        if isinstance(p.weight, Draw) and p.n_synapses > 50_000_000:
            yield Limit(
                "B301",
                p.name,
                f"{p.n_synapses} synapses take at least {p.n_synapses * _SYNAPSE_BYTES / 1e9:.1f} GB here",
                "a backend that draws weights row by row needs less",
            )


def spikes_a_step(graph: Graph) -> Iterator[Limit]:
    """Yield a limit on many spikes in a step onto synapses with plasticity: the code of a step has each by itself."""
    most = {source.name: source.spikes.most for source in graph.sources()}
    for p in graph.projections:
        if (p.learning or p.short_term) and most.get(p.pre, 1) > MOST_SPIKES:
            yield Limit(
                "B303",
                p.name,
                f"neurons of {p.pre} may spike {most[p.pre]} times in a step; the program has code for {MOST_SPIKES}",
                "split the drive over several sources of a lower rate, choose a smaller dt_ms, or use backend='native'",
            )


CAPABILITIES = (plastic_delays, spikes_a_step, memory)
