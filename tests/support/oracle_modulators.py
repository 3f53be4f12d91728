"""The oracle's astrocytes and given signals, and the sums over events that they and its traces are."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from naive_calcium import Cell

from ernsnn.graph.astrocytes import Calcium, Leaky
from ernsnn.graph.modulators import Gated, Given, Largest


def scheduled(steps, values, t, index):
    """A quantity that is values[k] from steps[k] on and 0 before."""
    now = 0.0
    for step, row in zip(steps, values, strict=True):
        if step <= t:
            now = float(row[index])
    return now


@dataclass
class Decaying:
    """An exponentially decaying sum over events; a "set" event replaces what was before it."""

    tau: float
    dt: float
    events: list[tuple[int, float]] = field(default_factory=list)

    def at(self, t):
        return math.fsum(size * math.exp(-(t - when) * self.dt / self.tau) for when, size in self.events)

    def add(self, t, size):
        self.events.append((t, size))

    def set(self, t, size):
        self.events = [(t, size)]


def times(neuron, t):
    """How often a neuron spikes in a step."""
    spikes = neuron.spike_steps
    return spikes[t] if isinstance(spikes, Counter) else int(t in spikes)


class LearningClock:
    """The number of steps up to and including t that were not frozen: the clock of traces and astrocytes."""

    def __init__(self, graph):
        self.frozen = {t for first, last in graph.frozen for t in range(first, last)}
        self.upto = np.cumsum([t in self.frozen for t in range(max(self.frozen, default=0) + 1)])

    def runs(self, t):
        return t not in self.frozen

    def __call__(self, t):
        return t - int(self.upto[min(t, len(self.upto) - 1)])


class ThirdFactor:
    """A third factor: astrocytes, a gate or maximum of several, or a given signal."""

    def __init__(self, modulator, graph):
        self.m, self.graph, self.clock = modulator, graph, LearningClock(graph)
        self.value, self.Y = [0.0] * modulator.size, [0.0] * modulator.size
        if isinstance(modulator, Leaky):
            self.gained = [Decaying(modulator.tau_ms, graph.dt_ms) for _ in range(modulator.size)]
            self.amounts = modulator.weights
        elif isinstance(modulator, Calcium):
            self.gained = [Decaying(modulator.tau_transmitter_ms, graph.dt_ms) for _ in range(modulator.size)]
            self.amounts = [modulator.release_uM] * len(modulator.members)
            kind = modulator.kinetics, modulator.initial, modulator.integration
            self.cells = [Cell(*kind, graph.dt_ms / 1000) for _ in range(modulator.size)]

    def step(self, t, populations, others):
        m = self.m
        if isinstance(m, Given):
            self.value = [scheduled(m.steps, m.values, t, i) for i in range(m.size)]
            return
        if not self.clock.runs(t):
            return
        if isinstance(m, Largest):
            known = [others[name].value for name in m.modulators]
            self.value = [max(v[i if len(v) > 1 else 0] for v in known) for i in range(m.size)]
            return
        if isinstance(m, Gated):
            self.value = [self.agreed(i, t, others) for i in range(m.size)]
            return
        for member, amount in zip(m.members, self.amounts, strict=True):
            for position, index in enumerate(range(member.start, member.stop)):
                for _ in range(times(populations[member.population][index], t)):
                    self.gained[position if m.size > 1 else 0].add(self.clock(t), amount)
        for i in range(m.size):
            if isinstance(m, Calcium):
                self.Y[i] = self.gained[i].at(self.clock(t)) + scheduled(m.steps, m.values, t, i)
                self.cells[i].step(self.Y[i])
            calcium = self.variable("C", i, t)
            if m.threshold is None:
                self.value[i] = calcium
            elif self.value[i] == 1.0:
                self.value[i] = 1.0 if calcium >= m.threshold_off else 0.0
            else:
                self.value[i] = 1.0 if calcium >= m.threshold else 0.0

    def agreed(self, i, t, others):
        """Whether gate i is open after this step: every astrocyte must reach its level, which is lower to stay open."""
        for condition in self.m.conditions:
            astrocyte = others[condition.astrocyte]
            level = condition.stays if self.value[i] else condition.opens
            if astrocyte.variable("C", i if astrocyte.m.size > 1 else 0, t) < level:
                return 0.0
        return 1.0

    def variable(self, name, i, t):
        if name in ("value", "Y"):
            return getattr(self, name)[i]
        if isinstance(self.m, Calcium):
            return self.cells[i].variable(name)
        elapsed = (self.clock(t) + 1) * self.graph.dt_ms
        rest = self.m.bias + (self.m.initial - self.m.bias) * math.exp(-elapsed / self.m.tau_ms)
        return rest + self.gained[i].at(self.clock(t))
