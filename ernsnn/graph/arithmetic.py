"""The functions that the equations of a step call, in plain arithmetic: equal to the bit wherever that is IEEE.

The exponentials of C's, NumPy's and LLVM's libraries differ in the last bit; what a machine computes with + - * / does
not. So the reference computes these as below, and compiled backends do the same operations in the same order. Each is
within 4e-16 (``power``: a few times |b log a| 1e-16), relative. Constants, which are computed once, are NumPy's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from math import factorial
from math import log as log_of
from typing import Any

import numpy as np

from ernsnn.describe.evaluation import OPERATIONS as NUMPY

PER_LN2 = 1 / log_of(2)
LN2_HIGH = round(log_of(2) * 2**32) / 2**32
"""ln(2) with so few digits that its product with a whole number below 2^20 is exact; the rest is ``LN2_LOW``."""
LN2_LOW = float(Decimal("0.693147180559945309417232121458") - Decimal(LN2_HIGH))
EXP = tuple(1 / factorial(k) for k in range(12, -1, -1))
"""Coefficients of exp on [-ln(2)/2, ln(2)/2], the highest first; what is left out is below 2e-16."""
EXPREL = tuple(1 / factorial(k + 1) for k in range(13, -1, -1))
LOWEST, HIGHEST = -708.0, 710.0
"""The range of exp: below LOWEST it is exp(LOWEST) = 3e-308, from HIGHEST on infinite."""
NEAR = 0.35
"""The largest |x| for which exprel is computed by its series."""
ATANH = tuple(2 / k for k in range(23, 0, -2))
"""Coefficients of log((1 + s)/(1 - s))/s in s^2, for s^2 up to .0295."""
SQRT_HALF, MANTISSA = 4604544271217802189, 2**52 - 1
"""The bits of sqrt(.5) as a whole number, and those that are not its exponent."""
HALF_PI_HIGH = round(1.5707963267948966 * 2**30) / 2**30
HALF_PI_LOW = float(Decimal("1.57079632679489661923132169164") - Decimal(HALF_PI_HIGH))
COS = tuple((-1) ** k / factorial(2 * k) for k in range(8, -1, -1))
SIN = tuple((-1) ** k / factorial(2 * k + 1) for k in range(8, -1, -1))


def _horner(coefficients: tuple[float, ...], x: Any) -> Any:
    total: Any = coefficients[0]
    for c in coefficients[1:]:
        total = total * x + c
    return total


def exp(x: Any) -> Any:
    """exp(x) = 2^n exp(r) with |r| <= ln(2)/2."""
    near = np.minimum(np.maximum(x, LOWEST), HIGHEST)
    n = np.floor(near * PER_LN2 + 0.5)
    r = (near - n * LN2_HIGH) - n * LN2_LOW
    with np.errstate(invalid="ignore"):
        exponent = np.asarray(n, dtype=np.int64) + 1022
    # 2^1024 is no number, but twice 2^1023 may be the factor of one.
    result = _horner(EXP, r) * (exponent << 52).view(np.float64) * 2.0
    return np.where(x == x, result, x)  # NaN stays


def exprel(x: Any) -> Any:
    """(exp(x) - 1)/x, 1 at 0."""
    x = np.asarray(x, dtype=float)
    close = np.abs(x) < NEAR
    return np.where(close, _horner(EXPREL, np.where(close, x, 0.0)), (exp(x) - 1.0) / np.where(close, 1.0, x))


def expm1(x: Any) -> Any:
    """exp(x) - 1."""
    x = np.asarray(x, dtype=float)
    return np.where(np.abs(x) < NEAR, x * exprel(x), exp(x) - 1.0)


def log(x: Any) -> Any:
    """log(2^e m) with m in [sqrt(.5), sqrt(2)): -infinity at 0, NaN below."""
    x = np.asarray(x, dtype=float)
    small = x < 2.0**-1022
    bits = np.asarray(np.where(small, x * 2.0**54, x)).view(np.int64)
    bits = bits - SQRT_HALF
    e = (bits >> 52) - np.where(small, 54, 0)
    m = ((bits & MANTISSA) + SQRT_HALF).view(np.float64)
    s = (m - 1.0) / (m + 1.0)
    result = e * LN2_HIGH + (e * LN2_LOW + s * _horner(ATANH, s * s))
    result = np.where(x < np.inf, result, x)
    return np.where(x > 0.0, result, np.where(x == 0.0, -np.inf, np.nan))


def cos(x: Any) -> Any:
    """cos(x) = +-cos(r) or +-sin(r) with |r| <= pi/4; digits are lost beyond |x| of a million."""
    x = np.asarray(x, dtype=float)
    n = np.floor(x * (1 / (HALF_PI_HIGH + HALF_PI_LOW)) + 0.5)
    r = (x - n * HALF_PI_HIGH) - n * HALF_PI_LOW
    quarter = n - np.floor(n * 0.25) * 4.0
    square = r * r
    result = np.where((quarter == 0.0) | (quarter == 2.0), _horner(COS, square), r * _horner(SIN, square))
    return np.where((quarter == 1.0) | (quarter == 2.0), -result, result)


def tanh(x: Any) -> Any:
    """tanh(x) of expm1(2x); 1 to all digits beyond 20."""
    grown = expm1(2.0 * np.minimum(np.maximum(x, -20.0), 20.0))
    return grown / (grown + 2.0)


def power(base: Any, exponent: Any) -> Any:
    """base ** exponent of a base above 0: exp(exponent log(base)). Whole powers are products, and not computed here."""
    return exp(exponent * log(base))


OPERATIONS: Mapping[str, Callable[..., Any]] = {
    **NUMPY,
    "exp": exp,
    "expm1": expm1,
    "exprel": exprel,
    "log": log,
    "cos": cos,
    "tanh": tanh,
    "**": power,
}
"""The functions with which ``evaluation.evaluator`` computes the equations of a step."""
