"""Stage 2 of the step: LIF neurons, and the currents or conductances (``I``) that arrive at them."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.constants import decay, membrane
from ernsnn.graph.graph import Graph, Injected, Neurons
from ernsnn.graph.streams import Streams

from .intrinsic import IntrinsicState
from .modulators import ModulatorState


class NeuronState:
    """State and update of one population; ``arrivals`` is a ring over steps: [step % length, receptor, neuron]."""

    changes = ("V", "I", "countdown", "theta", "arrivals", "v_threshold", "i_offset", "noise", "intrinsic")
    settled = ("v_threshold", "i_offset")

    def __init__(self, p: Neurons, graph: Graph, longest_delay: int, modulators: dict[str, ModulatorState]) -> None:
        self._take(p, graph)
        self.V = np.broadcast_to(p.parameters["v_init_mV"], p.size).astype(float)
        self.I = np.zeros((2, p.size))
        self.countdown = np.zeros(p.size, dtype=np.int64)
        self.theta = np.zeros(p.size)
        self.noise = Streams(p.noise, p.size) if p.noise else None
        self.arrivals = np.zeros((longest_delay + 1, 2, p.size))
        self.injections = [i for i in graph.injections if i.target.population == p.name]
        self.modulations = [(m, modulators[m.modulator]) for m in graph.modulations if m.target.population == p.name]
        self.intrinsic = IntrinsicState(p, graph.dt_ms, self) if p.intrinsic else None

    def adjust(self, p: Neurons, graph: Graph) -> None:
        """Take over the parameters of ``p``, and the currents that ``graph`` injects into it."""
        self.injections = [i for i in graph.injections if i.target.population == p.name]
        if p is not self.p:
            self._take(p, graph)

    def _take(self, p: Neurons, graph: Graph) -> None:
        self.p = p
        self.averaged = graph.current_integration == "step_average"
        values = {name: np.broadcast_to(value, p.size).astype(float) for name, value in p.parameters.items()}
        self.v_rest, self.v_reset, self.v_threshold = (values[f"v_{k}_mV"] for k in ("rest", "reset", "threshold"))
        self.i_offset = values["i_offset_nA"]
        c = {
            name: np.broadcast_to(value, p.size)
            for name, value in membrane(p.parameters, graph.dt_ms, graph.current_integration).items()
        }
        self.c = c
        if not p.delta:
            self.g, self.P_syn = np.stack([c["g_E"], c["g_I"]]), np.stack([c["P_E"], c["P_I"]])
        if p.conduct:
            self.e_rev = values["e_rev_E_mV"], values["e_rev_I_mV"]
        self.v_min = values.get("v_min_mV", np.full(p.size, -np.inf))
        if p.adaptive:
            self.P_theta = decay(p.parameters["tau_threshold_ms"], graph.dt_ms)
            self.theta_increment = values["threshold_increment_mV"]

    def arrive(self, step: int, receptor: int, neurons: np.ndarray, weights: np.ndarray) -> None:
        """Book weights that will arrive in ``step``."""
        np.add.at(self.arrivals[step % len(self.arrivals), receptor], neurons, weights)

    def take_arrivals(self, t: int, receptive: np.ndarray | bool = True) -> None:
        """Into the currents; or into V, which takes nothing where it is not ``receptive``."""
        slot = self.arrivals[t % len(self.arrivals)]
        if self.p.delta:
            self.V = np.maximum(self.V + np.where(receptive, slot[0] - slot[1], 0.0), self.v_min)
        else:
            self.I += slot * self.g
        slot[:] = 0.0

    def step(self, t: int) -> np.ndarray:
        """Advance to the end of stage 2; returns the neurons that spike."""
        if self.averaged:
            self.take_arrivals(t)
        i_offset = self.i_offset + sum(self.injected(injection, t) for injection in self.injections)
        i_offset = i_offset + self.modulated("i_offset_nA")
        c, active = self.c, self.countdown <= 0
        V = self.moved(i_offset)
        if self.noise:
            V = V + c["noise"] * self.noise.normal()
        self.V = np.where(active, np.maximum(V, self.v_min), self.V)
        self.countdown -= ~active
        threshold = self.v_threshold + self.modulated("v_threshold_mV")
        if self.p.adaptive:
            self.theta = self.theta * self.P_theta
            threshold = threshold + self.theta
        spiking = active & (threshold <= self.V)
        self.V[spiking] = self.v_reset[spiking]
        self.countdown[spiking] = c["n_ref"][spiking]
        if self.p.adaptive:
            self.theta[spiking] += self.theta_increment[spiking]
        if not self.p.delta:
            self.I *= self.P_syn
        if not self.averaged:
            self.take_arrivals(t, receptive=active & (self.countdown <= 0))
        return np.flatnonzero(spiking)

    def moved(self, i_offset: np.ndarray) -> np.ndarray:
        """V at the end of the step, of neurons that are not refractory: the equation of the membrane."""
        c, decayed = self.c, self.c["P_m"] * (self.V - self.v_rest)
        if self.p.delta:
            return np.asarray(self.v_rest + decayed + i_offset * c["k_c"])
        if self.averaged:
            alpha = (self.synaptic_current() + i_offset) * c["R"] + self.v_rest
            return np.asarray(alpha - c["P_m"] * (alpha - self.V))
        if self.p.conduct:
            g_E, g_I, leak = self.I[0] * c["mean_E"], self.I[1] * c["mean_I"], c["g_leak"]
            G = leak + g_E + g_I
            V_end = (leak * self.v_rest + g_E * self.e_rev[0] + g_I * self.e_rev[1] + i_offset) / G
            return np.asarray(V_end + (self.V - V_end) * np.exp(-G * c["dt_cm"]))
        return np.asarray(self.v_rest + decayed + c["k_E"] * self.I[0] - c["k_I"] * self.I[1] + i_offset * c["k_c"])

    def synaptic_current(self) -> np.ndarray:
        """What synapses let in, in nA; through conductances, at the V there is."""
        if self.p.conduct:
            return np.asarray(self.I[0] * (self.e_rev[0] - self.V) + self.I[1] * (self.e_rev[1] - self.V))
        return np.asarray(self.I[0] - self.I[1])

    def injected(self, injection: Injected, t: int) -> np.ndarray:
        current = np.zeros(self.p.size)
        piece = int(np.searchsorted(injection.steps, t, side="right")) - 1
        if piece >= 0:
            current[injection.target.start : injection.target.stop] = injection.values[piece]
        return current

    def modulated(self, variable: str) -> np.ndarray | float:
        shift: np.ndarray | float = 0.0
        for m, state in self.modulations:
            if m.variable == variable:
                whole = np.zeros(self.p.size)
                whole[m.target.start : m.target.stop] = m.gain * state.value
                shift = shift + whole
        return shift

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        known: dict[str, np.ndarray] = {
            "v_mV": self.V,
            "I_E_nA": self.I[0],
            "I_I_nA": self.I[1],
            "g_E_uS": self.I[0],
            "g_I_uS": self.I[1],
            "theta_mV": self.theta,
        }
        return known[name]
