"""Spike sources of a lowered graph: given and Poisson spikes, fixed whatever window is asked for."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ernsnn
from ernsnn import Network, Poisson, Schedule, SpikeTimes
from ernsnn.backend.source_spikes import SourceSpikes
from ernsnn.graph.seeds import Rows, generator
from ernsnn.graph.spikes import PoissonSpikes

modest = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def sources(rate, size=4, seed=0, dt=1.0, at_most_one=True):
    net = Network(dt_ms=dt)
    net.population("s", size, Poisson(rate, at_most_one=at_most_one))
    return ernsnn.lower(net, seed)


def poisson(*args, **options):
    return sources(*args, **options).population("s").spikes


@settings(modest, max_examples=40)
@given(st.lists(st.integers(0, 1500), min_size=2, max_size=6))
def test_poisson_spikes_do_not_depend_on_the_window(cuts):
    spikes, cuts = poisson(Schedule([100, 400], [[50.0] * 4, [300.0] * 4])), sorted(cuts)
    whole = spikes.between(cuts[0], cuts[-1])
    pieces = [spikes.between(a, b) for a, b in itertools.pairwise(cuts)]
    np.testing.assert_array_equal(whole, np.concatenate(pieces, axis=1))
    steps, neurons = whole
    order = np.lexsort((neurons, steps))
    np.testing.assert_array_equal(order, np.arange(len(order)))
    assert len({*zip(steps, neurons, strict=True)}) == len(steps)


def test_poisson_rates_change_at_the_steps_of_the_schedule():
    rate = [[1000.0, 0.0], [0.0, 1000.0], [500.0, 500.0]]
    steps, neurons = poisson(Schedule([3, 5, 9], rate), size=2).between(0, 9)
    assert steps[neurons == 0].tolist() == [3, 4]
    assert steps[neurons == 1].tolist() == [5, 6, 7, 8]


def test_a_silent_time_moves_no_spikes():
    loud = poisson(50.0).between(0, 3000)
    for first, last in ((1, 700), (700, 1900), (2100, 2999)):
        rate = [[0.0] * 4, [50.0] * 4, [0.0] * 4]
        steps, neurons = poisson(Schedule([0, first, last], rate)).between(0, 3000)
        inside = (loud[0] >= first) & (loud[0] < last)
        assert len(steps) > 50
        np.testing.assert_array_equal([steps, neurons], [part[inside] for part in loud])


def test_poisson_statistics():
    steps, neurons = poisson([20.0, 200.0, 0.0, 1000.0], dt=0.5).between(0, 40_000)
    counts = np.bincount(neurons, minlength=4)
    for count, p in zip(counts, (0.01, 0.1, 0.0, 0.5), strict=True):
        assert abs(count - 40_000 * p) <= 5 * (40_000 * p * (1 - p)) ** 0.5
    intervals = np.diff(steps[neurons == 1])
    assert abs(intervals.mean() - 10) < 5 * 9.5 / len(intervals) ** 0.5
    assert intervals.var() == pytest.approx(0.9 / 0.01, rel=0.15)  # geometric
    fast = [np.isin(np.arange(40_000), steps[neurons == n]) for n in (1, 3)]
    assert abs(np.corrcoef(fast)[0, 1]) < 0.025


def test_counts_are_poissons():
    """Of each mean every count is as frequent as it should be, which the sum of squares says (Pearson 1900)."""
    means, n = [0.003, 0.02, 0.4, 1.0, 7.5, 60.0], 30_000
    spikes = poisson([1000 * m for m in means], size=6, at_most_one=False)
    steps, neurons = spikes.between(0, n)
    assert spikes.expected(0, n) == pytest.approx(n * sum(means))
    counted = np.bincount(steps * 6 + neurons, minlength=6 * n).reshape(n, 6)
    for mean, counts in zip(means, counted.T, strict=True):
        assert abs(counts.mean() - mean) < 4 * (mean / n) ** 0.5
        assert counts.max() <= spikes.most
        lowest, highest = (max(0, int(mean - 4 * mean**0.5)), int(mean + 4 * mean**0.5) + 1)
        logs = [k * math.log(mean) - mean - math.lgamma(k + 1) for k in range(lowest, highest)]
        expected = n * np.exp(logs)
        found = np.bincount(counts, minlength=highest)[lowest:highest]
        common = expected > 20
        assert np.sum((found - expected)[common] ** 2 / expected[common]) < common.sum() + 5 * (2 * common.sum()) ** 0.5
    assert abs(np.corrcoef(counted[:-1, 3], counted[1:, 3])[0, 1]) < 0.025
    assert abs(np.corrcoef(counted[:, 3], counted[:, 4])[0, 1]) < 0.025


def test_counts_of_the_same_numbers_as_single_spikes():
    """Where a source of counts spikes, the one that spikes at most once does, too; the rest is what it has more."""
    rates = [5.0, 30.0, 200.0, 999.0]
    single, several = (poisson(rates, at_most_one=once) for once in (True, False))
    once, all_of_them = (
        set(zip(*map(np.ndarray.tolist, s.between(0, 20_000)), strict=True)) for s in (single, several)
    )
    assert all_of_them < once
    np.testing.assert_array_equal(several.once().between(0, 500), single.between(0, 500))
    assert (single.most, several.once().most, several.most > 5) == (1, 1, True)


@pytest.mark.parametrize(("rate", "dt", "counts"), [(10.0, 1.0, False), (100.0, 0.1, False), (10.01, 1.0, True)])
def test_slow_sources_draw_as_they_always_did(rate, dt, counts):
    """Up to a mean of .01 no two spikes in a step, and the digest of a source that says so."""
    free, single = (sources(rate, dt=dt, at_most_one=once) for once in (False, True))
    assert free.population("s").spikes.counts is counts
    assert (free.digest == single.digest) is not counts


def test_a_mean_of_one_neuron_or_time_lets_all_of_a_source_count():
    assert poisson([1.0, 1.0, 1.0, 300.0], at_most_one=False).counts
    assert poisson(Schedule([0, 5], [1.0, 11.0]), at_most_one=False).counts
    assert not poisson(Schedule([0, 5], [1.0, 10.0]), at_most_one=False).counts


def test_rates_that_are_drawn_have_a_stream_of_their_own():
    def lowered(seed, further=False):
        net = Network()
        if further:
            net.population("further", 3, Poisson(ernsnn.Uniform(0, 1)))
        net.population("s", 500, Poisson(ernsnn.Uniform(2, 8)))
        cells = net.population("cells", 4, ernsnn.LIF())
        net.poisson_input("drive", cells, rate_hz=ernsnn.Uniform(100, 200), n=3, weight_nA=0.1)
        return ernsnn.lower(net, seed)

    rates, again, other = (1000 * g.population("s").spikes.probabilities[:1][0] for g in map(lowered, (1, 1, 2)))
    assert (rates.min() >= 2, rates.max() <= 8, abs(rates.mean() - 5) < 0.4, len(np.unique(rates))) == (1, 1, 1, 500)
    assert np.array_equal(rates, again)
    assert not np.array_equal(rates, other)
    assert np.array_equal(rates, 1000 * lowered(1, further=True).population("s").spikes.probabilities[:1][0])
    means = lowered(1).poisson_inputs[0].means[:1][0]
    assert means.min() >= 0.3
    assert means.max() <= 0.6
    assert len(np.unique(means)) == 4


def test_an_empty_schedule_is_silent():
    assert poisson(Schedule([], []), size=2).between(0, 100)[0].size == 0


def test_given_spikes_by_step_then_neuron():
    net = Network(dt_ms=0.1)
    net.population("s", 3, SpikeTimes([[0.3, 0.1], [], ["0.1 ms"]]))
    steps, neurons = ernsnn.lower(net).population("s").spikes.between(1, 4)
    assert steps.tolist() == [1, 1, 3]
    assert neurons.tolist() == [0, 2, 0]


@pytest.mark.parametrize("size", [1, 7, 300])
def test_windows_of_any_width_have_the_same_spikes(size, monkeypatch):
    """Drawn some rows at a time: the numbers of a step are those of its block, wherever a window begins."""
    spikes = PoissonSpikes(np.array([3, 400]), np.array([[0.3] * size, [0.6] * size]), "a1")
    _same_in_windows(spikes, size, monkeypatch)


@pytest.mark.parametrize("size", [1, 300])
def test_windows_of_any_width_have_the_same_counts(size, monkeypatch):
    means = np.array([[0.3] * size, [2.6] * size])
    _same_in_windows(PoissonSpikes(np.array([3, 400]), means, "a1", counts=True), size, monkeypatch)


def _same_in_windows(spikes, size, monkeypatch):
    whole = spikes.between(0, 900)
    monkeypatch.setattr("ernsnn.graph.spikes._AT_ONCE", 5 * size)
    rng = np.random.default_rng(8)
    cuts = [0, *np.unique(rng.integers(1, 900, 40)).tolist(), 900]
    parts = [spikes.between(a, b) for a, b in itertools.pairwise(cuts)]
    for k in (0, 1):
        assert np.array_equal(np.concatenate([part[k] for part in parts]), whole[k])


@pytest.fixture
def drawn_steps(monkeypatch):
    """(first, last) of the steps whose numbers are drawn, one after the other."""
    found, real = [], PoissonSpikes._drawn

    def drawn(self, first, last, *others):
        found.append((first, last))
        return real(self, first, last, *others)

    monkeypatch.setattr(PoissonSpikes, "_drawn", drawn)
    return found


def test_a_short_run_draws_no_more_than_it_needs(drawn_steps):
    """Of 100,000 sources over 20 steps the numbers of these, once."""
    net = ernsnn.Network()
    net.population("many", 100_000, ernsnn.Poisson(5.0))
    ernsnn.run(net, duration_ms=20, backend="reference")
    assert drawn_steps == [(0, 20)]


def test_where_no_end_is_known_few_numbers_are_drawn_ahead(drawn_steps):
    """A script of PyNN may run on: of many sources it looks no further ahead than 2^22 numbers reach."""
    spikes = poisson(5.0, size=100_000)
    feeds = SourceSpikes(sources(5.0, size=100_000))
    for t in range(20):
        assert np.array_equal(feeds.at(t)["s"], spikes.between(t, t + 1)[1])
    assert [(a, b) for a, b in drawn_steps if b - a > 1] == [(0, 41)]
    drawn_steps.clear()
    for t in range(20, 60):
        feeds.change("s", spikes)
        assert np.array_equal(feeds.at(t)["s"], spikes.between(t, t + 1)[1])
    assert max(b - a for a, b in drawn_steps) == 1


@pytest.mark.parametrize("drawn", [0, 1, 2, 3, 4, 5, 999, 4000])
def test_a_generator_some_numbers_on(drawn):
    whole = generator("a1", 7).bit_generator.random_raw(4010)
    rows = Rows("a1")
    rows.at(3, 17)
    assert np.array_equal(rows.at(7, drawn).bit_generator.random_raw(10), whole[drawn : drawn + 10])
