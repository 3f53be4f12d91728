"""Stages 4 and 5 of the step: synapses that learn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ernsnn.describe.flows import Latch
from ernsnn.describe.learning import EPOCH, POST, PRE
from ernsnn.graph.graph import Learning, Projection
from ernsnn.graph.streams import start as streams_start

from ..machine_code import Call
from .codegen.expressions import needs_all_rows
from .codegen.rule import make
from .codegen.visit import GATHER, GROWS, REPLAYS, SENDS, WHOLE
from .history import empty_log, post_traces, pre_traces
from .kernels.driver import BARRIER
from .kernels.sums import add_up, scale
from .memory import STEPS
from .modulators import ModulatorState, take_over
from .populations import Populations
from .spikes import SpikeLog
from .wiring import Delayed, by_delay, delays, gathered, shape

WORTH_SHARING = 50_000
"""So many synapses of spiking neurons take as long as it takes to wait for another thread."""
WORTH_SHARING_COLUMNS = 8_000
"""The same where threads share rows by columns, and so fetch nothing from each other."""


class Sides(NamedTuple):
    """Which populations of the spike log are on the two sides, and from which neuron on.

    What is sent arrives ``delay`` steps later from ``first`` on; the first post neuron is ``first_post`` of all.
    ``at_once``: rows are brought up to date after every step in which post neurons spike. ``part`` of a step: see
    ``codegen.visit``.
    """

    pre: int
    pre_start: int
    post: int
    post_start: int
    delay: int
    first: int
    first_post: int
    at_once: int
    part: int


class Progress(NamedTuple):
    """``now``: learning steps since the log began; ``learns``: whether the steps to come are learning steps.

    ``n_spiking``: pre neurons that spike in this step. Workers share a step of at least ``worth`` synapses. Of the
    first ``n_cut`` steps of the log, step k has the post spikes of worker w's columns from ``cuts[w, k]`` to
    ``cuts[w + 1, k]``.
    """

    now: np.ndarray
    learns: np.ndarray
    n_spiking: np.ndarray
    worth: np.ndarray
    n_cut: np.ndarray
    cuts: np.ndarray


class Rows:
    """The synapses of one delay: their variables, the traces as these synapses see them, and the log.

    ``third`` holds the third factors, ``factor`` those of short-term plasticity, if there is any; both stay where they
    are, as does ``learns``. ``counted``: whether pre neurons can spike several times in a step.
    """

    changes = ("v", "x_values", "x_since", "y_values", "log", "now")
    not_carried = ("v", "x_since", "log", "now")

    def __init__(
        self,
        p: Projection,
        part: Delayed,
        variables: list[np.ndarray],
        third: np.ndarray,
        neurons: Populations,
        dt_ms: float,
        precision: str,
        compiled: bool,
        factor: np.ndarray,
        learns: np.ndarray,
        counted: bool,
    ) -> None:
        assert p.learning is not None
        self.p, self.learning = p, p.learning
        self.delay, self.wiring, self.ids = part.delay, part.wiring, part.ids
        self.ring, self.first, self.third, self.factor = neurons.ring, neurons.first_of(p), third, factor
        self.v = tuple(values[part.ids] for values in variables)
        n_pre, n_post, learning = p.connectivity.n_pre, p.connectivity.n_post, p.learning
        self.x, self.y = pre_traces(learning, n_pre, dt_ms), post_traces(learning, n_post, dt_ms, precision)
        self.x_values, self.x_since, self.y_values = self.x.values, self.x.since, self.y.values
        self.of_post = np.array([b.per == POST for b in learning.third_factors], np.bool_)
        self.log = empty_log(n_post, len(self.y.values) + len(self.of_post), precision)
        full, workers = shape(self.wiring) == "full", len(neurons.shares) - 1
        worth = np.array([WORTH_SHARING_COLUMNS if full else WORTH_SHARING])
        cuts = np.zeros((workers + 1, STEPS if full and workers > 1 else 0), np.int64)
        now, n_spiking, n_cut = np.zeros((3, 1), np.int64)
        self.progress = Progress(now, learns, n_spiking, worth, n_cut, cuts)
        self.now = self.progress.now
        epoch_s = _epoch_s(learning, dt_ms)
        self.rule = make(learning, epoch_s, shape(self.wiring), precision, compiled, len(factor) > 0, counted)
        # The neurons that spike in a step come first in these.
        self.posts, self.pre = np.zeros(n_post, np.int64), np.zeros(n_pre, np.int64)
        self.everyone = np.arange(n_pre)
        self.sent = np.zeros(n_post, precision) if precision == "float32" else self.ring.values
        # Each worker has its own scratch space.
        self.shares, self.first_post = neurons.shares, neurons.post_of(p)
        self.x = self.x._replace(path=np.zeros((workers, *self.x.path.shape)))
        self.scratch = np.zeros((workers, self.rule.n_scratch, n_post), precision)

    def steps(self, log: SpikeLog) -> Iterator[Call | object]:
        """The kernels of a step, between which workers wait for one another."""
        self.whole = self._part(log, WHOLE)
        if len(self.shares) == 2:
            yield self.whole
            return
        yield from (self._part(log, GATHER), BARRIER)
        if shape(self.wiring) != "full":
            yield from (self._part(log, REPLAYS), BARRIER)
        yield from (self._part(log, SENDS), BARRIER, self._part(log, GROWS))

    def _part(self, log: SpikeLog, part: int) -> Call:
        p, at_once = self.p, int(needs_all_rows(self.learning))
        places = log.rows[p.pre], p.pre_start, log.rows[p.post], p.post_start
        return self.rule.kernels["visit"].bind(
            Sides(*places, self.delay, self.first, self.first_post, at_once, part),
            log.spikes,
            self.progress,
            self.posts,
            self.pre,
            self.everyone,
            self.ring,
            self.shares,
            self.v,
            self.wiring,
            self.x,
            self.y,
            self.log,
            self.third,
            self.of_post,
            self.factor,
            self.sent,
            self.scratch,
            self.rule.rows,
        )

    def catch_up(self) -> None:
        """Bring all rows up to date, and begin a new log."""
        if self.now[0]:
            self.whole(0, 0, 0)


class PlasticSynapses:
    """One projection, as one set of rows for each delay."""

    changes = ("rows", "streams")
    not_reset = ("streams",)

    def __init__(
        self,
        p: Projection,
        neurons: Populations,
        modulators: dict[str, ModulatorState],
        dt_ms: float,
        precision: str,
        compiled: bool,
        factor: np.ndarray,
        learns: np.ndarray,
        counted: bool,
    ) -> None:
        assert p.learning is not None
        self.p, self.learning, self.learns = p, p.learning, learns
        kind, n = getattr(np, precision), p.n_synapses
        variables = [gathered(p, v.initial, kind) for v in self.learning.variables]
        self.factors = [modulators[b.modulator] for b in self.learning.third_factors]
        n_pre, self.n_post = p.connectivity.n_pre, p.connectivity.n_post
        self.third = np.zeros((len(self.factors), max(n_pre, self.n_post, 1)))
        rest = (variables, self.third, neurons, dt_ms, precision, compiled, factor, learns, counted)
        self.rows = [Rows(p, part, *rest) for part in by_delay(p, delays(p))]
        self.owners = {PRE: n_pre, POST: self.n_post}
        erased = [flow.variable for flow in self.learning.flows if flow.draws]
        starts = [streams_start(self.learning.erasure[name], n).astype(np.int32) for name in erased]
        streams = np.stack(starts) if starts else np.zeros((0, 2, n), np.int32)
        self.streams = [np.ascontiguousarray(streams[:, :, rows.ids]) for rows in self.rows]
        self.counts = self._totals(None, POST) if erased else np.zeros(0)
        self.has_terms = any(term.event == EPOCH for term in self.learning.terms)

    def steps(self, log: SpikeLog) -> Iterator[Call | object]:
        """The kernels of a step: stage 4 and the transmission."""
        for rows in self.rows:
            yield from rows.steps(log)

    def take_over(self) -> Iterator[Call]:
        """The kernels that take over what third factors are after stage 3."""
        for row, factor in zip(self.third, self.factors, strict=True):
            yield take_over.bind(factor.value, row, self.learns)

    def epoch(self, t: int) -> None:
        """Stage 5."""
        every = self.learning.epoch_steps
        if not every or (t + 1) % every:
            return
        self.catch_up()
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

    def prepare(self) -> None:
        """Have the kernels of an epoch compiled with those of a step, not when the first one ends."""
        if self.learning.epoch_steps:
            for name in ["terms"] * self.has_terms + ["flows"] * bool(self.learning.flows):
                self._bound(name, np.zeros((0, 0)))

    def _bound(self, name: str, means: np.ndarray) -> list[Call]:
        """The kernels of a part of an epoch."""
        return [
            rows.rule.kernels[name].bind(
                rows.v, rows.wiring, rows.x, rows.y.values, self.third, means, streams, getattr(rows.rule, name)
            )
            for rows, streams in zip(self.rows, self.streams, strict=True)
        ]

    def _run(self, name: str, means: np.ndarray) -> None:
        for kernel in self._bound(name, means):
            kernel()

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

    def catch_up(self) -> None:
        """Bring all synapses up to date."""
        for rows in self.rows:
            rows.catch_up()

    @property
    def variables(self) -> dict[str, np.ndarray]:
        """All variables of all synapses as they are now, in the order of the graph; no copies if delays are equal."""
        self.catch_up()
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
        self.catch_up()
        number = [v.name for v in self.learning.variables].index(variable)
        for rows in self.rows:
            rows.v[number][:] = values[rows.ids]


def _epoch_s(learning: Learning, dt_ms: float) -> float:
    return (learning.epoch_steps or 0) * dt_ms / 1000.0
