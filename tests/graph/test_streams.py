"""Random numbers drawn while running: whole numbers exact in float64, and distributed as they say."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.graph.seeds import key_of
from ernsnn.graph.streams import MODULI, MULTIPLIERS, Streams, start

KEY = key_of(7, "a test")


def test_float_arithmetic_is_exact():
    streams, whole = Streams(KEY, 50), [[int(s) for s in row] for row in start(KEY, 50)]
    for _ in range(500):
        streams.uniform()
        whole = [[int(a) * s % int(m) for s in row] for a, m, row in zip(MULTIPLIERS, MODULI, whole, strict=True)]
    assert streams.states.tolist() == whole


def test_starts_lie_within_the_generators_and_depend_on_the_key():
    states = start(KEY, 1000)
    assert (states >= 1).all()
    assert (states < np.array(MODULI)[:, None]).all()
    assert len(np.unique(states)) == states.size
    assert not np.intersect1d(states, start(key_of(8, "a test"), 1000)).size


def test_more_streams_leave_the_first_of_a_generator_as_they_are():
    assert np.array_equal(start(KEY, 10)[0], start(KEY, 50)[0][:10])


@pytest.mark.parametrize(("draw", "moments"), [("uniform", (1 / 2, 1 / 3, 1 / 4, 1 / 5)), ("normal", (0, 1, 0, 3))])
def test_moments(draw, moments):
    streams, n = Streams(KEY, 1000), 1000
    drawn = np.array([getattr(streams, draw)() for _ in range(n)])
    for power, expected in enumerate(moments, start=1):
        values = drawn**power
        assert abs(values.mean() - expected) < 4 * values.std() / np.sqrt(values.size)
    centred = drawn - moments[0]
    one_step, one_stream = (centred[1:] * centred[:-1]).mean(), (centred[:, 1:] * centred[:, :-1]).mean()
    assert max(abs(one_step), abs(one_stream)) < 4 * centred.var() / np.sqrt(drawn.size)


def test_uniform_numbers_are_spread_evenly():
    streams = Streams(KEY, 1000)
    drawn = np.concatenate([streams.uniform() for _ in range(200)])
    assert drawn.min() > 0
    assert drawn.max() < 1
    counts = np.histogram(drawn, 100, (0, 1))[0]
    chi2 = ((counts - 2000) ** 2 / 2000).sum()
    assert 60 < chi2 < 150  # 99 degrees of freedom
