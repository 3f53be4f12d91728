"""Spikes between times, against plain loops, whatever the time step and wherever the run began."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ernsnn as ern
from ernsnn.analyse.activity import mean_rate_hz
from ernsnn.recording.recording import counted


@given(
    st.lists(st.tuples(st.integers(0, 50), st.integers(0, 3)), max_size=40),
    st.lists(st.integers(-5, 60), min_size=2, max_size=6).map(sorted),
)
def test_every_spike_is_counted_in_its_interval(spikes, edges):
    steps, neurons = np.array(sorted(spikes), np.int64).reshape(-1, 2).T
    found = counted(steps, neurons, np.array(edges), 4)
    for k, (start, stop) in enumerate(pairwise(edges)):
        for n in range(4):
            assert found[k, n] == sum(start <= s < stop and m == n for s, m in spikes)


def fires(times, dt_ms=0.1, duration_ms=10.0, start=None):
    net = ern.Network(dt_ms=dt_ms)
    net.population("cells", len(times), ern.SpikeTimes(times))
    return ern.run(net, duration_ms=duration_ms, backend="reference", start=start)


def test_an_edge_belongs_to_the_interval_that_it_begins():
    result = fires([[0.3, 0.7, 5.7], [9.9]])
    assert result.counts("cells").tolist() == [[3, 1]]
    assert result.counts("cells", [0.3, 0.7, 5.7, 10]).tolist() == [[1, 0], [1, 0], [1, 1]]
    assert result.counts("cells", [0.1 + 0.2, 0.1 * 7]).tolist() == [[1, 0]]
    assert result.counts("cells", np.arange(0, 11, 5)).tolist() == [[2, 0], [1, 1]]
    assert result.counts("cells", [0.35, 0.35, 20.0]).tolist() == [[0, 0], [2, 1]]


def test_a_run_that_goes_on_counts_from_the_time_of_its_network():
    times = [[1.0, 12.0, 13.0]]
    later = fires(times, start=fires(times))
    assert later.counts("cells").tolist() == [[2]]
    assert later.counts("cells", [0, 11, 13, 20]).tolist() == [[0], [1], [1]]


@pytest.mark.parametrize("edges", [3.0, [3.0], [2.0, 1.0], [[1, 2], [3, 4]], "all", [0, np.nan], ["x", "y"], None])
def test_edges_that_are_none(edges):
    result = fires([[1.0]])
    if edges is None:
        with pytest.raises(ern.InvalidModel, match="no population 'cell'; did you mean 'cells'"):
            result.counts("cell")
    else:
        with pytest.raises(ern.InvalidModel, match="edges_ms"):
            result.counts("cells", edges)


def test_the_mean_rate():
    assert mean_rate_hz(30, 10, 500.0) == 6.0
    assert mean_rate_hz(0, 10, 0.0) == 0.0
    result = fires([[0.3, 0.7, 5.7], [9.9]])
    assert result.metrics().activity[0].rate_hz == pytest.approx(result.counts("cells").mean() / 0.010)
