"""The capability check of the Loihi backends: limits from ``quantise`` and the placement on a chip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from ernsnn.backend.issues import Limit
from ernsnn.backend.protocol import Capability
from ernsnn.graph.graph import Graph

from ..arithmetic.integers import Order
from ..arithmetic.limits import CHIPS
from ..placement import Placement, place
from ..quantise.quantise import quantise
from .features import memory
from .overflow import overflows


@dataclass(frozen=True)
class IntegerCheck:
    """The limits of a graph (unsupported features, and each kind of rounding at its worst), and its placements."""

    limits: tuple[Limit, ...]
    placements: tuple[Placement, ...]


_CHECKS: WeakKeyDictionary[Graph, dict[tuple[Order, bool], IntegerCheck]] = WeakKeyDictionary()
"""The results for graphs in use, since ``check`` and ``placement`` need the same integers, which take long to make."""


def check_graph(graph: Graph, order: Order = "spinnaker", chip: bool = False) -> IntegerCheck:
    """Check ``graph`` in integers, or its memory alone if that does not suffice; the result is kept."""
    if lacking := tuple(memory(graph)):
        return IntegerCheck(lacking, ())
    known = _CHECKS.setdefault(graph, {})
    if (order, chip) not in known:
        network, report = quantise(graph, n_steps=0, order=order, chip=chip)
        if not report.errors:  # unsupported parts are missing in the network
            overflows(graph, network, report)
        placements = tuple(place(network, kind) for kind in CHIPS)
        placed = (limit for placement in placements for limit in _of_placement(graph, placement))
        known[order, chip] = IntegerCheck((*report.grouped(), *placed), placements)
    return known[order, chip]


def _of_placement(graph: Graph, placement: Placement) -> Iterator[Limit]:
    yield Limit("L306", graph.name, placement.summary)
    if placement.chips > 1:
        yield Limit("L307", graph.name, f"takes {placement.chips} chips of {placement.chip.name}")
    for problem in placement.problems:
        yield Limit("L307", graph.name, problem)


def capabilities(order: Order = "spinnaker", chip: bool = False) -> tuple[Capability, ...]:
    """The capabilities of a backend that learns in this order, or runs on the chip itself."""
    return (lambda graph: check_graph(graph, order, chip).limits,)
