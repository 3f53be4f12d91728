"""Stages 4 and 5 of the step: transmission and learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ernsnn.describe.flows import Latch
from ernsnn.describe.learning import EPOCH, POST, PRE
from ernsnn.graph.flows import erased, flown
from ernsnn.graph.graph import Learning, Projection
from ernsnn.graph.streams import Streams

from .past import Past
from .rounds import rounds
from .short_term import ShortTermState
from .terms import Lookup, TraceState, changes, product


def ranges(indptr: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The indices of all synapses of ``rows``, row by row: indptr[row] to indptr[row + 1] of each."""
    starts, counts = indptr[rows], indptr[rows + 1] - indptr[rows]
    return np.repeat(starts - np.concatenate([[0], np.cumsum(counts)[:-1]]), counts) + np.arange(counts.sum())


def inside(neurons: np.ndarray, start: int, count: int) -> np.ndarray:
    """The ``neurons`` within one side of a projection, counted from its start."""
    local = neurons - start
    return local[(local >= 0) & (local < count)]


class Target(Protocol):
    """The neurons that synapses act on."""

    @property
    def receptors(self) -> Sequence[str]:
        """The names of the receptors of their kind."""

    def arrive(self, step: int, receptor: int, neurons: np.ndarray, weights: np.ndarray) -> None:
        """Add weights that arrive in ``step`` at one of the kind's receptors."""


class Value(Protocol):
    """A third factor that plasticity reads."""

    @property
    def value(self) -> np.ndarray:
        """One number a unit."""


class StaticState:
    """Static synapses."""

    changes: tuple[str, ...] = ("short_term",)

    def __init__(self, p: Projection, target: Target, dt_ms: float) -> None:
        self.p, self.target = p, target
        rows = p.synapses
        self.post, self.delay, self.variables = rows.post, rows.delay, rows.variables
        self.indptr, self.receptor = p.connectivity.indptr, target.receptors.index(p.arrives_at)
        self.delays = np.unique(rows.delay)
        self.short_term = ShortTermState(p, dt_ms) if p.short_term else None

    def sent(self, ids: np.ndarray) -> np.ndarray:
        """The weights that the synapses ``ids`` transmit."""
        return np.asarray(self.variables["w"][ids])

    def transmit(self, t: int, pre_spikes: np.ndarray) -> None:
        """Add the weights of this step's pre spikes to the arrivals of later steps, each as often as it spikes."""
        pre = inside(pre_spikes, self.p.pre_start, self.p.connectivity.n_pre)
        if not len(pre):
            return
        pre, times = np.unique(pre, return_counts=True)
        ids = ranges(self.indptr, pre)
        weights, delay, post = self.sent(ids), self.delay[ids], self.post[ids]
        if self.short_term:
            self.short_term.spike(t, np.repeat(pre, times))
        if self.short_term or len(pre) < times.sum():
            factor = self.short_term.factor[pre] if self.short_term else times
            weights = weights * np.repeat(factor, np.diff(self.indptr)[pre])
        for d in self.delays:
            now = delay == d
            self.target.arrive(t + int(d), self.receptor, post[now], weights[now])


