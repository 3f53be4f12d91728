r"""Check whether u wraps around or V is clipped, by the input of sources alone, and at worst.

In steps, with a = (4096 - (du + 1))/4096 and b = (4096 - dv)/4096, one arrival of 1 leads to

.. math:: u: a^n, \qquad v: h(n) = \sum_{m=0}^{n} a^m b^{n-m}

of which the peak, the sum and the sum of deviations count. A sender that spikes every d steps at most leads to no more
than peak (1 - 1/d) + sum/d at once (h rises, then falls). Poisson sources lead to what is expected of them, and in all
but one step of 10^20 to no more beside it than, by Bernstein's inequality,

.. math:: M L/3 + \sqrt{(M L/3)^2 + 2 \sigma^2 L}, \quad L = 46

with M the most that one spike leads to. The integers are truncated towards 0: they stay within what arrivals of one
sign lead to, and with both signs within twice their truncation of the difference. Only the lower end of V matters: at
the upper end it is above every threshold, and is reset.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ernsnn.graph.graph import Graph

from ..arithmetic import integers as n
from ..arithmetic.limits import CURRENT_MAX, DECAY_ONE, STATE_SHIFT
from ..quantise.report import Report
from .arrivals import Heard, Sender, heard_by, senders_of

if TYPE_CHECKING:
    from ..emulator.extremes import Extremes

_END = float(CURRENT_MAX << STATE_SHIFT)
"""u wraps above this, and at minus this; V is cut off below one more than minus this."""
_L = 46.0
_USUAL = 3.0
"""The number of standard deviations that are reached soon."""


@dataclass(frozen=True)
class _Response:
    """The response to one arrival of 1 over time."""

    peak: float
    total: float
    square: float


def _responses(cells: n.Cells) -> tuple[_Response, _Response]:
    """The responses of u and of v."""
    a, b = 1 - (cells.du + 1) / DECAY_ONE, 1 - cells.dv / DECAY_ONE
    u = _Response(1.0, 1 / (1 - a), 1 / (1 - a * a))
    if b == 1:
        return u, _Response(u.total, math.inf, math.inf)
    k = np.arange(1.0, 2 * DECAY_ONE)
    h = k * a ** (k - 1) if a == b else (a**k - b**k) / (a - b)
    square = (1 + a * b) / ((1 - a * b) * (1 - a * a) * (1 - b * b))
    return u, _Response(float(np.max(h)), u.total / (1 - b), square)


def overflows(graph: Graph, network: n.IntegerNetwork, report: Report) -> None:
    """Add a limit for every population of ``network`` (``graph`` in integers) whose u or V leaves its range."""
    users, senders = {p.name for p in graph.neurons()}, senders_of(graph, network)
    for cells in network.cells:
        if cells.name in users:
            population = _Population(cells, list(heard_by(cells.name, network, senders)))
            population.add_limits(graph.dt_ms, network.scale[cells.name], report)


@dataclass(frozen=True, eq=False)
class Reached:
    """The ranges of u, up and down, and of V, down, of each neuron: numbers >= 0, in units of u and v."""

    up: np.ndarray
    down: np.ndarray
    deep: np.ndarray

    @property
    def of_u(self) -> float:
        """The share of the range of u; u wraps around above 1."""
        return max(float(np.max(self.up, initial=0.0)) / _END, float(np.max(self.down, initial=0.0)) / (_END - 1))

    @property
    def of_v(self) -> float:
        """The share of the range of V; V is clipped above 1."""
        return float(np.max(self.deep, initial=0.0)) / (_END - 1)


class _Population:
    def __init__(self, cells: n.Cells, heard: list[Heard]) -> None:
        self.cells, self.heard = cells, heard
        self.u, self.v = _responses(cells)
        pull = np.maximum(-np.asarray(cells.bias, dtype=np.float64), 0) * 2.0**cells.bias_exp
        self.pulled = np.where(pull > 0, pull * DECAY_ONE / cells.dv if cells.dv else math.inf, 0.0)

    def add_limits(self, dt_ms: float, scale: float, report: Report) -> None:
        """Add limits where the input of sources leaves a range (L303), and where more input might (L308)."""
        will, can = self.reached()
        name, unit = self.cells.name, scale * 2**STATE_SHIFT
        remedy = "use fewer synapses, weights that differ less, or a shorter tau_syn"
        if will.of_u > 1:
            message = f"its current wraps around: what its sources send takes it to {will.of_u:.3g} times its range"
            report.add("L303", name, message, remedy)
        elif can.of_u > 1:
            message = "its current can wrap around: if all that it hears spike as often as they can it comes to "
            report.add("L308", name, f"{message}{can.of_u:.3g} times its range{self._rate(self.u, dt_ms)}", remedy)
        lowest = f"{_END / unit:.4g} mV below rest"
        if will.of_v > 1:
            message = f"V is cut off at {lowest}: what its sources send takes it to {will.of_v:.3g} times that"
            report.add("L303", name, message, remedy)
        elif can.of_v > 1:
            message = f"V can be cut off at {lowest}: if all that it hears spike as often as they can it comes to "
            report.add("L308", name, f"{message}{can.of_v:.3g} times that{self._rate(self.v, dt_ms)}", remedy)

    def _rate(self, response: _Response, dt_ms: float) -> str:
        """The common rate from which on a range is left."""
        sums = [self._sum(self.heard, lambda h: np.maximum(-h.lowest, 0).sum(axis=1))]
        if response is self.u:
            sums.append(self._sum(self.heard, lambda h: np.maximum(h.highest, 0).sum(axis=1)))
        most = float(np.max(sums)) * response.total / _END
        return f", at {1000 / most / dt_ms:.3g} Hz of each" if 1 < most < math.inf else ""

    def reached(self) -> tuple[Reached, Reached]:
        """(the ranges by the input of sources, the ranges that cannot be excluded)."""
        worst = self._worst(self.heard)
        worst = replace(worst, deep=worst.deep + self.pulled)
        if worst.of_u <= 1 and worst.of_v <= 1:
            return worst, worst
        from ..emulator.extremes import extremes

        sources = [h for h in self.heard if h.sender.spikes is not None]
        fixed = [h for h in sources if h.lowest is h.highest]
        others = [h for h in self.heard if h not in fixed]
        more = self._worst(others)
        loose = bool(others) or any(h.sender.poisson for h in fixed)
        cut = 2 * self.u.total if loose and worst.up.any() and worst.down.any() else 0.0
        cut_v = cut * (self.v.total / self.u.total) if cut else 0.0
        far = extremes(self.cells, sources)
        near = far if fixed == sources else extremes(self.cells, fixed)
        known = self._beside(fixed, _bernstein, near, near.v_bound)
        can = Reached(
            _least(worst.up, known.up + more.up + cut),
            _least(worst.down, known.down + more.down + cut),
            _least(worst.deep, known.deep + more.deep + cut_v),
        )
        return self._beside(sources, _usual, far, far.v_low), can

    def _sum(self, heard: Sequence[Heard], each: Callable[[Heard], np.ndarray]) -> np.ndarray:
        """The sum over all synapses of each neuron."""
        total = np.zeros(self.cells.size)
        for h in heard:
            total[h.post_start : h.post_start + len(h.now)] += each(h)
        return total

    def _worst(self, heard: Sequence[Heard]) -> Reached:
        """The response to spikes of one sign if all senders spike as often as they can."""
        return Reached(
            self._sum(heard, lambda h: _reach(np.maximum(h.highest, 0), h.sender, self.u)),
            self._sum(heard, lambda h: _reach(np.maximum(-h.lowest, 0), h.sender, self.u)),
            self._sum(heard, lambda h: _reach(np.maximum(-h.lowest, 0), h.sender, self.v)),
        )

    def _beside(self, heard: Sequence[Heard], beside: Beside, far: Extremes, v_low: np.ndarray) -> Reached:
        """The response to spikes of sources: given ones exactly, of others the expectation and ``beside``."""
        u, v = (self._spread(heard, response, beside) for response in (self.u, self.v))
        return Reached(far.u_high + u, u - far.u_low, v - v_low)

    def _spread(self, heard: Sequence[Heard], response: _Response, beside: Beside) -> np.ndarray:
        """The deviation of Poisson sources from their mean; several connections of one source are added up."""
        random = [h for h in heard if h.sender.poisson]
        most, variance = np.zeros(self.cells.size), np.zeros(self.cells.size)
        for source in {id(h.sender.spikes) for h in random}:
            ways = [h for h in random if id(h.sender.spikes) == source]
            most = np.maximum(most, self._sum(ways, lambda h: _once(np.abs(h.now), response)))
            deviations = self._sum(ways, lambda h: _weighed(h.now**2, h.sender.probabilities, response.square) ** 0.5)
            variance += deviations**2
        always = self._sum(random, lambda h: _weighed(np.abs(h.now), h.sender.probabilities > 0, response.total))
        return _least(beside(most, variance), always)


Beside = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""Function from the largest response to one spike and the variance to the deviation of a sum of independent spikes."""


