"""Counts of Poisson input: their tables against the exact distribution, their moments, and any step by itself."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.graph.graph import Member, PoissonInput
from ernsnn.graph.poisson import Counting, Inversion, tabulated
from ernsnn.graph.seeds import key_of
from ernsnn.graph.streams import MODULI, MULTIPLIERS, start

NUMBERS = 2147483562
KEY = key_of(3, "counts")
MEANS = [0.0, 1e-12, 1e-3, 0.1, 0.8, 1.0, 2.5, 16.0, 23.7, 99.0, 101.0, 640.0]


def exact_thresholds(mean: float) -> list[int]:
    """round(F(k) (M - 1)) of every k, in fractions; the first probability follows from the sum of all."""
    mean, parts, k = Fraction(mean), [Fraction(1)], 0
    while k < mean or parts[-1] > sum(parts) / 10**13:
        k += 1
        parts.append(Fraction(int(parts[-1] * mean / k * 2**80), 2**80) if parts[-1] > 1 else parts[-1] * mean / k)
    total, reached, found = sum(parts), Fraction(0), []
    for part in parts:
        reached += part
        found.append(round(reached / total * NUMBERS))
    return found


@pytest.mark.parametrize("mean", MEANS)
def test_thresholds_are_the_cumulative_distribution(mean):
    tables = tabulated(np.array([mean]))
    exact = exact_thresholds(mean)
    lowest = sum(t < 1 for t in exact)
    assert tables.lowest.tolist() == [lowest]
    expected = [t for t in exact if 1 <= t < NUMBERS]
    assert len(tables.thresholds) == len(expected)
    assert np.abs(tables.thresholds - np.array(expected, np.int64)).max(initial=0) <= 1  # a rounding of the last digit


def test_tables_do_not_depend_on_what_stands_beside_them():
    rng = np.random.default_rng(1)
    means = np.unique(np.concatenate([MEANS, rng.uniform(0, 40, 200), [3e3, 1e5, 1e9]]))
    together = tabulated(means)
    for k in [*range(0, len(means), 17), *range(len(means) - 4, len(means))]:
        alone = tabulated(means[k : k + 1])
        assert together.lowest[k] == alone.lowest[0]
        assert np.array_equal(together.thresholds[together.starts[k] : together.starts[k + 1]], alone.thresholds)


def test_every_number_means_the_count_by_definition():
    means = np.array([0.0, 0.7, 9.0, 300.0])
    tables, rng = tabulated(means), np.random.default_rng(2)
    drawn = np.concatenate([[1, 2, NUMBERS - 1, NUMBERS], rng.integers(1, NUMBERS + 1, 500), tables.thresholds])
    for k, mean in enumerate(means):
        own = np.array(exact_thresholds(mean))
        found = tables.counts(np.full(len(drawn), k), drawn.astype(float))
        expected = (own[:, None] < drawn).sum(axis=0)
        near = (np.abs(own[:, None] - drawn) <= 1).any(axis=0)
        assert np.array_equal(found[~near], expected[~near])
        assert (np.abs(found - expected) <= 1).all()


@pytest.mark.parametrize("mean", [0.05, 1.6, 16.0, 2000.0])
def test_moments_of_the_counts(mean):
    """Mean and variance are the mean of a Poisson number, within 4.5 standard errors; streams are independent."""
    n, steps = 400, 500
    counting = Counting(KEY, Inversion.of_means(np.array([0]), np.full((1, n), mean)))
    counts = np.array([counting.at(t) for t in range(steps)], float)
    size = counts.size
    assert abs(counts.mean() - mean) < 4.5 * np.sqrt(mean / size)
    spread = np.sqrt((mean + 2 * mean**2) / size)  # of the variance: (fourth central moment - variance^2) / n
    assert abs(counts.var() - mean) < 4.5 * spread
    centred = counts - mean
    for beside in (centred[1:] * centred[:-1], centred[:, 1:] * centred[:, :-1]):
        assert abs(beside.mean()) < 4.5 * mean / np.sqrt(beside.size)


def test_how_often_each_count_comes():
    mean, n, steps = 1.6, 1000, 300
    counting = Counting(KEY, Inversion.of_means(np.array([0]), np.full((1, n), mean)))
    counts = np.concatenate([counting.at(t) for t in range(steps)])
    chances = [np.exp(-mean)]
    for k in range(1, 8):
        chances.append(chances[-1] * mean / k)
    chances.append(1 - sum(chances))
    seen = np.bincount(np.minimum(counts, 8), minlength=9)
    expected = np.array(chances) * counts.size
    assert ((seen - expected) ** 2 / expected).sum() < 26.1  # 8 degrees of freedom: one seed in a thousand is above


def test_any_step_can_be_asked_for():
    inversion = Inversion.of_means(np.array([0]), np.full((1, 9), 4.0))
    counting = Counting(KEY, inversion)
    whole = [counting.at(t) for t in range(40)]
    for t in (17, 3, 4, 39, 0):
        assert np.array_equal(Counting(KEY, inversion).at(t), whole[t])
        assert np.array_equal(counting.at(t), whole[t])


@pytest.mark.parametrize("drawn", [0, 1, 7, 10**12])
def test_streams_some_numbers_on(drawn):
    """The states after so many numbers, by whole numbers of any size."""
    first, later = start(KEY, 5), start(KEY, 5, drawn)
    for states, ahead, a, m in zip(first, later, MULTIPLIERS, MODULI, strict=True):
        power = pow(int(a), drawn, int(m))
        assert ahead.tolist() == [int(s) * power % int(m) for s in states]


def lowered(**options) -> PoissonInput:
    net = ern.Network(dt_ms=0.5)
    cells = net.population("cells", 4, ern.LIF())
    net.poisson_input("drive", cells[1:], **{"weight_nA": 0.1, **options})
    return ern.lower(net, 5).poisson_inputs[0]


def test_means_are_rate_times_step_times_sources():
    assert lowered(rate_hz=8.0, n=1000).means.tolist() == [[4.0] * 3]
    assert lowered(rate_hz=[10, 20, 40], n=[100, 0, 50]).means.tolist() == [[0.5, 0.0, 1.0]]
    found = lowered(rate_hz=ern.Schedule([0, 3], [[10, 20], [0, 40]], columns=[1, 0, 1]), n=[100, 100, 200])
    assert found.steps.tolist() == [0, 6]
    assert found.means.tolist() == [[1.0, 0.5, 2.0], [2.0, 0.0, 4.0]]
    assert lowered(rate_hz="0.1 kHz").means.tolist() == [[0.05] * 3]


def test_before_a_schedule_begins_nothing_comes():
    counting = lowered(rate_hz=ern.Schedule([2], [4000.0])).counting()
    assert [counting.at(t).any() for t in range(4)] == [False] * 4
    assert all(counting.at(t).any() for t in range(4, 9))


def test_weights_are_drawn_once_a_neuron():
    first, again = (lowered(rate_hz=1.0, weight_nA=ern.Uniform(1, 2)) for _ in range(2))
    assert first.weight.tolist() == again.weight.tolist()
    assert len(set(first.weight.tolist())) == 3


def test_graphs_without_it_are_saved_as_before(tmp_path):
    net = ern.Network()
    net.population("cells", 2, ern.LIF())
    graph = ern.lower(net)
    ern.save_graph(graph, tmp_path / "without")
    assert "poisson_inputs" not in (tmp_path / "without" / "graph.json").read_text(encoding="utf-8")
    assert ern.load_graph(tmp_path / "without").digest == graph.digest
    net.poisson_input("drive", net.populations["cells"], rate_hz=8.0, weight_nA=[0.1, 0.2])
    with_it = ern.lower(net)
    assert with_it.digest != graph.digest
    ern.save_graph(with_it, tmp_path / "with")
    loaded = ern.load_graph(tmp_path / "with")
    assert loaded.digest == with_it.digest
    assert loaded.poisson_inputs[0].weight.tolist() == [0.1, 0.2]


@pytest.mark.parametrize("backend", ["native", "reference", "brian2"])
def test_tables_that_memory_cannot_hold_are_refused(backend):
    """A table of a large mean for each of many neurons: 18 sqrt(1e9) thresholds of each."""
    net = ern.Network()
    cells = net.population("cells", 100_000, ern.LIF())
    net.poisson_input("drive", cells, rate_hz=np.linspace(0.9e12, 1e12, 100_000), weight_nA=1e-9)
    graph = ern.lower(net)
    codes = [issue.code for issue in ern.check(graph, backend) if issue.fidelity == "unsupported"]
    assert codes == [{"native": "N301", "reference": "R301", "brian2": "B302"}[backend]]
    small = ern.Network()
    small.poisson_input("drive", small.population("cells", 100_000, ern.LIF()), rate_hz=1e4, n=100, weight_nA=1e-9)
    assert not ern.check(small, backend).errors


DAMAGE = {
    "another receptor": (lambda p: replace(p, receptor="nmda"), "drive: LIF has no receptor 'nmda'"),
    "too few means": (lambda p: replace(p, means=p.means[:, :2]), "drive: needs 1 x 3 numbers"),
    "a mean below 0": (lambda p: replace(p, means=p.means - 9), r"drive: a mean is not within \[0, 1e\+09\]"),
    "a mean that is no number": (lambda p: replace(p, means=p.means * np.nan), "drive: a mean is not within"),
    "a huge mean": (lambda p: replace(p, means=p.means * 1e12), "drive: a mean is not within"),
    "steps that fall": (lambda p: replace(p, steps=np.array([-1])), "drive: its steps do not rise from 0 on"),
    "too few weights": (lambda p: replace(p, weight=np.ones(2)), "drive.weight has not 3 numbers"),
    "a weight that is no number": (lambda p: replace(p, weight=np.full(3, np.nan)), "drive.weight holds no number"),
    "no key": (lambda p: replace(p, key="x"), "drive: 'x' is no key of a draw"),
    "other neurons": (lambda p: replace(p, target=Member("cells", 2, 9)), "drive: cells has no neurons 2 to 9"),
    "neurons of none": (lambda p: replace(p, target=Member("dells", 0, 3)), "drive: there are no such neurons as"),
    "a name of another part": (lambda p: replace(p, name="cells"), "the name 'cells' is used twice"),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_saved_graph_with_what_cannot_be_is_refused(kind, tmp_path):
    damaged, said = DAMAGE[kind]
    net = ern.Network()
    cells = net.population("cells", 4, ern.LIF())
    net.poisson_input("drive", cells[1:], rate_hz=8.0, n=100, weight_nA=ern.Uniform(0, 1))
    graph = ern.lower(net)
    broken = replace(graph, poisson_inputs=tuple(map(damaged, graph.poisson_inputs)))
    ern.save_graph(broken, tmp_path / "graph")
    with pytest.raises(ern.InvalidModel, match=said):
        ern.load_graph(tmp_path / "graph")