class PlasticState(StaticState):
    """Plastic synapses. Post traces are kept once per delay, since a post spike reaches synapses after their delay."""

    changes = ("variables", "x", "y", "past", "streams", "short_term")
    not_carried, not_reset = ("variables",), ("streams",)

    def __init__(self, p: Projection, target: Target, modulators: Mapping[str, Value], dt_ms: float) -> None:
        super().__init__(p, target, dt_ms)
        assert p.learning is not None
        self.learning: Learning = p.learning
        self.variables = {name: values.copy() for name, values in self.variables.items()}
        self.pre_of, self.post_of = p.synapses.pre - p.pre_start, p.synapses.post - p.post_start
        self.delay_index = np.searchsorted(self.delays, self.delay)
        n_pre, n_post = p.connectivity.n_pre, p.connectivity.n_post
        self.x = {t.name: TraceState(t.trace, n_pre, dt_ms) for t in self.learning.traces if t.trace.event == PRE}
        self.y = {
            t.name: [TraceState(t.trace, n_post, dt_ms) for _ in self.delays]
            for t in self.learning.traces
            if t.trace.event == POST
        }
        self.columns = [self.by_post(np.flatnonzero(self.delay_index == k), n_post) for k in range(len(self.delays))]
        self.past = Past(int(self.delays.max(initial=0)) + 1)
        self.bounds = {b.symbol: (modulators[b.modulator], b.per) for b in self.learning.third_factors}
        self.everything = np.arange(p.n_synapses)
        self.epoch_s = (self.learning.epoch_steps or 0) * dt_ms / 1000.0
        self.streams = {name: Streams(key, p.n_synapses) for name, key in self.learning.erasure.items()}

    def by_post(self, ids: np.ndarray, n_post: int) -> tuple[np.ndarray, np.ndarray]:
        """(indptr, ids) of these synapses, sorted by post neuron."""
        order = np.argsort(self.post_of[ids], kind="stable")
        counts = np.bincount(self.post_of[ids], minlength=n_post)
        return np.concatenate([[0], np.cumsum(counts)]), ids[order]

    def remember(self, t: int, post_spikes: np.ndarray) -> None:
        """Keep the post spikes of a step until they reach the synapses."""
        self.past.put(t, inside(post_spikes, self.p.post_start, self.p.connectivity.n_post))

    def learn(self, t: int, pre_spikes: np.ndarray) -> None:
        """Stage 4: POST events, then PRE events, one after the other where a neuron spikes several times."""
        p, c = self.p, self.p.connectivity
        for x in self.x.values():
            x.decay()
        for y in (state for states in self.y.values() for state in states):
            y.decay()
        reaching = [self.past.at(t - int(d)) for d in self.delays]
        arrived = [column[1][ranges(column[0], post)] for column, post in zip(self.columns, reaching, strict=True)]
        if arrived:
            self.apply(POST, np.concatenate(arrived))
        for name, states in self.y.items():
            for state, post in zip(states, reaching, strict=True):
                state.spike(post, self.gate(state, name, post))
        for pre in rounds(inside(pre_spikes, p.pre_start, c.n_pre)):
            self.apply(PRE, ranges(self.indptr, pre))
            for name, x in self.x.items():
                x.spike(pre, self.gate(x, name, pre))

    def gate(self, state: TraceState, name: str, neurons: np.ndarray) -> np.ndarray | float:
        if state.trace.gate is None:
            return 1.0
        modulator, per = self.bounds[state.trace.gate]
        return float(modulator.value[0]) if per == "all" else modulator.value[neurons]

    def epoch(self, t: int) -> None:
        """Stage 5."""
        every = self.learning.epoch_steps
        if not every or (t + 1) % every or not len(self.everything):
            return
        self.apply(EPOCH, self.everything)
        self.flow()
        for n in self.learning.normalise:
            owner = self.pre_of if n.per == PRE else self.post_of
            values, variable = self.variables[n.variable], self.learning.variable(n.variable)
            sums = np.bincount(owner, values)[owner]
            scaled = values * np.divide(n.total, sums, out=np.ones_like(sums), where=sums > 0)
            self.variables[n.variable] = np.clip(scaled, variable.low, variable.high)

    def flow(self) -> None:
        """All flows, from the values before them; then the bounds."""
        read = self.lookup(self.everything)
        after = {flow.variable: flown(flow, self.epoch_s, read) for flow in self.learning.flows}
        for flow in self.learning.flows:
            if isinstance(flow, Latch) and flow.draws:
                m = read(flow.variable)
                mean = (np.bincount(self.post_of, m) / np.maximum(np.bincount(self.post_of), 1))[self.post_of]
                drawn = self.streams[flow.variable].uniform()
                gone = erased(flow, self.epoch_s, m, read(flow.tag), read(flow.signal), mean, drawn)
                after[flow.variable] = np.where(gone, 0.0, after[flow.variable])
        for variable in self.learning.variables:
            if variable.name in after:
                self.variables[variable.name] = np.clip(after[variable.name], variable.low, variable.high)

    def apply(self, event: str, ids: np.ndarray) -> None:
        """All terms of one event on the synapses ``ids``, from the values before it; then the bounds."""
        if not len(ids):
            return
        added = changes((term for term in self.learning.terms if term.event == event), self.lookup(ids))
        for variable in self.learning.variables:
            if variable.name in added:
                values = self.variables[variable.name]
                values[ids] = np.clip(values[ids] + added[variable.name], variable.low, variable.high)

    def lookup(self, ids: np.ndarray) -> Lookup:
        def value_of(name: str) -> Any:
            if name in self.variables:
                return self.variables[name][ids]
            if name in self.x:
                return self.x[name].values[self.pre_of[ids]]
            if name in self.y:
                return np.stack([state.values for state in self.y[name]])[self.delay_index[ids], self.post_of[ids]]
            modulator, per = self.bounds[name]
            if per == "all":
                return float(modulator.value[0])
            return modulator.value[(self.pre_of if per == PRE else self.post_of)[ids]]

        return value_of

    def sent(self, ids: np.ndarray) -> np.ndarray:
        """The sum of the products of ``transmit``."""
        lookup = self.lookup(ids)
        return np.broadcast_to(
            sum(product(p.coefficient, p.factors, lookup) for p in self.learning.transmit), ids.shape
        )
