"""Stage 4 of the step for synapses that do not learn: transmission, and short-term plasticity before it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

import numpy as np
import torch

from ernsnn.describe.evaluation import assign, evaluator, evaluators
from ernsnn.describe.short_term import NEVER
from ernsnn.graph.graph import Projection

from ..reference.synapses import inside, ranges
from .neurons import NeuronState
from .operations import OPERATIONS
from .space import Space, Spikes

_DENSE, _SMALL = 8, 1 << 20
"""A matrix is multiplied where it has at most so many entries a synapse, or is as small as that."""


class ShortTermState:
    """Short-term plasticity: states (batch, pre neurons), renewed at spikes."""

    def __init__(self, p: Projection, dt_ms: float, space: Space) -> None:
        assert p.short_term is not None
        kind, n = p.short_term.kind, p.connectivity.n_pre
        self.dt_ms = dt_ms
        self.fixed = {name: space.tensor(value) for name, value in p.short_term.parameters.items()}
        self.state = {s.name: space.wide(evaluator(s.initial, OPERATIONS)(self.fixed), n) for s in kind.states}
        self.last = torch.full((space.batch, n), -NEVER, dtype=torch.int64, device=space.device)
        self.dt, self.never = space.tensor(dt_ms), space.tensor(NEVER)
        self.on_spike = evaluators(kind.on_spike, OPERATIONS)
        self.factor_of = evaluator(kind.factor, OPERATIONS)

    def sent(self, k: int, fired: torch.Tensor) -> torch.Tensor:
        """By what the weights of the neurons (batch, pre neurons) are multiplied that have ``fired`` in step ``k``.

        Of several spikes in a step each releases what the one before it left.
        """
        times = int(fired.max()) if fired.numel() else 0
        if times <= 1:
            return self._spike(k, fired)
        total = torch.zeros_like(fired)
        for n in range(times):
            total = total + self._spike(k, torch.clamp(fired - n, 0.0, 1.0))
        return total

    def _spike(self, k: int, fired: torch.Tensor) -> torch.Tensor:
        since = torch.where(self.last < 0, self.never, (k - self.last).to(fired.dtype)) * self.dt_ms
        values = {**self.fixed, **self.state, "dt": self.dt, "since": since}
        assign(self.on_spike, values)
        now = fired > 0
        self.state = {name: torch.where(now, values[name], state) for name, state in self.state.items()}
        self.last = torch.where(now, k, self.last)
        return fired * torch.where(now, self.factor_of(values), 0.0)


class StaticState:
    """Static synapses; a group for each delay: a matrix where it is dense, and else a list of synapses."""

    def __init__(
        self, p: Projection, target: NeuronState, dt_ms: float, space: Space, values: Mapping[str, torch.Tensor]
    ) -> None:
        self.p, self.target, self.space = p, target, space
        rows = p.synapses
        self.receptor, self.post, self.delay = target.receptors.index(p.arrives_at), rows.post, rows.delay
        self.short_term = ShortTermState(p, dt_ms, space) if p.short_term else None
        given = values.get(f"{p.name}.w")
        self.w = space.tensor(rows.variables["w"]) if given is None else given.expand(p.n_synapses)
        self.delays = np.unique(rows.delay)
        self.pre_of, self.post_of = rows.pre - p.pre_start, rows.post - p.post_start
        self.alone = space.batch == 1 and not space.differentiates

    @cached_property
    def groups(self) -> list[tuple[int, torch.Tensor, torch.Tensor, torch.Tensor | None]]:
        """The synapses of each delay; made when they first transmit, which they do not where kernels do it."""
        return [self._group(int(d)) for d in self.delays]

    def _group(self, delay: int) -> tuple[int, torch.Tensor, torch.Tensor, torch.Tensor | None]:
        """(delay, pre, post, matrix) of the synapses of a delay; without a matrix, their weights are looked up."""
        ids, n_post = np.flatnonzero(self.delay == delay), self.p.connectivity.n_post
        size = self.p.connectivity.n_pre * n_post
        places = self.space.whole(self.pre_of[ids] * n_post + self.post_of[ids])
        weights = self.w if len(ids) == len(self.delay) else self.w[self.space.whole(ids)]
        if size > max(_DENSE * len(ids), _SMALL):
            return delay, self.space.whole(self.pre_of[ids]), self.space.whole(self.post_of[ids]), weights
        entries = torch.zeros(size, dtype=self.space.dtype, device=self.space.device).index_add(0, places, weights)
        return delay, entries.reshape(-1, n_post), places, None

    def transmit(self, k: int, spikes: Spikes) -> None:
        """Add the weights of this step's pre spikes to the arrivals of later steps."""
        if self.alone:
            self._transmit_events(k, spikes.ids)
            return
        n_post = self.p.connectivity.n_post
        pre = spikes.dense[:, self.p.pre_start : self.p.pre_start + self.p.connectivity.n_pre]
        if self.short_term:
            pre = self.short_term.sent(k, pre)
        for delay, first, second, weights in self.groups:
            if weights is None:
                brought = pre @ first
            else:
                brought = self.space.zeros(n_post).scatter_add(1, second.expand(len(pre), -1), pre[:, first] * weights)
            before, after = self.p.post_start, self.target.size - self.p.post_start - n_post
            if before or after:
                brought = torch.nn.functional.pad(brought, (before, after))
            self.target.arrive_all(k + delay, self.receptor, brought)

    def _transmit_events(self, k: int, spiking: np.ndarray) -> None:
        """A single run without gradients: only the synapses of neurons that spike, in the order of the reference."""
        pre = inside(spiking, self.p.pre_start, self.p.connectivity.n_pre)
        if not len(pre):
            return
        fired = Spikes(self.space, self.p.connectivity.n_pre, ids=pre)
        several = bool((pre[1:] == pre[:-1]).any())
        ids = ranges(self.p.connectivity.indptr, np.unique(pre))
        weights, delay, post = self.w[self.space.whole(ids)], self.delay[ids], self.post[ids]
        if self.short_term or several:
            sent = self.short_term.sent(k, fired.dense) if self.short_term else fired.dense
            weights = weights * sent[0, self.space.whole(self.pre_of[ids])]
        for d in self.delays if len(self.delays) > 1 else ():
            now = np.flatnonzero(delay == d)
            self.target.arrive(k + int(d), self.receptor, post[now], weights[self.space.whole(now)])
        if len(self.delays) == 1:
            self.target.arrive(k + int(self.delays[0]), self.receptor, post, weights)
