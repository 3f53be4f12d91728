r"""SpiNNaker's numbers: S16.15 for voltages, currents and parameters, 16 bits for weights.

What arrives at a receptor in one step is added up in a ring buffer of 16 bits. Its unit is a power of 2 that is one
for all synapses of that receptor at a population (Rhodes et al. 2018, Front. Neurosci. 12:816):

.. math:: c w = n \, 2^{shift - 15}, \qquad 0 \le n < 2^{16}, \qquad shift = \min \{ k \ge 0 : 2^k > c W \}

with W the largest sum, and c = 1 of currents in nA, 1024 of conductances in uS. sPyNNaker estimates W; the scripts here
give it, as what arrives if all synapses of a neuron transmit their largest weight in one step, so that no sum is ever
cut off. The price is the bits that this leaves.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ernsnn.graph.graph import Graph, Neurons, Projection

ACCUM = 2.0**-15
"""The unit of S16.15."""
LARGEST = 2.0**16
"""The limit of S16.15, which it does not reach."""
CONDUCTANCE_SCALE = 1024.0
"""The factor by which small conductances in uS are multiplied; they are divided by it again before they act."""
RECEPTORS = ("excitatory", "inhibitory")


def accum(value: float | np.ndarray) -> np.ndarray:
    """The nearest number of S16.15."""
    with np.errstate(over="ignore"):  # what is infinite then has an issue of its own, as it has no 16 bits
        return np.rint(np.asarray(value, dtype=float) / ACCUM) * ACCUM


@dataclass(frozen=True)
class ReceptorSynapses:
    """The synapses of a projection that enter one receptor: ``chosen`` of its rows, which may reach ``largest``."""

    projection: Projection
    receptor: str
    chosen: np.ndarray
    largest: np.ndarray


def parts(p: Projection) -> Iterator[ReceptorSynapses]:
    """A projection as SpiNNaker has it: weights are magnitudes, and the receptor tells their sign."""
    w = p.synapses.variables["w"]
    largest = np.maximum(np.abs(w), p.learning.variable("w").high) if p.learning else np.abs(w)
    inhibits = w < 0 if p.receptor == "signed" else np.full(len(w), p.arrives_at == "I")
    for receptor, chosen in zip(RECEPTORS, (~inhibits, inhibits), strict=True):
        if chosen.any():
            yield ReceptorSynapses(p, receptor, chosen, largest[chosen])


def largest_sums(graph: Graph) -> dict[str, tuple[float, float]]:
    """Population -> (E, I): the largest sums of weights that can arrive at a neuron in one step."""
    sums = {p.name: np.zeros((2, p.size)) for p in graph.neurons()}
    for p in graph.projections:
        for part in parts(p):
            arriving = sums[p.post][RECEPTORS.index(part.receptor)]
            arriving += np.bincount(p.synapses.post[part.chosen], part.largest, len(arriving))
    return {name: (float(both[0].max()), float(both[1].max())) for name, both in sums.items()}


def scale(p: Neurons) -> float:
    """The factor by which weights onto these neurons are multiplied before they are rounded."""
    return CONDUCTANCE_SCALE if p.kind.name == "ConductanceLIF" else 1.0


def shift(largest_scaled: float) -> int:
    """The ring-buffer shift for sums up to this one, scaled."""
    return 0 if largest_scaled < 1 else math.frexp(largest_scaled)[1]


def unit(p: Neurons, largest_sum: float) -> float:
    """The unit of weights onto these neurons, given the largest sum that can arrive."""
    return float(2.0 ** (shift(largest_sum * scale(p)) - 15) / scale(p))
