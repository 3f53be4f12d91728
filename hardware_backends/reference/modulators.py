"""Stage 3 of the step: third factors."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Given, Leaky, Modulator


class ModulatorState:
    """One third factor: ``value`` is what plasticity reads, ``C`` the integrator of an astrocyte."""

    def __init__(self, m: Modulator, dt_ms: float) -> None:
        self.m = m
        self.C = np.zeros(m.size)
        self.value = np.zeros(m.size)
        self.P = decay(m.tau_ms, dt_ms) if isinstance(m, Leaky) else 0.0

    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Advance, given the neurons that spike in step ``t`` per population."""
        if isinstance(self.m, Given):
            piece = int(np.searchsorted(self.m.steps, t, side="right")) - 1
            self.value = self.m.values[piece] if piece >= 0 else np.zeros(self.m.size)
        else:
            self.value = self.astrocyte(self.m, spikes)

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
