"""The functions of ``arithmetic`` for neurons in float32: within 3e-7, relative.

Exponentials are shorter series than those of float64; what equations call seldom is computed in float64, and rounded.
"""

from __future__ import annotations

import numpy as np

from ernsnn.graph import arithmetic as double

from . import arithmetic
from .jit import compiled

_log, _cos, _power = arithmetic.log, arithmetic.cos, arithmetic.power
_exp_series = arithmetic.series("exp_series_32", double.EXP[-8:], "np.float32")
_exprel_series = arithmetic.series("exprel_series_32", double.EXPREL[-8:], "np.float32")
_LOWEST, _HIGHEST, _NEAR = np.float32(-86.5), np.float32(89.0), np.float32(double.NEAR)
_PER_LN2, _LN2_HIGH, _LN2_LOW = np.float32(double.PER_LN2), np.float32(0.693145751953125), np.float32(1.42860677e-6)
"""A ln(2) of 16 bits, whose products with whole numbers of 8 bits are exact, and the rest."""
_ZERO, _HALF, _ONE, _TWO, _TWENTY = (np.float32(x) for x in (0.0, 0.5, 1.0, 2.0, 20.0))


@compiled
def exp(x: np.float32) -> np.float32:
    """exp(x) = 2^n exp(r) with |r| <= ln(2)/2; below -86.5 it is exp(-86.5) = 3e-38."""
    near = min(max(x, _LOWEST), _HIGHEST)
    n = np.floor(near * _PER_LN2 + _HALF)
    r = (near - n * _LN2_HIGH) - n * _LN2_LOW
    found = np.float32(_exp_series(r)) * np.int32((np.int32(n) + 126) << 23).view(np.float32) * _TWO
    return found if x == x else x


@compiled
def exprel(x: np.float32) -> np.float32:
    """(exp(x) - 1)/x, 1 at 0."""
    close = abs(x) < _NEAR
    near, far = np.float32(_exprel_series(x if close else _ZERO)), (exp(x) - _ONE) / (_ONE if close else x)
    return near if close else far


@compiled
def expm1(x: np.float32) -> np.float32:
    """exp(x) - 1."""
    near, far = x * exprel(x), exp(x) - _ONE
    return near if abs(x) < _NEAR else far


@compiled
def tanh(x: np.float32) -> np.float32:
    """tanh(x) of expm1(2x); 1 to all digits beyond 20."""
    grown = expm1(_TWO * min(max(x, -_TWENTY), _TWENTY))
    return grown / (grown + _TWO)


@compiled
def log(x: np.float32) -> np.float32:
    """See ``arithmetic.log``."""
    return np.float32(_log(np.float64(x)))


@compiled
def cos(x: np.float32) -> np.float32:
    """See ``arithmetic.cos``."""
    return np.float32(_cos(np.float64(x)))


@compiled
def power(base: np.float32, exponent: np.float32) -> np.float32:
    """See ``arithmetic.power``."""
    return np.float32(_power(np.float64(base), np.float64(exponent)))


FUNCTIONS = {"exp": exp, "exprel": exprel, "expm1": expm1, "log": log, "cos": cos, "tanh": tanh, "power": power}
"""What generated kernels call, by name."""
