"""Short-term plasticity: the states of pre neurons, and what their spikes transmit times the weight."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ernsnn.describe.evaluation import evaluated
from ernsnn.describe.short_term import NEVER
from ernsnn.graph.graph import Graph, Projection

from ..machine_code import Call
from .codegen.short_term import renew
from .spikes import SpikeLog, Spikes


class ShortTermState:
    """The states of a projection's pre neurons (states, n_pre), in float64.

    ``factor`` is where to put what each neuron's spikes of its last step transmit together; ``last`` is that step.
    """

    changes = ("state", "last")

    def __init__(self, p: Projection, dt_ms: float, factor: np.ndarray) -> None:
        assert p.short_term is not None
        kind, parameters, n = p.short_term.kind, p.short_term.parameters, p.connectivity.n_pre
        self.kind = kind
        self.p, self.names = p, [s.name for s in kind.states]
        self.state = np.zeros((len(kind.states), n))
        for row, state in zip(self.state, kind.states, strict=True):
            row[:] = evaluated(state.initial, parameters)
        self.last = np.full(n, -NEVER)
        rows = [*(parameters[parameter.name] for parameter in kind.parameters), dt_ms]
        constants = np.stack([np.broadcast_to(np.asarray(value, dtype=float), n) for value in rows])
        self.factor, self.constants = factor, constants

    def renew(self, spikes: Spikes, row: int) -> Call:
        """The kernel for the neurons that spike in a step, which are in that ``row`` of the log."""
        numbers = self.state, self.last, self.factor, self.constants
        return renew(self.kind).bind(spikes, row, self.p.pre_start, *numbers)

    def variable(self, name: str) -> np.ndarray:
        """A probed state."""
        return np.asarray(self.state[self.names.index(name)])


class ShortTerms:
    """All short-term plasticity of a graph. ``factors`` has the factors of one projection after the other's.

    Those of a projection begin at ``first``. They are no state: a spike renews what it then transmits.
    """

    changes = ("states",)

    def __init__(self, graph: Graph) -> None:
        chosen = [p for p in graph.projections if p.short_term]
        ends = np.cumsum([p.connectivity.n_pre for p in chosen]).tolist()
        self.factors = np.ones(ends[-1] if ends else 0)
        self.first = {p.name: end - p.connectivity.n_pre for p, end in zip(chosen, ends, strict=True)}
        self.states = {p.name: ShortTermState(p, graph.dt_ms, self.of(p)) for p in chosen}

    def of(self, p: Projection) -> np.ndarray:
        """The factors of a projection's pre neurons; none where it has no short-term plasticity."""
        first = self.first.get(p.name, 0)
        return self.factors[first : first + p.connectivity.n_pre] if p.short_term else self.factors[:0]

    def kernels(self, log: SpikeLog) -> Iterator[Call]:
        """The kernels for the neurons that spike in a step."""
        for state in self.states.values():
            yield state.renew(log.spikes, log.rows[state.p.pre])
