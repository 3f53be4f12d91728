"""Stage 2 of the step: all neurons of a network in one kernel, in float64 whatever the precision of the synapses."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ernsnn.graph.constants import decay, membrane
from ernsnn.graph.graph import Graph, Neurons, Projection

from ..reference.intrinsic import IntrinsicState
from ..reference.modulators import ModulatorState
from .compiled import compiled
from .noise import Noise

TINY = 1e-300  # what has decayed below is set to 0: numbers near the smallest there is take a hundred times as long


_FOREVER = 2**31 - 1
"""Refractory steps at most: ten days of steps of .5 us."""

RECEPTOR = {"excitatory": 0, "inhibitory": 1, "signed": 0}
STATE = ("V", "I_E", "I_I", "theta")
CONSTANTS = (
    *("v_rest", "v_reset", "v_min", "v_threshold", "i_offset", "P_m", "R", "k_E", "k_I", "k_c", "g_E", "g_I"),
    *("P_E", "P_I", "noise", "n_ref", "P_theta", "theta_increment", "delta"),
)


class Membranes(NamedTuple):
    """All neurons of the network: ``state`` (names of ``STATE``, n) and ``constants`` (names of ``CONSTANTS``, n).

    Constants are parameters and propagators (``graph.constants.membrane``). ``countdown``: refractory steps left, in 32
    bits, since those of 64 halve the speed of the loops that read them.
    """

    state: np.ndarray
    countdown: np.ndarray
    constants: np.ndarray

    def of(self, name: str) -> np.ndarray:
        """The numbers of that name, one a neuron."""
        return np.asarray(self.state[STATE.index(name)] if name in STATE else self.constants[CONSTANTS.index(name)])


ACTIVE, SPIKES = 1, 2
"""What ``flags`` say of a neuron in this step: it is not refractory; it is not, and spikes."""

# Each of the small loops below is over so few arrays that LLVM vectorises it, which one loop over all of them is not.


@compiled
def _currents(I: np.ndarray, arriving: np.ndarray, P: float, g: float) -> None:
    """Synaptic currents decay, and take what arrives, which is emptied."""
    for i in range(len(I)):
        value = I[i] * P + arriving[i] * g
        I[i] = value if abs(value) > TINY else 0.0
        arriving[i] = 0.0


@compiled
def _averaged(
    V: np.ndarray,
    I_E: np.ndarray,
    I_I: np.ndarray,
    i_offset: np.ndarray,
    shift: np.ndarray,
    normal: np.ndarray,
    countdown: np.ndarray,
    constants: tuple[float, float, float, float, float],
) -> None:
    """V under "step_average"."""
    v_rest, v_min, noise, P_m, R = constants
    for i in range(len(V)):
        alpha = (I_E[i] - I_I[i] + (i_offset[i] + shift[i])) * R + v_rest
        moved = max(alpha - P_m * (alpha - V[i]) + noise * normal[i], v_min)
        V[i] = moved if countdown[i] <= 0 else V[i]


@compiled
def _exact(
    V: np.ndarray,
    I_E: np.ndarray,
    I_I: np.ndarray,
    i_offset: np.ndarray,
    shift: np.ndarray,
    normal: np.ndarray,
    countdown: np.ndarray,
    constants: tuple[float, float, float, float, float, float, float],
) -> None:
    """V under "exact"."""
    v_rest, v_min, noise, P_m, k_E, k_I, k_c = constants
    for i in range(len(V)):
        moved = v_rest + P_m * (V[i] - v_rest)
        moved = moved + k_E * I_E[i] - k_I * I_I[i] + (i_offset[i] + shift[i]) * k_c
        moved = max(moved + noise * normal[i], v_min)
        V[i] = moved if countdown[i] <= 0 else V[i]


@compiled
def _thresholds(
    V: np.ndarray,
    theta: np.ndarray,
    v_threshold: np.ndarray,
    shift: np.ndarray,
    countdown: np.ndarray,
    flags: np.ndarray,
    P_theta: float,
) -> int:
    """Moving thresholds decay, refractory neurons count down; sets ``flags``, and returns how many neurons spike."""
    n = 0
    for i in range(len(V)):
        moving = theta[i] * P_theta
        active = countdown[i] <= 0
        spikes = active & (v_threshold[i] + shift[i] + moving <= V[i])
        theta[i] = moving
        countdown[i] = max(countdown[i] - 1, 0)
        flags[i] = active + spikes
        n += spikes
    return n


@compiled
def advance(
    m: Membranes,
    alike: np.ndarray,
    averaged: bool,
    ring: np.ndarray,
    shift: np.ndarray,
    normal: np.ndarray,
    flags: np.ndarray,
    spiking: np.ndarray,
    bounds: np.ndarray,
    cuts: np.ndarray,
    slot: int,
) -> int:
    """One step; returns how many neurons spike, which are then first in ``spiking``.

    Neurons ``alike[k]`` to ``alike[k + 1]`` have equal constants but for threshold and offset current.
    ``ring[slot]`` (2, n) holds what arrives at each receptor, and is emptied; ``shift`` (2, n) is added to the offset
    current and to the threshold; ``normal`` are the random numbers of noisy membranes. A neuron without a current,
    noise or moving threshold has constants that make its part of the sums 0. The spikes of the population from neuron
    ``bounds[k]`` to ``bounds[k + 1]`` are those from ``cuts[k]`` to ``cuts[k + 1]``.
    """
    n_spiking, arriving = 0, ring[slot]
    for r in range(len(alike) - 1):
        a, b = alike[r], alike[r + 1]
        k = m.constants[:, a]
        v_rest, v_reset, v_min = k[0], k[1], k[2]
        P_m, R, k_E, k_I, k_c, g_E, g_I = k[5], k[6], k[7], k[8], k[9], k[10], k[11]
        P_E, P_I, noise, n_ref, P_theta, theta_increment, delta = k[12], k[13], k[14], k[15], k[16], k[17], k[18] != 0
        V, I_E, I_I, theta = m.state[0, a:b], m.state[1, a:b], m.state[2, a:b], m.state[3, a:b]
        v_threshold, i_offset = m.constants[3, a:b], m.constants[4, a:b]
        arriving_E, arriving_I, countdown, flag = arriving[0, a:b], arriving[1, a:b], m.countdown[a:b], flags[a:b]
        if averaged:
            _currents(I_E, arriving_E, 1.0, g_E)
            _currents(I_I, arriving_I, 1.0, g_I)
            constants = (v_rest, v_min, noise, P_m, R)
            _averaged(V, I_E, I_I, i_offset, shift[0, a:b], normal[a:b], countdown, constants)
        else:
            propagators = (v_rest, v_min, noise, P_m, k_E, k_I, k_c)
            _exact(V, I_E, I_I, i_offset, shift[0, a:b], normal[a:b], countdown, propagators)
        if _thresholds(V, theta, v_threshold, shift[1, a:b], countdown, flag, P_theta):
            for i in range(b - a):
                if flag[i] == SPIKES:
                    V[i] = v_reset
                    countdown[i] = np.int32(n_ref)
                    theta[i] += theta_increment
                    spiking[n_spiking] = a + i
                    n_spiking += 1
        if delta:
            for i in range(b - a):
                if flag[i] == ACTIVE or (flag[i] == SPIKES and n_ref == 0):
                    V[i] = max(V[i] + (arriving_E[i] - arriving_I[i]), v_min)
                arriving_E[i] = 0.0
                arriving_I[i] = 0.0
        else:  # after the membrane; under "step_average" nothing is left that arrives
            _currents(I_E, arriving_E, P_E, g_E)
            _currents(I_I, arriving_I, P_I, g_I)
    n = 0
    for part in range(len(bounds)):
        while n < n_spiking and spiking[n] < bounds[part]:
            n += 1
        cuts[part] = n
    return n_spiking


class Ring(NamedTuple):
    """Where a projection's synapses add what they send: what arrives in a step starts at ``at(step)`` of ``values``.

    ``values`` holds what will arrive at all neurons, ``length`` steps of ``span`` numbers, over and over.
    """

    values: np.ndarray
    first: int
    span: int
    length: int

    def at(self, step: int) -> int:
        """Where the arrivals of a step start that is less than ``length`` ahead."""
        return self.first + step % self.length * self.span


class Part:
    """One population: where it lies among all neurons, and what intrinsic plasticity changes in it."""

    changes = ("intrinsic",)

    def __init__(self, p: Neurons, first: int, m: Membranes, dt_ms: float) -> None:
        self.p, self.first, self.last = p, first, first + p.size
        self.v_threshold, self.i_offset = (m.of(name)[first : self.last] for name in ("v_threshold", "i_offset"))
        self.intrinsic = IntrinsicState(p, dt_ms, self) if p.intrinsic else None

    @property
    def differs(self) -> bool:
        """Whether its neurons have different constants, other than threshold and offset current."""
        own = ("v_init_mV", "v_threshold_mV", "i_offset_nA")
        return any(np.ndim(value) for name, value in self.p.parameters.items() if name not in own)


class Neuronal:
    """All computed populations, and the ring of what will arrive: [step % length, receptor, neuron]."""

    changes = ("state", "countdown", "constants", "arriving", "parts", "noise")
    settled = ("constants",)

    def __init__(self, graph: Graph, longest_delay: int, modulators: dict[str, ModulatorState]) -> None:
        self.graph, self.averaged = graph, graph.current_integration == "step_average"
        n = sum(p.size for p in graph.neurons())
        self.m = Membranes(np.zeros((len(STATE), n)), np.zeros(n, np.int32), np.zeros((len(CONSTANTS), n)))
        self.m.of("v_min")[:] = -np.inf
        self.state, self.countdown, self.constants = self.m
        self.arriving = np.zeros((longest_delay + 1, 2, n))
        self.shift, self.normal = np.zeros((2, n)), np.zeros(n)
        self.flags, self.spiking = np.zeros(n, np.int8), np.zeros(n, np.int64)
        self.parts: dict[str, Part] = {}
        for p in graph.neurons():
            self.parts[p.name] = part = Part(p, sum(q.p.size for q in self.parts.values()), self.m, graph.dt_ms)
            self._fill(part)
        self.bounds = np.array([0, *(part.last for part in self.parts.values())])
        starts = [range(part.first, part.last) if part.differs else [part.first] for part in self.parts.values()]
        self.silence = dict.fromkeys(self.parts, self.spiking[:0])
        self.alike = np.array([*(i for each in starts for i in each), n])
        noisy = [(part.p.noise, part) for part in self.parts.values() if part.p.noise]
        self.noise = Noise([(key, part.p.size) for key, part in noisy]) if noisy else None
        self.noisy = np.concatenate([np.zeros(0, np.int64), *(np.arange(q.first, q.last) for _, q in noisy)])
        self.injected, self.holds_until = np.zeros(n), 0
        self.cuts = np.zeros_like(self.bounds)
        given = (self.arriving, self.shift, self.normal, self.flags, self.spiking, self.bounds, self.cuts)
        self.advance = advance.bind(self.m, self.alike, self.averaged, *given)
        self.modulations = [
            (m, ("i_offset_nA", "v_threshold_mV").index(m.variable), modulators[m.modulator]) for m in graph.modulations
        ]

    def _fill(self, part: Part) -> None:
        p, inside = part.p, slice(part.first, part.last)
        found = {name.removesuffix("_mV").removesuffix("_nA"): value for name, value in p.parameters.items()}
        found |= membrane(p.parameters, self.graph.dt_ms, self.graph.current_integration)
        found |= {"V": found["v_init"], "delta": float(p.delta), "n_ref": np.minimum(found["n_ref"], _FOREVER)}
        if p.adaptive:
            found["P_theta"] = decay(p.parameters["tau_threshold_ms"], self.graph.dt_ms)
            found["theta_increment"] = found["threshold_increment"]
        for name in (*STATE, *CONSTANTS):
            if name in found:
                self.m.of(name)[inside] = found[name]

    def step(self, t: int) -> dict[str, np.ndarray]:
        """Advance to the end of stage 2; returns the neurons that spike, by population."""
        if self.graph.injections or self.modulations:
            self._shift(t)
        if self.noise:
            self.normal[self.noisy] = self.noise.next()
        count = self.advance(t % len(self.arriving))
        if not count:
            return self.silence.copy()
        spiking = self.spiking[:count].copy()
        cuts = self.cuts.tolist()
        return {name: spiking[cuts[k] : cuts[k + 1]] - part.first for k, (name, part) in enumerate(self.parts.items())}

    def _shift(self, t: int) -> None:
        """What injected currents and modulators of the step before add."""
        if t >= self.holds_until:
            self._inject(t)
        self.shift[0] = self.injected
        self.shift[1] = 0.0
        for m, row, state in self.modulations:
            first = self.parts[m.target.population].first
            self.shift[row, first + m.target.start : first + m.target.stop] += m.gain * state.value

    def _inject(self, t: int) -> None:
        """The currents injected from step ``t`` on, until one of them changes."""
        self.injected[:] = 0.0
        changes = [np.iinfo(np.int64).max]
        for injection in self.graph.injections:
            piece = int(np.searchsorted(injection.steps, t, side="right"))
            changes += injection.steps[piece : piece + 1].tolist()
            if piece > 0:
                first = self.parts[injection.target.population].first
                inside = slice(first + injection.target.start, first + injection.target.stop)
                self.injected[inside] += injection.values[piece - 1]
        self.holds_until = min(changes)

    def ring(self, p: Projection) -> Ring:
        """Where to add what synapses of ``p`` send."""
        length, receptors, n = self.arriving.shape
        first = RECEPTOR[p.receptor] * n + self.parts[p.post].first + p.post_start
        return Ring(self.arriving.reshape(-1), first, receptors * n, length)

    def variable(self, population: str, name: str) -> np.ndarray:
        """A probed variable."""
        part = self.parts[population]
        known = {"v_mV": "V", "I_E_nA": "I_E", "I_I_nA": "I_I", "theta_mV": "theta"}
        return self.m.of(known[name])[part.first : part.last]
