"""Stage 3 of the step: third factors."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Calcium, Gated, Given, Largest, Leaky, Modulator

from .calcium import CalciumState
from .schedules import next_change, scheduled


class ModulatorState:
    """One third factor: ``value`` is what plasticity reads, ``C`` the calcium of an astrocyte."""

    changes = ("C", "value", "cells")

    def __init__(self, m: Modulator, dt_ms: float) -> None:
        self.m = m
        self.C = np.full(m.size, m.initial) if isinstance(m, Leaky) else np.zeros(m.size)
        self.value, self.holds_until = np.zeros(m.size), 0  # what is given stays the same array until it changes
        self.P = decay(m.tau_ms, dt_ms) if isinstance(m, Leaky) else 0.0
        self.weighed = [(w, np.equal(m.weights, w)) for w in dict.fromkeys(m.weights)] if isinstance(m, Leaky) else []
        self.cells = CalciumState(m, dt_ms) if isinstance(m, Calcium) else None

    def step(self, t: int, spikes: dict[str, np.ndarray], others: dict[str, ModulatorState]) -> None:
        """Advance, given the neurons that spike in step ``t`` per population, and the modulators before this one."""
        if isinstance(self.m, Given):
            if t >= self.holds_until:
                self.value, self.holds_until = scheduled(self.m, t), next_change(self.m, t)
        elif isinstance(self.m, Gated):
            self.value = self.gate(self.m, others)
        elif isinstance(self.m, Largest):
            self.value = np.max(np.broadcast_arrays(*(others[name].value for name in self.m.modulators)), axis=0)
        elif isinstance(self.m, Calcium):
            assert self.cells is not None
            self.C = self.cells.step(t, np.sum(self.heard(self.m, spikes), axis=0))
            self.value = self.opened(self.m)
        else:
            self.C = self.leaky(self.m, spikes)
            self.value = self.opened(self.m)

    def gate(self, m: Gated, others: dict[str, ModulatorState]) -> np.ndarray:
        opens, stays = np.ones(m.size, dtype=bool), np.ones(m.size, dtype=bool)
        for condition in m.conditions:
            level = others[condition.astrocyte].C
            opens &= level >= condition.opens
            stays &= level >= condition.stays
        return np.where(self.value > 0, stays, opens).astype(float)

    @staticmethod
    def heard(m: Leaky | Calcium, spikes: dict[str, np.ndarray]) -> np.ndarray:
        """The number of spikes of each member (rows) that each astrocyte hears (columns)."""
        heard = np.zeros((len(m.members), m.size))
        for count, member in zip(heard, m.members, strict=True):
            neurons = spikes[member.population]
            first, last = neurons.searchsorted((member.start, member.stop)).tolist()  # they rise
            inside = neurons[first:last]
            if m.size == 1:
                count += last - first
            else:
                count[inside - member.start] += 1
        return heard

    def leaky(self, m: Leaky, spikes: dict[str, np.ndarray]) -> np.ndarray:
        C = m.bias + (self.C - m.bias) * self.P
        if not any(len(spikes[member.population]) for member in m.members):
            return C
        heard = self.heard(m, spikes)
        # Spikes of one weight are counted before they are weighed, so that their order rounds nothing.
        for weight, members in self.weighed:
            C = C + weight * heard[members].sum(axis=0)
        return C

    def opened(self, m: Leaky | Calcium) -> np.ndarray:
        """C, or 1 where the threshold is reached and 0 elsewhere."""
        if m.threshold is None or m.threshold_off is None:
            return self.C
        return np.where(self.value > 0, m.threshold_off <= self.C, m.threshold <= self.C).astype(float)

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        if name == "value":
            return self.value
        return self.C if self.cells is None else self.cells.variable(name)
