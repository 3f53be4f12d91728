"""Synapses whose weights stay: what spikes send is added to the ring of arrivals, for all projections in one call."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Graph, Projection

from .kernels.jit import Call, Kernel
from .populations import Populations, Ring
from .short_term import ShortTerms
from .spikes import Spikes
from .wiring import delays, gather, gathered, targets

FULL, LISTED, DELAYED = range(3)
"""Kinds of rows: to every neuron of the other side; to listed ones; to listed ones, each after a delay of its own."""

COLUMNS = (
    "source",
    "start",
    "n_pre",
    "n_post",
    "kind",
    "first",
    "delay",
    "factor",
    "row",
    "synapse",
    "target",
    "own_delay",
    "post",
)
SOURCE, START, N_PRE, N_POST, KIND, FIRST, DELAY, FACTOR, ROW, SYNAPSE, TARGET, OWN_DELAY, POST = range(len(COLUMNS))


class Table(NamedTuple):
    """All static projections, a row of ``projections`` each (``COLUMNS``), and what they hold, one after the other.

    A row says which population of the spike log is the pre one, which of its neurons take part, where in
    a step's arrivals the first post neuron lies, the delay if it is one, and where in the arrays the projection
    starts. ``indptr`` counts from there. A full matrix has weights of 0 where there is no synapse of a neuron with
    itself.
    """

    projections: np.ndarray
    indptr: np.ndarray
    targets: np.ndarray
    weights: np.ndarray
    delays: np.ndarray


def _send(scaled: bool) -> Kernel:
    """The kernel that sends; only ``scaled`` does it multiply by factors of short-term plasticity."""

    def send(
        table: Table, factors: np.ndarray, spikes: Spikes, ring: Ring, shares: np.ndarray, a: int, b: int, worker: int
    ) -> None:
        """Send the spikes of step ``a`` on their way."""
        t, k = a, a - spikes.origin[0]
        values, span, length = ring.values, ring.span, ring.length
        everyone = len(shares) == 2
        indptr, targets, weights, delays = table.indptr, table.targets, table.weights, table.delays
        for p in table.projections:
            low = min(max(shares[worker] - p[POST], 0), p[N_POST])
            high = min(max(shares[worker + 1] - p[POST], 0), p[N_POST])
            if low == high:
                continue
            own = values[p[FIRST] :]
            out = values[p[FIRST] + (t + p[DELAY]) % length * span :]
            for e in range(spikes.begin[p[SOURCE], k], spikes.end[p[SOURCE], k]):
                i = spikes.neurons[e] - p[START]
                if i < 0 or i >= p[N_PRE]:
                    continue
                scale = factors[p[FACTOR] + i] if scaled else 1.0
                if p[KIND] == FULL:
                    row = weights[p[SYNAPSE] + i * p[N_POST] : p[SYNAPSE] + (i + 1) * p[N_POST]]
                    for j in range(low, high):
                        out[j] += row[j] * scale
                    continue
                a, b = indptr[p[ROW] + i], indptr[p[ROW] + i + 1]
                to, w = targets[p[TARGET] + a : p[TARGET] + b], weights[p[SYNAPSE] + a : p[SYNAPSE] + b]
                if p[KIND] == LISTED:
                    first, last = 0, len(to)
                    if not everyone:  # targets rise
                        first, last = np.searchsorted(to, low), np.searchsorted(to, high)
                    for s in range(first, last):
                        out[to[s]] += w[s] * scale
                else:
                    d = delays[p[OWN_DELAY] + a : p[OWN_DELAY] + b]
                    for s in range(len(to)):
                        if everyone or low <= to[s] < high:
                            own[(t + d[s]) % length * span + to[s]] += w[s] * scale

    return Kernel(send, f"scaled={scaled}")


SEND, SEND_SCALED = _send(False), _send(True)


class StaticSynapses:
    """The weights of one projection, in the place that ``AllStatic`` has for them."""

    def __init__(self, p: Projection, weights: np.ndarray, full: bool) -> None:
        self.p, self.full = p, full
        self.weights = weights.reshape(p.connectivity.n_pre, -1) if full else weights
        if p.n_synapses == len(weights):
            gather(p, p.weight, weights)
        else:
            self.write("w", gathered(p, p.weight, weights.dtype.type))

    @property
    def variables(self) -> dict[str, np.ndarray]:
        """The weights of all synapses, in the order of the graph."""
        return {"w": self.weights[_present(self.p)] if self.full else self.weights}

    def write(self, variable: str, values: np.ndarray) -> None:
        """Set the weights of all synapses, in the order of the graph."""
        self.weights[_present(self.p) if self.full else slice(None)] = values


class AllStatic:
    """Static projections, all with short-term plasticity or all without; ``projections`` has their weights."""

    def __init__(
        self,
        graph: Graph,
        static: Sequence[Projection],
        neurons: Populations,
        precision: str,
        short_term: ShortTerms,
    ) -> None:
        places = {p.name: k for k, p in enumerate(graph.populations)}
        rows: list[tuple[int, ...]] = []
        # What is listed starts with nothing, so that there is something to join.
        indptr, to, own = [np.zeros(0, np.int64)], [np.zeros(0, np.uint32)], [np.zeros(0, np.int32)]
        starts = [0, 0, 0, 0]  # of the next projection in indptr, weights, targets and delays
        for p in static:
            c, delay = p.connectivity, delays(p)
            kind = DELAYED if not isinstance(delay, int) else FULL if isinstance(c, Dense) else LISTED
            steps = delay if isinstance(delay, int) else 0
            side = (places[p.pre], p.pre_start, c.n_pre, c.n_post)
            rows.append(
                (*side, kind, neurons.first_of(p), steps, short_term.first.get(p.name, 0), *starts, neurons.post_of(p))
            )
            if kind != FULL:
                indptr.append(c.indptr)
                to.append(targets(p))
            if not isinstance(delay, int):
                own.append(delay)
            n_weights = c.n_pre * c.n_post if kind == FULL else p.n_synapses
            starts = [sum(map(len, indptr)), starts[1] + n_weights, sum(map(len, to)), sum(map(len, own))]
        weights = np.zeros(starts[1], precision)
        self.table = Table(
            np.array(rows, np.int64).reshape(-1, len(COLUMNS)),
            np.concatenate(indptr),
            np.concatenate(to),
            weights,
            np.concatenate(own),
        )
        cuts = [*(row[SYNAPSE] for row in rows), len(weights)]
        self.projections = [
            StaticSynapses(p, weights[a:b], row[KIND] == FULL)
            for p, row, (a, b) in zip(static, rows, pairwise(cuts), strict=True)
        ]
        self.kernel = SEND_SCALED if any(p.short_term for p in static) else SEND
        self.factors, self.ring, self.shares = short_term.factors, neurons.ring, neurons.shares

    def send(self, spikes: Spikes) -> Call:
        """The kernel that sends the spikes of a step on their way."""
        return self.kernel.bind(self.table, self.factors, spikes, self.ring, self.shares)


def _present(p: Projection) -> np.ndarray:
    """Where a full matrix has a synapse."""
    n_pre, n_post = p.connectivity.n_pre, p.connectivity.n_post
    present, itself = np.ones((n_pre, n_post), np.bool_), np.arange(min(n_pre, n_post))
    if p.n_synapses < n_pre * n_post:
        present[itself, itself] = False
    return present
