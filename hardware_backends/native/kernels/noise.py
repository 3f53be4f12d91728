"""The random numbers of noisy membranes, drawn some steps ahead: those that ``graph.streams`` draws one by one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ernsnn.graph.streams import MODULI, MULTIPLIERS, box_muller, start, uniform

from .jit import compiled

_STEPS, _NUMBERS = 64, 1 << 16
"""How many steps ahead at most, and how many numbers."""


class Noise:
    """The streams of several populations, given by key and size, one neuron after the other.

    ``distribution`` is "normal" or "uniform".
    """

    changes = ("states", "numbers", "at")

    def __init__(self, streams: Sequence[tuple[str, int]], distribution: str) -> None:
        self.distribution = {"normal": box_muller, "uniform": uniform}[distribution]
        self.states = np.concatenate([start(key, size) for key, size in streams], axis=1)
        n = self.states.shape[1]
        self.numbers = np.zeros((max(1, min(_STEPS, _NUMBERS // n)), n))
        self.at = len(self.numbers)  # the next row of them to be used
        self.drawn = np.empty((2, *self.numbers.shape))
        self.draw = draw.bind(self.states, np.array(MULTIPLIERS), np.array(MODULI), self.drawn)

    def next(self) -> np.ndarray:
        """One number for every neuron."""
        if self.at == len(self.numbers):
            self.draw()
            self.numbers[:] = self.distribution(self.drawn[0], self.drawn[1])
            self.at = 0
        self.at += 1
        return np.asarray(self.numbers[self.at - 1])


@compiled
def draw(states: np.ndarray, multipliers: np.ndarray, moduli: np.ndarray, drawn: np.ndarray) -> None:
    """Advance both ``states`` (2, n) step by step, writing them to ``drawn`` (2, steps, n)."""
    for k in range(2):
        multiplier, modulus, state = multipliers[k], moduli[k], states[k]
        for t in range(drawn.shape[1]):
            row = drawn[k, t]
            for i in range(len(state)):
                # As in ``graph.streams``: a remainder by way of the quotient, which may be off by one.
                product = multiplier * state[i]
                rest = product - np.floor(product * (1.0 / modulus)) * modulus
                rest = rest - modulus if rest >= modulus else rest
                state[i] = rest + modulus if rest < 0 else rest
                row[i] = state[i]
