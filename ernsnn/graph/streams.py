"""Random numbers that a simulator draws while it runs, the same ones on every backend.

L'Ecuyer's combined generator (1988, CACM 31:742, figure 3): two multiplicative congruential generators, whose products
stay below 2^53, so that plain float64 arithmetic is exact wherever it is done. Every neuron or synapse has a stream of
its own; where the streams start comes from the key of the draw. The period is 2.3e18.
"""

from __future__ import annotations

import numpy as np

from ernsnn.graph.arithmetic import cos, log
from ernsnn.graph.seeds import generator

MODULI = (2147483563.0, 2147483399.0)
MULTIPLIERS = (40014.0, 40692.0)


def start(key: str, size: int) -> np.ndarray:
    """The two states of ``size`` streams before their first number, shape (2, size): whole numbers in [1, modulus)."""
    rng = generator(key)
    return np.stack([rng.integers(1, int(m), size).astype(float) for m in MODULI])


class Streams:
    """``size`` streams; each call advances all of them."""

    changes = ("states",)

    def __init__(self, key: str, size: int) -> None:
        self.states = start(key, size)

    def _advance(self) -> tuple[np.ndarray, np.ndarray]:
        for state, multiplier, modulus in zip(self.states, MULTIPLIERS, MODULI, strict=True):
            # A remainder by way of the quotient, which may be off by one: ten times as fast as %, and as exact.
            product = multiplier * state
            rest = product - np.floor(product * (1.0 / modulus)) * modulus
            rest -= modulus * (rest >= modulus)
            state[:] = rest + modulus * (rest < 0)
        return self.states[0], self.states[1]

    def uniform(self) -> np.ndarray:
        """One number in (0, 1) each."""
        return uniform(*self._advance())

    def normal(self) -> np.ndarray:
        """One standard normal number each."""
        return box_muller(*self._advance())


def uniform(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A number in (0, 1) of two states."""
    difference = first - second
    return np.asarray((difference + (difference < 1) * (MODULI[0] - 1)) / MODULI[0])


def box_muller(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A standard normal number of two states (Box and Muller 1958): the radius from one, the angle from the other."""
    return np.asarray(np.sqrt(-2 * log(first / MODULI[0])) * cos(2 * np.pi * (second / MODULI[1])))
