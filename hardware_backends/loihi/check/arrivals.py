"""Arrivals at a population of an integer network: senders, their spikes, and their synapses."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ernsnn.graph.graph import Graph
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes

from ..arithmetic.integers import IntegerNetwork
from ..arithmetic.limits import STATE_SHIFT, WEIGHT_MAX
from ..quantise.connections import RELAY

_LEARNT = {"EXCITATORY": (0, WEIGHT_MAX), "INHIBITORY": (-WEIGHT_MAX, 0), "MIXED": (-WEIGHT_MAX - 1, WEIGHT_MAX)}


@dataclass(frozen=True, eq=False)
class Sender:
    """Neurons that spike: ``index`` of a source, or computed ones if it is None, each at most every ``every`` steps."""

    every: np.ndarray
    spikes: GivenSpikes | PoissonSpikes | None = None
    index: np.ndarray | None = None

    def part(self, own: slice) -> Sender:
        """A part of the sender."""
        return Sender(self.every[own], self.spikes, None if self.index is None else self.index[own])

    @property
    def poisson(self) -> bool:
        """Whether it is a Poisson source, whose spikes are independent."""
        return isinstance(self.spikes, PoissonSpikes)

    @property
    def probabilities(self) -> np.ndarray:
        """The largest probability of each Poisson neuron to spike in a step."""
        assert isinstance(self.spikes, PoissonSpikes)
        highest: np.ndarray = np.max(self.spikes.probabilities[:, self.index], axis=0, initial=0.0)
        return np.asarray(np.minimum(highest, 1.0))

    def events(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(steps, neurons, amounts): 1 for each given spike, or by how much from then on more is expected a step."""
        assert self.spikes is not None
        assert self.index is not None
        spikes, first = self.spikes, int(self.index[0]) if len(self.index) else 0
        if isinstance(spikes, PoissonSpikes):
            changes = np.diff(spikes.probabilities[:, self.index], axis=0, prepend=0.0)
            at, who = np.nonzero(changes)
            return spikes.steps[at], who, changes[at, who]
        owner = np.repeat(np.arange(len(spikes.indptr) - 1), np.diff(spikes.indptr)) - first
        own = (owner >= 0) & (owner < len(self.index))
        # A neuron that is given two spikes in a step sends one.
        steps, who = np.unique(np.array([spikes.steps[own], owner[own]], dtype=np.int64), axis=1)
        return steps, who, np.ones(len(steps))


@dataclass(frozen=True, eq=False)
class Heard:
    """Synapses (n_post, n_pre) as they are, and at their ``lowest`` and ``highest``, in units of u."""

    sender: Sender
    post_start: int
    now: np.ndarray
    lowest: np.ndarray
    highest: np.ndarray
    delays: np.ndarray


def senders_of(graph: Graph, network: IntegerNetwork) -> dict[str, Sender]:
    """Population -> its sender; a relay sends the spikes of its input."""
    senders = {c.name: Sender(np.full(c.size, c.refractory + 1.0)) for c in network.cells}
    for source in graph.sources():
        spikes, index = source.spikes, np.arange(source.size)
        if isinstance(spikes, GivenSpikes):
            senders[source.name] = Sender(_intervals(spikes), spikes, index)
        else:
            senders[source.name] = Sender(np.ones(source.size), spikes, index)
    for c in network.connections:
        if c.post.endswith(RELAY):
            senders[c.post] = senders[c.pre].part(slice(c.pre_start, c.pre_start + c.weights.shape[1]))
    return senders


def _intervals(spikes: GivenSpikes) -> np.ndarray:
    """The shortest of each neuron in steps; infinite where it has no two spikes."""
    counts = np.diff(spikes.indptr)
    owner, every = np.repeat(np.arange(len(counts)), counts), np.full(len(counts), math.inf)
    gaps = np.where(owner[1:] == owner[:-1], np.diff(spikes.steps), 0)
    # A neuron that is given two spikes in a step sends one.
    np.minimum.at(every, owner[1:][gaps > 0], gaps[gaps > 0])
    return every


def heard_by(name: str, network: IntegerNetwork, senders: dict[str, Sender]) -> Iterator[Heard]:
    """All synapses onto a population, with their senders."""
    relays = {c.post: c for c in network.connections if c.post.endswith(RELAY)}
    for c in network.connections:
        if c.post != name:
            continue
        there = np.broadcast_to(np.asarray(c.delays), c.weights.shape)
        later = int(np.max(relays[c.pre].delays)) if c.pre in relays else 0
        unit = float(1 << (c.exponent + STATE_SHIFT))
        now = np.where(there > 0, c.weights, 0) * unit
        lowest, highest = (np.where(there > 0, end, 0) * unit for end in _LEARNT[c.mode]) if c.rule else (now, now)
        sender = senders[c.pre].part(slice(c.pre_start, c.pre_start + c.weights.shape[1]))
        yield Heard(sender, c.post_start, now, lowest, highest, there + later)
