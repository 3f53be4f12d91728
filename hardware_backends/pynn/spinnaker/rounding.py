r"""SpiNNaker's numbers: S16.15 for voltages, currents and parameters, 16 bits for weights.

What arrives at a receptor in one step is added up in a ring buffer of 16 bits. Its unit is a power of 2 that is one
for all synapses of that receptor at a population (Rhodes et al. 2018, Front. Neurosci. 12:816):

.. math:: w = n \, 2^{shift - 15} nA, \qquad 0 \le n < 2^{16}, \qquad shift = \min \{ k \ge 0 : 2^k > W \}

with W the largest sum. sPyNNaker estimates W; the scripts here give it, as what arrives if all synapses of a neuron
transmit their largest weight in one step, so that no sum is ever cut off. The price is the bits that this leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ernsnn.graph.graph import Graph, Projection

ACCUM = 2.0**-15
"""The unit of S16.15."""
LARGEST = 2.0**16
"""What S16.15 does not reach."""
RECEPTORS = ("excitatory", "inhibitory")


def accum(value: float | np.ndarray) -> np.ndarray:
    """The nearest number of S16.15."""
    return np.rint(np.asarray(value, dtype=float) / ACCUM) * ACCUM


@dataclass(frozen=True)
class Part:
    """The synapses of a projection that enter one receptor: ``chosen`` of its rows, which may reach ``largest_nA``."""

    projection: Projection
    receptor: str
    chosen: np.ndarray
    largest_nA: np.ndarray


def parts(p: Projection) -> Iterator[Part]:
    """A projection as SpiNNaker has it: weights are magnitudes, and the receptor tells their sign."""
    w = p.synapses.variables["w"]
    largest = np.maximum(np.abs(w), p.learning.variable("w").high) if p.learning else np.abs(w)
    inhibits = w < 0 if p.receptor == "signed" else np.full(len(w), p.receptor == "inhibitory")
    for receptor, chosen in zip(RECEPTORS, (~inhibits, inhibits), strict=True):
        if chosen.any():
            yield Part(p, receptor, chosen, largest[chosen])


def largest_sums(graph: Graph) -> dict[str, tuple[float, float]]:
    """In nA, the most that can arrive in one step at the two receptors of any neuron of each population."""
    sums = {p.name: np.zeros((2, p.size)) for p in graph.neurons()}
    for p in graph.projections:
        for part in parts(p):
            arriving = sums[p.post][RECEPTORS.index(part.receptor)]
            arriving += np.bincount(p.synapses.post[part.chosen], part.largest_nA, len(arriving))
    return {name: (float(found[0].max()), float(found[1].max())) for name, found in sums.items()}


def shift(largest_sum_nA: float) -> int:
    """The ring-buffer shift for sums up to this one."""
    return 0 if largest_sum_nA < 1 else math.frexp(largest_sum_nA)[1]


def unit_nA(ring_buffer_shift: int) -> float:
    """What a weight is a whole multiple of."""
    return float(2.0 ** (ring_buffer_shift - 15))
