"""The order of a time step, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.backend import stepping
from ernsnn.graph.graph import Graph, Probe
from ernsnn.recording.recording import Recording

from ..reference.intrinsic import final_values, load_values
from ..reference.modulators import ModulatorState
from ..reference.past import Past
from .history import possible
from .plastic import PlasticSynapses
from .populations import Populations
from .short_term import ShortTerms
from .static import AllStatic, StaticSynapses
from .threads import ThreadPool
from .wiring import delays


class Engine(stepping.Engine):
    """All state of one run. Not ``compiled``, the kernels of learning rules are plain Python: for tiny networks."""

    changes = ("modulators", "neurons", "plastic", "past", "short_term")

    def __init__(self, graph: Graph, precision: str, compiled: bool = True, threads: int = 1) -> None:
        self.graph = graph
        longest = max((int(np.max(delays(p), initial=1)) for p in graph.projections), default=1)
        self.modulators = {m.name: ModulatorState(m, graph.dt_ms) for m in graph.modulators}
        self.neurons = Populations(graph, longest, self.modulators)
        pool = ThreadPool(threads)
        self.short_term = ShortTerms(graph)
        static = [p for p in graph.projections if not p.learning]
        self.statics = [
            AllStatic(graph, chosen, self.neurons, precision, self.short_term)
            for chosen in ([p for p in static if not p.short_term], [p for p in static if p.short_term])
            if chosen
        ]
        self.plastic = [
            PlasticSynapses(
                p, self.neurons, self.modulators, graph.dt_ms, precision, compiled, pool, self.short_term.of(p)
            )
            for p in graph.projections
            if p.learning
        ]
        reached: dict[str, int] = {}
        for p in (s.p for s in self.plastic):
            reached[p.post] = max(reached.get(p.post, 1), int(np.max(delays(p), initial=1)))
        self.past = {name: Past(steps + 1) for name, steps in reached.items()}

    def problems(self) -> Iterator[str]:
        """See ``stepping.Engine.problems``: kernels follow indices wherever they lead."""
        for name, past in self.past.items():
            if not past.possible(self.graph.population(name).size):
                yield f"{name} has spikes of no neurons"
        for s in self.plastic:
            for rows in s.rows:
                if not possible(rows.log, rows.x_since, rows.now, len(rows.posts)):
                    yield f"{s.p.name} has a log that no spikes leave"
        for block in self.neurons.blocks:
            if not all(0 <= noise.at <= len(noise.numbers) for noise in block.noise.values()):
                yield "it has drawn more numbers than there are"

    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """One time step, given the spikes of the sources; adds those of the other populations."""
        # 1, 2: arrivals and neurons
        spikes.update(self.neurons.step(t))
        for name, past in self.past.items():
            past.put(t, spikes[name])
        learning = self.graph.learns_at(t)
        # 3: astrocytes and other third factors
        for modulator in self.modulators.values():
            if learning or not modulator.m.kind.standing:
                modulator.step(t, spikes, self.modulators)
        # 4: plasticity, and transmission of the weights as they are then
        self.short_term.step(t, spikes)
        for plastic in self.plastic:
            plastic.step(t, spikes, self.past, learning)
        for static in self.statics:
            static.step(t, spikes)
        # 5: epochs
        if learning:
            for plastic in self.plastic:
                plastic.epoch(t)
            for name, part in self.neurons.parts.items():
                if part.intrinsic:
                    part.intrinsic.step(t, spikes[name])

    def probe(self, probe: Probe) -> np.ndarray:
        """See ``stepping.Engine.probe``."""
        if probe.kind == "neurons":
            return self.neurons.variable(probe.target, probe.variable)[probe.start : probe.stop].copy()
        if probe.kind == "modulator":
            return self.modulators[probe.target].variable(probe.variable).copy()
        if probe.kind == "short_term":
            return self.short_term.states[probe.target].variable(probe.variable).copy()
        return self._synapses(probe.target).variables[probe.variable].copy()

    def write(self, probe: Probe, values: np.ndarray) -> None:
        """See ``stepping.Engine.write``."""
        if probe.kind == "neurons":
            self.neurons.variable(probe.target, probe.variable)[probe.start : probe.stop] = values
        else:
            self._synapses(probe.target).write(probe.variable, values)

    def adjust(self, graph: Graph) -> None:
        """See ``stepping.Engine.adjust``."""
        self.graph = graph
        self.neurons.adjust(graph)

    def _synapses(self, projection: str) -> PlasticSynapses | StaticSynapses:
        both: list[PlasticSynapses | StaticSynapses] = [
            *self.plastic,
            *(s for static in self.statics for s in static.projections),
        ]
        return next(s for s in both if s.p.name == projection)

    def final_values(self) -> dict[str, np.ndarray]:
        """See ``stepping.Engine.learned``."""
        synapses = {f"synapses/{s.p.name}/{name}": v for s in self.plastic for name, v in s.variables.items()}
        return synapses | final_values(self.neurons.parts.values())

    def load_values(self, recording: Recording) -> None:
        """See ``stepping.Engine.load_values``."""
        for s in self.plastic:
            for name, values in recording.synapses[s.p.name].items():
                s.write(name, values)
        load_values(self.neurons.parts.values(), recording.neurons)
