"""Stage 2 of the step: all neurons of a network in one kernel, in float64 whatever the precision of the synapses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ernsnn.graph.constants import decay, membrane
from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.streams import Streams

from ..reference.intrinsic import IntrinsicState
from ..reference.modulators import ModulatorState
from .compiled import compiled

TINY = 1e-300  # what has decayed below is set to 0: numbers near the smallest there is take a hundred times as long


class Membranes(NamedTuple):
    """One number a neuron of the network: state, parameters and propagators (``graph.constants.membrane``)."""

    V: np.ndarray
    I_E: np.ndarray
    I_I: np.ndarray
    theta: np.ndarray
    countdown: np.ndarray
    v_rest: np.ndarray
    v_reset: np.ndarray
    v_min: np.ndarray
    v_threshold: np.ndarray
    i_offset: np.ndarray
    P_m: np.ndarray
    R: np.ndarray
    k_E: np.ndarray
    k_I: np.ndarray
    k_c: np.ndarray
    g_E: np.ndarray
    g_I: np.ndarray
    P_E: np.ndarray
    P_I: np.ndarray
    noise: np.ndarray
    n_ref: np.ndarray
    P_theta: np.ndarray
    theta_increment: np.ndarray
    delta: np.ndarray


class Ranges(NamedTuple):
    """Where each population lies, and whether its neurons differ; if not, the first one's parameters serve all."""

    first: np.ndarray
    last: np.ndarray
    differ: np.ndarray


@compiled
def advance(
    m: Membranes,
    populations: Ranges,
    averaged: bool,
    arriving: np.ndarray,
    shift: np.ndarray,
    normal: np.ndarray,
    spiking: np.ndarray,
) -> int:
    """One step; returns how many neurons spike, which are then first in ``spiking``.

    ``arriving`` (2, n) holds what arrives at each receptor, and is emptied; ``shift`` (2, n) is added to the offset
    current and to the threshold; ``normal`` are the random numbers of noisy membranes. A neuron without a current,
    noise or moving threshold has constants that make its part of the sums 0.
    """
    n_spiking = 0
    for p in range(len(populations.first)):
        for i in range(populations.first[p], populations.last[p]):
            # Where all neurons are alike, 16 numbers a neuron need not come from memory: that is most of the time.
            c = i if populations.differ[p] else populations.first[p]
            I_E, I_I = m.I_E[i], m.I_I[i]
            if averaged:
                I_E += arriving[0, i] * m.g_E[c]
                I_I += arriving[1, i] * m.g_I[c]
            active = m.countdown[i] <= 0
            current = m.i_offset[c] + shift[0, i]
            V = m.V[i]
            if not active:
                m.countdown[i] -= 1
            elif averaged:
                alpha = (I_E - I_I + current) * m.R[c] + m.v_rest[c]
                V = max(alpha - m.P_m[c] * (alpha - V) + m.noise[c] * normal[i], m.v_min[c])
            else:
                V = m.v_rest[c] + m.P_m[c] * (V - m.v_rest[c])
                V = V + m.k_E[c] * I_E - m.k_I[c] * I_I + current * m.k_c[c]
                V = max(V + m.noise[c] * normal[i], m.v_min[c])
            theta = m.theta[i] * m.P_theta[c]
            if active and m.v_threshold[c] + shift[1, i] + theta <= V:
                V = m.v_reset[c]
                m.countdown[i] = m.n_ref[c]
                theta += m.theta_increment[c]
                spiking[n_spiking] = i
                n_spiking += 1
            I_E *= m.P_E[c]
            I_I *= m.P_I[c]
            if not averaged:
                if not m.delta[c]:
                    I_E += arriving[0, i] * m.g_E[c]
                    I_I += arriving[1, i] * m.g_I[c]
                elif active and m.countdown[i] <= 0:
                    V = max(V + (arriving[0, i] - arriving[1, i]), m.v_min[c])
            m.V[i], m.theta[i] = V, theta
            m.I_E[i] = I_E if abs(I_E) > TINY else 0.0
            m.I_I[i] = I_I if abs(I_I) > TINY else 0.0
            arriving[0, i] = 0.0
            arriving[1, i] = 0.0
    return n_spiking


class Part:
    """One population: where it lies among all neurons, and what intrinsic plasticity changes in it."""

    def __init__(self, p: Neurons, first: int, m: Membranes, dt_ms: float) -> None:
        self.p, self.first, self.last = p, first, first + p.size
        self.v_threshold, self.i_offset = m.v_threshold[first : self.last], m.i_offset[first : self.last]
        self.noise = Streams(p.noise, p.size) if p.noise else None
        self.intrinsic = IntrinsicState(p, dt_ms, self) if p.intrinsic else None


