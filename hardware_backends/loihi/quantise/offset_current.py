r"""Quantisation of offset currents, which compensates for the rounded decay of V.

A decay of 12 bits is off by up to half of 1/4096, which is some per cent where little decays in a step. A neuron of
constant current then settles elsewhere, or spikes at another interval; since intervals are whole steps, and V starts
from rest after each, one that is off by a step is off by one more with every spike. An offset of b mV a step takes a V
that keeps P of itself to b/(1 - P), or, where that is above the threshold, there in T steps:

.. math:: b (1 - P^T) = \theta (1 - P)

The b that is stored is the one that takes V, with the P that is stored, to the same place, or there in the same T.
"""

from __future__ import annotations

import math

import numpy as np

from ..arithmetic.limits import BIAS_EXPONENT_MAX, BIAS_MANTISSA_MAX, STATE_SHIFT

_NOISE = 1e-9
"""The fraction of a step by which T may exceed a whole number and still count as it."""


def steps_to(threshold: float, bias: np.ndarray, keep: float) -> np.ndarray:
    """T of every ``bias``, not below 1; infinite where V settles below the threshold."""
    steps = np.where(bias >= threshold, 1.0, math.inf)
    later = (bias < threshold) & (bias > threshold * (1 - keep))
    if later.any():
        b = bias[later]
        steps[later] = np.log1p(-threshold * (1 - keep) / b) / math.log(keep) if keep < 1 else threshold / b
    return steps


def made_up(threshold: float, bias: np.ndarray, asked: float, stored: float) -> np.ndarray:
    """The offset, in mV a step, by which V settles or spikes as with ``bias``, though it decays by another factor.

    V decays by ``stored`` instead of ``asked`` in a step. Before it settles or spikes, V is off by as much as the
    offset is. Where V never decays, or where one step is enough, the offset is ``bias``.
    """
    if stored == 1:
        return bias
    steps = steps_to(threshold, bias, asked)
    offset = np.where(steps > 1, bias * (1 - stored) / (1 - asked), bias)
    later = (steps > 1) & np.isfinite(steps)
    offset[later] = threshold * (1 - stored) / (1 - stored ** steps[later])
    return offset


def mantissas(offset: np.ndarray, unit: float, steps: np.ndarray, vth: int, stored: float) -> tuple[np.ndarray, int]:
    """Mantissas of ``offset``, in units of v, ``unit`` per mV, and the smallest exponent with which all are in range.

    Each is the nearest with which V is first above the threshold in the whole step that T, ``steps``, is in, or never
    where that is infinite; simply the nearest where none is like that. In integers V loses less than 1 in every step
    but the first. So it is above the threshold in step n, and not before, where b is from l(n) + 1 to l(n - 1), with
    l(n) = (vth << 6) (1 - P)/(1 - P^n).
    """
    largest = float(np.max(np.abs(offset), initial=0.0)) * unit
    exponent = max(0, math.ceil(math.log2(largest / BIAS_MANTISSA_MAX))) if largest else 0
    exponent = min(exponent, BIAS_EXPONENT_MAX)
    nearest = np.rint(offset * unit / 2**exponent)
    if stored < 1:
        n = np.ceil(steps - _NOISE)
        settled = (vth << STATE_SHIFT) * (1 - stored)
        with np.errstate(divide="ignore", invalid="ignore"):  # n is 1, vth 0
            most = settled / (1 - stored ** (n - 1))
        least = np.where(np.isfinite(n), settled / (1 - stored**n) + 1, -math.inf)
        low, high = np.ceil(least / 2**exponent), np.floor(most / 2**exponent)
        nearest = np.where(low <= high, np.clip(nearest, low, high), nearest)
    return np.clip(nearest, -BIAS_MANTISSA_MAX, BIAS_MANTISSA_MAX).astype(np.int32), exponent
