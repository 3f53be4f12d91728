"""Layout: populations of one kind become one Brian2 group, projections of one kind one Synapses object.

Brian2 compiles every object on its own, so merging is what makes compiling short. A neuron is then known by its
index within its group.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from ernsnn.describe.kinds import Kind
from ernsnn.graph.encoding import encode
from ernsnn.graph.graph import Graph, Neurons, Probe, Projection
from ernsnn.graph.modulator import Member

from .names import own

CELLS, SOURCES = "cells", "sources"

BLOCK = 4
"""Post neurons of a block of plastic synapses: half a line of a cache holds them (measured: 1, 2 and 8 are slower)."""


@dataclass(frozen=True, eq=False)
class Synapses:
    """Projections that share one Brian2 object, and their synapses: one projection after the other, each by pre neuron.

    An event visits the synapses of one neuron, and the farther apart these lie in memory, the longer it takes. So those
    that learn, which events of both sides visit, are sorted into blocks of post neurons, and by pre neuron within them.
    """

    name: str
    pre: str
    post: str
    projections: tuple[Projection, ...]
    layout: Layout

    @property
    def first(self) -> Projection:
        """The first projection, which stands for all: they differ in numbers only."""
        return self.projections[0]

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Projection -> its slice of the synapses before they are sorted."""
        ends = np.cumsum([p.n_synapses for p in self.projections])
        return {p.name: slice(int(e) - p.n_synapses, int(e)) for p, e in zip(self.projections, ends, strict=True)}

    @cached_property
    def order(self) -> np.ndarray:
        """Indices that sort the synapses."""
        if self.first.learning is None:
            return np.arange(sum(p.n_synapses for p in self.projections))
        pre, post = self._cells("pre"), self._cells("post")
        order: np.ndarray = np.lexsort((post, pre, post // BLOCK))
        return order

    @cached_property
    def places(self) -> np.ndarray:
        """The place of each synapse after sorting."""
        places: np.ndarray = np.argsort(self.order)
        return places

    @cached_property
    def i(self) -> np.ndarray:
        """Pre index of every synapse, within its group."""
        return self.sorted(self._cells("pre"))

    @cached_property
    def j(self) -> np.ndarray:
        """Post index of every synapse, within its group."""
        return self.sorted(self._cells("post"))

    @cached_property
    def delay(self) -> np.ndarray:
        """Delay of every synapse in steps."""
        return self.sorted(np.concatenate([p.synapses.delay for p in self.projections]))

    @cached_property
    def delays(self) -> list[int]:
        """The distinct delays in steps."""
        return [int(d) for d in np.unique(self.delay)] or [1]

    def initial(self, variable: str) -> np.ndarray:
        """Initial value of a variable of every synapse."""
        return self.sorted(np.concatenate([p.synapses.variables[variable] for p in self.projections]))

    def sorted(self, values: np.ndarray) -> np.ndarray:
        """Values of the graph's synapses, in the order in which these lie."""
        return np.asarray(values[self.order])

    @property
    def pre_cells(self) -> np.ndarray:
        """The pre neurons of the first projection, within their group."""
        first = self.layout.start[self.first.pre] + self.first.pre_start
        return np.arange(first, first + self.first.connectivity.n_pre)

    def _cells(self, side: Literal["pre", "post"]) -> np.ndarray:
        start = self.layout.start
        parts = [getattr(p.synapses, side) + start[getattr(p, side)] for p in self.projections]
        return np.concatenate(parts, dtype=np.int32)


class Layout:
    """Groups, the index at which each population starts within its group, and the groups of third factors."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.sources, self.cells = tuple(graph.sources()), dict(_groups(graph))
        self.start: dict[str, int] = {}
        self.size: dict[str, int] = {}
        self.group: dict[str, str] = {}
        for group, populations in ({SOURCES: self.sources} | self.cells).items():
            for p in populations:
                self.group[p.name], self.start[p.name] = group, self.size.get(group, 0)
                self.size[group] = self.start[p.name] + p.size
        self.factor = {m.name: f"factor{k}" for k, m in enumerate(graph.modulators)}
        # Delays of Brian2 carry weights as they are at arrival: constant ones, or those of registers.
        stays = {p.name for p in graph.projections if p.learning is None and p.short_term is None}
        self.static = self.merged([p for p in graph.projections if p.name in stays], "static")
        self.plastic = self.merged([p for p in graph.projections if p.name not in stays], "plastic")
        self.unconnected = [
            Synapses(f"unconnected{k}", *self.sides(p), (p,), self)
            for k, p in enumerate(p for p in graph.projections if p.short_term and not p.n_synapses)
        ]
        """Projections without a synapse, whose pre neurons have states of short-term plasticity."""

    def merged(self, projections: list[Projection], prefix: str) -> list[Synapses]:
        kinds: dict[tuple[str, ...], list[Projection]] = {}
        for p in projections:
            if p.n_synapses:
                kinds.setdefault(self.kind(p), []).append(p)
        return [
            Synapses(f"{prefix}{k}", *self.sides(members[0]), tuple(members), self)
            for k, members in enumerate(kinds.values())
        ]

    def kind(self, p: Projection) -> tuple[str, ...]:
        """The key that is equal for projections whose synapses can share one object."""
        kind = [*self.sides(p), p.arrives_at]
        if p.short_term is not None:  # so are states of pre neurons
            kind.append(p.name)
        if p.learning is not None:
            rule = encode(p.learning, {})
            for variable in rule["variables"]:
                del variable["initial"]  # numbers may differ
            kind += [json.dumps(rule), str(np.unique(p.synapses.delay).tolist())]
            # Sums per neuron, and third factors per neuron, are a projection's own.
            if p.learning.normalise or p.learning.erasure or any(b.per != "all" for b in p.learning.third_factors):
                kind.append(p.name)
        return tuple(kind)

    def sides(self, p: Projection) -> tuple[str, str]:
        """The groups of the pre and the post neurons."""
        return self.group[p.pre], self.group[p.post]

    def variable(self, probe: Probe) -> tuple[str, str]:
        """(group, variable) of what a probe of neurons or of a third factor records."""
        if probe.kind == "modulator":
            m = next(m for m in self.graph.modulators if m.name == probe.target)
            return self.factor[m.name], own(m.kind.probes[probe.variable])
        p = next(p for p in self.graph.neurons() if p.name == probe.target)
        return self.group[p.name], own(p.kind.probes[probe.variable])

    def indices(self, member: Member) -> np.ndarray:
        """Indices of a part of a population within its group."""
        return np.arange(member.start, member.stop) + self.start[member.population]


def _groups(graph: Graph) -> Iterator[tuple[str, tuple[Neurons, ...]]]:
    """A group for each kind of neurons: ``cells`` where there is one, else ``cells_KIND``."""
    kinds: dict[Kind, list[Neurons]] = {}
    for p in graph.neurons():
        kinds.setdefault(p.kind, []).append(p)
    words = [kind.name if re.fullmatch(r"[A-Za-z][A-Za-z0-9]{,31}", kind.name) else "kind" for kind in kinds]
    for k, populations in enumerate(kinds.values()):
        name = f"{CELLS}_{words[k]}" if len(kinds) > 1 else CELLS
        again = words[:k].count(words[k])
        yield f"{name}_{again + 1}" if again else name, tuple(populations)
