"""The populations that are computed: what is known of each, what reaches them, and the spikes that they emit."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.kinds import Kind, Table
from ernsnn.graph.graph import Graph, Neurons, Projection

from ..reference.intrinsic import IntrinsicState
from ..reference.modulators import ModulatorState
from .codegen.neurons import advance, rows
from .kernels.noise import Noise

FEW = 48
"""Fewer neurons with equal constants than these, on average, are not worth loops of their own."""
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


class Block:
    """All neurons with the same equations: ``state`` and ``constants`` have a row for each name of ``rows``.

    ``countdown`` are the refractory steps left, in 32 bits, since those of 64 halve the speed of loops that read them.
    """

    changes = ("state", "countdown", "constants", "noise")
    not_carried = ("constants",)

    def __init__(self, kind: Kind, equations: Table, populations: list[Neurons], shifts: bool) -> None:
        self.kind, self.equations, self.rows = kind, equations, rows(kind, equations)
        n = sum(p.size for p in populations)
        self.state, self.constants = np.zeros((len(self.rows.states), n)), np.zeros((len(self.rows.constants), n))
        self.countdown, self.flags = np.zeros(n, np.int32), np.zeros(n, np.int8)
        self.shift = np.zeros((len(self.rows.changeable), n if shifts else 0))
        drawn = populations[0].draws
        self.drawn = {name: np.zeros(n if name in drawn else 0) for name in ("normal", "uniform")}
        self.noise = {name: Noise([(p.draws[name], p.size) for p in populations], name) for name in drawn}

    def draw(self) -> None:
        """The random numbers of a step."""
        for name, noise in self.noise.items():
            self.drawn[name][:] = noise.next()


class Part:
    """One population: where it lies in its block and among all neurons, and what intrinsic plasticity changes in it."""

    changes = ("intrinsic",)

    def __init__(self, p: Neurons, block: Block, start: int, first: int, graph: Graph) -> None:
        self.p, self.block, self.start, self.first = p, block, start, first
        self.within = slice(start, start + p.size)
        self.fill(p, graph)
        for row, state in zip(block.state, p.kind.states, strict=True):
            row[self.within] = evaluated(state.initial, p.parameters)
        own = {name: block.constants[k, self.within] for k, name in enumerate(block.rows.changeable)}
        self.intrinsic = IntrinsicState(p, graph.dt_ms, own) if p.intrinsic else None

    def fill(self, p: Neurons, graph: Graph) -> None:
        """Set the constants to those of ``p``."""
        self.p, block = p, self.block
        found = {**p.parameters, **p.constants(graph.dt_ms, graph.current_integration), "dt": graph.dt_ms}
        found["n_ref"] = np.minimum(found["n_ref"], _FOREVER)
        for row, name in zip(block.constants, block.rows.constants, strict=True):
            row[self.within] = found[name]
        # Neurons from one of ``cuts`` to the next have equal constants.
        shared = block.constants[len(block.rows.own) :, self.within]
        changes = np.flatnonzero((shared[:, 1:] != shared[:, :-1]).any(axis=0)) + 1
        self.cuts = [self.start, *(self.start + changes).tolist(), self.start + p.size]
        self.alike = p.size >= FEW * (len(changes) + 1)


class Group:
    """Populations that one kernel advances together: of one block, with constants that are alike or not."""

    def __init__(self, parts: Mapping[str, Part], ring: np.ndarray, shifted: bool) -> None:
        self.starts = {name: part.start for name, part in parts.items()}
        block, alike = next((part.block, part.alike) for part in parts.values())
        runs: list[list[int]] = []
        for part in parts.values():
            for a, b in pairwise(part.cuts if alike else (part.start, part.within.stop)):
                first = part.first + a - part.start
                if runs and not alike and runs[-1][1] == a and runs[-1][2] + a - runs[-1][0] == first:
                    runs[-1][1] = b
                else:
                    runs.append([a, b, first])
        self.spiking = np.zeros(sum(part.p.size for part in parts.values()), np.int64)
        bounds = np.array([0, *(part.within.stop for part in parts.values())])
        self.cuts = np.zeros_like(bounds)
        kernel = advance(block.kind, block.equations, alike, shifted)
        numbers = block.state, block.countdown, block.constants, block.flags, np.array(runs), ring, block.shift
        found = block.drawn["normal"], block.drawn["uniform"], self.spiking, bounds, self.cuts
        self.advance = kernel.bind(*numbers, *found)

    def step(self, slot: int, spikes: dict[str, np.ndarray]) -> None:
        """Advance to the end of stage 2; adds the neurons that spike, by population."""
        count = self.advance(slot)
        if count:
            spiking, cuts = self.spiking[:count].copy(), self.cuts.tolist()
            for k, (name, start) in enumerate(self.starts.items()):
                spikes[name] = spiking[cuts[k] : cuts[k + 1]] - start


class Populations:
    """All computed populations, and the ring of what will arrive: [step % length, receptor, neuron]."""

    changes = ("blocks", "arriving", "parts")

    def __init__(self, graph: Graph, longest_delay: int, modulators: Mapping[str, ModulatorState]) -> None:
        self.graph, self.shifts = graph, bool(graph.injections or graph.modulations)
        alike: dict[tuple[Kind, Table], list[Neurons]] = {}
        for p in graph.neurons():
            alike.setdefault((p.kind, p.equations(graph.current_integration)), []).append(p)
        self.blocks = [Block(*key, populations, self.shifts) for key, populations in alike.items()]
        block_of = {p.name: k for k, populations in enumerate(alike.values()) for p in populations}
        self.parts: dict[str, Part] = {}
        starts, n = [0] * len(self.blocks), 0
        for p in graph.neurons():
            k = block_of[p.name]
            self.parts[p.name] = Part(p, self.blocks[k], starts[k], n, graph)
            starts[k], n = starts[k] + p.size, n + p.size
        receptors = max((len(block.rows.receptors) for block in self.blocks), default=0)
        self.arriving = np.zeros((longest_delay + 1, receptors, n))
        self.injected = {name: np.zeros(part.p.size) for name, part in self.parts.items()}
        self.holds_until = 0
        self.modulations = [(m, modulators[m.modulator]) for m in graph.modulations]
        self.given = all(state.steady for _, state in self.modulations)
        self.shifted_by = [np.zeros(0) for _ in self.modulations]
        self.groups = self._grouped()
        self.silence = dict.fromkeys(self.parts, np.zeros(0, np.int64))

    def _grouped(self) -> list[Group]:
        groups: dict[tuple[int, bool], dict[str, Part]] = {}
        for name, part in self.parts.items():
            groups.setdefault((id(part.block), part.alike), {})[name] = part
        return [Group(parts, self.arriving, self.shifts) for parts in groups.values()]

    def adjust(self, graph: Graph) -> None:
        """Take over the parameters and the injected currents of ``graph``."""
        self.graph, self.holds_until = graph, 0
        changed = [p for p in graph.neurons() if p is not self.parts[p.name].p]
        for p in changed:
            self.parts[p.name].fill(p, graph)
        if changed:
            self.groups = self._grouped()

    def step(self, t: int) -> dict[str, np.ndarray]:
        """Advance to the end of stage 2; returns the neurons that spike, by population."""
        if self.shifts:
            self._shift(t)
        for block in self.blocks:
            block.draw()
        spikes, slot = self.silence.copy(), t % len(self.arriving)
        for group in self.groups:
            group.step(slot, spikes)
        return spikes

    def _shift(self, t: int) -> None:
        """What injected currents and modulators of the step before add; nothing is done where it stays."""
        values = [state.value for _, state in self.modulations]
        same = all(a is b for a, b in zip(values, self.shifted_by, strict=True))
        if t < self.holds_until and same and self.given:
            return
        if t >= self.holds_until:
            self._inject(t)
        self.shifted_by = values
        for name, part in self.parts.items():
            for row, parameter in zip(part.block.shift, part.block.rows.changeable, strict=True):
                row[part.within] = self.injected[name] if parameter == "i_offset_nA" else 0.0
        for (m, _), value in zip(self.modulations, values, strict=True):
            part = self.parts[m.target.population]
            row = part.block.shift[part.block.rows.changeable.index(m.variable)]
            row[part.start + m.target.start : part.start + m.target.stop] += m.gain * value

    def _inject(self, t: int) -> None:
        """The currents injected from step ``t`` on, until one of them changes."""
        for current in self.injected.values():
            current[:] = 0.0
        changes = [np.iinfo(np.int64).max]
        for injection in self.graph.injections:
            piece = int(np.searchsorted(injection.steps, t, side="right"))
            changes += injection.steps[piece : piece + 1].tolist()
            if piece > 0:
                inside = slice(injection.target.start, injection.target.stop)
                self.injected[injection.target.population][inside] += injection.values[piece - 1]
        self.holds_until = min(changes)

    def ring(self, p: Projection) -> Ring:
        """Where to add what synapses of ``p`` send."""
        length, receptors, n = self.arriving.shape
        part = self.parts[p.post]
        first = part.block.rows.receptors.index(p.arrives_at) * n + part.first + p.post_start
        return Ring(self.arriving.reshape(-1), first, receptors * n, length)

    def variable(self, population: str, name: str) -> np.ndarray:
        """A probed variable."""
        part = self.parts[population]
        row = part.block.rows.states.index(part.p.kind.probes[name])
        return np.asarray(part.block.state[row, part.within])
