"""Check for consolidation signals that can never be above 0, so that a mark that waits for one would never latch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Calcium, Gated, Graph, Largest, Leaky, Modulator, Source
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes
from ernsnn.graph.values import columns_of


def undriven(graph: Graph) -> Iterator[InvalidModel]:
    """One error for every flow whose signal can never be above 0."""
    modulators = {m.name: m for m in graph.modulators}
    for p in graph.projections:
        if p.learning is None:
            continue
        bound = {b.symbol: b.modulator for b in p.learning.third_factors}
        for flow in p.learning.flows:
            for symbol in flow.signals:
                why = _why_not(modulators[bound[symbol]], modulators, graph)
                if why:
                    yield InvalidModel(
                        f"{p.name}.learning: nothing drives {symbol!r}, by which {flow.variable!r} is consolidated: "
                        f"{bound[symbol]} {why}",
                        path=f"{p.name}.learning",
                        names=modulators,
                    )


def _why_not(m: Modulator, modulators: dict[str, Modulator], graph: Graph) -> str:
    """The reason why ``m`` can never be above 0; empty if it can."""
    if isinstance(m, Gated):
        reasons = {c.astrocyte: _why_not(modulators[c.astrocyte], modulators, graph) for c in m.conditions}
        return next((f"needs {name}, which {why}" for name, why in reasons.items() if why), "")
    if isinstance(m, Leaky):
        if max(m.bias, m.initial) > 0:
            return ""
        rising = [member for member, weight in zip(m.members, m.weights, strict=True) if weight > 0]
        if not rising:
            return "has no weight above 0"
        return "" if any(_spikes(graph, member.population) for member in rising) else "listens to none that ever spikes"
    if isinstance(m, Largest):
        reasons = {name: _why_not(modulators[name], modulators, graph) for name in m.modulators}
        return "" if "" in reasons.values() else "; ".join(f"{name} {why}" for name, why in reasons.items())
    if isinstance(m, Calcium):
        return ""  # it may oscillate by itself
    return "" if np.max(columns_of(m.values)[0], initial=0.0) > 0 else "is never above 0"


def _spikes(graph: Graph, population: str) -> bool:
    p = graph.population(population)
    if not isinstance(p, Source):
        return True
    if isinstance(p.spikes, GivenSpikes):
        return len(p.spikes.steps) > 0
    assert isinstance(p.spikes, PoissonSpikes)
    return bool(np.max(columns_of(p.spikes.probabilities)[0], initial=0.0) > 0)
