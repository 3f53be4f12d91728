"""Check for numbers that are so large or small that computing their integers would leave the range of floats."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ernsnn.backend.issues import Limit
from ernsnn.graph.graph import Graph

from ...numbers import out_of_range
from ..arithmetic.limits import NUMBER_MAX
from ..quantise.astrocytes import leaky
from .features import LARGEST_MATRIX

_COUNTED = "tau_refrac_ms"
"""A parameter with a limit of its own, in steps."""


def numbers(graph: Graph) -> Iterator[Limit]:
    """Yield a limit for every number of neurons, synapses, rules and astrocytes that is not 0 or 1e-30 to 1e30."""
    yield from _of_numbers(graph.name, graph.dt_ms, "dt_ms")
    for p in graph.neurons():
        yield from _of_numbers(p.name, {name: value for name, value in p.parameters.items() if name != _COUNTED})
        yield from _of_numbers(p.name, p.intrinsic, "intrinsic")
    for q in graph.projections:
        yield from _of_numbers(q.name, q.learning, "learning")
        if q.connectivity.n_pre * q.connectivity.n_post <= LARGEST_MATRIX:
            yield from _of_numbers(q.name, {"weight" if k == "w" else k: v for k, v in q.synapses.variables.items()})
    for m in leaky(graph):
        yield from _of_numbers(m.name, m)


def _of_numbers(name: str, held: Any, what: str = "") -> Iterator[Limit]:
    for path, value in out_of_range(held, 1 / NUMBER_MAX, NUMBER_MAX, what):
        message = f"{value:g} is beyond what integers can be chosen for, {1 / NUMBER_MAX:g} to {NUMBER_MAX:g}"
        yield Limit("L309", f"{name}.{path}", message, "choose a number within that, or 0")
