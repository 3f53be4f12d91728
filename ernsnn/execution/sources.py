"""Where sources that draw at most one spike a step are far from the Poisson processes that they stand for."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from weakref import WeakSet

import numpy as np

from ernsnn.errors import ModelWarning
from ernsnn.graph.graph import Graph, PoissonSpikes
from ernsnn.graph.values import columns_of

TOLD_ABOVE, WARNED_FROM = 0.02, 0.1
"""Probabilities of a spike in a step: from when on an issue says so, and from when on a warning of Python does."""
REMEDY = "take a smaller time step, or split the drive over several sources of a lower rate"


def crowded(graph: Graph) -> Iterator[tuple[str, float]]:
    """(population, p) of every random source whose highest p = rate x dt is above ``TOLD_ABOVE``.

    Its counts over n steps have the variance n p (1 - p), those of a Poisson process n p: short by the part p.
    """
    for source in graph.sources():
        if isinstance(source.spikes, PoissonSpikes):
            p = float(np.max(columns_of(source.spikes.probabilities)[0], initial=0.0))
            if p > TOLD_ABOVE * (1 + 1e-9):
                yield source.name, p


def described(p: float, dt_ms: float) -> str:
    """What a source with probability ``p`` is, in words."""
    return (
        f"draws at most one spike a step: at its highest rate, {1000 * p / dt_ms:.6g} Hz, p = rate x dt is {p:.3g}, "
        f"and the variance of its counts is {100 * p:.3g} % below that of a Poisson process"
    )


def warn_of_crowded(graph: Graph, rename: Callable[[str], str] = str) -> None:
    """Give one ModelWarning that names every source whose p reaches ``WARNED_FROM``; a graph is told of once.

    It points to the line that called this package; ``rename`` puts the caller's names in place of the graph's.
    """
    far = [f"{name}: {described(p, graph.dt_ms)}" for name, p in crowded(graph) if p >= WARNED_FROM * (1 - 1e-9)]
    if far and graph not in _told:
        warnings.warn(rename(f"{'; '.join(far)}. Remedy: {REMEDY}"), ModelWarning, stacklevel=_depth() + 1)
    told(graph)


def told(graph: Graph) -> None:
    """Give no warning of ``graph``: its issues are shown by other means."""
    _told.add(graph)


_told: WeakSet[Graph] = WeakSet()
_OURS = ("ernsnn", "pyNN")


def _depth() -> int:
    """How many callers up the first is that belongs neither to this package nor to PyNN."""
    frame, depth = sys._getframe(1), 1
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in _OURS:
        frame, depth = frame.f_back, depth + 1
    return depth - 1
