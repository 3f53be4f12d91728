"""What the sources of a script send."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Trains:
    """Neuron ``neurons[k]`` of ``size`` spikes in step ``steps[k]``; neuron by neuron, of each the steps rise.

    ``stamps[k]`` is the time that it was given, in steps.
    """

    size: int
    steps: np.ndarray
    neurons: np.ndarray
    stamps: np.ndarray

    def within(self, first: int, last: int) -> Trains:
        """That of the steps from ``first`` to ``last`` (exclusive)."""
        kept = (self.steps >= first) & (self.steps < last)
        return Trains(self.size, self.steps[kept], self.neurons[kept], self.stamps[kept])

    @classmethod
    def joined(cls, parts: Sequence[Trains]) -> Trains:
        """Parts that follow one another as one."""
        steps, neurons, stamps = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("steps", "neurons", "stamps")
        )
        order = np.argsort(neurons, kind="stable")
        return cls(parts[0].size, steps[order], neurons[order], stamps[order])

    def holds(self, neurons: np.ndarray, stamps: np.ndarray) -> np.ndarray:
        """Of each of these spikes, whether it is one of them."""
        return np.asarray(np.isin(self.size * stamps + neurons, self.size * self.stamps + self.neurons))

    def by_neuron(self) -> list[np.ndarray]:
        """The steps of each neuron, each once."""
        single = np.append(True, (np.diff(self.neurons) != 0) | (np.diff(self.steps) != 0))[: len(self.steps)]
        bounds = np.searchsorted(self.neurons[single], np.arange(1, self.size))
        return np.split(self.steps[single], bounds)
