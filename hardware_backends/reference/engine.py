"""The order of a time step, stage by stage. This is the specification; other backends may only be faster."""

from __future__ import annotations

import numpy as np

from ernsnn.execution.backend import Progress
from ernsnn.execution.recording import Recording
from ernsnn.graph.graph import Given, Graph, Probe

from .modulators import ModulatorState
from .neurons import NeuronState
from .synapses import PlasticState, StaticState

_SOURCE_BLOCK = 1024


class Engine:
    """All state of one run."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        longest = max((int(p.synapses.delay.max(initial=1)) for p in graph.projections), default=1)
        self.modulators = {m.name: ModulatorState(m, graph.dt_ms) for m in graph.modulators}
        self.neurons = {p.name: NeuronState(p, graph, longest, self.modulators) for p in graph.neurons()}
        self.synapses: dict[str, StaticState] = {
            p.name: PlasticState(p, self.neurons[p.post], self.modulators, graph.dt_ms)
            if p.learning
            else StaticState(p, self.neurons[p.post])
            for p in graph.projections
        }
        self.plastic = [s for s in self.synapses.values() if isinstance(s, PlasticState)]
        self.given: dict[str, list[np.ndarray]] = {}

    def step(self, t: int) -> dict[str, np.ndarray]:
        """One time step; returns the spiking neurons of every population."""
        # 1, 2: arrivals and neurons
        spikes = {s.name: self.given[s.name][t % _SOURCE_BLOCK] for s in self.graph.sources()}
        spikes |= {name: state.step(t) for name, state in self.neurons.items()}
        learning = self.graph.learns_at(t)
        # 3: astrocytes and other third factors
        for modulator in self.modulators.values():
            if learning or isinstance(modulator.m, Given):
                modulator.step(t, spikes, self.modulators)
        # 4: plasticity, and only then transmission, of the weights as they are now
        for plastic in self.plastic:
            plastic.remember(t, spikes[plastic.p.post])
            if learning:
                plastic.learn(t, spikes[plastic.p.pre])
        for state in self.synapses.values():
            state.transmit(t, spikes[state.p.pre])
        # 5: epochs
        if learning:
            for plastic in self.plastic:
                plastic.epoch(t)
            for name, neuron in self.neurons.items():
                if neuron.intrinsic:
                    neuron.intrinsic.step(t, spikes[name])
        return spikes

    def probe(self, probe: Probe) -> np.ndarray:
        if probe.kind == "neurons":
            return self.neurons[probe.target].variable(probe.variable)[probe.start : probe.stop].copy()
        if probe.kind == "modulator":
            return self.modulators[probe.target].variable(probe.variable).copy()
        return self.synapses[probe.target].variables[probe.variable].copy()

    def run(self, n_steps: int, progress: Progress) -> Recording:
        """Run from step 0 and record."""
        spikes: dict[str, list[np.ndarray]] = {p.name: [] for p in self.graph.populations}
        signals: dict[str, list[np.ndarray]] = {p.key: [] for p in self.graph.probes}
        for t in range(n_steps):
            if t % _SOURCE_BLOCK == 0:
                self.fetch_sources(t)
                progress(t / n_steps)
            for name, neurons in self.step(t).items():
                spikes[name].append(neurons)
            for probe in self.graph.probes:  # 6: probes
                if (t + 1) % probe.every == 0:
                    signals[probe.key].append(self.probe(probe))
        return Recording(
            n_steps=n_steps,
            spikes={name: self.joined(found) for name, found in spikes.items()},
            signals={
                p.key: (
                    np.arange(p.every - 1, n_steps, p.every),
                    np.array(signals[p.key]).reshape(len(signals[p.key]), self.width(p)),
                )
                for p in self.graph.probes
            },
            synapses={s.p.name: s.variables for s in self.plastic},
            neurons={
                name: {state.p.intrinsic.target: state.intrinsic.values}
                for name, state in self.neurons.items()
                if state.p.intrinsic and state.intrinsic
            },
        )

    def fetch_sources(self, t: int) -> None:
        for source in self.graph.sources():
            steps, neurons = source.spikes.between(t, t + _SOURCE_BLOCK)
            cuts = np.searchsorted(steps, np.arange(t + 1, t + _SOURCE_BLOCK))
            self.given[source.name] = np.split(neurons, cuts)

    def width(self, probe: Probe) -> int:
        return len(self.probe(probe))

    @staticmethod
    def joined(found: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        steps = np.repeat(np.arange(len(found)), [len(neurons) for neurons in found])
        return steps, np.concatenate(found).astype(np.int32)
