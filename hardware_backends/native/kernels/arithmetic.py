"""The functions of ``graph.arithmetic``, the same operations in the same order, one number at a time.

LLVM makes vector loops of these, which it does not with calls of the C library.
"""

from __future__ import annotations

import numpy as np

from ernsnn.graph import arithmetic
from ernsnn.graph.arithmetic import HALF_PI_HIGH, HALF_PI_LOW, LN2_HIGH, LN2_LOW, NEAR, PER_LN2

from ...machine_code import Kernel
from .jit import compiled, load


def series(name: str, coefficients: tuple[float, ...], number: str = "") -> Kernel:
    """A polynomial by Horner's scheme, the highest coefficient first; each is a ``number`` of that type."""
    first, *others = (f"{number}({c!r})" if number else repr(c) for c in coefficients)
    lines = [f"    p = p * x + {c}" for c in others]
    return load("\n".join([f"def {name}(x):", f"    p = {first}", *lines, "    return p"]))[name]


_exp_series, _exprel_series = series("exp_series", arithmetic.EXP), series("exprel_series", arithmetic.EXPREL)
_atanh_series = series("atanh_series", arithmetic.ATANH)
_cos_series, _sin_series = series("cos_series", arithmetic.COS), series("sin_series", arithmetic.SIN)
_PER_HALF_PI = 1 / (HALF_PI_HIGH + HALF_PI_LOW)
_LOWEST, _HIGHEST, _SQRT_HALF, _MANTISSA = (
    arithmetic.LOWEST,
    arithmetic.HIGHEST,
    np.int64(arithmetic.SQRT_HALF),
    np.int64(arithmetic.MANTISSA),
)
_TINY, _GREAT, _INFINITE = 2.0**-1022, 2.0**54, np.inf


@compiled
def exp(x: float) -> float:
    """See ``graph.arithmetic.exp``."""
    near = min(max(x, _LOWEST), _HIGHEST)
    n = np.floor(near * PER_LN2 + 0.5)
    r = (near - n * LN2_HIGH) - n * LN2_LOW
    found = _exp_series(r) * np.int64((np.int64(np.int32(n)) + 1022) << 52).view(np.float64) * 2.0
    return found if x == x else x


@compiled
def exprel(x: float) -> float:
    """See ``graph.arithmetic.exprel``."""
    close = abs(x) < NEAR
    near, far = _exprel_series(x if close else 0.0), (exp(x) - 1.0) / (1.0 if close else x)
    return near if close else far


@compiled
def expm1(x: float) -> float:
    """See ``graph.arithmetic.expm1``."""
    near, far = x * exprel(x), exp(x) - 1.0
    return near if abs(x) < NEAR else far


@compiled
def log(x: float) -> float:
    """See ``graph.arithmetic.log``."""
    small = x < _TINY
    bits = np.float64(x * _GREAT if small else x).view(np.int64) - _SQRT_HALF
    e = (bits >> 52) - (54 if small else 0)
    m = np.int64((bits & _MANTISSA) + _SQRT_HALF).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    found = e * LN2_HIGH + (e * LN2_LOW + s * _atanh_series(s * s))
    result = found if x < _INFINITE else x
    return result if x > 0.0 else (-_INFINITE if x == 0.0 else np.nan)


@compiled
def cos(x: float) -> float:
    """See ``graph.arithmetic.cos``."""
    n = np.floor(x * _PER_HALF_PI + 0.5)
    r = (x - n * HALF_PI_HIGH) - n * HALF_PI_LOW
    quarter, square = n - np.floor(n * 0.25) * 4.0, r * r
    found = _cos_series(square) if (quarter == 0.0) | (quarter == 2.0) else r * _sin_series(square)
    return -found if (quarter == 1.0) | (quarter == 2.0) else found


@compiled
def tanh(x: float) -> float:
    """See ``graph.arithmetic.tanh``."""
    grown = expm1(2.0 * min(max(x, -20.0), 20.0))
    return grown / (grown + 2.0)


@compiled
def power(base: float, exponent: float) -> float:
    """See ``graph.arithmetic.power``."""
    return exp(exponent * log(base))


FUNCTIONS = {"exp": exp, "exprel": exprel, "expm1": expm1, "log": log, "cos": cos, "tanh": tanh, "power": power}
"""What generated kernels call, by name."""
