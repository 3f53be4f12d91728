"""The exponential function in plain arithmetic, which LLVM vectorises: a call of the C library's it does not."""

from __future__ import annotations

from decimal import Decimal
from math import log

import numpy as np

from .kernels.jit import compiled

_PER_LN2 = 1 / log(2)
_LN2_HIGH = round(log(2) * 2**32) / 2**32
"""With so few digits that its product with a whole number below 2^20 is exact; the rest is ``_LN2_LOW``."""
_LN2_LOW = float(Decimal("0.693147180559945309417232121458") - Decimal(_LN2_HIGH))


@compiled
def exponential(x: float) -> float:
    """exp(x) of x <= 0 within 4e-16 relative; below -708 as there, so that no power of 2 is too small for its exponent.

    exp(x) = 2^n exp(r) with |r| <= ln(2)/2, and exp(r) by its series: what is left out is below 2e-16.
    """
    x = max(x, -708.0)
    n = np.int32(x * _PER_LN2 - 0.5)
    r = (x - n * _LN2_HIGH) - n * _LN2_LOW
    p = 1 / 479001600
    p = p * r + 1 / 39916800
    p = p * r + 1 / 3628800
    p = p * r + 1 / 362880
    p = p * r + 1 / 40320
    p = p * r + 1 / 5040
    p = p * r + 1 / 720
    p = p * r + 1 / 120
    p = p * r + 1 / 24
    p = p * r + 1 / 6
    p = p * r + 1 / 2
    p = p * r + 1.0
    p = p * r + 1.0
    return float(p * np.int64((np.int64(n) + 1023) << 52).view(np.float64))
