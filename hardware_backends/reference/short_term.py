"""Short-term plasticity: stage 4 of the step, before transmission."""

from __future__ import annotations

import numpy as np

from ernsnn.describe.evaluation import assign, evaluated, evaluator, evaluators
from ernsnn.describe.short_term import NEVER
from ernsnn.graph.arithmetic import OPERATIONS
from ernsnn.graph.graph import Projection

from .rounds import rounds


class ShortTermState:
    """The states of a projection's pre neurons, at the spikes of which they are renewed.

    ``factor`` multiplies the weights that each neuron's last spikes transmit, the sum of those of one step; ``last`` is
    the step of these.
    """

    changes = ("state", "last")

    def __init__(self, p: Projection, dt_ms: float) -> None:
        assert p.short_term is not None
        kind, n = p.short_term.kind, p.connectivity.n_pre
        self.p, self.dt_ms = p, dt_ms
        self.fixed = {name: np.broadcast_to(value, n) for name, value in p.short_term.parameters.items()}
        self.state = {s.name: np.zeros(n) + evaluated(s.initial, self.fixed) for s in kind.states}
        self.last, self.factor = np.full(n, -NEVER), np.ones(n)
        self.on_spike = evaluators(kind.on_spike, OPERATIONS)
        self.factor_of = evaluator(kind.factor, OPERATIONS)

    @np.errstate(all="ignore")  # as of neurons; between several spikes in a step ``since`` is 0
    def spike(self, t: int, pre: np.ndarray) -> None:
        """The neurons ``pre``, counted from the projection's first, spike in step ``t``, as often as they are there."""
        self.factor[pre] = 0.0
        for once in rounds(pre):
            self._renew(t, once)

    def _renew(self, t: int, pre: np.ndarray) -> None:
        last = self.last[pre]
        values = {name: value[pre] for name, value in (*self.fixed.items(), *self.state.items())}
        values |= {"dt": self.dt_ms, "since": np.where(last < 0, NEVER, t - last) * self.dt_ms}
        assign(self.on_spike, values)
        for name, state in self.state.items():
            state[pre] = values[name]
        self.factor[pre] += self.factor_of(values)
        self.last[pre] = t
