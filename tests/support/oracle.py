"""The oracle: a second, naive implementation of the time step, with scalars in Python loops, one object a synapse.

Written from the specification alone. Traces, calcium and moving thresholds are no running variables here but sums over
all events so far, by their definition; every synapse keeps its own; every time constant is put into math.exp anew.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from oracle_modulators import Decaying, LearningClock, ThirdFactor, scheduled, times

from ernsnn.describe.flows import Relax
from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.streams import start


def evaluate(coefficient, factors, read):
    """coefficient * product of (offset + scale * variable) ** power."""
    result = coefficient
    for factor in factors:
        result *= (factor.offset + factor.scale * read(factor.variable)) ** factor.power
    return result


def clip(value, low, high):
    return min(max(value, low), high)


class TraceCopy(Decaying):
    """A trace as one synapse (or neuron) sees it."""

    def __init__(self, trace, dt):
        super().__init__(trace.tau_ms, dt)
        self.trace = trace

    def spike(self, t, gate=1.0):
        if self.trace.mode == "add":
            self.add(t, self.trace.increment * gate)
        elif gate != 0:
            self.set(t, self.trace.increment * gate)


class Stream:
    """L'Ecuyer's combined generator in whole numbers; it starts where the graph says."""

    def __init__(self, key, index, size):
        first, second = start(key, size)
        self.states = [int(first[index]), int(second[index])]

    def advance(self):
        self.states = [40014 * self.states[0] % 2147483563, 40692 * self.states[1] % 2147483399]
        return self.states

    def whole(self):
        first, second = self.advance()
        return (first - second - 1) % 2147483562 + 1

    def uniform(self):
        return self.whole() / 2147483563

    def normal(self):
        first, second = self.advance()
        return math.sqrt(-2 * math.log(first / 2147483563)) * math.cos(2 * math.pi * second / 2147483399)


class Background:
    """Poisson input to one neuron: its count is the smallest k whose cumulative probability the number reaches."""

    def __init__(self, p, index):
        self.p, self.index = p, index - p.target.start
        self.stream = Stream(p.key, self.index, p.target.stop - p.target.start)
        self.weight = float(p.weight if np.ndim(p.weight) == 0 else p.weight[self.index])

    def sent(self, t):
        mean, drawn = scheduled(self.p.steps, self.p.means, t, self.index), self.stream.whole()
        chance = total = math.exp(-mean)
        count = 0
        while round(total * 2147483562) < drawn and count < 100 + 10 * mean:
            count += 1
            chance *= mean / count
            total += chance
        return self.weight * count


class Neuron:
    def __init__(self, population: Neurons, index: int, graph: Graph):
        value = {
            name: float(given if np.ndim(given) == 0 else given[index]) for name, given in population.parameters.items()
        }
        self.graph, self.population, self.index, self.dt = graph, population, index, graph.dt_ms
        self.cm, self.tau_m = value["cm_nF"], value["tau_m_ms"]
        self.tau_E, self.tau_I = value.get("tau_syn_E_ms"), value.get("tau_syn_I_ms")
        self.reversal = (value.get("e_rev_E_mV"), value.get("e_rev_I_mV"))
        self.v_min = value.get("v_min_mV", -math.inf)
        self.noise_sd = value.get("noise_mV", 0.0)
        self.noise = Stream(population.draws["normal"], index, population.size) if population.draws else None
        self.clock = LearningClock(graph)
        self.v_rest, self.v_reset = value["v_rest_mV"], value["v_reset_mV"]
        self.changing = {"v_threshold_mV": value["v_threshold_mV"], "i_offset_nA": value["i_offset_nA"]}
        self.refractory_steps = math.ceil(round(value["tau_refrac_ms"] / self.dt, 8))
        self.V, self.I_E, self.I_I, self.countdown = value["v_init_mV"], 0.0, 0.0, 0
        self.theta = Decaying(value["tau_threshold_ms"], self.dt) if population.kind.name == "AdaptiveLIF" else None
        self.theta_increment = value.get("threshold_increment_mV", 0.0)
        self.modulators = {}  # set by ``simulate``
        self.coming: dict[int, list[float]] = {}
        self.background = [
            Background(p, index)
            for p in graph.poisson_inputs
            if p.target.population == population.name and p.target.start <= index < p.target.stop
        ]
        self.spike_steps: set[int] = set()
        self.traces = (
            {x.name: TraceCopy(x.trace, self.dt) for x in population.intrinsic.learning.traces}
            if population.intrinsic
            else {}
        )

    def arrived(self, t):
        """What reaches both receptors in a step: of spikes that were sent, then of Poisson input."""
        sums = list(self.coming.pop(t, (0.0, 0.0)))
        for background in self.background:
            sums[1 if background.p.receptor == "inhibitory" else 0] += background.sent(t)
        return sums

    def arrivals(self, t, scaled):
        excitatory, inhibitory = self.arrived(t)
        if scaled:
            excitatory *= self.tau_E / self.dt * (1 - math.exp(-self.dt / self.tau_E))
            inhibitory *= self.tau_I / self.dt * (1 - math.exp(-self.dt / self.tau_I))
        self.I_E += excitatory
        self.I_I += inhibitory

    def gain(self, tau_s):
        P = math.exp(-self.dt / self.tau_m)
        if tau_s == self.tau_m:
            return self.dt / self.cm * P
        return self.tau_m / self.cm * tau_s / (tau_s - self.tau_m) * (math.exp(-self.dt / tau_s) - P)

    def i_offset(self, t):
        total = self.changing["i_offset_nA"]
        for injected in self.graph.injections:
            target = injected.target
            if target.population == self.population.name and target.start <= self.index < target.stop:
                total += scheduled(injected.steps, injected.values, t, self.index - target.start)
        return total + self.shift("i_offset_nA")

    def shift(self, variable):
        """The sum that modulators, with their values of the step before, add to a parameter."""
        total = 0.0
        for m in self.graph.modulations:
            position = self.index - m.target.start
            inside = m.target.population == self.population.name and 0 <= position < m.target.stop - m.target.start
            if inside and m.variable == variable:
                values = self.modulators[m.modulator].value
                total += m.gain * values[position if len(values) > 1 else 0]
        return total

    def membrane(self, t, exact):
        P, resistance = math.exp(-self.dt / self.tau_m), self.tau_m / self.cm
        if self.population.kind.name == "DeltaLIF":
            return self.v_rest + P * (self.V - self.v_rest) + self.i_offset(t) * resistance * (1 - P)
        if self.population.kind.name == "ConductanceLIF":
            return self.conducting(t, exact, P)
        if exact:
            from_rest = P * (self.V - self.v_rest)
            currents = self.gain(self.tau_E) * self.I_E - self.gain(self.tau_I) * self.I_I
            return self.v_rest + from_rest + currents + self.i_offset(t) * resistance * (1 - P)
        alpha = (self.I_E - self.I_I + self.i_offset(t)) * resistance + self.v_rest
        return alpha - P * (alpha - self.V)

    def conducting(self, t, exact, P):
        """Each conductance as a battery of its own beside the leak; resistances in MOhm."""
        if not exact:
            through = self.I_E * (self.reversal[0] - self.V) + self.I_I * (self.reversal[1] - self.V)
            steady = self.v_rest + self.tau_m / self.cm * (through + self.i_offset(t))
            return steady + P * (self.V - steady)
        batteries = [(self.cm / self.tau_m, self.v_rest)]
        for g, tau_s, reversal in zip((self.I_E, self.I_I), (self.tau_E, self.tau_I), self.reversal, strict=True):
            batteries.append((g * tau_s / self.dt * (1 - math.exp(-self.dt / tau_s)), reversal))
        whole = sum(g for g, _ in batteries)
        steady = (sum(g * reversal for g, reversal in batteries) + self.i_offset(t)) / whole
        return steady + math.exp(-self.dt * whole / self.cm) * (self.V - steady)

    def step(self, t) -> bool:
        """Stages 1 and 2; whether it spikes."""
        exact, spikes = self.graph.current_integration == "exact", False
        if not exact:
            self.arrivals(t, scaled=True)
        drawn, refractory = self.noise.normal() if self.noise else 0.0, self.countdown > 0
        if refractory:
            self.countdown -= 1
        else:
            one_step = math.sqrt(1 - math.exp(-self.dt / self.tau_m) ** 2)
            self.V = max(self.membrane(t, exact) + self.noise_sd * one_step * drawn, self.v_min)
            threshold = (
                self.changing["v_threshold_mV"]
                + self.shift("v_threshold_mV")
                + (self.theta.at(t) if self.theta else 0.0)
            )
            spikes = threshold <= self.V
        if spikes:
            self.V, self.countdown = self.v_reset, self.refractory_steps
            self.spike_steps.add(t)
            if self.theta:
                self.theta.add(t, self.theta_increment)
        if self.population.kind.name == "DeltaLIF":
            excitatory, inhibitory = self.arrived(t)
            if not refractory and not (spikes and self.refractory_steps):
                self.V = max(self.V + excitatory - inhibitory, self.v_min)
            return spikes
        self.I_E *= math.exp(-self.dt / self.tau_E)
        self.I_I *= math.exp(-self.dt / self.tau_I)
        if exact:
            self.arrivals(t, scaled=False)
        return spikes

    def intrinsic(self, t):
        """Stages 4 and 5 of intrinsic plasticity: its own spike is a post spike without delay."""
        if not self.population.intrinsic or not self.clock.runs(t):
            return
        learning, target = self.population.intrinsic.learning, self.population.intrinsic.target

        def change(event):
            def read(name):
                return self.changing[target] if name == "w" else self.traces[name].at(self.clock(t))

            w = learning.variables[0]
            added = [evaluate(x.coefficient, x.factors, read) for x in learning.terms if x.event == event]
            if added:
                self.changing[target] = clip(self.changing[target] + sum(added), w.low, w.high)

        if t in self.spike_steps:
            change("post")
            for trace in self.traces.values():
                trace.spike(self.clock(t))
        if learning.epoch_steps and (t + 1) % learning.epoch_steps == 0:
            change("epoch")

    def variable(self, name, t):
        if name == "theta_mV":
            return self.theta.at(t)
        synaptic = {"I_E_nA": self.I_E, "I_I_nA": self.I_I, "g_E_uS": self.I_E, "g_I_uS": self.I_I}
        return {"v_mV": self.V, **synaptic}[name]


class SourceNeuron:
    """A neuron of a source: ``spike_steps`` counts its spikes, by their step."""

    def __init__(self, steps):
        self.spike_steps = Counter(steps)


class Synapse:
    def __init__(self, projection, k, populations, modulators, dt, clock):
        self.clock = clock
        rows = projection.synapses
        self.p, self.learning, self.modulators = projection, projection.learning, modulators
        self.pre_index, self.post_index = int(rows.pre[k]), int(rows.post[k])
        self.pre, self.post = populations[projection.pre][self.pre_index], populations[projection.post][self.post_index]
        self.delay, self.dt = int(rows.delay[k]), dt
        self.value = {name: float(values[k]) for name, values in rows.variables.items()}
        self.bounds = {v.name: (v.low, v.high) for v in projection.variables}
        self.traces = {x.name: TraceCopy(x.trace, dt) for x in self.learning.traces} if self.learning else {}
        keys = self.learning.erasure if self.learning else {}
        self.streams = {name: Stream(key, k, projection.n_synapses) for name, key in keys.items()}

    def third_factor(self, symbol):
        bound = next(b for b in self.learning.third_factors if b.symbol == symbol)
        index = {
            "all": 0,
            "pre": self.pre_index - self.p.pre_start,
            "post": self.post_index - self.p.post_start,
        }[bound.per]
        return self.modulators[bound.modulator].value[index]

    def read(self, name, t):
        if name in self.value:
            return self.value[name]
        return self.traces[name].at(self.clock(t)) if name in self.traces else self.third_factor(name)

    def change(self, event, t):
        added: dict[str, float] = {}
        for term in self.learning.terms:
            if term.event == event:
                amount = evaluate(term.coefficient, term.factors, lambda name: self.read(name, t))
                added[term.target] = added.get(term.target, 0.0) + amount
        for name, amount in added.items():
            self.value[name] = clip(self.value[name] + amount, *self.bounds[name])

    def increment(self, event, t):
        for trace in self.traces.values():
            if trace.trace.event == event:
                trace.spike(self.clock(t), 1.0 if trace.trace.gate is None else self.third_factor(trace.trace.gate))

    def learn(self, t):
        """Stage 4."""
        if not self.clock.runs(t):
            return
        if t - self.delay in self.post.spike_steps:
            self.change("post", t)
            self.increment("post", t)
        for _ in range(times(self.pre, t)):
            self.change("pre", t)
            self.increment("pre", t)

    def flow(self, t, D, means):
        """The solution over D of each flow's equation, everything else standing still; then erasure."""
        after, erased = {}, set()
        for flow in self.learning.flows:
            now = self.value[flow.variable]
            if isinstance(flow, Relax):
                goal = flow.to + (flow.slope * self.value[flow.of] if flow.of else 0.0)
                rate = 1 / flow.tau_s
            else:
                tag = self.value[flow.tag] * flow.tag_tau_s / D * (1 - math.exp(-D / flow.tag_tau_s))
                drive = flow.rate_per_s * max(self.read(flow.signal, t), 0) * max(tag - flow.tag_threshold, 0)
                rate = 1 / flow.tau_s + drive
                goal = ((1 / flow.tau_s if now > flow.threshold else 0) + drive) / rate
                if flow.budget is not None:
                    excess = max(means[flow.variable] / flow.budget - 1, 0)
                    chance = flow.erasure * min(max(self.read(flow.signal, t), 0), 1) * excess
                    drawn = self.streams[flow.variable].uniform()
                    if drawn < chance and now > flow.threshold and tag < flow.tag_threshold:
                        erased.add(flow.variable)
            after[flow.variable] = goal * (1 - math.exp(-rate * D)) + now * math.exp(-rate * D)
        for name, value in after.items():
            self.value[name] = clip(0.0 if name in erased else value, *self.bounds[name])

    def transmit(self, t):
        if t not in self.pre.spike_steps:
            return
        sent = self.value["w"]
        if self.learning:
            sent = sum(evaluate(x.coefficient, x.factors, self.value.__getitem__) for x in self.learning.transmit)
        box = self.post.coming.setdefault(t + self.delay, [0.0, 0.0])
        box[1 if self.p.receptor == "inhibitory" else 0] += sent * times(self.pre, t)


