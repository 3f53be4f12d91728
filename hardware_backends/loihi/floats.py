"""Conversion of a graph to Lava's floating-point models, by the closed forms of ``quantise.neurons``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ernsnn.backend.issues import Limit
from ernsnn.graph.graph import Graph

from .arithmetic.integers import Astrocyte, Connection, Source
from .arithmetic.limits import DELAY_MAX, STATE_SHIFT, WEIGHT_BITS
from .check.features import FEATURES, LARGEST_MATRIX, memory, receptors
from .check.numbers import numbers
from .quantise.connections import layers
from .quantise.neurons import closed_form

_ELSEWHERE = "run it on the backend lava or loihi-emulator"


@dataclass(frozen=True, eq=False)
class FloatCells:
    """LIF neurons: u = (1 - du) u + a, v = (1 - dv) v + u + bias in mV above rest, spike where v > vth.

    After a spike v is held at 0 for ``refractory`` steps. ``bias_exp`` is 0.
    """

    name: str
    size: int
    du: float
    dv: float
    vth: float
    bias: np.ndarray
    refractory: int
    bias_exp: int = 0


@dataclass(frozen=True, eq=False)
class FloatNetwork:
    """Sources, cells and static connections, whose weights are mV. ``scale`` reads v as it does in integers."""

    sources: tuple[Source, ...]
    cells: tuple[FloatCells, ...]
    connections: tuple[Connection, ...]
    scale: dict[str, float]
    astrocytes: tuple[Astrocyte, ...] = ()


def not_in_floats(graph: Graph) -> Iterator[Limit]:
    """Yield a limit for everything that Lava's floating-point models do not have."""
    if lacking := tuple(memory(graph)):
        yield from lacking
        return
    for feature in (*FEATURES, numbers):
        yield from feature(graph)
    for p in graph.projections:
        if p.learning:
            message = "Lava's LearningDense in floats cannot tell spikes that coincide, and knows no largest weight"
            yield Limit("L501", p.name, message, _ELSEWHERE)
        written_out = p.connectivity.n_pre * p.connectivity.n_post <= LARGEST_MATRIX  # or L304 has been noted
        longest = (int(np.max(p.synapses.delay, initial=1)) if written_out else 1) + _lag(graph)
        if longest > DELAY_MAX:
            message = f"a delay of {longest} steps; Lava's longest is {DELAY_MAX}"
            yield Limit("L301", f"{p.name}.delay_ms", message, "shorten the delay, or choose a larger dt_ms")


def in_floats(graph: Graph, n_steps: int) -> FloatNetwork:
    """``graph``, which has nothing that is ``not_in_floats``, for ``n_steps`` steps."""
    cells: list[FloatCells] = []
    connections: list[Connection] = []
    for p in graph.neurons():
        m = closed_form(p, graph, "I" if receptors(graph, p) == {"I"} else "E")
        # A spike is where v >= threshold; Lava's is where v > vth.
        vth = float(np.nextafter(m.threshold, 0.0))
        cells.append(FloatCells(p.name, p.size, 1 - m.keep_u, 1 - m.keep_v, vth, m.bias, m.refractory))
        for q in (q for q in graph.projections if q.post == p.name):
            for k, layer in enumerate(layers(q)):
                connections.append(
                    Connection(
                        name=q.name if k == 0 else f"{q.name}#{k + 1}",
                        pre=q.pre,
                        post=q.post,
                        pre_start=q.pre_start,
                        post_start=q.post_start,
                        weights=layer.matrix * m.jump,
                        exponent=0,
                        bits=WEIGHT_BITS,
                        mode="MIXED",
                        delays=np.where(layer.there, layer.delays + _lag(graph), 0),
                    )
                )
    sources = tuple(Source(s.name, s.size, *s.spikes.once().between(0, n_steps)) for s in graph.sources())
    return FloatNetwork(sources, tuple(cells), tuple(connections), {c.name: 2.0**-STATE_SHIFT for c in cells})


def _lag(graph: Graph) -> int:
    """The steps from an arrival to its action on V: with "exact" one more, after the current."""
    return int(graph.current_integration == "exact")
