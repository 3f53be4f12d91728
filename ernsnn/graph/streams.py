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


def start(key: str, size: int, drawn: int = 0) -> np.ndarray:
    """The two states of ``size`` streams of which so many numbers are ``drawn``: whole numbers in [1, modulus).

    The shape is (2, size). A stream that draws one number in every step from 0 on so needs no state to be kept.
    """
    rng = generator(key)
    first = [rng.integers(1, int(m), size) for m in MODULI]
    ahead = [pow(int(a), drawn, int(m)) for a, m in zip(MULTIPLIERS, MODULI, strict=True)]
    # Both factors are below 2^31, so that the products fit into 64 bits.
    return np.stack([states * a % int(m) for states, a, m in zip(first, ahead, MODULI, strict=True)]).astype(float)


class Streams:
    """``size`` streams, of which so many numbers are ``drawn``; each call advances all of them."""

    changes = ("states",)

    def __init__(self, key: str, size: int, drawn: int = 0) -> None:
        self.states = start(key, size, drawn)

    def _advance(self) -> tuple[np.ndarray, np.ndarray]:
        for state, multiplier, modulus in zip(self.states, MULTIPLIERS, MODULI, strict=True):
            # A remainder by way of the quotient, which may be off by one: ten times as fast as %, and as exact.
            product = multiplier * state
            rest = product - np.floor(product * (1.0 / modulus)) * modulus
            rest -= modulus * (rest >= modulus)
            state[:] = rest + modulus * (rest < 0)
        return self.states[0], self.states[1]

    def whole(self) -> np.ndarray:
        """One whole number in [1, ``MODULI[0]``) each."""
        return whole(*self._advance())

    def uniform(self) -> np.ndarray:
        """One number in (0, 1) each."""
        return uniform(*self._advance())

    def normal(self) -> np.ndarray:
        """One standard normal number each."""
        return box_muller(*self._advance())


def whole(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A whole number in [1, ``MODULI[0]``) of two states."""
    difference = first - second
    return np.asarray(difference + (difference < 1) * (MODULI[0] - 1))


def uniform(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A number in (0, 1) of two states."""
    return whole(first, second) / MODULI[0]


def box_muller(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """A standard normal number of two states (Box and Muller 1958): the radius from one, the angle from the other."""
    return np.asarray(np.sqrt(-2 * log(first / MODULI[0])) * cos(2 * np.pi * (second / MODULI[1])))
