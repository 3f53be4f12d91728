"""The capability check of the Loihi backends: what ``quantise`` found, and where the network would go on a chip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ernsnn.execution.backend import Capability
from ernsnn.execution.issues import Issue
from ernsnn.graph.graph import Graph

from .integers import Order
from .limits import CHIPS
from .placement import place
from .quantise import quantise
from .quantise_report import issue


def found(graph: Graph, order: Order = "spinnaker") -> Iterator[Issue]:
    """Every limit, every unsupported feature, and every kind of rounding with its worst case."""
    network, report = quantise(graph, n_steps=0, order=order)
    yield from report.grouped()
    for chip in CHIPS:
        placement = place(network, chip)
        yield issue("L306", graph.name, placement.summary)
        if placement.chips > 1:
            yield issue("L307", graph.name, f"takes {placement.chips} chips of {chip.name}")
        for problem in placement.problems:
            yield issue("L307", graph.name, problem)


def capabilities(backend: str, order: Order = "spinnaker") -> tuple[Capability, ...]:
    """What a backend of that name lists as its capabilities."""

    def quantised(graph: Graph) -> Iterator[Issue]:
        return (replace(i, backend=backend) for i in found(graph, order))

    return (quantised,)
