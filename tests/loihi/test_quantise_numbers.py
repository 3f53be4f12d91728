"""Mantissas and exponents: error bounds that hold for every number."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernsnn.hardware_backends.loihi.arithmetic.numbers import Scaled, coefficient, nearest, relative, total, weights

SETTINGS = settings(deadline=None, derandomize=True)

SIGNS = st.sampled_from([-1.0, 1.0])
# Where the mantissas 4 to 7 reach: below, bits are missing; above, the largest number ends.
FULL = st.floats(4 * 2.0**-7, 7 * 2.0**8)
ANY = st.floats(-(7.0 * 2**8), 7.0 * 2**8)


@SETTINGS
@given(FULL, SIGNS)
def test_one_product_misses_by_a_ninth_at_most(size: float, sign: float) -> None:
    found = nearest(sign * size)
    assert abs(found.mantissa) <= 7
    assert -7 <= found.exponent <= 8
    assert abs(relative(sign * size, found.value)) <= 1 / 9 + 1e-12


@SETTINGS
@given(st.floats(1.0, 7 * 2.0**8), SIGNS)
def test_two_products_miss_by_one_percent_at_most(size: float, sign: float) -> None:
    found = coefficient(sign * size)
    assert 1 <= len(found) <= 2
    assert abs(relative(sign * size, total(found))) <= 0.01


@SETTINGS
@given(ANY)
def test_a_coefficient_is_never_off_by_more_than_half_the_smallest_or_one_percent(value: float) -> None:
    assert abs(total(coefficient(value)) - value) <= max(2.0**-8, 0.01 * abs(value))


@SETTINGS
@given(st.integers(-7, 7).filter(bool), st.integers(-7, 8))
def test_what_can_be_held_is_held_in_one_product(mantissa: int, exponent: int) -> None:
    (found,) = coefficient(math.ldexp(mantissa, exponent))
    assert found.value == math.ldexp(mantissa, exponent)


def test_of_equal_numbers_the_one_with_the_largest_mantissa_is_taken() -> None:
    # Lava shifts bits out before it applies the exponent.
    assert nearest(1.0) == Scaled(4, -2)
    assert coefficient(255 / 64) == (Scaled(4, 0),)
    assert coefficient(12.0) == (Scaled(6, 1),)
    assert coefficient(2.0**-9) == ()
    assert str(Scaled(6, 1)) == "6*2^1"


def test_two_products_are_spent_where_one_is_too_coarse() -> None:
    # Lava's own float_to_literal makes 2 of 1.5 and .25 of .3.
    assert total(coefficient(1.5)) == 1.5
    assert total(coefficient(0.3)) == pytest.approx(0.3, abs=2.0**-8)
    assert total(coefficient(9.0)) == 9.0
    assert len(coefficient(9.0)) == 2


@SETTINGS
@given(st.lists(st.floats(0.01, 255 * 2.0**7), min_size=1, max_size=20), SIGNS)
def test_weights_of_one_sign_are_off_by_half_a_step_at_most(sizes: list[float], sign: float) -> None:
    asked = sign * np.array(sizes)
    found = weights(asked)
    assert found.mode == ("EXCITATORY" if sign > 0 else "INHIBITORY")
    assert np.max(np.abs(found.matrix)) <= 255
    assert np.max(np.abs(found.stored - asked)) <= 2.0**found.exponent / 2 + 1e-9
    # The largest keeps 7 bits at least, where it has as many: the exponent is no larger than it must be.
    assert found.exponent == 0 or np.max(np.abs(found.matrix)) >= 127


@SETTINGS
@given(st.lists(st.floats(-250 * 2.0**7, 250 * 2.0**7), min_size=2, max_size=20))
def test_mixed_weights_are_even_and_off_by_one_step_at_most(values: list[float]) -> None:
    asked = np.array([1.0, -1.0, *values])
    found = weights(asked)
    assert found.mode == "MIXED"
    assert not np.any(found.matrix % 2)
    assert found.matrix.min() >= -256
    assert found.matrix.max() <= 254
    assert np.max(np.abs(found.stored - asked)) <= 2.0**found.exponent + 1e-9


def test_the_largest_weight_is_cut_off_or_rounded_whichever_is_nearer() -> None:
    assert weights(np.array([255.2])).exponent == 0
    assert weights(np.array([255.6])).matrix[0] * 2 ** weights(np.array([255.6])).exponent == 256


def test_relative_errors() -> None:
    assert relative(-60, -59) == pytest.approx(-1 / 60)
    assert relative(0, 0) == 0
    assert relative(0, 1) == math.inf
