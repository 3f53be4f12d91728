"""Intrinsic plasticity: a rule on a neuron's own parameter, driven by its own spikes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

import numpy as np

from ernsnn.describe.learning import EPOCH, POST
from ernsnn.graph.graph import Neurons
from ernsnn.recording.keys import neuron_key

from .terms import TraceState, changes


class IntrinsicState:
    """The rule's traces; its variable ``w`` is one of the parameters ``own`` that a run may change, an array each."""

    changes = ("traces",)

    def __init__(self, p: Neurons, dt_ms: float, own: Mapping[str, np.ndarray]) -> None:
        assert p.intrinsic is not None
        self.learning, self.own, self.target = p.intrinsic.learning, own, p.intrinsic.target
        self.traces = {t.name: TraceState(t.trace, p.size, dt_ms) for t in self.learning.traces}
        self.everyone = np.arange(p.size)

    @property
    def values(self) -> np.ndarray:
        """The present values of the parameter."""
        return self.own[self.target]

    def step(self, t: int, spiking: np.ndarray) -> None:
        """Stages 4 and 5 for this population."""
        for trace in self.traces.values():
            trace.decay()
        self.apply(POST, spiking)
        for trace in self.traces.values():
            trace.spike(spiking)
        epoch = self.learning.epoch_steps
        if epoch and (t + 1) % epoch == 0:
            self.apply(EPOCH, self.everyone)

    def apply(self, event: str, neurons: np.ndarray) -> None:
        if not len(neurons):
            return
        values, variable = self.values, self.learning.variables[0]
        added = changes(
            (term for term in self.learning.terms if term.event == event),
            lambda name: values[neurons] if name == "w" else self.traces[name].values[neurons],
        )
        if "w" in added:
            values[neurons] = np.clip(values[neurons] + added["w"], variable.low, variable.high)


class Population(Protocol):
    """A population whose neurons may learn."""

    p: Neurons
    intrinsic: IntrinsicState | None


def final_values(populations: Iterable[Population]) -> dict[str, np.ndarray]:
    """The present values of parameters with intrinsic plasticity, under their names in ``Recording.to_arrays``."""
    return {
        neuron_key(population.p.name, population.p.intrinsic.target): population.intrinsic.values
        for population in populations
        if population.p.intrinsic and population.intrinsic
    }


def load_values(populations: Iterable[Population], learned: Mapping[str, Mapping[str, np.ndarray]]) -> None:
    """Set what ``final_values`` gave, by population and parameter."""
    for population in populations:
        if population.p.intrinsic and population.intrinsic:
            population.intrinsic.values[:] = learned[population.p.name][population.p.intrinsic.target]
