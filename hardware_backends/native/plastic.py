"""Stages 4 and 5 of the step: synapses that learn."""

from __future__ import annotations

import numpy as np

from ernsnn.describe.flows import Latch
from ernsnn.describe.learning import EPOCH, POST, PRE
from ernsnn.graph.graph import Learning, Projection
from ernsnn.graph.streams import start as streams_start

from ..reference.modulators import ModulatorState
from .expressions import needs_all_rows
from .history import STEPS, arrive, empty_log, post_traces, pre_traces
from .membranes import Neuronal
from .rule import LEARN, REPLAY, SEND, make
from .static import RECEPTOR, inside
from .totals import add_up, scale
from .wiring import Delayed, by_delay, delays, gathered, shape


class Rows:
    """The synapses of one delay: their variables, the traces as these synapses see them, and the log."""

    def __init__(
        self, p: Projection, part: Delayed, variables: list[np.ndarray], dt_ms: float, precision: str, compiled: bool
    ) -> None:
        assert p.learning is not None
        self.delay, self.wiring, self.ids = part.delay, part.wiring, part.ids
        self.v = tuple(values[part.ids] for values in variables)
        n_pre, n_post, learning = p.connectivity.n_pre, p.connectivity.n_post, p.learning
        self.x, self.y = pre_traces(learning, n_pre, dt_ms), post_traces(learning, n_post, dt_ms)
        self.of_post = np.array([b.per == POST for b in learning.third_factors], np.bool_)
        self.log = empty_log(n_post, len(self.y.values) + len(self.of_post))
        self.now = 0  # learning steps since the log began
        self.rule = make(learning, _epoch_s(learning, dt_ms), shape(self.wiring), precision, compiled)
        self.everyone, self.nowhere = np.arange(n_pre), np.zeros(n_post)
        self.at_once = needs_all_rows(learning)

    def arrive(self, posts: np.ndarray, third: np.ndarray) -> None:
        """A learning step, in which the spikes of ``posts`` reach the synapses."""
        if self.now == STEPS or self.log.start[self.now] + len(posts) > len(self.log.post):
            self.catch_up(third)
        arrive(posts, self.y, third, self.of_post, self.log, self.now)
        self.now += 1
        if self.at_once and len(posts):
            self.catch_up(third)

    def spike(self, pre: np.ndarray, third: np.ndarray, out: np.ndarray, mode: int) -> None:
        """Bring the rows of ``pre`` up to date; then as ``mode`` says, adding what they transmit to ``out``."""
        r = self.rule
        r.kernels.rows(pre, mode, self.v, self.wiring, self.x, self.y.values, self.log, self.now, third, out, r.rows)

    def catch_up(self, third: np.ndarray) -> None:
        """Bring all rows up to date, and begin a new log."""
        if self.now:
            self.spike(self.everyone, third, self.nowhere, REPLAY)
            self.now = 0
            self.x.since[:] = 0
            self.log.start[0] = 0
            self.log.last[:] = -1


