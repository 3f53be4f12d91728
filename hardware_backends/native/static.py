"""Synapses whose weights stay: what spikes send is added to the ring of arrivals, for all projections in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ernsnn.graph.graph import Graph, Projection
from ernsnn.graph.values import Scalar

from ..machine_code import Call, Kernel
from .bundles import DELAYED, FULL, LISTED, Bundle, bundled
from .kernels.jit import LIBRARY, compiled
from .populations import Populations, Ring
from .short_term import ShortTerms
from .spikes import Spikes
from .wiring import narrowed

COLUMNS = (
    "source",
    "start",
    "n_pre",
    "n_post",
    "kind",
    "shared",
    "holed",
    "first",
    "delay",
    "factor",
    "row",
    "stretched",
    "target",
    "synapse",
)
SOURCE, START, N_PRE, N_POST, KIND, SHARED, HOLED, FIRST, DELAY, FACTOR, ROW, STRETCHED, TARGET, SYNAPSE = range(
    len(COLUMNS)
)


class Table(NamedTuple):
    """All bundles of static projections, a row of ``bundles`` each (``COLUMNS``), and what they hold, end to end.

    A row says which population of the log of spikes is the pre one, which of its neurons take part, where in
    a step's arrivals the targets count from, the delay if it is one, and where in the arrays the bundle starts. Row i
    of a bundle that lists targets has those from ``rows[i]`` to ``rows[i + 1]``, counted from where the bundle starts,
    and if delays differ the stretches from ``stretched[i]`` to ``stretched[i + 1]``, each with a delay and its end,
    counted from the start of the row: within one, targets do not fall. Weights stand as targets do, or there is one
    where they are ``shared``. A full matrix with weights of its own has 0 where there is no synapse of a neuron with
    itself; where they are shared and it is ``holed``, that synapse is left out.
    """

    bundles: np.ndarray
    rows: np.ndarray
    stretched: np.ndarray
    stretches: np.ndarray
    targets: np.ndarray
    weights: np.ndarray


@compiled
def first_from(targets: np.ndarray, begin: np.uint64, end: np.uint64, low: int) -> np.uint64:
    """The first place from ``begin`` to ``end`` whose target is at least ``low``; targets do not fall."""
    while begin < end:
        middle = (begin + end) >> np.uint64(1)
        if targets[middle] < low:
            begin = middle + np.uint64(1)
        else:
            end = middle
    return begin


@compiled
def send_row(
    table: Table, p: np.ndarray, i: int, scale: float, ring: Ring, slot: int, low: int, high: int, whole: bool
) -> None:
    """Send a spike of the neuron of row i of bundle ``p`` in the step whose arrivals are at ``slot`` of the ring.

    Targets from ``low`` to ``high`` (exclusive) get it, which are all of them if ``whole``. Indices are unsigned where
    there are many of them, so that none is looked at for its sign.
    """
    values, span, length = ring.values, ring.span, ring.length
    first, n_post, w, shared, delayed = p[FIRST], p[N_POST], table.weights[p[SYNAPSE] :], p[SHARED], p[KIND] == DELAYED
    weight = w[0] * scale if shared else 0.0
    ahead = slot + p[DELAY]
    at = ahead - length if ahead >= length else ahead
    out = values[at * span + first :]
    if p[KIND] == FULL:
        if shared:
            hole = i if p[HOLED] else n_post
            for j in range(low, min(hole, n_post, high)):
                out[j] += weight
            for j in range(max(hole + 1, low), min(n_post, high)):
                out[j] += weight
        else:
            row = w[i * n_post : (i + 1) * n_post]
            for j in range(low, min(n_post, high)):
                out[j] += row[j] * scale
        return
    a, b = table.rows[p[ROW] + i], table.rows[p[ROW] + i + 1]
    to, w, stretches = table.targets[p[TARGET] + a : p[TARGET] + b], w[0 if shared else a :], table.stretches
    k, begin, end, stop = np.uint64(0), np.uint64(0), np.uint64(0), np.uint64(len(to))
    if delayed:
        k = np.uint64(table.stretched[p[STRETCHED] + i])
    while begin < stop:
        if delayed:
            ahead, end = slot + np.int64(stretches[k, 0]), np.uint64(stretches[k, 1])
            at = ahead - length if ahead >= length else ahead
            out = values[at * span + first :]
            k += np.uint64(1)
        else:
            end = stop
        mine, past = begin, end
        if not whole:
            mine = np.uint64(first_from(to, begin, end, low))
            past = np.uint64(first_from(to, begin, end, high))
        if shared:
            for s in range(mine, past):
                out[np.uint64(to[s])] += weight
        else:
            for s in range(mine, past):
                out[np.uint64(to[s])] += w[s] * scale
        begin = end


def _send(scaled: bool) -> Kernel:
    """The kernel that sends; only ``scaled`` does it multiply by factors of short-term plasticity."""

    def send(
        table: Table, factors: np.ndarray, spikes: Spikes, ring: Ring, shares: np.ndarray, a: int, b: int, worker: int
    ) -> None:
        """Send the spikes of step ``a``; a worker adds to what arrives at its neurons."""
        slot, k, whole = a % ring.length, a - spikes.origin[0], len(shares) == 2
        for p in table.bundles:
            target = p[FIRST] % ring.stride
            low, high = max(shares[worker] - target, 0), max(shares[worker + 1] - target, 0)
            begin = spikes.begin[p[SOURCE], k]
            for e in range(begin, spikes.end[p[SOURCE], k]):
                i = spikes.neurons[e] - p[START]
                # A factor is the sum of those of all spikes that the neuron has in the step.
                sent = scaled and e > begin and spikes.neurons[e - 1] == spikes.neurons[e]
                if 0 <= i < p[N_PRE] and not sent:
                    scale = factors[p[FACTOR] + i] if scaled else 1.0
                    send_row(table, p, i, scale, ring, slot, low, high, whole)

    return Kernel(LIBRARY, send, f"scaled={scaled}")


SEND, SEND_SCALED = _send(False), _send(True)


class StaticSynapses:
    """The weights of one projection, in the place that ``AllStatic`` has for them."""

    def __init__(self, of: AllStatic, number: int, p: Projection) -> None:
        self.p, self.of, self.number, self.bundle = p, of, number, of.bundles[number]

    @property
    def variables(self) -> dict[str, np.ndarray]:
        """The weights of all synapses, in the order of the graph."""
        weights, bundle = self.of.weights(self.number), self.bundle
        if self.of.shared(self.number):
            return {"w": np.full(self.p.n_synapses, weights[0])}
        if bundle.kind == DELAYED:
            return {"w": bundle.read(self.p, weights)}
        return {"w": weights[bundle.present()] if bundle.holed else weights}

    def write(self, variable: str, values: np.ndarray) -> None:
        """Set the weights of all synapses, in the order of the graph."""
        if self.of.shared(self.number):
            if not len(values) or (values == values[0]).all():
                self.of.weights(self.number)[:] = values[:1]
                return
            self.of.part(self.number)
        weights = self.of.weights(self.number)
        if self.bundle.kind == DELAYED:
            self.bundle.write(self.p, weights, values)
        elif self.bundle.holed:
            weights[self.bundle.present()] = values
        else:
            weights[:] = values


class AllStatic:
    """Static projections, all with short-term plasticity or all without; ``projections`` has their weights.

    ``table`` is replaced by another one where weights that were shared no longer are.
    """

    def __init__(
        self,
        graph: Graph,
        static: Sequence[Projection],
        neurons: Populations,
        precision: str,
        short_term: ShortTerms,
    ) -> None:
        self.bundles = bundled(static, neurons)
        self.table = _stored(self.bundles, [p.name for p in graph.populations], short_term, precision)
        number = {id(m.p): k for k, b in enumerate(self.bundles) for m in b.members}
        self.projections = [StaticSynapses(self, number[id(p)], p) for p in static]
        self.kernel = SEND_SCALED if any(p.short_term for p in static) else SEND
        self.factors, self.ring, self.shares = short_term.factors, neurons.ring, neurons.shares

    def send(self, spikes: Spikes) -> Call:
        """The kernel that sends the spikes of a step on their way, by the table as it is."""
        return self.kernel.bind(self.table, self.factors, spikes, self.ring, self.shares)

    def shared(self, number: int) -> bool:
        """Whether a bundle has one weight for all its synapses."""
        return bool(self.table.bundles[number, SHARED])

    def weights(self, number: int) -> np.ndarray:
        """Those of a bundle, as they are stored."""
        at = self.table.bundles[number, SYNAPSE]
        return self.table.weights[at:][: 1 if self.shared(number) else self.bundles[number].n_weights]

    def part(self, number: int) -> None:
        """Give each synapse of a bundle a weight of its own, which takes all weights twice for a moment."""
        weights, bundle = self.table.weights, self.bundles[number]
        row, own = self.table.bundles[number], np.zeros(bundle.n_weights, weights.dtype)
        row[[SHARED, SYNAPSE]] = 0, len(weights)
        self.table = self.table._replace(weights=np.concatenate([weights, own]))


def _stored(bundles: Sequence[Bundle], populations: Sequence[str], short_term: ShortTerms, precision: str) -> Table:
    """The table of bundles; nothing is held twice but stretches, of which there are few."""
    at = dict.fromkeys((ROW, STRETCHED, TARGET, SYNAPSE), 0)  # where the next bundle starts
    found = np.zeros((len(bundles), len(COLUMNS)), np.int64)
    for row, b in zip(found, bundles, strict=True):
        c, listed = b.p.connectivity, b.kind != FULL
        row[[SOURCE, START, N_PRE, N_POST]] = populations.index(b.p.pre), b.p.pre_start, c.n_pre, c.n_post
        row[[KIND, SHARED, HOLED, FIRST]] = b.kind, b.shared, b.holed, b.first
        row[[DELAY, FACTOR]] = b.p.delay_range[0], short_term.first.get(b.p.name, 0)
        row[list(at)] = list(at.values())
        at[ROW] += listed * (c.n_pre + 1)
        at[STRETCHED] += (b.kind == DELAYED) * (c.n_pre + 1)
        at[TARGET] += listed * b.n_synapses
        at[SYNAPSE] += 1 if b.shared else b.n_weights
    rows, targets = np.empty(at[ROW], np.int64), np.empty(at[TARGET], np.uint32)
    weights = np.zeros(at[SYNAPSE], precision)
    stretched, stretches, n_stretches = np.zeros(at[STRETCHED], np.int64), [np.zeros((0, 2), np.uint16)], 0
    for row, b in zip(found, bundles, strict=True):
        to, own = targets[row[TARGET] :][: b.n_synapses], weights[row[SYNAPSE] :][: 1 if b.shared else b.n_weights]
        if b.kind != FULL:
            rows[row[ROW] :][: row[N_PRE] + 1] = b.starts()
        if b.kind == DELAYED:
            some, counts = b.fill(to, own)
            stretched[row[STRETCHED] :][: row[N_PRE] + 1] = n_stretches + np.concatenate([[0], np.cumsum(counts)])
            stretches.append(some)
            n_stretches += len(some)
        elif b.kind == LISTED:
            b.fill_targets(to)
        if b.shared:
            assert isinstance(b.p.weight, Scalar)
            own[0] = narrowed(b.p, np.array(b.p.weight.value), weights.dtype)
        elif b.kind != DELAYED:
            b.fill_weights(own)
    return Table(found, rows, stretched, np.concatenate(stretches), targets, weights)
