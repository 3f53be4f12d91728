"""Comparing results: the matching against brute force, and what the comparison says."""

from __future__ import annotations

import itertools
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ernsnn as ern
from ernsnn.analyse.compare import match

spikes = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 1)), max_size=5, unique=True)


def as_arrays(given: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([s for s, _ in given], dtype=np.int64), np.array([n for _, n in given], dtype=np.int32)


def brute_force(a: list[tuple[int, int]], b: list[tuple[int, int]], tolerance: int) -> int:
    """The largest number of pairs, found by trying every assignment of the shorter list."""
    short, long = sorted((a, b), key=len)
    assignments = itertools.permutations(long, len(short))
    return max(
        sum(n == m and abs(s - t) <= tolerance for (s, n), (t, m) in zip(short, chosen, strict=True))
        for chosen in assignments
    )


@settings(max_examples=300, deadline=None, derandomize=True)
@given(spikes, spikes, st.integers(0, 4))
def test_the_matching_is_the_largest(a: list[tuple[int, int]], b: list[tuple[int, int]], tolerance: int) -> None:
    matched, alone_a, alone_b = match(as_arrays(a), as_arrays(b), tolerance)
    assert matched == brute_force(a, b, tolerance)
    assert len(alone_a) == len(a) - matched
    assert len(alone_b) == len(b) - matched
    assert set(alone_a) <= set(a)
    assert set(alone_b) <= set(b)
    if tolerance == 0:
        assert set(alone_a) == set(a) - set(b)
        assert set(alone_b) == set(b) - set(a)


def network() -> ern.Network:
    net = ern.Network(name="pair")
    source = net.population("source", 2, ern.SpikeTimes([[1.0, 5.0], [3.0]]))
    cell = net.population("cell", 1, ern.LIF())
    rule = ern.stdp.pair(tau_plus_ms=20, tau_minus_ms=20, A_plus=0.1, A_minus=0.1)
    net.projection("plastic", source, cell, weight_nA=0.5, learning=rule)
    return net


def altered(result: ern.Result, population: str, given: list[tuple[int, int]], w: float | None = None) -> ern.Result:
    recording = result.recording
    synapses = {"plastic": {"w": recording.synapses["plastic"]["w"] if w is None else np.array([0.5, w])}}
    other = ern.Recording(
        n_steps=recording.n_steps,
        spikes={**recording.spikes, population: as_arrays(sorted(given))},
        synapses=synapses,
        meta={**recording.meta, "backend": "other"},
    )
    return ern.Result(result.graph, other)


@pytest.fixture(scope="module")
def result() -> ern.Result:
    return ern.run(network(), duration_ms=10, backend="reference")


def test_a_result_equals_itself(result: ern.Result) -> None:
    comparison = ern.compare(result, result)
    assert comparison.equal
    assert comparison.first_divergence is None
    assert comparison.largest_weight_difference == 0
    assert [p.population for p in comparison.populations] == ["source", "cell"]
    assert "every spike agrees" in str(comparison)


def test_counts_and_first_divergence(result: ern.Result) -> None:
    # The source has neuron 0 in steps 1 and 5, neuron 1 in step 3; the other lacks step 5 and adds steps 4 and 7.
    comparison = ern.compare(result, altered(result, "source", [(1, 0), (3, 1), (4, 1), (7, 0)]))
    source = comparison.populations[0]
    assert (source.spikes_a, source.spikes_b, source.matched) == (3, 4, 2)
    assert source.precision == pytest.approx(2 / 4)
    assert source.recall == pytest.approx(2 / 3)
    assert not comparison.equal
    first = comparison.first_divergence
    assert first is not None
    assert (first.population, first.neuron, first.step, first.missing_in) == ("source", 1, 4, "reference")
    assert "they differ; first in source, neuron 1, step 4 (4 ms): no such spike in reference" in str(comparison)
    data = json.loads(json.dumps(comparison.to_json()))
    assert data["equal"] is False
    assert data["populations"][0]["precision"] == pytest.approx(0.5)
    assert data["first_divergence"]["step"] == 4


def test_tolerance(result: ern.Result) -> None:
    late = altered(result, "source", [(2, 0), (3, 1), (6, 0)])
    assert not ern.compare(result, late).equal
    assert ern.compare(result, late, tolerance_steps=1).equal
    assert "every spike agrees within 1 step" in str(ern.compare(result, late, 1))
    with pytest.raises(ern.InvalidModel, match="tolerance_steps"):
        ern.compare(result, late, tolerance_steps=-1)


def test_no_spikes_at_all_is_perfect_and_missed_spikes_are_not(result: ern.Result) -> None:
    empty = altered(result, "source", [])
    source, cell = ern.compare(result, empty).populations
    assert (source.precision, source.recall) == (1.0, 0.0)
    assert (cell.precision, cell.recall) == (1.0, 1.0)


def test_weights_are_told_relative_to_the_largest(result: ern.Result) -> None:
    same_spikes = [(1, 0), (3, 1), (5, 0)]
    w = result.recording.synapses["plastic"]["w"]
    other = altered(result, "source", same_spikes, w=float(w[1]) + 0.01)
    comparison = ern.compare(result, other)
    assert comparison.equal
    largest = max(w.max(), 0.5, w[1] + 0.01)
    assert comparison.weights["plastic.w"] == pytest.approx(max(0.01, abs(w[0] - 0.5)) / largest)
    other.recording.synapses.clear()
    assert ern.compare(result, other).weights == {"plastic.w": None}


def test_different_graphs_are_refused_unless_told(result: ern.Result) -> None:
    net = network()
    net.population("more", 1, ern.LIF())
    other = ern.run(net, duration_ms=10, backend="reference")
    with pytest.raises(ern.InvalidModel, match="different graphs"):
        ern.compare(result, other)
    comparison = ern.compare(result, other, allow_different=True)
    assert comparison.missing == {"more": "reference (b)"}
    assert not comparison.equal
    assert "more: only in reference (b)" in str(comparison)


def test_different_durations_are_refused(result: ern.Result) -> None:
    longer = ern.run(network(), duration_ms=11, backend="reference")
    with pytest.raises(ern.InvalidModel, match="10 steps of 1 ms and 11 steps of 1 ms"):
        ern.compare(result, longer)
