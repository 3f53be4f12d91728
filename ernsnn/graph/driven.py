"""Check for consolidation signals that can never be above 0, so that a mark that waits for one would never latch."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph, Source
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes
from ernsnn.graph.values import columns_of


def undriven(graph: Graph) -> Iterator[InvalidModel]:
    """One error for every flow whose signal can never be above 0."""
    modulators = {m.name: m for m in graph.modulators}

    def why(name: str) -> str:
        return modulators[name].undriven(partial(_spikes, graph), why)

    for p in graph.projections:
        if p.learning is None:
            continue
        bound = {b.symbol: b.modulator for b in p.learning.third_factors}
        for flow in p.learning.flows:
            for symbol in flow.signals:
                if reason := why(bound[symbol]):
                    yield InvalidModel(
                        f"{p.name}.learning: nothing drives {symbol!r}, by which {flow.variable!r} is consolidated: "
                        f"{bound[symbol]} {reason}",
                        path=f"{p.name}.learning",
                        names={m.name for m in graph.modulators},
                    )


def _spikes(graph: Graph, population: str) -> bool:
    p = graph.population(population)
    if not isinstance(p, Source):
        return True
    if isinstance(p.spikes, GivenSpikes):
        return len(p.spikes.steps) > 0
    assert isinstance(p.spikes, PoissonSpikes)
    return bool(np.max(columns_of(p.spikes.probabilities)[0], initial=0.0) > 0)
