"""A graph without some of its populations."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from ernsnn.graph.graph import Graph
from ernsnn.graph.modulator import Member


def without(graph: Graph, names: Collection[str]) -> Graph:
    """``graph`` without the populations of these ``names``, their synapses, currents and probes, unheard by others."""
    if not names:
        return graph

    def stays(member: Member) -> bool:
        return member.population not in names

    projections = tuple(p for p in graph.projections if p.pre not in names and p.post not in names)
    gone = {*names, *(p.name for p in graph.projections)} - {p.name for p in projections}
    return dataclasses.replace(
        graph,
        populations=tuple(p for p in graph.populations if p.name not in names),
        projections=projections,
        modulators=tuple(m.without(lambda member: not stays(member)) for m in graph.modulators),
        injections=tuple(i for i in graph.injections if stays(i.target)),
        poisson_inputs=tuple(i for i in graph.poisson_inputs if stays(i.target)),
        modulations=tuple(m for m in graph.modulations if stays(m.target)),
        probes=tuple(p for p in graph.probes if p.target not in gone),
    )
