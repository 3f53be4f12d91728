"""Synapses whose weights stay: what spikes send is added to the ring of arrivals."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Projection

from .compiled import compiled
from .membranes import Neuronal
from .wiring import delays, gathered, targets


@compiled
def send_to_all(pre: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Rows of a full matrix, all of one delay."""
    for i in pre:
        row = weights[i]
        for j in range(len(row)):
            out[j] += row[j]


@compiled
def send(pre: np.ndarray, indptr: np.ndarray, targets: np.ndarray, weights: np.ndarray, out: np.ndarray) -> None:
    """Rows of listed synapses, all of one delay."""
    for i in pre:
        for s in range(indptr[i], indptr[i + 1]):
            out[targets[s]] += weights[s]


@compiled
def send_delayed(
    pre: np.ndarray,
    indptr: np.ndarray,
    targets: np.ndarray,
    weights: np.ndarray,
    delay: np.ndarray,
    ring: np.ndarray,
    t: int,
) -> None:
    """Rows of listed synapses, each with its delay; ``ring`` is [step % length, neuron]."""
    for i in pre:
        for s in range(indptr[i], indptr[i + 1]):
            ring[(t + delay[s]) % len(ring), targets[s]] += weights[s]


def inside(neurons: np.ndarray, start: int, count: int) -> np.ndarray:
    """Those of ``neurons`` that a projection's side holds, counted from its start."""
    if not len(neurons) or (start == 0 and neurons[-1] < count):  # they rise
        return neurons
    first, last = neurons.searchsorted((start, start + count)).tolist()
    return neurons[first:last] - start


class StaticSynapses:
    """One projection. A full matrix has weights of 0 where there is no synapse of a neuron with itself."""

    def __init__(self, p: Projection, neurons: Neuronal, precision: str) -> None:
        self.p, self.ring = p, neurons.ring(p)
        self.slots = list(self.ring)
        self.delay = delays(p)
        weights = gathered(p, p.weight, getattr(np, precision))
        self.full = isinstance(p.connectivity, Dense) and isinstance(self.delay, int)
        if self.full:
            self.weights = _matrix(p, weights)
        else:
            self.weights, self.indptr, self.targets = weights, p.connectivity.indptr, targets(p)

    @property
    def variables(self) -> dict[str, np.ndarray]:
        """The weights of all synapses, in the order of the graph."""
        return {"w": gathered(self.p, self.p.weight, self.weights.dtype.type)}

    def step(self, t: int, spikes: dict[str, np.ndarray]) -> None:
        """Send this step's pre spikes on their way."""
        p = self.p
        pre = inside(spikes[p.pre], p.pre_start, p.connectivity.n_pre)
        if not len(pre):
            return
        if not isinstance(self.delay, int):
            send_delayed(pre, self.indptr, self.targets, self.weights, self.delay, self.ring, t)
            return
        out = self.slots[(t + self.delay) % len(self.slots)]
        if self.full:
            send_to_all(pre, self.weights, out)
        else:
            send(pre, self.indptr, self.targets, self.weights, out)


def _matrix(p: Projection, weights: np.ndarray) -> np.ndarray:
    n_pre, n_post = p.connectivity.n_pre, p.connectivity.n_post
    if len(weights) == n_pre * n_post:
        return weights.reshape(n_pre, n_post)
    matrix, itself = np.zeros((n_pre, n_post), weights.dtype), np.arange(min(n_pre, n_post))
    present = np.ones((n_pre, n_post), np.bool_)
    present[itself, itself] = False
    matrix[present] = weights
    return matrix
