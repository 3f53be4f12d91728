"""A graph without some of its populations."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

from ernsnn.graph.graph import Calcium, Graph, Leaky, Member, Modulator


def without(graph: Graph, names: Collection[str]) -> Graph:
    """``graph`` without the populations of these ``names``, their synapses, currents and probes, unheard by others."""
    if not names:
        return graph

    def stays(member: Member) -> bool:
        return member.population not in names

    projections = tuple(p for p in graph.projections if p.pre not in names and p.post not in names)
    gone = {*names, *(p.name for p in graph.projections)} - {p.name for p in projections}
    modulators: list[Modulator] = []
    for m in graph.modulators:
        if isinstance(m, Leaky):
            heard = [(member, w) for member, w in zip(m.members, m.weights, strict=True) if stays(member)]
            members, weights = tuple(member for member, _ in heard), tuple(w for _, w in heard)
            modulators.append(dataclasses.replace(m, members=members, weights=weights))
        elif isinstance(m, Calcium):
            modulators.append(dataclasses.replace(m, members=tuple(filter(stays, m.members))))
        else:
            modulators.append(m)
    return dataclasses.replace(
        graph,
        populations=tuple(p for p in graph.populations if p.name not in names),
        projections=projections,
        modulators=tuple(modulators),
        injections=tuple(i for i in graph.injections if stays(i.target)),
        poisson_inputs=tuple(i for i in graph.poisson_inputs if stays(i.target)),
        modulations=tuple(m for m in graph.modulations if stays(m.target)),
        probes=tuple(p for p in graph.probes if p.target not in gone),
    )