class PlasticSynapses:
    """One projection, as one set of rows for each delay."""

    def __init__(
        self,
        p: Projection,
        neurons: Neuronal,
        modulators: dict[str, ModulatorState],
        dt_ms: float,
        precision: str,
        compiled: bool,
    ) -> None:
        assert p.learning is not None
        self.p, self.neurons, self.learning = p, neurons, p.learning
        kind, n = getattr(np, precision), p.n_synapses
        variables = [gathered(p, v.initial, kind) for v in self.learning.variables]
        self.rows = [Rows(p, d, variables, dt_ms, precision, compiled) for d in by_delay(p, delays(p))]
        self.factors = [modulators[b.modulator] for b in self.learning.third_factors]
        n_pre, self.n_post = p.connectivity.n_pre, p.connectivity.n_post
        self.third = np.zeros((len(self.factors), max(n_pre, self.n_post, 1)))
        self.owners = {PRE: n_pre, POST: self.n_post}
        erased = [flow.variable for flow in self.learning.flows if flow.draws]
        starts = [streams_start(self.learning.erasure[name], n).astype(np.int32) for name in erased]
        streams = np.stack(starts) if starts else np.zeros((0, 2, n), np.int32)
        self.streams = [np.ascontiguousarray(streams[:, :, rows.ids]) for rows in self.rows]
        self.counts = self._totals(None, POST) if erased else np.zeros(0)
        self.has_terms = any(term.event == EPOCH for term in self.learning.terms)

    def step(self, t: int, spikes: dict[str, np.ndarray], past: list[dict[str, np.ndarray]], learning: bool) -> None:
        """Stage 4 and the transmission; ``past`` holds the spikes of the steps before, [step % length]."""
        p = self.p
        if learning:
            for row, factor in zip(self.third, self.factors, strict=True):
                row[: len(factor.value)] = factor.value
        pre = inside(spikes[p.pre], p.pre_start, p.connectivity.n_pre)
        for rows in self.rows:
            if learning:
                reaching = past[(t - rows.delay) % len(past)][p.post] if t >= rows.delay else _NONE
                rows.arrive(inside(reaching, p.post_start, self.n_post), self.third)
            if len(pre):
                out = self.neurons.arrivals(t + rows.delay, RECEPTOR[p.receptor], p.post, p.post_start, self.n_post)
                rows.spike(pre, self.third, out, LEARN if learning else SEND)

    def epoch(self, t: int) -> None:
        """Stage 5."""
        every = self.learning.epoch_steps
        if not every or (t + 1) % every:
            return
        self._catch_up()
        if self.has_terms:
            self._run("terms", np.zeros((0, 0)))
        if self.learning.flows:
            self._run("flows", self._means())
        for n in self.learning.normalise:
            number = [v.name for v in self.learning.variables].index(n.variable)
            sums, variable = self._totals(number, n.per), self.learning.variables[number]
            factors = np.divide(n.total, sums, out=np.ones_like(sums), where=sums > 0)
            for rows in self.rows:
                scale(rows.v[number], *rows.wiring, n.per == POST, factors, variable.low, variable.high)

    def _run(self, name: str, means: np.ndarray) -> None:
        for rows, streams in zip(self.rows, self.streams, strict=True):
            kernel, c = getattr(rows.rule.kernels, name), getattr(rows.rule, name)
            kernel(rows.v, rows.wiring, rows.x, rows.y.values, self.third, means, streams, c)

    def _means(self) -> np.ndarray:
        """The mean per post neuron of every variable that is erased at random."""
        names = [v.name for v in self.learning.variables]
        drawing = [names.index(flow.variable) for flow in self.learning.flows if isinstance(flow, Latch) and flow.draws]
        means = np.zeros((len(drawing), self.n_post))
        for mean, number in zip(means, drawing, strict=True):
            mean[:] = self._totals(number, POST) / np.maximum(self.counts, 1)
        return means

    def _totals(self, number: int | None, per: str) -> np.ndarray:
        """Sums of a variable per neuron of one side, or how many synapses it has."""
        totals = np.zeros(self.owners[per])
        for rows in self.rows:
            values = rows.v[0] if number is None else rows.v[number]
            add_up(values, *rows.wiring, per == POST, number is None, totals)
        return totals

    def _catch_up(self) -> None:
        for rows in self.rows:
            rows.catch_up(self.third)

    @property
    def variables(self) -> dict[str, np.ndarray]:
        """All variables of all synapses as they are now, in the order of the graph."""
        self._catch_up()
        result = {}
        for number, variable in enumerate(self.learning.variables):
            result[variable.name] = values = np.empty(self.p.n_synapses, self.rows[0].v[number].dtype)
            for rows in self.rows:
                values[rows.ids] = rows.v[number]
        return result


_NONE = np.zeros(0, np.int64)


def _epoch_s(learning: Learning, dt_ms: float) -> float:
    return (learning.epoch_steps or 0) * dt_ms / 1000.0
