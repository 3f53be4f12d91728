"""The populations that are computed: what is known of each, what reaches them, and the spikes that they emit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ernsnn.graph.constants import decay, membrane
from ernsnn.graph.graph import Given, Graph, Neurons, Projection

from ..reference.intrinsic import IntrinsicState
from ..reference.modulators import ModulatorState
from .kernels.noise import Noise
from .membranes import CONSTANTS, OWN, STATE, Kind, Membranes, advance

FEW = 48
"""Fewer neurons with equal constants than these, on average, are not worth loops of their own."""
RECEPTOR = {"excitatory": 0, "inhibitory": 1, "signed": 0}
_FOREVER = 2**31 - 1
"""Refractory steps at most: ten days of steps of .5 us."""


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

    def __init__(self, p: Neurons, first: int, m: Membranes, graph: Graph) -> None:
        self.p, self.first, self.last = p, first, first + p.size
        self.v_threshold, self.i_offset = (m.of(name)[first : self.last] for name in ("v_threshold", "i_offset"))
        self.fill(p, m, graph, (*STATE, *CONSTANTS))
        self.intrinsic = IntrinsicState(p, graph.dt_ms, self) if p.intrinsic else None
        averaged = graph.current_integration == "step_average"
        self.kind: Kind = "delta" if p.delta else "averaged" if averaged else "exact"
        if p.conduct:
            self.kind = "averaged conductance" if averaged else "exact conductance"

    def fill(self, p: Neurons, m: Membranes, graph: Graph, names: Sequence[str]) -> None:
        """Set the numbers of these names to those of ``p``."""
        self.p = p
        found = {name.removesuffix("_mV").removesuffix("_nA"): value for name, value in p.parameters.items()}
        found |= membrane(p.parameters, graph.dt_ms, graph.current_integration)
        found |= {"V": found["v_init"], "n_ref": np.minimum(found["n_ref"], _FOREVER)}
        if p.adaptive:
            found["P_theta"] = decay(p.parameters["tau_threshold_ms"], graph.dt_ms)
            found["theta_increment"] = found["threshold_increment"]
        for name in names:
            if name in found:
                m.of(name)[self.first : self.last] = found[name]
        # Neurons from one of ``cuts`` to the next have equal constants.
        shared = m.constants[len(OWN) :, self.first : self.last]
        changes = np.flatnonzero((shared[:, 1:] != shared[:, :-1]).any(axis=0)) + 1
        self.cuts = [self.first, *(self.first + changes).tolist(), self.last]
        self.alike = p.size >= FEW * (len(changes) + 1)


class Group:
    """Populations that one kernel advances together: of one kind, with constants that are alike or not."""

    def __init__(
        self,
        parts: dict[str, Part],
        m: Membranes,
        ring: np.ndarray,
        shift: np.ndarray,
        normal: np.ndarray,
        shifted: bool,
    ) -> None:
        self.firsts = {name: part.first for name, part in parts.items()}
        kind, alike = next((part.kind, part.alike) for part in parts.values())
        runs: list[list[int]] = []
        for part in parts.values():
            for a, b in pairwise(part.cuts if alike else (part.first, part.last)):
                if runs and runs[-1][1] == a and not alike:
                    runs[-1][1] = b
                else:
                    runs.append([a, b])
        self.spiking = np.zeros(sum(part.p.size for part in parts.values()), np.int64)
        bounds = np.array([0, *(part.last for part in parts.values())])
        self.cuts = np.zeros_like(bounds)
        given = (np.array(runs), ring, shift, normal, self.spiking, bounds, self.cuts)
        plain = alike and not shifted and not any(part.p.noise for part in parts.values())
        self.advance = advance(kind, alike, plain).bind(m, *given)

    def step(self, slot: int, spikes: dict[str, np.ndarray]) -> None:
        """Advance to the end of stage 2; adds the neurons that spike, by population."""
        count = self.advance(slot)
        if count:
            spiking, cuts = self.spiking[:count].copy(), self.cuts.tolist()
            for k, (name, first) in enumerate(self.firsts.items()):
                spikes[name] = spiking[cuts[k] : cuts[k + 1]] - first


class Neuronal:
    """All computed populations, and the ring of what will arrive: [step % length, receptor, neuron]."""

    changes = ("state", "countdown", "constants", "arriving", "parts", "noise")
    settled = ("constants",)

    def __init__(self, graph: Graph, longest_delay: int, modulators: dict[str, ModulatorState]) -> None:
        self.graph = graph
        n = sum(p.size for p in graph.neurons())
        numbers = np.zeros((len(STATE), n)), np.zeros(n, np.int32), np.zeros((len(CONSTANTS), n))
        m = Membranes(*numbers, flags=np.zeros(n, np.int8))
        m.of("v_min")[:] = -np.inf
        self.m, self.state, self.countdown, self.constants = m, m.state, m.countdown, m.constants
        self.arriving = np.zeros((longest_delay + 1, 2, n))
        self.parts: dict[str, Part] = {}
        for p in graph.neurons():
            self.parts[p.name] = Part(p, sum(q.p.size for q in self.parts.values()), m, graph)
        noisy = [(part.p.noise, part) for part in self.parts.values() if part.p.noise]
        self.noise = Noise([(key, part.p.size) for key, part in noisy]) if noisy else None
        self.noisy = np.concatenate([np.zeros(0, np.int64), *(np.arange(q.first, q.last) for _, q in noisy)])
        self.normal, self.shift = np.zeros(n), np.zeros((2, n))
        self.injected, self.holds_until = np.zeros(n), 0
        self.modulations = [
            (m, ("i_offset_nA", "v_threshold_mV").index(m.variable), modulators[m.modulator]) for m in graph.modulations
        ]
        self.given = all(isinstance(state.m, Given) for _, _, state in self.modulations)
        self.shifted_by = [np.zeros(0) for _ in self.modulations]
        self.shifts = bool(graph.injections or self.modulations)
        self.groups = self._grouped()
        self.silence = dict.fromkeys(self.parts, np.zeros(0, np.int64))

    def _grouped(self) -> list[Group]:
        groups: dict[tuple[Kind, bool], dict[str, Part]] = {}
        for name, part in self.parts.items():
            groups.setdefault((part.kind, part.alike), {})[name] = part
        shared = self.m, self.arriving, self.shift, self.normal, self.shifts
        return [Group(parts, *shared) for parts in groups.values()]

    def adjust(self, graph: Graph) -> None:
        """Take over the parameters and the injected currents of ``graph``."""
        self.graph, self.holds_until = graph, 0
        changed = [p for p in graph.neurons() if p is not self.parts[p.name].p]
        for p in changed:
            self.parts[p.name].fill(p, self.m, graph, CONSTANTS)
        if changed:
            self.groups = self._grouped()

    def step(self, t: int) -> dict[str, np.ndarray]:
        """Advance to the end of stage 2; returns the neurons that spike, by population."""
        if self.shifts:
            self._shift(t)
        if self.noise:
            self.normal[self.noisy] = self.noise.next()
        spikes, slot = self.silence.copy(), t % len(self.arriving)
        for group in self.groups:
            group.step(slot, spikes)
        return spikes

    def _shift(self, t: int) -> None:
        """What injected currents and modulators of the step before add; nothing is done where it stays."""
        values = [state.value for _, _, state in self.modulations]
        same = all(a is b for a, b in zip(values, self.shifted_by, strict=True))
        if t < self.holds_until and same and self.given:
            return
        if t >= self.holds_until:
            self._inject(t)
        self.shift[0], self.shift[1], self.shifted_by = self.injected, 0.0, values
        for (m, row, _), value in zip(self.modulations, values, strict=True):
            first = self.parts[m.target.population].first
            self.shift[row, first + m.target.start : first + m.target.stop] += m.gain * value

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
        known = {"v_mV": "V", "theta_mV": "theta", "I_E_nA": "I_E", "I_I_nA": "I_I", "g_E_uS": "I_E", "g_I_uS": "I_I"}
        return self.m.of(known[name])[part.first : part.last]
