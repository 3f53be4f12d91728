"""Intrinsic plasticity: a rule on a neuron's own parameter, which lies with the other numbers of neurons."""

from __future__ import annotations

import numpy as np

from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Neurons

from ..machine_code import Call
from .codegen.intrinsic import adapt
from .spikes import SpikeLog


class IntrinsicState:
    """The rule's ``traces`` (trace, neuron). Its variable is the parameter ``target``."""

    changes = ("traces",)

    def __init__(self, p: Neurons, dt_ms: float) -> None:
        assert p.intrinsic is not None
        self.name, self.learning, self.target = p.name, p.intrinsic.learning, p.intrinsic.target
        traces = [t.trace for t in self.learning.traces]
        self.traces = np.zeros((len(traces), p.size))
        self.decay = np.array([decay(t.tau_ms, dt_ms) for t in traces], float)
        self.increment = np.array([t.increment for t in traces], float)

    def kernel(
        self, log: SpikeLog, first: int, shares: np.ndarray, cells: np.ndarray, places: np.ndarray, learns: np.ndarray
    ) -> Call:
        """The kernel of a step; the parameter of neuron i, the ``first`` + i of all, lies in ``cells[places[i]]``."""
        kernel, c = adapt(self.learning)
        neurons = first, shares, cells, places, self.traces, self.decay, self.increment
        epoch = self.learning.epoch_steps or 0
        return kernel.bind(log.spikes, log.rows[self.name], *neurons, c, learns, epoch)