def epochs(projection, synapses, t):
    """Stage 5."""
    learning = projection.learning
    if not learning or not learning.epoch_steps or (t + 1) % learning.epoch_steps:
        return
    if not all(synapse.clock.runs(t) for synapse in synapses):
        return
    for synapse in synapses:
        synapse.change("epoch", t)
    before = [dict(synapse.value) for synapse in synapses]
    for synapse in synapses:
        beside = [value for s, value in zip(synapses, before, strict=True) if s.post is synapse.post]
        means = {name: math.fsum(value[name] for value in beside) / len(beside) for name in synapse.value}
        synapse.flow(t, learning.epoch_steps * synapse.dt / 1000, means)
    for rule in learning.normalise:
        owner = "pre_index" if rule.per == "pre" else "post_index"
        for neuron in {getattr(s, owner) for s in synapses}:
            own = [s for s in synapses if getattr(s, owner) == neuron]
            total = math.fsum(s.value[rule.variable] for s in own)
            for synapse in own:
                if total > 0:
                    scaled = synapse.value[rule.variable] * rule.total / total
                    synapse.value[rule.variable] = clip(scaled, *synapse.bounds[rule.variable])


@dataclass
class Outcome:
    """Spikes as sorted (step, neuron); signals as one row a recorded step; final values as lists."""

    spikes: dict[str, list[tuple[int, int]]]
    signals: dict[str, list[list[float]]]
    synapses: dict[str, dict[str, list[float]]]
    neurons: dict[str, dict[str, list[float]]]


