"""The capability check of the Loihi backends: what ``quantise`` found, and where the network would go on a chip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ernsnn.execution.backend import Capability
from ernsnn.execution.issues import Issue
from ernsnn.graph.graph import Graph

from .integers import IntegerNetwork, Order
from .limits import CHIPS
from .placement import Placement, place
from .quantise import quantise
from .quantise_report import issue


def found(graph: Graph, order: Order = "spinnaker", chip: bool = False) -> Iterator[Issue]:
    """Every limit, every unsupported feature, and every kind of rounding with its worst case."""
    network, report = quantise(graph, n_steps=0, order=order, chip=chip)
    yield from report.grouped()
    for placement in _placed(network):
        yield issue("L306", graph.name, placement.summary)
        if placement.chips > 1:
            yield issue("L307", graph.name, f"takes {placement.chips} chips of {placement.chip.name}")
        for problem in placement.problems:
            yield issue("L307", graph.name, problem)


def placements(graph: Graph, order: Order) -> tuple[Placement, ...]:
    """Where ``graph`` would go on each kind of chip."""
    return _placed(quantise(graph, n_steps=0, order=order)[0])


def _placed(network: IntegerNetwork) -> tuple[Placement, ...]:
    return tuple(place(network, chip) for chip in CHIPS)


def capabilities(backend: str, order: Order = "spinnaker", chip: bool = False) -> tuple[Capability, ...]:
    """What a backend of that name lists as its capabilities."""

    def quantised(graph: Graph) -> Iterator[Issue]:
        return (replace(i, backend=backend) for i in found(graph, order, chip))

    return (quantised,)
