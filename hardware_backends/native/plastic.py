"""Stages 4 and 5 of the step: synapses that learn."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ernsnn.describe.flows import Latch
from ernsnn.describe.learning import EPOCH, POST, PRE
from ernsnn.graph.graph import Learning, Projection
from ernsnn.graph.streams import start as streams_start

from ..reference.modulators import ModulatorState
from ..reference.past import Past
from .codegen.expressions import needs_all_rows
from .codegen.rule import ALL, GROW, LEARN, REPLAY, SEND, make
from .history import arrive, empty_log, post_traces, pre_traces
from .kernels.sums import add_up, hand_over, scale
from .memory import STEPS
from .populations import Populations, Ring
from .threads import ThreadPool
from .wiring import Delayed, by_delay, delays, gathered, inside, shape

WORTH_SHARING = 50_000
"""So many synapses of spiking neurons take as long as it takes to call another thread."""


class Rows:
    """The synapses of one delay: their variables, the traces as these synapses see them, and the log.

    ``third`` holds the third factors, ``factor`` those of short-term plasticity, if there is any; both stay where they
    are.
    """

    changes = ("v", "x_values", "x_since", "y_values", "log", "now")
    not_carried = ("v", "x_since", "log", "now")

    def __init__(
        self,
        p: Projection,
        part: Delayed,
        variables: list[np.ndarray],
        third: np.ndarray,
        ring: Ring,
        dt_ms: float,
        precision: str,
        compiled: bool,
        pool: ThreadPool,
        factor: np.ndarray,
    ) -> None:
        assert p.learning is not None
        self.delay, self.wiring, self.ids, self.ring = part.delay, part.wiring, part.ids, ring
        self.v = tuple(values[part.ids] for values in variables)
        n_pre, n_post, learning = p.connectivity.n_pre, p.connectivity.n_post, p.learning
        self.x, self.y = pre_traces(learning, n_pre, dt_ms), post_traces(learning, n_post, dt_ms, precision)
        self.x_values, self.x_since, self.y_values = self.x.values, self.x.since, self.y.values
        of_post = np.array([b.per == POST for b in learning.third_factors], np.bool_)
        self.log = empty_log(n_post, len(self.y.values) + len(of_post), precision)
        self.now = 0  # learning steps since the log began
        self.shape, self.rounded = shape(self.wiring), precision == "float32"
        self.rule = make(learning, _epoch_s(learning, dt_ms), self.shape, precision, compiled, len(factor) > 0)
        self.at_once = needs_all_rows(learning)
        # The neurons that spike in a step come first in these; what is sent is summed up in float32 before it leaves.
        self.posts, self.pre = np.zeros(n_post, np.int64), np.zeros(n_pre, np.int64)
        self.sent = np.zeros(n_post, precision) if self.rounded else ring.values
        self.log_arrivals = arrive.bind(self.posts, self.y, third, of_post, self.log)
        self.hand_over = hand_over.bind(self.sent, ring.values)
        # Each thread has its columns, and its own scratch space.
        self.pool, cuts = pool, np.linspace(0, n_post, pool.size + 1).astype(int).tolist()
        self.columns = list(pairwise(cuts))
        xs = [self.x, *(self.x._replace(path=self.x.path.copy()) for _ in range(pool.size - 1))]
        visit, given = self.rule.kernels["rows"], (self.y.seen, self.log, third, factor, self.sent)
        scratch = [np.zeros((self.rule.n_scratch, n_post), precision) for _ in xs]
        self.visits = [
            visit.bind(self.pre, self.v, self.wiring, x, *given, s, self.rule.rows)
            for x, s in zip(xs, scratch, strict=True)
        ]

    def arrive(self, posts: np.ndarray) -> None:
        """A learning step, in which the spikes of ``posts`` reach the synapses."""
        if self.now == STEPS or self.log.start[self.now] + len(posts) > len(self.log.post):
            self.catch_up()
        count = len(posts)
        if count:
            self.posts[:count] = posts
        self.log_arrivals(count, self.now)
        self.now += 1
        if self.at_once and count:
            self.catch_up()

    def spike(self, pre: np.ndarray, t: int, mode: int) -> None:
        """Bring the rows of ``pre`` up to date; then SEND or ALL (see ``rule``), in step ``t``.

        In float32 the sum of what this step's spikes transmit is one, too.
        """
        at = self.ring.at(t + self.delay)
        self._visit(pre, mode, 0 if self.rounded else at)
        if self.rounded:
            self.hand_over(at)

    def _visit(self, pre: np.ndarray, mode: int, at: int) -> None:
        """Rows do not depend on each other, nor then do columns; whoever adds something up does so in one order."""
        count, n_post, now = len(pre), self.wiring.n_post, self.now
        self.pre[:count] = pre
        if self.pool.size == 1 or count * n_post < WORTH_SHARING:
            self.visits[0](mode, 0, count, 0, n_post, now, at)
            return
        then, cuts = LEARN if mode == ALL else mode, np.linspace(0, count, self.pool.size + 1).astype(int).tolist()
        self.pool.share(self.visits, [(REPLAY, a, b, 0, 0, now, at) for a, b in pairwise(cuts)])
        if then != REPLAY and self.shape == "full":
            self.pool.share(self.visits, [(then, 0, count, a, b, now, at) for a, b in self.columns])
        elif then != REPLAY:
            self.visits[0](then, 0, count, 0, n_post, now, at)
        if mode == ALL:
            self.visits[0](GROW, 0, count, 0, 0, now, at)

    def catch_up(self) -> None:
        """Bring all rows up to date, and begin a new log."""
        if self.now:
            self._visit(np.arange(len(self.pre)), REPLAY, 0)
            self.now = 0
            self.x.since[:] = 0
            self.log.start[0] = 0
            self.log.last[:] = -1


class PlasticSynapses:
    """One projection, as one set of rows for each delay."""

    changes = ("rows", "streams")

    def __init__(
        self,
        p: Projection,
        neurons: Populations,
        modulators: dict[str, ModulatorState],
        dt_ms: float,
        precision: str,
        compiled: bool,
        pool: ThreadPool,
        factor: np.ndarray,
    ) -> None:
        assert p.learning is not None
        self.p, self.learning = p, p.learning
        kind, n = getattr(np, precision), p.n_synapses
        variables = [gathered(p, v.initial, kind) for v in self.learning.variables]
        self.factors = [modulators[b.modulator] for b in self.learning.third_factors]
        n_pre, self.n_post = p.connectivity.n_pre, p.connectivity.n_post
        self.third = np.zeros((len(self.factors), max(n_pre, self.n_post, 1)))
        rest = (variables, self.third, neurons.ring(p), dt_ms, precision, compiled, pool, factor)
        self.rows = [Rows(p, part, *rest) for part in by_delay(p, delays(p))]
        self.owners = {PRE: n_pre, POST: self.n_post}
        erased = [flow.variable for flow in self.learning.flows if flow.draws]
        starts = [streams_start(self.learning.erasure[name], n).astype(np.int32) for name in erased]
        streams = np.stack(starts) if starts else np.zeros((0, 2, n), np.int32)
        self.streams = [np.ascontiguousarray(streams[:, :, rows.ids]) for rows in self.rows]
        self.counts = self._totals(None, POST) if erased else np.zeros(0)
        self.has_terms = any(term.event == EPOCH for term in self.learning.terms)

    def step(self, t: int, spikes: dict[str, np.ndarray], past: dict[str, Past], learning: bool) -> None:
        """Stage 4 and the transmission; ``past`` holds the spikes of the steps before, by population."""
        p = self.p
        if learning:
            for row, factor in zip(self.third, self.factors, strict=True):
                row[: len(factor.value)] = factor.value
        pre = inside(spikes[p.pre], p.pre_start, p.connectivity.n_pre)
        for rows in self.rows:
            if learning:
                reaching = past[p.post].at(t - rows.delay)
                rows.arrive(inside(reaching, p.post_start, self.n_post))
            if len(pre):
                rows.spike(pre, t, ALL if learning else SEND)

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
            kernel, c = rows.rule.kernels[name], getattr(rows.rule, name)
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
            rows.catch_up()

    @property
    def variables(self) -> dict[str, np.ndarray]:
        """All variables of all synapses as they are now, in the order of the graph; no copies if delays are equal."""
        self._catch_up()
        if len(self.rows) == 1:
            return {v.name: values for v, values in zip(self.learning.variables, self.rows[0].v, strict=True)}
        result = {}
        for number, variable in enumerate(self.learning.variables):
            result[variable.name] = values = np.empty(self.p.n_synapses, self.rows[0].v[number].dtype)
            for rows in self.rows:
                values[rows.ids] = rows.v[number]
        return result

    def write(self, variable: str, values: np.ndarray) -> None:
        """Set a variable of all synapses, in the order of the graph."""
        self._catch_up()
        number = [v.name for v in self.learning.variables].index(variable)
        for rows in self.rows:
            rows.v[number][:] = values[rows.ids]


def _epoch_s(learning: Learning, dt_ms: float) -> float:
    return (learning.epoch_steps or 0) * dt_ms / 1000.0