def simulate(graph: Graph, n_steps: int) -> Outcome:
    """Run ``graph`` from step 0."""
    populations: dict[str, list] = {}
    for p in graph.populations:
        if isinstance(p, Neurons):
            populations[p.name] = [Neuron(p, i, graph) for i in range(p.size)]
        else:
            steps, indices = p.spikes.between(0, n_steps)
            pairs = list(zip(steps.tolist(), indices.tolist(), strict=True))
            populations[p.name] = [SourceNeuron(s for s, n in pairs if n == i) for i in range(p.size)]
    computed = [neuron for p in graph.neurons() for neuron in populations[p.name]]
    clock = LearningClock(graph)
    modulators = {m.name: ThirdFactor(m, graph) for m in graph.modulators}
    for neuron in computed:
        neuron.modulators = modulators
    synapses = {
        p.name: [Synapse(p, k, populations, modulators, graph.dt_ms, clock) for k in range(p.n_synapses)]
        for p in graph.projections
    }
    everything = [s for group in synapses.values() for s in group]
    outcome = Outcome({}, {p.key: [] for p in graph.probes}, {}, {})
    for t in range(n_steps):
        for neuron in computed:
            neuron.step(t)
        for modulator in modulators.values():
            modulator.step(t, populations, modulators)
        for synapse in everything:
            if synapse.learning:
                synapse.learn(t)
        for synapse in everything:
            synapse.transmit(t)
        for projection in graph.projections:
            epochs(projection, synapses[projection.name], t)
        for neuron in computed:
            neuron.intrinsic(t)
        for probe in graph.probes:
            if (t + 1) % probe.every == 0:
                outcome.signals[probe.key].append(_probe(probe, populations, modulators, synapses, t))
    for name, members in populations.items():
        spikes = ((s, i) for i, n in enumerate(members) for s in n.spike_steps if s < n_steps)
        outcome.spikes[name] = sorted((s, i) for s, i in spikes for _ in range(times(members[i], s)))
    for p in graph.projections:
        if p.learning:
            outcome.synapses[p.name] = {v.name: [s.value[v.name] for s in synapses[p.name]] for v in p.variables}
    for p in graph.neurons():
        if p.intrinsic:
            target = p.intrinsic.target
            outcome.neurons[p.name] = {target: [n.changing[target] for n in populations[p.name]]}
    return outcome


def _probe(probe, populations, modulators, synapses, t):
    if probe.kind == "neurons":
        return [n.variable(probe.variable, t) for n in populations[probe.target][probe.start : probe.stop]]
    if probe.kind == "modulator":
        modulator = modulators[probe.target]
        return [modulator.variable(probe.variable, i, t) for i in range(modulator.m.size)]
    return [s.value[probe.variable] for s in synapses[probe.target]]
