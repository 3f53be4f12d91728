"""Where everything lies: populations of one kind become one Brian2 group, projections of one kind one Synapses.

Brian2 compiles every object on its own, so merging is what makes compiling short. A neuron is then known by its
index within its group.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ernsnn.graph.graph import Graph, Member, Projection
from ernsnn.graph.storage import encode

CELLS, SOURCES = "cells", "sources"


@dataclass(frozen=True, eq=False)
class Synapses:
    """Projections that share one Brian2 object, and their synapses one after the other."""

    name: str
    pre: str
    projections: tuple[Projection, ...]
    layout: Layout

    @property
    def first(self) -> Projection:
        """Any of them: they differ in numbers only."""
        return self.projections[0]

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Which synapses are whose."""
        ends = np.cumsum([p.n_synapses for p in self.projections])
        return {p.name: slice(int(e) - p.n_synapses, int(e)) for p, e in zip(self.projections, ends, strict=True)}

    @cached_property
    def i(self) -> np.ndarray:
        """Pre index of every synapse, within its group."""
        return self._joined([p.synapses.pre + self.layout.start[p.pre] for p in self.projections]).astype(np.int32)

    @cached_property
    def j(self) -> np.ndarray:
        """Post index of every synapse, within its group."""
        return self._joined([p.synapses.post + self.layout.start[p.post] for p in self.projections]).astype(np.int32)

    @cached_property
    def delay(self) -> np.ndarray:
        """Delay of every synapse in steps."""
        return self._joined([p.synapses.delay for p in self.projections])

    @cached_property
    def delays(self) -> list[int]:
        """The delays that occur."""
        return [int(d) for d in np.unique(self.delay)] or [1]

    def initial(self, variable: str) -> np.ndarray:
        """Initial value of a variable of every synapse."""
        return self._joined([p.synapses.variables[variable] for p in self.projections])

    @staticmethod
    def _joined(parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate(parts)


class Layout:
    """Groups, the index at which each population starts within its group, and the groups of third factors."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.cells, self.sources = tuple(graph.neurons()), tuple(graph.sources())
        self.start: dict[str, int] = {}
        self.size = {CELLS: 0, SOURCES: 0}
        self.group: dict[str, str] = {}
        for group, populations in ((CELLS, self.cells), (SOURCES, self.sources)):
            for p in populations:
                self.group[p.name], self.start[p.name] = group, self.size[group]
                self.size[group] += p.size
        self.factor = {m.name: f"factor{k}" for k, m in enumerate(graph.modulators)}
        self.static = self.merged([p for p in graph.projections if p.learning is None], "static")
        self.plastic = self.merged([p for p in graph.projections if p.learning is not None], "plastic")

    def merged(self, projections: list[Projection], prefix: str) -> list[Synapses]:
        kinds: dict[str, list[Projection]] = {}
        for p in projections:
            if p.n_synapses:
                kinds.setdefault(self.kind(p), []).append(p)
        return [
            Synapses(f"{prefix}{k}", self.group[members[0].pre], tuple(members), self)
            for k, members in enumerate(kinds.values())
        ]

    def kind(self, p: Projection) -> str:
        """Equal for projections whose synapses can share one object."""
        receptor = "I" if p.receptor == "inhibitory" else "E"
        kind = [self.group[p.pre], receptor]
        if p.learning is not None:
            rule = encode(p.learning, {})
            for variable in rule["variables"]:
                del variable["initial"]  # numbers may differ
            kind += [json.dumps(rule), str(np.unique(p.synapses.delay).tolist())]
            # Sums per neuron, and third factors per neuron, are a projection's own.
            if p.learning.normalise or p.learning.erasure or any(b.per != "all" for b in p.learning.third_factors):
                kind.append(p.name)
        return "/".join(kind)

    def indices(self, member: Member) -> np.ndarray:
        """Indices of a part of a population within its group."""
        return np.arange(member.start, member.stop) + self.start[member.population]
