"""Conversion of a number, or a matrix, to integer mantissas and exponents with the smallest error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .integers import SignMode
from .limits import EXPONENT_MAX, EXPONENT_MIN, MANTISSA_MAX, WEIGHT_EXPONENT_MAX, WEIGHT_MAX

TOLERANCE = 1 / WEIGHT_MAX
"""The relative error by one unit of the largest weight, which is accepted for all other numbers."""
COEFFICIENT_TOLERANCE = 0.01
"""The relative error of one product above which a coefficient gets a second one."""


@dataclass(frozen=True)
class Scaled:
    """mantissa * 2^exponent."""

    mantissa: int
    exponent: int

    @property
    def value(self) -> float:
        """The value of the number."""
        return math.ldexp(self.mantissa, self.exponent)

    def __str__(self) -> str:
        return f"{self.mantissa}*2^{self.exponent}" if self.exponent else f"{self.mantissa}"


def relative(asked: float, stored: float) -> float:
    """(stored - asked)/asked: below 0 where it became smaller. 0 where both are 0."""
    return 0.0 if asked == stored else (stored - asked) / asked if asked else math.inf


def nearest(value: float, exponents: range = range(EXPONENT_MIN, EXPONENT_MAX + 1)) -> Scaled:
    """The nearest m * 2^e with m in [-7, 7]; of equal ones that with the largest mantissa.

    A large mantissa is better than a large exponent: Lava cuts bits off before it applies the exponent. Within
    [4 * 2^lowest, 7 * 2^highest] the relative error is at most 1/9 (at 4.5, between 4 and 5).
    """

    def fitted(exponent: int) -> Scaled:
        mantissa = int(np.clip(round(math.ldexp(value, -exponent)), -MANTISSA_MAX, MANTISSA_MAX))
        return Scaled(mantissa, exponent)

    return min(map(fitted, exponents), key=lambda s: (abs(s.value - value), s.exponent))


def coefficient(value: float) -> tuple[Scaled, ...]:
    """One or two m * 2^e whose sum is ``value``: two where one misses by more than COEFFICIENT_TOLERANCE.

    Empty where the value rounds to 0, below half of 2^-7.
    """
    one = nearest(value)
    if one.mantissa == 0:
        return ()
    if abs(relative(value, one.value)) <= COEFFICIENT_TOLERANCE:
        return (one,)
    firsts = {
        Scaled(mantissa, e)
        for e in range(EXPONENT_MIN, EXPONENT_MAX + 1)
        for mantissa in (math.floor(math.ldexp(value, -e)), math.ceil(math.ldexp(value, -e)))
        if 0 < abs(mantissa) <= MANTISSA_MAX
    } | {one}
    pairs = [(first, nearest(value - first.value)) for first in firsts]

    def key(pair: tuple[Scaled, ...]) -> tuple[float, int, float]:
        # Of the good pairs take the one with the smallest exponents: a shift down truncates to a
        # multiple of 2^exponent, so that -1/2 + 7/16 would lose far more than -4/64.
        error = abs(total(pair) - value)
        return max(0.0, error - COEFFICIENT_TOLERANCE * abs(value)), max(s.exponent for s in pair), error

    best = min(pairs, key=key)
    return best if abs(total(best) - value) < abs(one.value - value) else (one,)


def total(parts: tuple[Scaled, ...]) -> float:
    """The value of a rounded coefficient."""
    return math.fsum(part.value for part in parts)


@dataclass(frozen=True, eq=False)
class Weights:
    """Integer weights with their exponent; arrivals are weights * 2^exponent."""

    matrix: np.ndarray
    exponent: int
    mode: SignMode

    @property
    def stored(self) -> np.ndarray:
        """The weights in weight units: weights * 2^exponent."""
        return self.matrix * 2.0**self.exponent


def sign_mode(asked: np.ndarray) -> SignMode:
    """EXCITATORY or INHIBITORY where one sign is enough: MIXED ones lose a bit."""
    if np.all(asked >= 0):
        return "EXCITATORY"
    return "INHIBITORY" if np.all(asked <= 0) else "MIXED"


def weights(asked: np.ndarray) -> Weights:
    """The nearest integer weights of 8 bits (MIXED ones: even, -256 to 254) and the exponent, 0 to 7.

    The exponent is the smallest that holds the largest weight, or the next: grids are nested, so only where the largest
    weight is cut off can a coarser one be better. An error is at most half a step, 2^exponent/2 (MIXED: 2^exponent).
    """
    mode = sign_mode(asked)
    largest = float(np.max(np.abs(asked), initial=0.0))
    lowest = int(np.clip(math.ceil(math.log2(largest / (WEIGHT_MAX + 1))) if largest else 0, 0, WEIGHT_EXPONENT_MAX))
    fitted = [_fitted(asked, mode, e) for e in (lowest, lowest + 1) if e <= WEIGHT_EXPONENT_MAX]
    return min(fitted, key=lambda w: (float(np.max(np.abs(w.stored - asked), initial=0.0)), w.exponent))


def _fitted(asked: np.ndarray, mode: SignMode, exponent: int) -> Weights:
    wanted = asked / 2.0**exponent
    if mode == "MIXED":
        matrix = np.clip(2 * np.rint(wanted / 2), -WEIGHT_MAX - 1, WEIGHT_MAX - 1)
    else:
        matrix = np.clip(np.rint(wanted), -WEIGHT_MAX, WEIGHT_MAX)
    return Weights(matrix.astype(np.int32), exponent, mode)
