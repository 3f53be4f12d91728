"""The order of a time step, and what is recorded of it."""

from __future__ import annotations

import numpy as np

from ernsnn.execution.backend import Progress
from ernsnn.execution.recording import Recording
from ernsnn.graph.graph import Given, GivenSpikes, Graph, Probe, Source

from ..reference.modulators import ModulatorState
from .membranes import Neuronal
from .plastic import PlasticSynapses
from .static import StaticSynapses
from .wiring import delays

_BLOCK = 1024


class Engine:
    """All state of one run. Not ``compiled``, the kernels of learning rules are plain Python: for tiny networks."""

    def __init__(self, graph: Graph, precision: str, compiled: bool = True) -> None:
        self.graph = graph
        longest = max((int(np.max(delays(p), initial=1)) for p in graph.projections), default=1)
        self.modulators = {m.name: ModulatorState(m, graph.dt_ms) for m in graph.modulators}
        self.neurons = Neuronal(graph, longest, self.modulators)
        self.static = [StaticSynapses(p, self.neurons, precision) for p in graph.projections if not p.learning]
        self.plastic = [
            PlasticSynapses(p, self.neurons, self.modulators, graph.dt_ms, precision, compiled)
            for p in graph.projections
            if p.learning
        ]
        self.past: list[dict[str, np.ndarray]] = [{}] * (longest + 1)

    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """One time step, given the spikes of the sources; adds those of the neurons."""
        # 1, 2: arrivals and neurons
        spikes.update(self.neurons.step(t))
        self.past[t % len(self.past)] = spikes
        learning = self.graph.learns_at(t)
        # 3: astrocytes and other third factors
        for modulator in self.modulators.values():
            if learning or isinstance(modulator.m, Given):
                modulator.step(t, spikes, self.modulators)
        # 4: plasticity, and transmission of the weights as they are then
        for plastic in self.plastic:
            plastic.step(t, spikes, self.past, learning)
        for static in self.static:
            static.step(t, spikes)
        # 5: epochs
        if learning:
            for plastic in self.plastic:
                plastic.epoch(t)
            for name, part in self.neurons.parts.items():
                if part.intrinsic:
                    part.intrinsic.step(t, spikes[name])

    def run(self, n_steps: int, progress: Progress) -> Recording:
        """Run from step 0 and record."""
        graph = self.graph
        feeds = {source.name: Feed(source, n_steps) for source in graph.sources()}
        steps: list[dict[str, np.ndarray]] = []
        signals: dict[str, list[np.ndarray]] = {p.key: [] for p in graph.probes}
        for t in range(n_steps):
            if t % _BLOCK == 0:
                progress(t / n_steps)
            spikes = {name: feed.at(t) for name, feed in feeds.items()}
            self.step(t, spikes)
            steps.append(spikes)
            for probe in graph.probes:  # 6: probes
                if (t + 1) % probe.every == 0:
                    signals[probe.key].append(self.probe(probe))
        return Recording(
            n_steps=n_steps,
            spikes={p.name: _joined([spikes[p.name] for spikes in steps]) for p in graph.populations},
            signals={
                p.key: (
                    np.arange(p.every - 1, n_steps, p.every),
                    np.array(signals[p.key]).reshape(len(signals[p.key]), len(self.probe(p))),
                )
                for p in graph.probes
            },
            synapses={s.p.name: s.variables for s in self.plastic},
            neurons={
                name: {part.p.intrinsic.target: part.intrinsic.values}
                for name, part in self.neurons.parts.items()
                if part.p.intrinsic and part.intrinsic
            },
        )

    def probe(self, probe: Probe) -> np.ndarray:
        """What a probe sees now."""
        if probe.kind == "neurons":
            return self.neurons.variable(probe.target, probe.variable)[probe.start : probe.stop].copy()
        if probe.kind == "modulator":
            return self.modulators[probe.target].variable(probe.variable).copy()
        plastic = next(s for s in self.plastic if s.p.name == probe.target)
        return plastic.variables[probe.variable]


class Feed:
    """The spikes of a source, a block of steps at a time; given ones are sorted once."""

    def __init__(self, source: Source, n_steps: int) -> None:
        self.spikes = source.spikes
        self.known = self.spikes.between(0, n_steps) if isinstance(self.spikes, GivenSpikes) else None
        self.steps: list[np.ndarray] = []

    def at(self, t: int) -> np.ndarray:
        """The neurons that spike in step ``t``, rising; steps are asked for in order."""
        if t % _BLOCK == 0:
            steps, neurons = self.known or self.spikes.between(t, t + _BLOCK)
            cuts = np.searchsorted(steps, np.arange(t, t + _BLOCK + 1))
            self.steps = [neurons[cuts[k] : cuts[k + 1]] for k in range(_BLOCK)]
        return self.steps[t % _BLOCK]


def _joined(found: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    steps = np.repeat(np.arange(len(found)), [len(neurons) for neurons in found])
    return steps, np.concatenate(found).astype(np.int32)
