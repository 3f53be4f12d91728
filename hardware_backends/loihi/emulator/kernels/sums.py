"""Sums of products in the integers of Lava's LearningRuleApplierBitApprox, for one synapse and for rows of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..compiled import compiled, inlined

Int = Any  # numbers that numba keeps at the width they have; NumPy's types say less

LOW, _HIGH = np.int32(-(1 << 15) - 1), np.int32((1 << 15) - 1)  # the sums of learning; low is one too many, as Lava's


@inlined
def summed(total: Int, product: Int, right: int, left: int) -> Int:
    """clip(total + clip(product >> right << left)); a product is made in int32, which wraps as Lava's does."""
    change = np.left_shift(np.right_shift(np.int32(product), np.int32(right)), np.int32(left))
    change = min(max(np.int32(change), LOW), _HIGH)
    return min(max(np.int32(total + change), LOW), _HIGH)


@inlined
def times_one(product: Int, value: Int, part: Any) -> Int:
    """product * clip(value + constant, low, high), in int32."""
    return np.int32(product * min(max(value + part.constant, part.low), part.high))


@inlined
def rounded(total: Int, round_up: Int, low: int, high: int) -> Int:
    """floor(total / 128), and one more if floor(128 draw) = 127 - round_up is less than the rest; clipped.

    Since the rest is whole, that is where the draw is less than its share of 128. Clipping does what Lava's limits do.
    """
    return min(max(np.right_shift(np.int32(total + round_up), np.int32(7)), np.int32(low)), np.int32(high))


# Loops over slices, which become vector instructions: a sum as an index might be negative, for all a compiler knows.


@compiled
def scale(factor: int, values: np.ndarray, into: np.ndarray) -> None:
    for k in range(len(into)):
        into[k] = factor * values[k]


@compiled
def times(product: np.ndarray, values: np.ndarray, part: Any) -> None:
    """product *= clip(value + constant, low, high)."""
    constant, low, high = np.int32(part.constant), np.int32(part.low), np.int32(part.high)
    for k in range(len(product)):
        product[k] *= min(max(np.int32(values[k] + constant), low), high)


@compiled
def add(total: np.ndarray, factor: int, product: np.ndarray, right: int, left: int) -> None:
    for k in range(len(total)):
        total[k] = summed(total[k], factor * product[k], right, left)


@compiled
def store(total: np.ndarray, round_up: Int, low: int, high: int, into: np.ndarray) -> Int:
    """Rounds, and returns the lowest result."""
    lowest: Int = np.int32(0)
    for k in range(len(total)):
        new = rounded(total[k], round_up, low, high)
        into[k] = new
        lowest = min(lowest, new)
    return lowest


@compiled
def mask(total: np.ndarray, exists: np.ndarray) -> None:
    """total *= exists, which is 0 or 1."""
    for k in range(len(total)):
        total[k] *= exists[k]
