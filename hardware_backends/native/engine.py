"""The order of a time step, and what is recorded of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from itertools import chain, product

import numpy as np

from ernsnn.backend import stepping
from ernsnn.backend.recorder import Recorder, Train
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.backend.state import hand_over
from ernsnn.graph.graph import Graph, Probe
from ernsnn.graph.spikes import PoissonSpikes
from ernsnn.recording.keys import neuron_key, synapse_key
from ernsnn.recording.recording import Recording

from ..compiling import compiled_together
from .history import possible
from .kernels.driver import BARRIER, NEVER
from .loop import Loop
from .memory import LONGEST_CALL, window_of
from .modulators import Modulators
from .plastic import PlasticSynapses
from .populations import Populations
from .probes import NeuronProbes
from .short_term import ShortTerms
from .spikes import SpikeLog
from .static import AllStatic, StaticSynapses

CALL_S = 0.05
"""About how long a call of the loop may take, so that Ctrl-C is soon seen."""


class Engine(stepping.Engine):
    """All state of one run. Not ``compiled``, the kernels of learning rules are plain Python: for tiny networks."""

    changes = ("modulators", "neurons", "plastic", "log", "short_term")

    def __init__(
        self,
        graph: Graph,
        precision: str,
        compiled: bool = True,
        threads: int = 1,
        neuron_precision: str = "float64",
    ) -> None:
        assert compiled or threads == 1
        self.graph = graph
        self.learns = np.ones(1, np.int64)
        self.modulators = Modulators(graph.modulators, graph.dt_ms, self.learns)
        factors = self.modulators.states
        self.window = window_of(graph, (p.delay_range[0] for p in graph.projections))
        longest = max((p.delay_range[1] for p in graph.projections), default=self.window)
        self.neurons = Populations(graph, longest, factors, threads, neuron_precision)
        if self.neurons.follows or self.neurons.intrinsic:
            self.window = 1
        self.short_term = ShortTerms(graph)
        random = {source.name for source in graph.sources() if isinstance(source.spikes, PoissonSpikes)}
        static = [p for p in graph.projections if not p.learning]
        self.statics = [
            AllStatic(graph, chosen, self.neurons, precision, self.short_term)
            for chosen in ([p for p in static if not p.short_term], [p for p in static if p.short_term])
            if chosen
        ]
        self.plastic = [
            PlasticSynapses(
                *(p, self.neurons, factors, graph.dt_ms, precision, compiled, self.short_term.of(p), self.learns),
                p.pre in random,
            )
            for p in graph.projections
            if p.learning
        ]
        learned = [p for p in graph.projections if p.learning]
        kept = max((p.delay_range[1] for p in learned), default=0)
        self.probes = NeuronProbes(graph.probes, self.neurons, LONGEST_CALL)
        remembered = dict.fromkeys(p.post for p in learned)
        self.log = SpikeLog(graph, remembered, kept, self.window, LONGEST_CALL, self.neurons.shares)
        self.pace = min(32, LONGEST_CALL)  # steps that are run in one call
        self._bind()
        self.begin()

    def _bind(self) -> None:
        """Make the loop of kernels that look at the arrays which are there now."""
        compiled_together(self._bind_all)

    def _bind_all(self) -> None:
        log, spikes = self.log, self.log.spikes
        self.shift = list(self.neurons.shift())
        modulate = [*self.modulators.kernels(log), *chain.from_iterable(p.take_over() for p in self.plastic)]
        inputs = self.neurons.poisson_inputs
        drawn = [inputs.kernel()] if inputs else []
        for plastic in self.plastic:
            plastic.prepare()
        first = [
            *self.shift * self.neurons.follows,
            log.room(),
            *drawn,
            *self.neurons.kernels(log.emitted),
            BARRIER,
            log.sort(),
            BARRIER,
        ]
        wait = [BARRIER] * bool(self.short_term.states)
        each = [
            *modulate,
            *[BARRIER] * bool(modulate or self.short_term.states),
            *self.short_term.kernels(log),
            *wait,
            *chain.from_iterable(plastic.steps(log) for plastic in self.plastic),
            *(static.send(spikes) for static in self.statics),
            *self.neurons.adapt(log, self.learns),
        ]
        last = [*self.probes.kernels(), *[BARRIER] * bool(self.probes.probes)]
        self.loop = Loop(first, each, last, self.window, self.probes.every, len(self.neurons.shares) - 1)

    def about(self) -> dict[str, int]:
        """See ``stepping.Engine.about``: how many different kernels a step calls, each of which is compiled once."""
        return {"kernels": len(self.loop.kernels)}

    def problems(self) -> Iterator[str]:
        """See ``stepping.Engine.problems``: kernels follow indices wherever they lead."""
        if not self.log.possible():
            yield "it has spikes of no neurons"
        for s in self.plastic:
            for rows in s.rows:
                if not possible(rows.log, rows.x_since, int(rows.now[0]), len(rows.posts)):
                    yield f"{s.p.name} has a log that no spikes leave"

    def advance(self, t: int, stop: int, sources: SourceSpikes, recorder: Recorder) -> int:
        """See ``stepping.Engine.advance``: many steps in one call of the loop."""
        stop = min(stop, t + self.pace, t + self.probes.steps, recorder.next_look(t, self.probes.probes))
        began = time.perf_counter()
        trains, stop = sources.between(t, min(stop, self._next_change(t)))
        spikes, reached = self._run(t, stop, trains)
        lasted, whole = time.perf_counter() - began, reached - t == self.pace
        if whole or lasted > CALL_S:
            self.pace = max(1, min(2 * self.pace if lasted < CALL_S / 2 else self.pace // 2, LONGEST_CALL))
        recorder.extend(t, reached, spikes, self.probes.signals(t, reached))
        return reached

    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """One time step, given the spikes of the sources; adds those of the other populations."""
        trains = {name: (np.full(len(neurons), t), neurons) for name, neurons in spikes.items()}
        found, _ = self._run(t, t + 1, trains)
        spikes |= {name: neurons.astype(np.int64) for name, (_, neurons) in found.items() if name not in trains}

    def reset(self) -> None:
        """See ``stepping.Engine.reset``: synapses are brought up to date, and streams of random numbers go on."""
        for plastic in self.plastic:
            plastic.catch_up()
        with self.neurons.streams():
            super().reset()

    def _next_change(self, t: int) -> int:
        """The first step after ``t`` before which Python has something to do."""
        changes = [self.modulators.next_change(t)]
        changes += [step for interval in self.graph.frozen for step in interval if step > t]
        if (reset := self.graph.next_reset(t)) is not None:
            changes.append(reset)
        for p in (s.p for s in self.plastic):
            if p.learning and p.learning.epoch_steps:
                changes.append((t // p.learning.epoch_steps + 1) * p.learning.epoch_steps)
        if self.neurons.shifts:
            changes.append(self.neurons.next_injection(t))
            # What a third factor adds to parameters, it adds from the step after its change on.
            changes += [t + 1 for _, state in self.neurons.modulations if state.next_change(t - 1) == t]
            changes += [t + 1] * self.graph.resets_at(t)
        return min(changes, default=NEVER)

    def _run(self, t: int, stop: int, sources: Mapping[str, Train]) -> tuple[dict[str, Train], int]:
        """Run from step ``t`` to ``stop`` at most; returns the spikes of all populations, and the next step."""
        if self.graph.resets_at(t):
            self.reset()
        self.learns[0] = self.graph.learns_at(t)
        self.neurons.inject(t)
        if not self.neurons.follows:
            for kernel, worker in product(self.shift, range(len(self.neurons.shares) - 1)):
                kernel(t, t + 1, worker)
        self.modulators.stand_at(t)
        self.probes.began[0] = t
        if self.neurons.poisson_inputs:
            self.neurons.poisson_inputs.stand_before(t)
        if self.log.open(t, stop, sources):
            self._bind()
        reached = self.loop.run(t, stop)
        self.modulators.check()
        found = self.log.close(t, reached)
        if self.learns[0]:
            for plastic in self.plastic:
                plastic.epoch(reached - 1)
        cuts = {name: int(steps.searchsorted(reached)) for name, (steps, _) in sources.items()}
        given = {name: (steps[: cuts[name]], neurons[: cuts[name]]) for name, (steps, neurons) in sources.items()}
        return {**given, **found}, reached

    def probe(self, probe: Probe) -> np.ndarray:
        """See ``stepping.Engine.probe``."""
        if probe.kind == "neurons":
            return self.neurons.probe(probe.target, probe.variable, probe.start, probe.stop)
        if probe.kind == "modulator":
            return self.modulators.states[probe.target].variable(probe.variable).copy()
        if probe.kind == "short_term":
            return self.short_term.states[probe.target].variable(probe.variable).copy()
        return self._synapses(probe.target).variables[probe.variable].copy()

    def write(self, probe: Probe, values: np.ndarray) -> None:
        """See ``stepping.Engine.write``."""
        if probe.kind == "neurons":
            self.neurons.write(probe.target, probe.variable, probe.start, probe.stop, values)
        else:
            tables = [static.table for static in self.statics]
            self._synapses(probe.target).write(probe.variable, values)
            if any(static.table is not table for static, table in zip(self.statics, tables, strict=True)):
                self._bind()

    def adjust(self, graph: Graph) -> None:
        """See ``stepping.Engine.adjust``."""
        self.graph = graph
        if self.neurons.adjust(graph):
            self._bind()

    def _synapses(self, projection: str) -> PlasticSynapses | StaticSynapses:
        both: list[PlasticSynapses | StaticSynapses] = [
            *self.plastic,
            *(s for static in self.statics for s in static.projections),
        ]
        return next(s for s in both if s.p.name == projection)

    def succeed(self, other: Engine, t: int) -> None:
        """See ``stepping.Engine.succeed``."""
        for name, modulator in other.modulators.states.items():
            hand_over(modulator, self.modulators.states[name])
        self.neurons.succeed(other.neurons, t)
        mine = {s.p.name: s for s in self.plastic}
        for plastic in other.plastic:
            learnt = plastic.variables
            hand_over(plastic, mine[plastic.p.name])
            for variable, values in learnt.items():
                mine[plastic.p.name].write(variable, values)
        for name, neurons in other.log.past.items():
            self.log.ages[name], self.log.past[name] = other.log.ages[name].copy(), neurons.copy()
        for name, short_term in other.short_term.states.items():
            hand_over(short_term, self.short_term.states[name])

    def final_values(self) -> dict[str, np.ndarray]:
        """See ``stepping.Engine.learned``."""
        synapses = {synapse_key(s.p.name, name): v for s in self.plastic for name, v in s.variables.items()}
        learned = {name: part.intrinsic.target for name, part in self.neurons.parts.items() if part.intrinsic}
        parts = self.neurons.parts
        return synapses | {neuron_key(name, target): parts[name].get(target) for name, target in learned.items()}

    def load_values(self, recording: Recording) -> None:
        """See ``stepping.Engine.load_values``."""
        for s in self.plastic:
            for name, values in recording.synapses[s.p.name].items():
                s.write(name, values)
        for part in self.neurons.intrinsic:
            if part.intrinsic:
                part.put(part.intrinsic.target, recording.neurons[part.p.name][part.intrinsic.target])
