"""Stage 2 of the step: LIF neurons, and the currents that arrive at them."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.constants import decay, membrane
from ernsnn.graph.graph import Graph, Injected, Neurons

from .intrinsic import IntrinsicState


class NeuronState:
    """State and update of one population; ``arrivals`` is a ring over steps: [step % length, receptor, neuron]."""

    def __init__(self, p: Neurons, graph: Graph, longest_delay: int) -> None:
        self.p = p
        self.averaged = graph.current_integration == "step_average"
        values = {name: np.broadcast_to(value, p.size).astype(float) for name, value in p.parameters.items()}
        self.v_rest, self.v_reset, self.v_threshold = (values[f"v_{k}_mV"] for k in ("rest", "reset", "threshold"))
        self.i_offset, self.V = values["i_offset_nA"], values["v_init_mV"]
        self.I = np.zeros((2, p.size))
        self.countdown = np.zeros(p.size, dtype=np.int64)
        self.theta = np.zeros(p.size)
        c = {
            name: np.broadcast_to(value, p.size)
            for name, value in membrane(p.parameters, graph.dt_ms, graph.current_integration).items()
        }
        self.c = c
        self.g, self.P_syn = np.stack([c["g_E"], c["g_I"]]), np.stack([c["P_E"], c["P_I"]])
        if p.adaptive:
            self.P_theta = decay(p.parameters["tau_threshold_ms"], graph.dt_ms)
            self.theta_increment = values["threshold_increment_mV"]
        self.arrivals = np.zeros((longest_delay + 1, 2, p.size))
        self.injections = [i for i in graph.injections if i.target.population == p.name]
        self.intrinsic = IntrinsicState(p, graph.dt_ms, self) if p.intrinsic else None

    def arrive(self, step: int, receptor: int, neurons: np.ndarray, weights: np.ndarray) -> None:
        """Book weights that will arrive in ``step``."""
        np.add.at(self.arrivals[step % len(self.arrivals), receptor], neurons, weights)

    def take_arrivals(self, t: int) -> None:
        slot = self.arrivals[t % len(self.arrivals)]
        self.I += slot * self.g
        slot[:] = 0.0

    def step(self, t: int) -> np.ndarray:
        """Advance to the end of stage 2; returns the neurons that spike."""
        if self.averaged:
            self.take_arrivals(t)
        i_offset = self.i_offset + sum(self.injected(injection, t) for injection in self.injections)
        c, active = self.c, self.countdown <= 0
        if self.averaged:
            alpha = (self.I[0] - self.I[1] + i_offset) * c["R"] + self.v_rest
            V = alpha - c["P_m"] * (alpha - self.V)
        else:
            V = (
                self.v_rest
                + c["P_m"] * (self.V - self.v_rest)
                + c["k_E"] * self.I[0]
                - c["k_I"] * self.I[1]
                + i_offset * c["k_c"]
            )
        self.V = np.where(active, V, self.V)
        self.countdown -= ~active
        threshold = self.v_threshold
        if self.p.adaptive:
            self.theta = self.theta * self.P_theta
            threshold = threshold + self.theta
        spiking = active & (threshold <= self.V)
        self.V[spiking] = self.v_reset[spiking]
        self.countdown[spiking] = c["n_ref"][spiking]
        if self.p.adaptive:
            self.theta[spiking] += self.theta_increment[spiking]
        self.I *= self.P_syn
        if not self.averaged:
            self.take_arrivals(t)
        return np.flatnonzero(spiking)

    def injected(self, injection: Injected, t: int) -> np.ndarray:
        current = np.zeros(self.p.size)
        piece = int(np.searchsorted(injection.steps, t, side="right")) - 1
        if piece >= 0:
            current[injection.target.start : injection.target.stop] = injection.values[piece]
        return current

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        known: dict[str, np.ndarray] = {
            "v_mV": self.V,
            "I_E_nA": self.I[0],
            "I_I_nA": self.I[1],
            "theta_mV": self.theta,
        }
        return known[name]
