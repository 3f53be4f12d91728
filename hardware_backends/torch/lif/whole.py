"""Networks that the kernels compute: which they are, their numbers as arrays, and a function of autograd."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ernsnn.describe.neurons import LIF
from ernsnn.graph.graph import Graph, Neurons

from ..neurons import NeuronState
from ..space import Space
from ..static import StaticState
from ..surrogate import Derivative
from .kernels import Adjoints, Constants, Course, Stretches, backward, forward

_OF_SCHEME = {"exact": ("k_E", "k_I", "k_c"), "step_average": ("gain_E", "gain_I", "R")}
_DIFFERENTIATED = len(Constants._fields) - 1  # all but n_ref


def computes(graph: Graph) -> bool:
    """Whether the kernels compute a graph: static synapses between LIF neurons without noise or a floor of V."""

    def plain(p: Neurons) -> bool:
        return p.kind is LIF.kind and not p.draws and not p.intrinsic and "v_min_mV" not in p.parameters

    static = all(not (p.learning or p.short_term) for p in graph.projections)
    neurons = list(graph.neurons())
    probed = all(probe.kind == "neurons" and probe.variable == "v_mV" for probe in graph.probes)
    return (
        bool(neurons)
        and static
        and probed
        and all(map(plain, neurons))
        and not (graph.modulators or graph.poisson_inputs)
    )


class Whole:
    """A network as one: its populations one after the other, and all synapses as stretches."""

    def __init__(
        self, graph: Graph, space: Space, neurons: Mapping[str, NeuronState], static: Mapping[str, StaticState]
    ) -> None:
        self.space, self.scheme = space, graph.current_integration
        self.averaged = int(self.scheme == "step_average")
        self.populations, self.projections = list(neurons.values()), list(static.values())
        self.sources = [p.name for p in graph.sources()]
        sizes = [p.size for p in graph.sources()], [n.size for n in self.populations]
        self.n_given, self.size = (sum(each) for each in sizes)
        starts = np.cumsum([0, *sizes[0], *sizes[1]]).tolist()
        begins = dict(zip([*self.sources, *neurons], starts, strict=False))
        parts = [
            (
                p.pre_of + p.p.pre_start + begins[p.p.pre],
                p.post + begins[p.p.post] - self.n_given,
                p.delay,
                np.full(len(p.post), p.receptor),
            )
            for p in self.projections
        ]
        nothing = [np.zeros(0, np.int64)] * 4
        pre, post, delay, receptor = (
            np.concatenate(each).astype(np.int64) for each in zip(nothing, *parts, strict=True)
        )
        self.longest = int(delay.max(initial=1))
        self.order, self.stretches = _stretches(self.n_given + self.size, pre, post, delay, receptor)
        within = np.flatnonzero(pre >= self.n_given)
        order, self.back = _stretches(
            self.size, post[within], pre[within] - self.n_given, delay[within], receptor[within]
        )
        place = np.empty(len(self.order), np.int64)
        place[self.order] = np.arange(len(self.order))
        self.within = place[within[order]]

    def run(
        self, rasters: Mapping[str, torch.Tensor], first: np.ndarray, n_steps: int, surrogate: Derivative
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The spikes and V of all neurons, (runs, steps, neurons), of runs that begin in the steps ``first``."""
        space = self.space
        given = [rasters[name] for name in self.sources]
        spikes = torch.cat(given, dim=2) if given else space.zeros(n_steps, 0)
        weights = torch.cat([p.w for p in self.projections]) if self.projections else space.zeros(0)[0]
        names = ("P_m", "v_rest_mV", "v_reset_mV", "v_threshold_mV", "P_E", "P_I", *_OF_SCHEME[self.scheme])
        constants = [self._all(name) for name in names]
        every: Any = _Steps.apply
        spiked, V = every(
            self,
            surrogate,
            spikes,
            self._injected(first, n_steps),
            weights[space.whole(self.order)],
            *constants,
            self._all("i_offset_nA"),
            self._all("v_init_mV"),
        )
        return spiked, V

    def _all(self, name: str) -> torch.Tensor:
        return torch.cat([{**n.fixed, **n.own}[name].expand(n.size) for n in self.populations])

    def _injected(self, first: np.ndarray, n_steps: int) -> np.ndarray:
        """The injected currents (runs or 1, steps or 1, neurons)."""
        if not any(n.injections for n in self.populations):
            return np.zeros((1, 1, self.size))
        total = np.zeros((len(first), n_steps, self.size))
        start = 0
        for n in self.populations:
            for injection in n.injections:
                here = slice(start + injection.target.start, start + injection.target.stop)
                pieces = np.searchsorted(injection.steps, first[:, None] + np.arange(n_steps), side="right") - 1
                values = np.asarray(injection.values[np.maximum(pieces, 0).reshape(-1)])
                values = values.reshape(*pieces.shape, -1)
                total[:, :, here] += np.where((pieces >= 0)[..., None], values, 0.0)
            start += n.size
        return total


