"""Stage 3 of the step: third factors."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Gated, Given, Leaky, Modulator


class ModulatorState:
    """One third factor: ``value`` is what plasticity reads, ``C`` the integrator of an astrocyte."""

    def __init__(self, m: Modulator, dt_ms: float) -> None:
        self.m = m
        self.C = np.zeros(m.size)
        self.value = np.zeros(m.size)
        self.P = decay(m.tau_ms, dt_ms) if isinstance(m, Leaky) else 0.0

    def step(self, t: int, spikes: dict[str, np.ndarray], others: dict[str, ModulatorState]) -> None:
        """Advance, given the neurons that spike in step ``t`` per population, and the modulators before this one."""
        if isinstance(self.m, Given):
            piece = int(np.searchsorted(self.m.steps, t, side="right")) - 1
            self.value = self.m.values[piece] if piece >= 0 else np.zeros(self.m.size)
        elif isinstance(self.m, Gated):
            self.value = self.gate(self.m, others)
        else:
            self.value = self.astrocyte(self.m, spikes)

    def gate(self, m: Gated, others: dict[str, ModulatorState]) -> np.ndarray:
        opens, stays = np.ones(m.size, dtype=bool), np.ones(m.size, dtype=bool)
        for condition in m.conditions:
            level = others[condition.astrocyte].C
            opens &= level >= condition.opens
            stays &= level >= condition.stays
        return np.where(self.value > 0, stays, opens).astype(float)

    def astrocyte(self, m: Leaky, spikes: dict[str, np.ndarray]) -> np.ndarray:
        heard = np.zeros(m.size)
        for member in m.members:
            neurons = spikes[member.population]
            inside = neurons[(neurons >= member.start) & (neurons < member.stop)]
            if m.size == 1:
                heard += len(inside)
            else:
                heard[inside - member.start] += 1
        self.C = self.C * self.P + m.weight * heard
        if m.threshold is None or m.threshold_off is None:
            return self.C
        is_open = self.value > 0
        return np.where(is_open, m.threshold_off <= self.C, m.threshold <= self.C).astype(float)

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        return self.C if name == "C" else self.value