class Neuronal:
    """All computed populations, and the ring of what will arrive: [step % length, receptor, neuron]."""

    def __init__(self, graph: Graph, longest_delay: int, modulators: dict[str, ModulatorState]) -> None:
        self.graph, self.averaged = graph, graph.current_integration == "step_average"
        n = sum(p.size for p in graph.neurons())
        whole = {"countdown": np.int64, "n_ref": np.int64, "delta": np.bool_}
        self.m = Membranes(*(np.zeros(n, whole.get(name, np.float64)) for name in Membranes._fields))
        self.m.v_min[:] = -np.inf
        self.arriving = np.zeros((longest_delay + 1, 2, n))
        self.shift, self.normal, self.spiking = np.zeros((2, n)), np.zeros(n), np.zeros(n, np.int64)
        self.parts: dict[str, Part] = {}
        for p in graph.neurons():
            self.parts[p.name] = part = Part(p, sum(q.p.size for q in self.parts.values()), self.m, graph.dt_ms)
            self._fill(part)
        self.bounds = np.array([0, *(part.last for part in self.parts.values())])
        differ = [
            part.intrinsic is not None
            or any(np.ndim(value) for name, value in part.p.parameters.items() if name != "v_init_mV")
            for part in self.parts.values()
        ]
        self.ranges = Ranges(self.bounds[:-1].copy(), self.bounds[1:].copy(), np.array(differ, np.bool_))
        self.modulations = [
            (m, ("i_offset_nA", "v_threshold_mV").index(m.variable), modulators[m.modulator]) for m in graph.modulations
        ]

    def _fill(self, part: Part) -> None:
        p, inside = part.p, slice(part.first, part.last)
        for name in ("v_rest", "v_reset", "v_threshold", "v_min"):
            if f"{name}_mV" in p.parameters:
                getattr(self.m, name)[inside] = p.parameters[f"{name}_mV"]
        self.m.i_offset[inside], self.m.V[inside] = p.parameters["i_offset_nA"], p.parameters["v_init_mV"]
        for name, value in membrane(p.parameters, self.graph.dt_ms, self.graph.current_integration).items():
            getattr(self.m, name)[inside] = value
        self.m.delta[inside] = p.delta
        if p.adaptive:
            self.m.P_theta[inside] = decay(p.parameters["tau_threshold_ms"], self.graph.dt_ms)
            self.m.theta_increment[inside] = p.parameters["threshold_increment_mV"]

    def step(self, t: int) -> dict[str, np.ndarray]:
        """Advance to the end of stage 2; returns the neurons that spike, by population."""
        if self.graph.injections or self.modulations:
            self._shift(t)
        for part in self.parts.values():
            if part.noise:
                self.normal[part.first : part.last] = part.noise.normal()
        arriving = self.arriving[t % len(self.arriving)]
        count = advance(self.m, self.ranges, self.averaged, arriving, self.shift, self.normal, self.spiking)
        spiking = self.spiking[:count].copy()
        cuts = np.searchsorted(spiking, self.bounds).tolist()
        return {name: spiking[cuts[k] : cuts[k + 1]] - part.first for k, (name, part) in enumerate(self.parts.items())}

    def _shift(self, t: int) -> None:
        """What injected currents and modulators of the step before add."""
        self.shift[:] = 0.0
        for injection in self.graph.injections:
            piece = int(np.searchsorted(injection.steps, t, side="right")) - 1
            if piece >= 0:
                first = self.parts[injection.target.population].first
                self.shift[0, first + injection.target.start : first + injection.target.stop] += injection.values[piece]
        for m, row, state in self.modulations:
            first = self.parts[m.target.population].first
            self.shift[row, first + m.target.start : first + m.target.stop] += m.gain * state.value

    def arrivals(self, step: int, receptor: int, population: str, start: int, size: int) -> np.ndarray:
        """Where to add what will arrive in ``step`` at ``size`` neurons from ``start`` on of a population."""
        first = self.parts[population].first + start
        return np.asarray(self.arriving[step % len(self.arriving), receptor, first : first + size])

    def variable(self, population: str, name: str) -> np.ndarray:
        """A probed variable."""
        part = self.parts[population]
        known = {"v_mV": self.m.V, "I_E_nA": self.m.I_E, "I_I_nA": self.m.I_I, "theta_mV": self.m.theta}
        return known[name][part.first : part.last]
