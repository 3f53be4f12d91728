"""Check for random sources whose counts differ from Poisson's, because they draw at most one spike a step."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.backend.issues import Limit
from ernsnn.graph.graph import Graph
from ernsnn.graph.spikes import PoissonSpikes
from ernsnn.graph.values import columns_of

REPORT_ABOVE = 0.02
"""The probability of a spike in a step above which an issue is reported; from ``issues.LARGE`` on a run warns."""
_REMEDY = "take a smaller time step, or split the drive over several sources of a lower rate"


def crowded(graph: Graph) -> Iterator[Limit]:
    """Yield a limit for every random source whose highest p = rate x dt is above ``REPORT_ABOVE``.

    Its counts over n steps have the variance n p (1 - p), those of a Poisson process n p: short by the part p.
    """
    for source in graph.sources():
        if isinstance(source.spikes, PoissonSpikes):
            p = float(np.max(columns_of(source.spikes.probabilities)[0], initial=0.0))
            if p > REPORT_ABOVE * (1 + 1e-9):
                yield Limit("G202", source.name, described(p, graph.dt_ms), _REMEDY, p)


def described(p: float, dt_ms: float) -> str:
    """A sentence on a source with probability ``p``."""
    return (
        f"draws at most one spike a step: at its highest rate, {1000 * p / dt_ms:.6g} Hz, p = rate x dt is {p:.3g}, "
        f"and the variance of its counts is {100 * p:.3g} % below that of a Poisson process"
    )
