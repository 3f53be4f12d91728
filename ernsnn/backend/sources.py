"""Check for Poisson sources on backends that take at most one spike of a neuron in a step."""

from __future__ import annotations

from collections.abc import Iterator

from ernsnn.backend.issues import Limit
from ernsnn.graph.graph import Graph
from ernsnn.graph.spikes import PoissonSpikes

_SMALLER = "take a smaller time step, split the drive over several sources of a lower rate"


def crowded(graph: Graph, others: str) -> Iterator[Limit]:
    """Yield a limit for every source that draws counts.

    Where the backend takes at most one spike of a neuron in a step, a source draws it with the probability p. Its
    counts over n steps then have the variance n p (1 - p), those of a Poisson process n p: short by the part p. Above
    1 there is no such draw. ``others`` are the backends that take several.
    """
    for source in graph.sources():
        spikes = source.spikes
        if isinstance(spikes, PoissonSpikes) and spikes.counts:
            p = spikes.highest
            code, message = ("G202", described(p, graph.dt_ms)) if p <= 1 else ("G212", excess(p, graph.dt_ms))
            yield Limit(code, source.name, message, f"{_SMALLER}, or run it on {others}", p if p <= 1 else None)


def described(p: float, dt_ms: float) -> str:
    """A sentence on a source with probability ``p``."""
    return (
        f"draws at most one spike a step: at its highest rate, {1000 * p / dt_ms:.6g} Hz, p = rate x dt is {p:.3g}, "
        f"and the variance of its counts is {100 * p:.3g} % below that of a Poisson process"
    )


def excess(mean: float, dt_ms: float) -> str:
    """A sentence on a source with ``mean`` spikes in a step."""
    return (
        f"sends {mean:.3g} spikes in a step at its highest rate, {1000 * mean / dt_ms:.6g} Hz, where at most one "
        "can be sent"
    )
