"""The functions of equations: right to the last digits, and the same bits in NumPy and in compiled code."""

from __future__ import annotations

from collections.abc import Callable

import mpmath
import numpy as np
import pytest

from ernsnn.graph import arithmetic
from ernsnn.hardware_backends.native.kernels.arithmetic import FUNCTIONS
from ernsnn.hardware_backends.native.kernels.jit import load

RNG = np.random.default_rng(17)
EVERYWHERE = np.concatenate(
    [
        [0.0, -0.0, 1e-300, -1e-300, 0.35, -0.35, np.log(2) / 2, 708.0, -708.0, 709.78, 1.0, -1.0],
        RNG.uniform(-708, 709, 20_000),
        RNG.normal(size=20_000),
        RNG.normal(size=5_000) * 1e-9,
    ]
)
ABOVE_0 = np.concatenate([[5e-324, 1e-310, 2.2250738585072014e-308, 1.0, 0.5**0.5, 1.7e308], np.exp(EVERYWHERE)])
ABOVE_0 = ABOVE_0[(ABOVE_0 > 0) & (np.inf > ABOVE_0)]
ANGLES = np.concatenate([RNG.uniform(0, 2 * np.pi, 20_000), RNG.uniform(-1e4, 1e4, 5_000)])
CASES = {
    "exp": (EVERYWHERE, 4e-16),
    "expm1": (EVERYWHERE, 2e-15),
    "exprel": (EVERYWHERE, 2e-15),
    "tanh": (EVERYWHERE, 2e-15),
    "log": (ABOVE_0, 5e-16),
    "cos": (ANGLES, 1e-15),
}
EXACT: dict[str, Callable] = {
    "exp": mpmath.exp,
    "expm1": mpmath.expm1,
    "exprel": lambda x: mpmath.expm1(x) / x if x else mpmath.mpf(1),
    "tanh": mpmath.tanh,
    "log": mpmath.log,
    "cos": mpmath.cos,
}


def native(name: str, *given: np.ndarray) -> np.ndarray:
    """A function of compiled code, of every number."""
    args = ", ".join(f"x{k}" for k in range(len(given)))
    each = ", ".join(f"x{k}[i]" for k in range(len(given)))
    text = f"def {name}_of_each({args}, found):\n    for i in range(len(found)):\n        found[i] = {name}({each})\n"
    found = np.empty(len(given[0]))
    load(text, FUNCTIONS)[f"{name}_of_each"](*given, found)
    return found


@pytest.mark.parametrize("name", CASES)
def test_compiled_code_has_the_same_bits(name: str) -> None:
    numbers = np.concatenate([CASES[name][0], [np.inf, -np.inf, np.nan, -1.0, 1e5, -1e5]])
    numbers = numbers if name != "cos" else CASES[name][0]
    with np.errstate(all="ignore"):
        expected = np.asarray(getattr(arithmetic, name)(numbers))
    np.testing.assert_array_equal(native(name, numbers).view(np.int64), expected.view(np.int64))


@pytest.mark.parametrize("name", CASES)
def test_functions_are_right(name: str) -> None:
    numbers, most = CASES[name]
    some = np.concatenate([numbers[:20], numbers[20::23]])
    with mpmath.workdps(40), np.errstate(all="ignore"):
        found = np.asarray(getattr(arithmetic, name)(some))
        for x, y in zip(some.tolist(), found.tolist(), strict=True):
            exact = EXACT[name](mpmath.mpf(x))
            # A cosine near 0 is right to the digits of 1.
            off = abs(y - exact) if name == "cos" else abs(y - exact) / abs(exact) if exact else abs(y)
            assert off <= most + (1e-12 if name == "cos" and abs(x) > 10 else 0), (x, y)


def test_powers_have_the_same_bits() -> None:
    base, exponent = np.exp(RNG.normal(size=5_000)), RNG.uniform(-5, 5, 5_000)
    found = arithmetic.power(base, exponent)
    np.testing.assert_array_equal(native("power", base, exponent).view(np.int64), found.view(np.int64))
    np.testing.assert_allclose(found, base**exponent, rtol=1e-14)


def test_beyond_the_numbers() -> None:
    with np.errstate(all="ignore"):
        assert np.array_equal(arithmetic.exp(np.array([np.inf, 800.0])), [np.inf, np.inf])
        assert arithmetic.exp(-1e5) < 1e-300
        assert np.isnan(arithmetic.exp(np.nan))
        assert np.array_equal(arithmetic.log(np.array([0.0, np.inf])), [-np.inf, np.inf])
        assert np.isnan(arithmetic.log(np.array([-1.0, np.nan]))).all()