def _stretches(
    owners: int, owner: np.ndarray, other: np.ndarray, delay: np.ndarray, receptor: np.ndarray
) -> tuple[np.ndarray, Stretches]:
    """The order of synapses by owner, delay, receptor and other end, and their stretches."""
    order = np.lexsort((other, receptor, delay, owner))
    owner, other, delay, receptor = (each[order] for each in (owner, other, delay, receptor))
    new = np.ones(len(order), bool)
    same = (np.diff(owner) == 0) & (np.diff(delay) == 0) & (np.diff(receptor) == 0) & (np.diff(other) == 1)
    new[1:] = ~same
    begin = np.flatnonzero(new)
    length = np.diff(np.append(begin, len(order)))
    starts = np.searchsorted(owner[begin], np.arange(owners + 1))
    each = (starts, other[begin], length, delay[begin], receptor[begin], begin)
    return order, Stretches(*(np.ascontiguousarray(one, np.int64) for one in each))


class _Steps(torch.autograd.Function):
    """The kernels: spikes and V of the numbers of the network."""

    @staticmethod
    def forward(
        ctx: Any,
        whole: Whole,
        surrogate: Derivative,
        given: torch.Tensor,
        injected: np.ndarray,
        weights: torch.Tensor,
        *constants: torch.Tensor,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        arrays = [np.ascontiguousarray(c.detach().numpy()) for c in constants]
        kind, (runs, steps, _), size = arrays[0].dtype, given.shape, whole.size
        offset, v_init = arrays[-2:]
        drive = np.ascontiguousarray(offset + injected, dtype=kind)
        n_ref = np.concatenate([n.n_ref.numpy() for n in whole.populations])
        numbers = Constants._make([*arrays[:-2], drive, v_init, n_ref])
        before = [np.empty((runs, steps + 1, size), kind) for _ in range(3)]
        margin, spiked = (np.empty((runs, steps, size), kind) for _ in range(2))
        active = np.empty((runs, steps, size), np.uint8)
        arrived = np.zeros((runs, steps + whole.longest + 1, 2, size), kind)
        course, sent = (
            Course._make([*before, margin, spiked, active, arrived]),
            np.ascontiguousarray(given.detach().numpy()),
        )
        w, countdown = np.ascontiguousarray(weights.detach().numpy()), np.zeros(size, np.int64)
        forward(numbers, whole.stretches, w, sent, course, countdown, whole.averaged)
        ctx.kept = whole, surrogate, sent, w, numbers, course
        return torch.from_numpy(course.spiked), torch.from_numpy(course.V[:, 1:].copy())

    @staticmethod
    def backward(ctx: Any, *gradients: torch.Tensor) -> tuple[Any, ...]:
        whole, surrogate, sent, w, numbers, course = ctx.kept
        kind, (runs, steps, size) = w.dtype, course.spiked.shape
        slope = np.ascontiguousarray(surrogate(torch.from_numpy(course.margin)).numpy().astype(kind, copy=False))
        of_spikes, of_V = (np.array(g.numpy(), dtype=kind, order="C") for g in gradients)
        by = [np.zeros((runs, size), kind) for _ in range(_DIFFERENTIATED)]
        arriving = np.zeros((steps + whole.longest + 1, 2, size), kind)
        state = [*(np.zeros(size, kind) for _ in range(3)), np.zeros(1, kind)]
        adjoints = Adjoints._make([*by, of_spikes, of_V, arriving, *state])
        of_weights, w_back = np.zeros(len(w), kind), np.ascontiguousarray(w[whole.within])
        backward(
            numbers, whole.stretches, whole.back, w_back, sent, course, slope, adjoints, of_weights, whole.averaged
        )
        totals: Sequence[torch.Tensor] = [torch.from_numpy(each.sum(axis=0)) for each in by]
        return None, None, None, None, torch.from_numpy(of_weights), *totals
