"""Quantisation of a graph of floats to a network of integers, with a report of all changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

import numpy as np

from ernsnn.errors import UnsupportedOnBackend
from ernsnn.graph.graph import Graph, Neurons, Projection

from ..arithmetic import integers as n
from ..arithmetic.limits import DECAY_MAX, WEIGHT_MAX
from ..check.chip import on_chip
from ..check.features import FEATURES, LARGEST_MATRIX, receptors
from ..check.numbers import numbers
from .astrocytes import quantise_astrocytes
from .connections import Synapses, layers, plastic, static
from .learning import RuleQuantiser, weight_axis
from .neurons import Input, Membrane, choose_scale, closed_form, plastic_exponent, quantise_cells
from .predicted import predict
from .report import Report

Made = TypeVar("Made")
Senders = dict[str, tuple[str, float]]
"""Modulator -> (name of its sender, value of one unit that is sent)."""
Glia = tuple[tuple[n.Astrocyte, ...], Senders]
_NOBODY: Glia = ((), {})


def quantise(
    graph: Graph, *, n_steps: int, order: n.Order = "spinnaker", seed: int = 0, chip: bool = False
) -> tuple[n.IntegerNetwork, Report]:
    """(``graph`` for ``n_steps`` steps as integers, the report of roundings, differences and unsupported parts).

    Deterministic: no random number is drawn. Never raises: unsupported parts are in ``report.errors``, and missing in
    the network, which must not be run then (see ``required``); but memory must suffice (``check.features.memory``).
    ``order`` is what a step of a plastic connection does first, learn ("spinnaker", as specified) or transmit
    ("loihi"). ``seed`` is that of the rounding of traces. The ``chip`` itself has fewer features than Lava's simulator.
    """
    network, report = _Pass(graph, order, seed).network(n_steps)
    return (on_chip(graph, network, report) if chip else network), report


def required(
    graph: Graph, *, n_steps: int, order: n.Order = "spinnaker", seed: int = 0, chip: bool = False
) -> tuple[n.IntegerNetwork, Report]:
    """``quantise``, raising one UnsupportedOnBackend that lists every unsupported part."""
    network, report = quantise(graph, n_steps=n_steps, order=order, seed=seed, chip=chip)
    if report.errors:
        raise UnsupportedOnBackend(f"Loihi's integers cannot hold {graph.name}:", issues=report.errors)
    return network, report


@dataclass(frozen=True, eq=False)
class _Made:
    """A population in integers with its relays, its scale, and its input by the name of the projection."""

    scale: float
    cells: list[n.Cells]
    connections: dict[str, tuple[n.Connection, ...]]


class _Pass:
    def __init__(self, graph: Graph, order: n.Order, seed: int) -> None:
        self.graph, self.order, self.seed = graph, order, seed
        self.report = Report()
        for feature in (*FEATURES, numbers):
            self.report.limits += feature(graph)
        # With "exact" an arrival acts on V one step after it entered the current.
        self.lag = int(graph.current_integration == "exact")
        self.synapses: dict[str, list[Synapses]] = {
            p.name: layers(p)
            for p in graph.projections
            if p.connectivity.n_pre * p.connectivity.n_post <= LARGEST_MATRIX
        }

    def network(self, n_steps: int) -> tuple[n.IntegerNetwork, Report]:
        """The integer network: all populations with their inputs."""
        cells: list[n.Cells] = []
        connections: dict[str, tuple[n.Connection, ...]] = {}
        scales: dict[str, float] = {}
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            astrocytes, glia = self._or_nothing(self.graph.name, self._glia, _NOBODY)
            for p in self.graph.neurons():
                silent = n.Cells(p.name, p.size, DECAY_MAX, DECAY_MAX, 1, np.zeros(p.size, np.int32), 0, 0)
                made = self._or_nothing(p.name, partial(self._population, p, glia), _Made(1.0, [silent], {}))
                cells += made.cells
                connections |= made.connections
                scales[p.name] = made.scale
        sources = tuple(n.Source(s.name, s.size, *s.spikes.once().between(0, n_steps)) for s in self.graph.sources())
        ordered = [c for q in self.graph.projections for c in connections.get(q.name, ())]
        return n.IntegerNetwork(sources, tuple(cells), tuple(ordered), astrocytes, scales), self.report

    def _glia(self) -> Glia:
        return quantise_astrocytes(self.graph, self.report)

    def _or_nothing(self, name: str, make: Callable[[], Made], nothing: Made) -> Made:
        """The result of ``make``; where its numbers leave the floats, a limit is added, and ``nothing`` returned."""
        try:
            return make()
        except (ArithmeticError, ValueError) as error:
            message = f"its numbers, taken together, are beyond what integers can be chosen for ({error})"
            self.report.add("L309", name, message, "choose numbers that are nearer to each other")
            return nothing

    def _population(self, p: Neurons, glia: Senders) -> _Made:
        """A population and the connections that reach it."""
        cells: list[n.Cells] = []
        connections: dict[str, tuple[n.Connection, ...]] = {}
        reached = [q for q in self.graph.projections if q.post == p.name and q.name in self.synapses]
        used = receptors(self.graph, p)
        membrane = closed_form(p, self.graph, "I" if used == {"I"} else "E")
        given = self._input(p, reached, membrane)
        scale = choose_scale(membrane, given)
        made = quantise_cells(p, membrane, scale, self.report)
        cells.append(made)
        predict(p.name, membrane, made, scale, given, self.report)
        for q in reached:
            if q.learning is None:
                unit = membrane.jump * scale
                connections[q.name] = tuple(static(q, self.synapses[q.name], unit, self.lag, self.report))
                continue
            rule = RuleQuantiser(q, self.graph.dt_ms, glia, self.report, self.order)
            learned = rule.translate(self.seed)
            if learned is None:
                continue
            exponent = self._exponent(q, membrane, scale)
            parts = plastic(q, self.synapses[q.name][0], learned, exponent, self.lag, self.order, self.report)
            cells += parts.cells
            connections[q.name] = parts.connections
        return _Made(scale, cells, connections)

    def _input(self, p: Neurons, reached: list[Projection], m: Membrane) -> Input:
        """The input of a population, in mV."""
        levels, tops = [], []
        excited, inhibited = np.zeros(p.size), np.zeros(p.size)
        for q in reached:
            here = slice(q.post_start, q.post_start + q.connectivity.n_post)
            top = self._top(q)
            for layer in self.synapses[q.name]:
                weights = np.where(layer.there, top, 0.0) if top else layer.matrix
                excited[here] += np.maximum(weights, 0).sum(axis=1)
                inhibited[here] += np.maximum(-weights, 0).sum(axis=1)
                if q.learning is None:
                    levels.append(np.unique(np.abs(layer.matrix)) * m.jump)
            if top:
                tops.append(top * m.jump)
        load = float(np.max(np.maximum(excited, inhibited), initial=0.0)) * m.jump
        return Input(tuple(levels), tuple(tops), load)

    def _top(self, q: Projection) -> float:
        """The largest weight that a projection can learn; 0 where it does not, or cannot be held."""
        if q.learning is None:
            return 0.0
        w = q.learning.variables[0]
        return w.high if weight_axis(q, w.low, w.high) else 0.0

    def _exponent(self, q: Projection, m: Membrane, scale: float) -> int:
        """The exponent of a plastic connection, in which 255 stands for the largest weight."""
        asked = self._top(q) * m.jump * scale
        exponent = plastic_exponent(asked)
        unit = m.jump * scale
        stored, path = WEIGHT_MAX * 2**exponent, f"{q.name}.learning.bounds.w"
        self.report.note("L104", path, "largest weight", asked / unit, stored / unit, f"{WEIGHT_MAX}*2^{exponent}")
        if not 0.7 < stored / asked < 1.42:  # further than half a power of two
            remedy = "give all that learns onto one population the same w_max, or one that differs by a power of two"
            message = f"{asked / unit:g} has no exponent beside the other weights of {q.post}"
            self.report.add("L218", path, message, remedy, names=(q.post,))
        return exponent
