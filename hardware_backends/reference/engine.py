"""The order of a time step, stage by stage. This is the specification; other backends may only be faster."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.backend import stepping
from ernsnn.backend.state import hand_over
from ernsnn.graph.graph import Graph, Probe
from ernsnn.recording.keys import synapse_key
from ernsnn.recording.recording import Recording

from .intrinsic import final_values, load_values
from .modulators import ModulatorState
from .neurons import NeuronState
from .poisson import PoissonState
from .synapses import PlasticState, StaticState


class Engine(stepping.Engine):
    """All state of one run."""

    changes = ("modulators", "neurons", "synapses")

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        longest = max((int(p.synapses.delay.max(initial=1)) for p in graph.projections), default=1)
        self.modulators = {m.name: ModulatorState(m, graph.dt_ms) for m in graph.modulators}
        self.neurons = {p.name: NeuronState(p, graph, longest, self.modulators) for p in graph.neurons()}
        self.synapses: dict[str, StaticState] = {
            p.name: PlasticState(p, self.neurons[p.post], self.modulators, graph.dt_ms)
            if p.learning
            else StaticState(p, self.neurons[p.post], graph.dt_ms)
            for p in graph.projections
        }
        self.poisson_inputs = [PoissonState(p, self.neurons[p.target.population]) for p in graph.poisson_inputs]
        self.plastic = [s for s in self.synapses.values() if isinstance(s, PlasticState)]
        self.begin()

    def problems(self) -> Iterator[str]:
        """See ``stepping.Engine.problems``: the spikes of the last steps are those of neurons."""
        for s in self.plastic:
            if not s.past.possible(s.p.connectivity.n_post):
                yield f"{s.p.name} has spikes of no neurons"

    def reset(self) -> None:
        """See ``stepping.Engine.reset``: what is given holds until it changes, but is no longer what it was."""
        super().reset()
        for modulator in self.modulators.values():
            modulator.holds_until = 0

    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """One time step, given the spikes of the sources; adds those of the other populations."""
        if self.graph.resets_at(t):
            self.reset()
        # 1, 2: arrivals and neurons
        for given in self.poisson_inputs:
            given.arrive(t)
        spikes |= {name: state.step(t) for name, state in self.neurons.items()}
        learning = self.graph.learns_at(t)
        # 3: astrocytes and other third factors
        for modulator in self.modulators.values():
            if learning or not modulator.m.kind.standing:
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

    def probe(self, probe: Probe) -> np.ndarray:
        """Stage 6: a copy of the values of a probe."""
        if probe.kind == "neurons":
            return self.neurons[probe.target].variable(probe.variable)[probe.start : probe.stop].copy()
        if probe.kind == "modulator":
            return self.modulators[probe.target].variable(probe.variable).copy()
        synapses = self.synapses[probe.target]
        if probe.kind == "short_term" and synapses.short_term:
            return np.array(synapses.short_term.state[probe.variable])
        return synapses.variables[probe.variable].copy()

    def write(self, probe: Probe, values: np.ndarray) -> None:
        """See ``stepping.Engine.write``."""
        if probe.kind == "neurons":
            self.neurons[probe.target].variable(probe.variable)[probe.start : probe.stop] = values
        else:
            synapses = self.synapses[probe.target]
            synapses.variables = {**synapses.variables, probe.variable: np.array(values, dtype=float)}

    def adjust(self, graph: Graph) -> None:
        """See ``stepping.Engine.adjust``."""
        self.graph = graph
        for p in graph.neurons():
            self.neurons[p.name].adjust(p, graph)

    def succeed(self, other: Engine, t: int) -> None:
        """See ``stepping.Engine.succeed``."""
        for name, modulator in other.modulators.items():
            hand_over(modulator, self.modulators[name])
        for name, neurons in other.neurons.items():
            self.neurons[name].succeed(neurons, t)
        for name, synapses in other.synapses.items():
            hand_over(synapses, self.synapses[name])
        for plastic in other.plastic:
            for variable, values in self.synapses[plastic.p.name].variables.items():
                values[:] = plastic.variables[variable]

    def final_values(self) -> dict[str, np.ndarray]:
        """See ``stepping.Engine.final_values``."""
        synapses = {synapse_key(s.p.name, name): v for s in self.plastic for name, v in s.variables.items()}
        return synapses | final_values(self.neurons.values())

    def load_values(self, recording: Recording) -> None:
        """See ``stepping.Engine.load_values``."""
        for s in self.plastic:
            for name, values in s.variables.items():
                values[:] = recording.synapses[s.p.name][name]
        load_values(self.neurons.values(), recording.neurons)
