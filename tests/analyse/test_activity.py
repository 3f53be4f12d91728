"""Activity figures against closed forms and plain loops."""

import numpy as np
import pytest

from ernsnn.analyse.activity import activity
from ernsnn.recording.recording import by_neuron


def of(spikes, size=2, n_steps=100, dt_ms=1.0, bin_steps=5):
    """The activity of neurons given as lists of steps."""
    pairs = sorted((s, n) for n, train in enumerate(spikes) for s in train)
    steps, neurons = (np.array([p[k] for p in pairs], np.int64) for k in (0, 1))
    return activity("cells", size, steps, neurons, n_steps, dt_ms, bin_steps)


def test_rate_and_sparsity():
    found = of([[1, 2, 3], []], n_steps=50, dt_ms=2.0)
    assert found.rate_hz == pytest.approx(3 / 2 / 0.1)
    assert found.activation_sparsity == pytest.approx(1 - 3 / 100)


def test_a_clock_has_no_variation_and_two_lengths_have_theirs():
    assert of([[0, 10, 20, 30], []]).cv_isi == 0
    assert of([[0, 10, 40], [5, 6]]).cv_isi == pytest.approx(np.std([10, 30]) / 20)
    assert of([[0, 10], [3]]).cv_isi is None


def test_a_poisson_train_varies_as_its_mean():
    rng = np.random.default_rng(0)
    found = of([np.flatnonzero(rng.random(200_000) < 0.02).tolist()], size=1, n_steps=200_000)
    assert found.cv_isi == pytest.approx(1, abs=0.04)


def test_synchrony_is_one_for_equal_trains_and_the_root_of_the_number_for_independent_ones():
    train = [3, 17, 44, 45, 80]
    assert of([train, train]).synchrony == pytest.approx(1)
    rng = np.random.default_rng(1)
    trains = [np.flatnonzero(rng.random(20_000) < 0.05).tolist() for _ in range(25)]
    assert of(trains, size=25, n_steps=20_000).synchrony == pytest.approx(1 / 5, rel=0.1)
    assert of([[], []]).synchrony is None


def test_synchrony_by_its_definition():
    rng = np.random.default_rng(2)
    trains = [np.flatnonzero(rng.random(103) < p).tolist() for p in (0.3, 0.1, 0.5)]
    counts = np.array([np.bincount([s // 5 for s in t if s < 100], minlength=20) for t in trains], float)
    expected = np.sqrt(counts.mean(axis=0).var() / counts.var(axis=1).mean())
    assert of(trains, size=3, n_steps=103).synchrony == pytest.approx(expected)


def test_branching_counts_the_next_bin():
    found = of([[0, 1, 5, 6, 7, 8, 10], []], n_steps=20)  # bins: 2, 4, 1, 0
    assert found.branching_factor == pytest.approx((2 + 1 / 4 + 0) / 3)
    assert of([[19], []], n_steps=20).branching_factor is None


def test_trains_are_split_in_one_pass():
    """Of as many neurons as spikes: looking through all spikes for each neuron would take minutes."""
    size = 100_000
    neurons = np.random.default_rng(2).permutation(size)
    trains = by_neuron(np.arange(size), neurons, size + 1)
    assert trains[-1].tolist() == []
    assert np.concatenate(trains)[neurons].tolist() == list(range(size))
    steps, of = np.array([4, 4, 5, 9]), np.array([2, 0, 2, 0])
    assert [train.tolist() for train in by_neuron(steps, of, 4)] == [[4, 9], [], [4, 5], []]
