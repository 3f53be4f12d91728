r"""The number of cores that a network takes, and the resource that limits it.

Every population gets cores of its own and is cut into equal blocks, one a core, as small as the limits demand (as
nengo-loihi does). A core's synapse memory is counted as in nengo-loihi's block.py: the synapses of one axon are stored
in groups of at most 64, each with a header of 10 bits and rounded up to 64 bits,

.. math:: bits = \sum_{groups} 64 \lceil (10 + n (weight + delay + tag + index))/64 \rceil

where an index is only stored if the axon reaches some of the neurons and not all. An axon enters a core for every pre
neuron and projection with a synapse there; it leaves one for every core that it enters. Sources are outside the cores.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ernsnn.graph.graph import Graph
from ernsnn.text import table

from .arithmetic.integers import Cells, Connection, IntegerNetwork
from .arithmetic.limits import WEIGHT_BITS, Chip

GROUP, HEADER_BITS, WORD_BITS = 64, 10, 64
DELAY_BITS, TAG_BITS = 6, 9


@dataclass(frozen=True)
class Block:
    """The contents of the fullest core of a population.

    ``bottleneck`` is the resource that set the number of cores; It is "" for one core.
    """

    population: str
    neurons: int
    cores: int
    synapses: int
    synapse_bits: int
    axons_in: int
    axons_out: int
    bottleneck: str


@dataclass(frozen=True)
class Placement:
    """The placement of all populations on one kind of chip. ``problems`` are limits that more cores do not meet."""

    chip: Chip
    blocks: tuple[Block, ...]
    problems: tuple[str, ...]

    @property
    def cores(self) -> int:
        """The number of cores."""
        return sum(block.cores for block in self.blocks)

    @property
    def chips(self) -> int:
        """The number of chips."""
        return max(1, math.ceil(self.cores / self.chip.cores))

    @property
    def bottleneck(self) -> str:
        """The resource that costs the most cores beyond the one that every population takes."""
        cost: dict[str, int] = {}
        for block in self.blocks:
            cost[block.bottleneck] = cost.get(block.bottleneck, 0) + block.cores - 1
        worst = max(cost, key=lambda name: cost[name], default="")
        return worst if cost.get(worst) else ""

    @property
    def summary(self) -> str:
        """The placement in one line."""
        why = f"; most cores are due to {self.bottleneck}" if self.bottleneck else ""
        return f"{self.cores} of {self.chip.cores} cores of {self.chip.name} ({len(self.blocks)} populations){why}"

    def fullest(self, block: Block) -> tuple[str, float]:
        """(the resource of a core that ``block`` fills most, the share of it)."""
        chip = self.chip
        limits = {
            "neurons": (block.neurons, chip.neurons_per_core),
            "synapses": (block.synapses, chip.synapses_per_core),
            "synapse memory": (block.synapse_bits, chip.synapse_bits_per_core),
            "axons that enter": (block.axons_in, chip.axons_in_per_core),
            "axons that leave": (block.axons_out, chip.axons_out_per_core),
        }
        shares = {name: held / limit for name, (held, limit) in limits.items() if limit is not None}
        return max(shares.items(), key=lambda share: share[1])

    def cores_of(self, graph: Graph) -> dict[str, np.ndarray]:
        """See ``Placed.cores_of``; what only the chip has (relays) takes cores, too."""
        cores, first, known = {}, 0, {p.name for p in graph.populations}
        for block in self.blocks:
            if block.population in known:
                neurons = np.arange(graph.population(block.population).size)
                cores[block.population] = first + neurons // block.neurons
            first += block.cores
        return cores

    def links_of(self, graph: Graph) -> None:
        """See ``Placed.links_of``."""
        return None

    def to_json(self) -> dict[str, Any]:
        """The placement as plain values; ``populations`` hold their fullest core."""
        populations = []
        for block in self.blocks:
            what, share = self.fullest(block)
            populations.append({**asdict(block), "fullest": what, "share": share})
        return {
            "chip": self.chip.name,
            "cores": self.cores,
            "cores_per_chip": self.chip.cores,
            "chips": self.chips,
            "bottleneck": self.bottleneck,
            "problems": list(self.problems),
            "populations": populations,
        }

    def __str__(self) -> str:
        heads = ("population", "cores", "neurons", "synapses", "synapse bits", "axons in", "axons out", "fullest")
        rows: list[tuple[str, ...]] = [heads]
        for b in self.blocks:
            what, share = self.fullest(b)
            held = (b.cores, b.neurons, b.synapses, b.synapse_bits, b.axons_in, b.axons_out)
            rows.append((b.population, *map(str, held), f"{what} {share:.1%}"))
        return "\n  ".join([self.summary, *table(rows, range(1, len(heads) - 1)), *self.problems])


def axon_bits(synapses: np.ndarray, bits_each: int) -> np.ndarray:
    """Memory of axons with these numbers of synapses of ``bits_each``."""
    full, rest = np.divmod(synapses, GROUP)
    whole = WORD_BITS * math.ceil((HEADER_BITS + GROUP * bits_each) / WORD_BITS)
    last = WORD_BITS * np.ceil((HEADER_BITS + rest * bits_each) / WORD_BITS).astype(np.int64)
    total: np.ndarray = full * whole + np.where(rest > 0, last, 0)
    return total


class _Counts:
    """The contents of the cores of a population on ``cores`` of them."""

    def __init__(self, cells: Cells, network: IntegerNetwork, cores: int) -> None:
        self.cores, size = cores, math.ceil(cells.size / cores)
        self.neurons = size
        self.synapses = self.bits = self.axons_in = 0
        into = [c for c in network.connections if c.post == cells.name]
        for start in range(0, cells.size, size):
            parts = [self._part(c, start, start + size) for c in into]
            synapses, bits, axons = (sum(p[k] for p in parts) for k in range(3))
            self.synapses, self.bits = max(self.synapses, synapses), max(self.bits, bits)
            self.axons_in = max(self.axons_in, axons)

    def _part(self, c: Connection, start: int, stop: int) -> tuple[int, int, int]:
        """Synapses, bits and axons of a connection into neurons start to stop."""
        rows = slice(max(0, start - c.post_start), max(0, stop - c.post_start))
        there = present(c)[rows]
        counts = there.sum(axis=0)
        bits = c.bits + (DELAY_BITS if np.max(c.delays) > 1 else 0) + (TAG_BITS if c.tag is not None else 0)
        index = max(1, math.ceil(math.log2(max(2, self.neurons))))
        memory = np.minimum(
            axon_bits(counts, bits + index), np.where(counts > 0, axon_bits(np.full_like(counts, len(there)), bits), 0)
        )
        return int(counts.sum()), int(memory.sum()), int(np.count_nonzero(counts))

    def over(self, chip: Chip) -> list[str]:
        """The resources of which a core of ``chip`` has too little."""
        limits = {
            "neurons": (self.neurons, chip.neurons_per_core),
            "synapses": (self.synapses, chip.synapses_per_core),
            "synapse memory": (self.bits, chip.synapse_bits_per_core),
            "axons that enter": (self.axons_in, chip.axons_in_per_core),
        }
        return [name for name, (held, limit) in limits.items() if limit is not None and held > limit]


def present(c: Connection) -> np.ndarray:
    """The mask of synapses of a connection, of which learning ones may have the weight 0."""
    there: np.ndarray = c.weights != 0 if c.rule is None else np.broadcast_to(np.asarray(c.delays) > 0, c.weights.shape)
    return there


def place(network: IntegerNetwork, chip: Chip) -> Placement:
    """The cores that ``network`` takes on ``chip``."""
    counts: dict[str, _Counts] = {}
    why: dict[str, str] = {}
    problems: list[str] = []
    for cells in network.cells:
        counts[cells.name], why[cells.name] = _Counts(cells, network, 1), ""
        if over := counts[cells.name].over(chip):
            counts[cells.name], why[cells.name] = _Counts(cells, network, _fewest(counts[cells.name], chip)), over[0]
        while over := counts[cells.name].over(chip):
            cores = counts[cells.name].cores
            if cores >= cells.size:
                problems.append(f"{cells.name}: one neuron has more {over[0]} than a core of {chip.name}")
                break
            why[cells.name] = over[0]
            counts[cells.name] = _Counts(cells, network, min(cells.size, cores + 1))
    outgoing = {cells.name: _axons_out(cells, network, counts) for cells in network.cells}
    blocks = []
    for cells in network.cells:
        c, leaving = counts[cells.name], outgoing[cells.name]
        cores, reason = c.cores, why[cells.name]
        if chip.axons_out_per_core is not None and leaving / cores > chip.axons_out_per_core:
            cores, reason = math.ceil(leaving / chip.axons_out_per_core), "axons that leave"
        share = math.ceil(leaving / cores)
        blocks.append(Block(cells.name, c.neurons, cores, c.synapses, c.bits, c.axons_in, share, reason))
    return Placement(chip, tuple(blocks), tuple(problems))


def _fewest(whole: _Counts, chip: Chip) -> int:
    """Fewer cores cannot do, given what one core would hold: without headers, indices, delays and tags."""
    share = [whole.neurons / chip.neurons_per_core]
    if chip.synapses_per_core is not None:
        share.append(whole.synapses / chip.synapses_per_core)
    if chip.synapse_bits_per_core is not None:
        share.append(whole.synapses * WEIGHT_BITS / chip.synapse_bits_per_core)
    return min(whole.neurons, max(1, *map(math.ceil, share)))


def _axons_out(cells: Cells, network: IntegerNetwork, counts: dict[str, _Counts]) -> int:
    """The number of (neuron, core) pairs of the axons of a population."""
    total = 0
    for c in network.connections:
        if c.pre != cells.name:
            continue
        there, size = present(c), counts[c.post].neurons
        post = (np.arange(len(there)) + c.post_start) // size
        total += sum(int(np.count_nonzero(there[post == core].any(axis=0))) for core in np.unique(post))
    return total