def _usual(most: np.ndarray, variance: np.ndarray) -> np.ndarray:
    far: np.ndarray = _USUAL * np.sqrt(variance)
    return far


def _bernstein(most: np.ndarray, variance: np.ndarray) -> np.ndarray:
    far: np.ndarray = most * _L / 3 + np.sqrt((most * _L / 3) ** 2 + 2 * variance * _L)
    return far


def _once(weights: np.ndarray, response: _Response) -> np.ndarray:
    """The largest response to one spike."""
    most: np.ndarray = np.max(weights, axis=1, initial=0.0) * response.peak
    return most


def _reach(weights: np.ndarray, sender: Sender, response: _Response) -> np.ndarray:
    """The largest sum of ``weights`` of one sign that arrive together."""
    if not sender.poisson:
        often = 1 / sender.every
        most: np.ndarray = _weighed(weights, 1 - often, response.peak) + _weighed(weights, often, response.total)
        return most
    p = sender.probabilities
    more = _bernstein(_once(weights, response), _weighed(weights**2, p, response.square))
    return _least(_weighed(weights, p, response.total) + more, _weighed(weights, p > 0, response.total))


def _weighed(weights: np.ndarray, share: np.ndarray, factor: float) -> np.ndarray:
    """factor (weights @ share), and 0 where that is 0 if the factor is infinite."""
    total: np.ndarray = np.sum(weights * share, axis=1)
    total[total != 0] *= factor
    return total


def _least(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    least: np.ndarray = np.minimum(one, other)
    return least
