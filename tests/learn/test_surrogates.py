"""Surrogates: their equations, and what holds for each of them."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern

X = np.linspace(-400.0, 400.0, 800_001)


@pytest.mark.parametrize("slope", [0.5, 1.0, 3.0])
@pytest.mark.parametrize("kind", [ern.FastSigmoid, ern.Arctangent])
def test_the_derivative_of_a_step_from_0_to_1(kind, slope):
    """Its integral is 1, but for what lies beyond: 1/(k x) on each side of the fast sigmoid."""
    assert np.trapezoid(kind(slope)(X), X) == pytest.approx(1.0, abs=2.0 / (slope * X.max()))


@pytest.mark.parametrize(
    ("surrogate", "whole"),
    [
        (ern.FastSigmoid(2.0), lambda x: 0.5 * (1 + 2 * x / (1 + 2 * abs(x)))),
        (ern.Arctangent(2.0), lambda x: np.arctan(np.pi * x) / np.pi + 0.5),
        (ern.SuperSpike(2.0), lambda x: x / (1 + 2 * abs(x))),
    ],
)
def test_they_are_the_derivatives_of_their_functions(surrogate, whole):
    x, h = np.array([-3.0, -0.4, 0.2, 1.7]), 1e-6
    np.testing.assert_allclose(surrogate(x), (whole(x + h) - whole(x - h)) / (2 * h), rtol=1e-6)


def test_superspike_is_1_at_the_threshold():
    assert ern.SuperSpike(7.0)(0.0) == 1.0


@pytest.mark.parametrize("kind", [ern.FastSigmoid, ern.SuperSpike, ern.Arctangent])
@pytest.mark.parametrize("slope", [0.0, -1.0])
def test_a_slope_is_above_0(kind, slope):
    with pytest.raises(ern.InvalidModel, match=rf"{kind.__name__}.slope_per_mV: must be > 0"):
        kind(slope)
