"""The populations that are computed: what is known of each, what reaches them, and the spikes that they emit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ernsnn.backend.state import hand_over, hand_ring
from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.kinds import CHANGEABLE, Kind, Table
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph, Neurons, PoissonInput, Projection
from ernsnn.graph.streams import start as streams_start

from ..machine_code import Call
from ..reference.schedules import next_change
from .codegen.neurons import LANES, advance, rows
from .intrinsic import IntrinsicState
from .kernels.driver import NEVER
from .kernels.jit import compiled
from .modulators import ModulatorState
from .poisson import PoissonInputs
from .precision import why_double
from .spikes import Emitted, SpikeLog

FEW = 48
"""Fewer neurons with equal constants than these, on average, are not worth loops of their own."""
_FOREVER = 2**31 - 1
"""Refractory steps at most: ten days of steps of .5 us."""


class Ring(NamedTuple):
    """What will arrive at all neurons: in step t at receptor k, from ``t % length * span + k * stride`` on."""

    values: np.ndarray
    span: int
    stride: int
    length: int


class Block:
    """All neurons with the same equations: ``cells`` and ``fixed`` (tile, row, lane) have the rows of ``self.rows``.

    Their numbers are float32 if ``single``.
    """

    changes = ("cells", "fixed")
    not_carried = ("fixed",)

    def __init__(self, kind: Kind, equations: Table, single: bool, populations: list[Neurons]) -> None:
        self.kind, self.equations, self.single, self.rows = kind, equations, single, rows(kind, equations, single)
        tiles = -(-sum(p.size for p in populations) // LANES)
        number = np.float32 if single else np.float64
        self.cells = np.zeros((tiles, len(self.rows.cells), LANES), number)
        self.fixed = np.zeros((tiles, len(self.rows.fixed), LANES), number)


class Part:
    """One population: where it lies in its block and among all neurons, and its intrinsic plasticity."""

    changes = ("intrinsic",)

    def __init__(self, p: Neurons, block: Block, start: int, first: int, graph: Graph) -> None:
        self.p, self.block, self.start, self.first = p, block, start, first
        places = np.arange(start, start + p.size)
        self.tiles, self.lanes = places // LANES, places % LANES
        self.filled: dict[str, float | np.ndarray] = {}
        self.cuts: list[int] = []
        self.fill(p, graph)
        for state in p.kind.states:
            self.put(state.name, evaluated(state.initial, p.parameters))
        for name in block.rows.drawn:
            for k, states in enumerate(streams_start(p.draws[name], p.size)):
                self.put(f"{name} {k}", states)
        self.intrinsic = IntrinsicState(p, graph.dt_ms) if p.intrinsic else None

    def fill(self, p: Neurons, graph: Graph) -> None:
        """Set the constants to those of ``p``. Raises InvalidModel where float32 cannot count refractory steps."""
        if self.block.single and (why := why_double(p, graph)):
            raise InvalidModel(
                f"{p.name} cannot go on in float32: {why}; a shorter one, or neuron_precision='float64', can"
            )
        self.p = p
        values = {**p.parameters, **p.constants(graph.dt_ms, graph.current_integration), "dt": graph.dt_ms}
        values["n_ref"] = np.minimum(values["n_ref"], _FOREVER)
        # What a run may change beside is filled in anew.
        rows, filled = self.block.rows, self.filled
        changed = {n for n in rows.constants if n in CHANGEABLE or not _one_number(values[n], filled.get(n))}
        for name in changed:
            self.put(name, values[name])
            filled[name] = values[name]
        if not changed.intersection(rows.shared) and self.cuts:
            return
        # Neurons from one of ``cuts`` to the next have equal constants.
        shared = np.stack([self.get(name) for name in self.block.rows.shared] or [np.zeros(p.size)])
        changes = np.flatnonzero((shared[:, 1:] != shared[:, :-1]).any(axis=0)) + 1
        self.cuts = [self.start, *(self.start + changes).tolist(), self.start + p.size]
        self.alike = p.size >= FEW * (len(changes) + 1)

    @property
    def layout(self) -> tuple[bool, list[int]]:
        """What kernels depend on beside the numbers in their arrays."""
        return self.alike, self.cuts

    def places(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """The numbers among which a row lies, and where the one of each neuron is."""
        in_cells = name in self.block.rows.cells
        cells, rows = (
            (self.block.cells, self.block.rows.cells) if in_cells else (self.block.fixed, self.block.rows.fixed)
        )
        return cells.reshape(-1), (self.tiles * len(rows) + rows.index(name)) * LANES + self.lanes

    def get(self, name: str) -> np.ndarray:
        """A copy of a row of this population, in float64."""
        cells, places = self.places(name)
        return np.asarray(cells[places], float)

    def put(self, name: str, values: float | np.ndarray, first: int = 0, last: int | None = None) -> None:
        """Set a row of the neurons ``first`` to ``last`` (exclusive)."""
        cells, places = self.places(name)
        cells[places[first:last]] = values


class Populations:
    """All computed populations, and the ring of what will arrive: [step % length, receptor, neuron]."""

    changes = ("blocks", "arriving", "parts")

    def __init__(
        self,
        graph: Graph,
        longest_delay: int,
        modulators: Mapping[str, ModulatorState],
        workers: int,
        precision: str,
    ) -> None:
        self.graph, self.shifts = graph, bool(graph.injections or graph.modulations)
        alike: dict[tuple[Kind, Table, bool], list[Neurons]] = {}
        for p in graph.neurons():
            single = precision == "float32" and not why_double(p, graph)
            alike.setdefault((p.kind, p.equations(graph.current_integration), single), []).append(p)
        self.blocks = [Block(*key, populations) for key, populations in alike.items()]
        block_of = {p.name: k for k, populations in enumerate(alike.values()) for p in populations}
        self.parts: dict[str, Part] = {}
        starts, n = [0] * len(self.blocks), 0
        for p in graph.neurons():
            k = block_of[p.name]
            self.parts[p.name] = Part(p, self.blocks[k], starts[k], n, graph)
            starts[k], n = starts[k] + p.size, n + p.size
        receptors = max((len(block.rows.receptors) for block in self.blocks), default=0)
        # Worker w computes, and adds to what arrives at, the neurons shares[w] to shares[w + 1] of all.
        self.shares = np.linspace(0, n, workers + 1).astype(np.int64)
        self.arriving = np.zeros((longest_delay + 1, receptors, n))
        self.ring = Ring(self.arriving.reshape(-1), receptors * n, n, longest_delay + 1)
        self.injected = {name: np.zeros(part.p.size) for name, part in self.parts.items()}
        self.holds_until = 0
        self.modulations = [(m, modulators[m.modulator]) for m in graph.modulations]
        # Whether what third factors add to parameters changes from one step to the next.
        self.follows = not all(state.steady for _, state in self.modulations)
        self.intrinsic = [part for part in self.parts.values() if part.intrinsic]
        inputs = graph.poisson_inputs
        self.poisson_inputs = PoissonInputs(graph, self._first_of_input, self.arriving, self.shares) if inputs else None

    def kernels(self, emitted: Emitted) -> Iterator[Call]:
        """The kernels that advance all neurons to the end of stage 2."""
        groups: dict[tuple[int, bool], list[Part]] = {}
        for part in self.parts.values():
            groups.setdefault((id(part.block), part.alike), []).append(part)
        for parts in groups.values():
            block, alike = parts[0].block, parts[0].alike
            kernel = advance(block.kind, block.equations, alike, self.shifts, block.single)
            pieces = np.array(list(_pieces(block, parts, alike, self.shares.tolist())), np.int64)
            shares = pieces[:, 3].searchsorted(self.shares)
            yield kernel.bind(block.cells.reshape(-1), block.fixed.reshape(-1), pieces, shares, self.ring, emitted)

    def succeed(self, other: Populations, t: int) -> None:
        """Take the state of the populations of another run before step ``t``, whose delays are not longer."""
        arriving = np.zeros((len(self.arriving), *other.arriving.shape[1:]))
        hand_ring(other.arriving, arriving, t)
        for name, theirs in other.parts.items():
            part = self.parts[name]
            for row in theirs.block.rows.cells:
                part.put(row, theirs.get(row))
            mine, of_theirs = (slice(each.first, each.first + each.p.size) for each in (part, theirs))
            self.arriving[:, : arriving.shape[1], mine] = arriving[:, :, of_theirs]
            hand_over(theirs, part)
            if part.intrinsic:
                part.put(part.intrinsic.target, theirs.get(part.intrinsic.target))

    def adjust(self, graph: Graph) -> bool:
        """Take over the parameters and the injected currents of ``graph``; whether there are other kernels then."""
        self.graph, self.holds_until = graph, 0
        changed = [p for p in graph.neurons() if p is not self.parts[p.name].p]
        before = [self.parts[p.name].layout for p in changed]
        for p in changed:
            self.parts[p.name].fill(p, graph)
        return before != [self.parts[p.name].layout for p in changed]

    def shift(self) -> Iterator[Call]:
        """The kernels that add to parameters what injected currents, and third factors as they are, add to them.

        They come before those of neurons, so that it is what third factors were after the step before.
        """
        for name, part in self.parts.items() if self.shifts else ():
            nothing = np.zeros(part.p.size)
            for parameter in part.block.rows.changeable:
                cells, places = part.places(f"shift of {parameter}")
                base = self.injected[name] if parameter == "i_offset_nA" else nothing
                yield shift.bind(self.shares, part.first, cells, places, base, 1.0, 0)
                for m, state in self.modulations:
                    if (m.target.population, m.variable) == (name, parameter):
                        inside = places[m.target.start : m.target.stop]
                        first = part.first + m.target.start
                        yield shift.bind(self.shares, first, cells, inside, state.value, float(m.gain), 1)

    @contextmanager
    def streams(self) -> Iterator[None]:
        """Keep the streams of random numbers, which lie with the state of neurons, as they are before."""
        rows = [(p, f"{name} {k}") for p in self.parts.values() for name in p.block.rows.drawn for k in (0, 1)]
        held = [part.get(row) for part, row in rows]
        yield
        for (part, row), values in zip(rows, held, strict=True):
            part.put(row, values)

    def adapt(self, log: SpikeLog, learns: np.ndarray) -> Iterator[Call]:
        """The kernels of intrinsic plasticity."""
        for part in self.intrinsic:
            if part.intrinsic:
                cells, places = part.places(part.intrinsic.target)
                yield part.intrinsic.kernel(log, part.first, self.shares, cells, places, learns)

    def next_injection(self, t: int) -> int:
        """The first step after ``t`` in which an injected current changes."""
        if t < self.holds_until:
            return self.holds_until
        return min((next_change(injection.steps, t) for injection in self.graph.injections), default=NEVER)

    def inject(self, t: int) -> None:
        """Take over the currents injected from step ``t`` on, until one of them changes."""
        if t < self.holds_until:
            return
        for current in self.injected.values():
            current[:] = 0.0
        self.holds_until = self.next_injection(t)
        for injection in self.graph.injections:
            piece = int(np.searchsorted(injection.steps, t, side="right"))
            if piece > 0:
                inside = slice(injection.target.start, injection.target.stop)
                self.injected[injection.target.population][inside] += injection.values[piece - 1]

    def first_of(self, p: Projection) -> int:
        """Where in what arrives in a step the first post neuron of ``p`` has its receptor."""
        return self._first(p.post, p.arrives_at, p.post_start)

    def _first_of_input(self, p: PoissonInput) -> int:
        return self._first(p.target.population, p.arrives_at, p.target.start)

    def _first(self, population: str, receptor: str, neuron: int) -> int:
        part = self.parts[population]
        return part.block.rows.receptors.index(receptor) * self.ring.stride + part.first + neuron

    def post_of(self, p: Projection) -> int:
        """The first post neuron of ``p`` among all neurons."""
        return self.parts[p.post].first + p.post_start

    def probe(self, population: str, variable: str, first: int, last: int) -> np.ndarray:
        """A copy of a probed variable of the neurons ``first`` to ``last`` (exclusive)."""
        part = self.parts[population]
        return part.get(part.p.kind.probes[variable])[first:last]

    def write(self, population: str, variable: str, first: int, last: int, values: np.ndarray) -> None:
        """Set a probed variable of the neurons ``first`` to ``last`` (exclusive)."""
        part = self.parts[population]
        part.put(part.p.kind.probes[variable], values, first, last)


def _one_number(value: float | np.ndarray, other: float | np.ndarray | None) -> bool:
    """Whether both are the same number, for all neurons."""
    return other is not None and np.ndim(value) == np.ndim(other) == 0 and bool(value == other)


def _pieces(block: Block, parts: list[Part], alike: bool, shares: list[int]) -> Iterator[tuple[int, int, int, int]]:
    """Neurons of one tile each that are computed together, as kernels read them: see ``codegen.neurons``.

    They follow one another in their block and among all neurons, which are cut at ``shares``; if ``alike``, their
    constants are equal, too.
    """
    runs: list[list[int]] = []  # the first neuron in the block, the end, the first among all neurons
    for part in parts:
        for a, b in pairwise(part.cuts if alike else (part.start, part.start + part.p.size)):
            first = part.first + a - part.start
            if runs and not alike and runs[-1][1] == a and runs[-1][2] + a - runs[-1][0] == first:
                runs[-1][1] = b
            else:
                runs.append([a, b, first])
    for start, stop, first in runs:
        cuts = {share - first + start for share in shares if first < share < first + stop - start}
        for a, b in pairwise(sorted({start, stop, *cuts, *range(-(-start // LANES) * LANES, stop, LANES)})):
            tile, lane = divmod(a, LANES)
            cell, fix = (tile * array.shape[1] * LANES + lane for array in (block.cells, block.fixed))
            yield cell, fix, b - a, first + a - start


@compiled
def shift(
    shares: np.ndarray,
    first: int,
    cells: np.ndarray,
    places: np.ndarray,
    values: np.ndarray,
    gain: float,
    adds: int,
    a: int,
    b: int,
    worker: int,
) -> int:
    """Set ``cells[places]`` to ``gain * values``, or add that, for a worker's neurons; the ``first`` of all is at 0."""
    low, high = max(shares[worker] - first, 0), min(shares[worker + 1] - first, len(places))
    for i in range(low, high):
        value = gain * values[i if len(values) > 1 else 0]
        cells[places[i]] = cells[places[i]] + value if adds else value
    return 0
