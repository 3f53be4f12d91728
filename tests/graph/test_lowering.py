"""Lowering: deterministic, one generator a draw, and what connectors come out as."""

from __future__ import annotations

import itertools
import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import samples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strategies import networks

import ernsnn
from ernsnn import (
    LIF,
    FixedInDegree,
    FixedProbability,
    FixedTotalNumber,
    FromList,
    InvalidModel,
    Network,
    Normal,
    Poisson,
    Schedule,
    SpikeTimes,
    Uniform,
)
from ernsnn.graph import connectivity, values

modest = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
COMMITTED = json.loads((Path(__file__).parents[1] / "data" / "digests.json").read_text())


def between(n_pre, n_post, connector=None, seed=0, weight_nA=0.5, delay_ms=1, **options):
    net = Network(**options)
    pre, post = net.population("pre", n_pre, LIF()), net.population("post", n_post, LIF())
    net.projection("p", pre, post, connector, weight_nA=weight_nA, delay_ms=delay_ms)
    return ernsnn.lower(net, seed).projections[0]


# Digests


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_committed_digests(name):
    """A change here changes every saved digest: do it on purpose, with tests/support/samples.py, or not at all."""
    graph = ernsnn.lower(samples.SAMPLES[name](), samples.SEED)
    assert {"digest": graph.digest, "contents": samples.contents(graph)} == COMMITTED[name]


def test_digests_are_the_same_in_other_processes_and_on_other_processors():
    """Hash seeds shuffle sets; numpy's exp has another last digit where AVX512 is missing."""
    features = "AVX512F AVX512CD AVX512_SKX AVX512_CLX AVX512_CNL AVX512_ICL AVX512_SPR FMA3 AVX2"
    environment = {**os.environ, "PYTHONHASHSEED": "77", "NPY_DISABLE_CPU_FEATURES": features}
    command = [sys.executable, "-W", "ignore", samples.__file__]
    printed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout
    assert json.loads(printed) == COMMITTED


@settings(modest, max_examples=15)
@given(networks(), st.integers(0, 2**63))
def test_lowering_is_deterministic(network, seed):
    assert ernsnn.lower(network, seed).digest == ernsnn.lower(network, seed).digest


def test_the_seed_and_everything_written_is_in_the_digest():
    def digest(seed=1, weight=0.5, name="a", dt=1.0):
        net = Network(dt_ms=dt)
        a = net.population(name, 3, LIF(v_rest_mV=Normal(-65, 1)))
        net.projection("p", a, a, weight_nA=weight)
        return ernsnn.lower(net, seed).digest

    different = [digest(), digest(seed=2), digest(weight=np.nextafter(0.5, 1)), digest(name="b"), digest(dt=0.5)]
    assert len(set(different)) == len(different)
    assert digest(weight="500 pA") == digest(weight=np.float32(0.5)) == digest()


def test_whole_numbers_are_the_same_as_floats():
    def digest(one):
        rule = ernsnn.stdp.pair(A_plus=one, A_minus=one, w_max=one, tau_plus_ms=one)
        net = Network(dt_ms=one)
        a = net.population("a", 1, LIF(cm_nF=one))
        net.projection("p", a, a, weight_nA=one, delay_ms=one, learning=rule)
        return ernsnn.lower(net).digest

    assert digest(1) == digest(1.0) == digest(np.float64(1))


@pytest.mark.parametrize("seed", [1.5, True, None, "1"])
def test_a_seed_is_a_whole_number(seed):
    with pytest.raises(InvalidModel, match="seed"):
        ernsnn.lower(samples.stimuli(), seed)


# Draws


@settings(modest, max_examples=25)
@given(networks(), st.integers(0, 99))
def test_adding_a_part_moves_no_numbers_elsewhere(network, seed):
    before = ernsnn.lower(network, seed)
    more = network.population("zz", 5, LIF(v_rest_mV=Normal(-65, 1)))
    network.population("zz_noise", 5, Poisson(20))
    first = next(p for p in network.populations.values() if not p.is_source)
    weight = {f"weight_{first.model.kind.receptors[0].unit}": Uniform(0, 1)}
    network.projection("zz_p", more, first, FixedProbability(0.5), delay_ms=Uniform(1, 9), **weight)
    after = ernsnn.lower(network, seed)
    for old, new in zip(before.projections, after.projections, strict=False):
        assert_rows_equal(old.synapses, new.synapses)
    for old, new in zip(before.populations, after.populations, strict=False):
        if hasattr(old, "spikes"):
            np.testing.assert_array_equal(old.spikes.between(0, 500), new.spikes.between(0, 500))
        else:
            for name, value in old.parameters.items():
                np.testing.assert_array_equal(value, new.parameters[name])


def assert_rows_equal(a, b):
    np.testing.assert_array_equal(a.pre, b.pre)
    np.testing.assert_array_equal(a.post, b.post)
    np.testing.assert_array_equal(a.delay, b.delay)
    assert a.variables.keys() == b.variables.keys()
    for name, array in a.variables.items():
        np.testing.assert_array_equal(array, b.variables[name])


def joined(projection, cuts):
    pieces = [projection.rows(a, b) for a, b in itertools.pairwise(cuts)]
    return type(pieces[0])(
        *(np.concatenate([getattr(p, name) for p in pieces]) for name in ("pre", "post", "delay")),
        {name: np.concatenate([p.variables[name] for p in pieces]) for name in pieces[0].variables},
    )


@settings(modest, max_examples=25)
@given(networks(), st.data())
def test_rows_in_any_pieces_are_the_synapses(network, data):
    for projection in ernsnn.lower(network, 3).projections:
        n = projection.connectivity.n_pre
        inner = data.draw(st.lists(st.integers(0, n), max_size=4))
        assert_rows_equal(joined(projection, [0, *sorted(inner), n]), projection.synapses)
        rows = projection.synapses
        keys = rows.pre * 1000 + rows.post
        assert (np.diff(keys) >= 0).all()
        assert (rows.delay >= 1).all()
        assert len(rows.pre) == projection.n_synapses


def test_rows_of_a_draw_do_not_depend_on_the_order_in_which_they_are_asked_for():
    draw = values.Draw("normal", (0.0, 1.0, -np.inf, np.inf), "0123456789abcdef" * 2)
    forwards = [draw.row(r, 10 * r, 10) for r in range(20)]
    backwards = [draw.row(r, 10 * r, 10) for r in reversed(range(20))][::-1]
    np.testing.assert_array_equal(forwards, backwards)
    assert len(np.unique(forwards)) == 200
    np.testing.assert_array_equal(draw.row(3, 30, 4), forwards[3][:4])


def test_weights_delays_marks_and_connector_have_draws_of_their_own():
    rule = ernsnn.LearningRule(
        terms=[],
        marks=[ernsnn.Mark(name, Uniform(0, 1)) for name in ("m", "n", "weight_nA", "connector", "delay_ms")],
    )
    net = Network()
    a = net.population("a", 30, LIF(v_rest_mV=Uniform(-70, -65), v_init_mV=Uniform(-70, -65)))
    net.projection("p", a, a, weight_nA=Uniform(0, 1), delay_ms=Uniform(1, 1000), learning=rule)
    net.projection("q", a, a, weight_nA=Uniform(0, 1))
    graph = ernsnn.lower(net)
    drawn = list(graph.projections[0].synapses.variables.values())
    drawn += [graph.projections[1].synapses.variables["w"], graph.projections[0].synapses.delay]
    assert (np.abs(np.corrcoef(drawn) - np.eye(len(drawn))) < 0.2).all()
    model = graph.population("a").parameters
    assert abs(np.corrcoef(model["v_rest_mV"], model["v_init_mV"])[0, 1]) < 0.9


def test_v_init_follows_the_very_draw_of_v_rest():
    net = Network()
    net.population("a", 5, LIF(v_rest_mV=Normal(-65, 2)))
    parameters = ernsnn.lower(net).population("a").parameters
    np.testing.assert_array_equal(parameters["v_init_mV"], parameters["v_rest_mV"])
    assert len(set(parameters["v_rest_mV"])) == 5


@pytest.mark.parametrize(
    ("kind", "parameters", "mean", "sd"),
    [
        ("uniform", (2.0, 5.0), 3.5, 3 / 12**0.5),
        ("normal", (2.0, 0.5, -np.inf, np.inf), 2.0, 0.5),
        ("lognormal", (2.0, 0.5), 2 * np.exp(0.125), 2 * np.exp(0.125) * np.expm1(0.25) ** 0.5),
        ("exponential", (3.0,), 3.0, 3.0),
    ],
)
def test_distributions_have_their_mean_and_deviation(kind, parameters, mean, sd):
    drawn = values.Draw(kind, parameters, "ab" * 16).row(0, 0, 200_000)
    assert abs(drawn.mean() - mean) < 5 * sd / 200_000**0.5
    assert drawn.std() == pytest.approx(sd, rel=0.02)


def test_a_normal_with_bounds_is_set_to_them():
    drawn = values.Draw("normal", (0.0, 1.0, -0.5, 0.25), "cd" * 16).row(0, 0, 5000)
    assert drawn.min() == -0.5
    assert drawn.max() == 0.25
    assert np.mean(drawn == 0.25) == pytest.approx(0.4013, abs=0.04)


def test_exponential_is_exp_to_the_last_digit_or_two():
    x = np.random.default_rng(1).normal(0, 20, 10_000)
    np.testing.assert_allclose(values.exponential(x), np.exp(x), rtol=5e-16)


def test_drawn_delays_are_whole_steps_of_at_least_one():
    delay = between(50, 50, delay_ms=Normal(1.0, 1.0), dt_ms=0.5).synapses.delay
    assert delay.min() == 1
    assert set(delay) > {1, 2, 3, 4}
    assert abs(np.mean(delay == 2) - 0.19741) < 5 * (0.2 * 0.8 / 2500) ** 0.5  # P(0.75 < N(1, 1) < 1.25)


# Connectors


def test_all_to_all_and_without_self():
    rows = between(3, 2).synapses
    assert list(zip(rows.pre, rows.post, strict=True)) == [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)]
    rows = between(3, 2, ernsnn.AllToAll(self_connections=False)).synapses
    assert list(zip(rows.pre, rows.post, strict=True)) == [(0, 1), (1, 0), (2, 0), (2, 1)]


def test_lists_are_sorted_together_with_their_values():
    rows = between(3, 3, FromList([(2, 0), (0, 1), (2, 0)]), weight_nA=[0.3, 0.1, 0.4], delay_ms=[3, 1, 4]).synapses
    found = sorted(zip(rows.pre, rows.post, rows.variables["w"], rows.delay, strict=True))
    assert found == [(0, 1, 0.1, 1), (2, 0, 0.3, 3), (2, 0, 0.4, 4)]


def test_a_matrix_gives_each_pair_its_own_value_whatever_the_connector():
    matrix = np.arange(12.0).reshape(4, 3)
    for connector in (
        None,
        ernsnn.AllToAll(self_connections=False),
        FixedProbability(0.5),
        FixedInDegree(2),
        FixedInDegree(3, False),
        FixedTotalNumber(30),
        FixedTotalNumber(7, False, False),
    ):
        rows = between(4, 3, connector, weight_nA=matrix, delay_ms=1 + matrix).synapses
        assert len(rows.pre) > 0
        np.testing.assert_array_equal(rows.variables["w"], matrix[rows.pre, rows.post])
        np.testing.assert_array_equal(rows.delay, 1 + matrix[rows.pre, rows.post])


def test_parts_of_populations():
    net = Network()
    a, b = net.population("a", 5, LIF()), net.population("b", 6, LIF())
    net.projection("p", a[1:3], b[-2:], weight_nA=np.array([[1.0, 2.0], [3.0, 4.0]]))
    rows = ernsnn.lower(net).projections[0].synapses
    assert rows.pre.tolist() == [1, 1, 2, 2]
    assert rows.post.tolist() == [4, 5, 4, 5]
    assert rows.variables["w"].tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize("itself", [True, False])
def test_fixed_probability_is_one_coin_a_pair(itself):
    n, p, graphs = 60, 0.3, 60
    counts, hits = [], np.zeros((n, n))
    for seed in range(graphs):
        rows = between(n, n, FixedProbability(p, itself), seed=seed).synapses
        matrix = np.zeros((n, n))
        np.add.at(matrix, (rows.pre, rows.post), 1)
        assert matrix.max() == 1
        assert itself or not matrix.diagonal().any()
        hits += matrix
        counts += matrix.sum(axis=1).tolist()
    m, candidates = len(counts), n - (not itself)
    mean, variance = candidates * p, candidates * p * (1 - p)
    assert abs(np.mean(counts) - mean) < 5 * (variance / m) ** 0.5
    assert abs(np.var(counts) - variance) < 5 * variance * (2 / m) ** 0.5
    pairs = hits[~np.eye(n, dtype=bool)]
    # Every pair is as likely as any other: the counts of a pair over all graphs are binomial, too.
    assert abs(np.var(pairs) - graphs * p * (1 - p)) < 5 * graphs * p * (1 - p) * (2 / len(pairs)) ** 0.5
    columns = hits.sum(axis=0)
    assert (np.abs(columns - candidates * graphs * p) < 5 * (graphs * variance) ** 0.5).all()


@pytest.mark.parametrize(("p", "count"), [(0.0, 0), (1.0, 12)])
def test_fixed_probability_at_its_ends(p, count):
    assert between(3, 4, FixedProbability(p)).n_synapses == count


@pytest.mark.parametrize(("n_pre", "n_post"), [(20, 30), (30, 20), (8, 8)])
@pytest.mark.parametrize("itself", [True, False])
def test_fixed_in_degree_is_exact(n_pre, n_post, itself):
    degree, chosen = 7, np.zeros(n_pre)
    for seed in range(40):
        rows = between(n_pre, n_post, FixedInDegree(degree, itself), seed=seed).synapses
        assert np.bincount(rows.post, minlength=n_post).tolist() == [degree] * n_post
        assert len({*zip(rows.pre, rows.post, strict=True)}) == len(rows.pre)
        assert itself or (rows.pre != rows.post).all()
        chosen += np.bincount(rows.pre, minlength=n_pre)
    share = degree * n_post * 40 / n_pre
    assert (np.abs(chosen - share) < 6 * share**0.5).all()


# What cannot be lowered


def problem(build):
    net = Network()
    a = net.population("a", 2, LIF())
    build(net, a)
    with pytest.raises(InvalidModel) as caught:
        ernsnn.lower(net)
    return str(caught.value)


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda n, a: n.population("s", 1, SpikeTimes([[1.5]])), ["s, spike of neuron 0", "1.5 ms", "multiple"]),
        (lambda n, a: n.population("s", 2, SpikeTimes([[], [2, 2 + 1e-8]])), ["s: two spikes of neuron 1", "one step"]),
        (lambda n, a: n.population("s", 1, SpikeTimes([[1.0, 1 + 1e-7]])), ["s", "neuron 0", "one step"]),
        (lambda n, a: n.population("s", 1, Poisson(2000, at_most_one=True)), ["s.rate_hz", "2000", "at_most_one"]),
        (lambda n, a: n.population("s", 1, Poisson(1e13)), ["s.rate_hz", "1e+10 spikes in a step"]),
        (lambda n, a: n.population("s", 9, Poisson(Normal(0, 1))), ["s.rate_hz", ">= 0"]),
        (lambda n, a: n.population("s", 1, Poisson(Schedule([0.5], [1]))), ["s.rate_hz", "0.5 ms"]),
        (lambda n, a: n.population("s", 1, Poisson(Schedule([1, 1 + 1e-7], [1, 2]))), ["s.rate_hz", "one step"]),
        (lambda n, a: n.projection("p", a, a, weight_nA=1, delay_ms=1.5), ["p.delay_ms", "1.5 ms"]),
        (
            lambda n, a: n.projection("p", a, a, weight_nA=1, delay_ms=[[1, 2], [3, 2.5]]),
            ["p.delay_ms", "2.5 ms"],
        ),
        (
            lambda n, a: n.inject(a, ernsnn.CurrentSteps(times_ms=[0.5], amplitudes_nA=[1])),
            ["current injected into a", "0.5 ms"],
        ),
        (lambda n, a: n.signal("g", times_ms=[0.25], values=[1]), ["g", "0.25 ms"]),
        (lambda n, a: n.population("b", 9, LIF(cm_nF=Uniform(-2, -1))), ["b.cm_nF", "> 0"]),
        (
            lambda n, a: n.population("b", 9, LIF(v_threshold_mV=Normal(-65, 1))),
            ["b", "v_reset_mV", "v_threshold_mV"],
        ),
        (
            lambda n, a: n.projection(
                "p", a, a, weight_nA=1, learning=ernsnn.stdp.pair(A_plus=1, A_minus=1), transmit="w*q"
            ),
            ["p.transmit", "'q'"],
        ),
        (
            lambda n, a: n.projection(
                "p", a, a, weight_nA=1, learning=ernsnn.stdp.pair(A_plus=1, A_minus=1), transmit="w - w"
            ),
            ["p.transmit", "always 0"],
        ),
    ],
)
def test_what_lowering_refuses_and_how_it_says_so(build, words):
    said = problem(build)
    assert all(word in said for word in words), said


@pytest.mark.parametrize(
    ("signal", "why"),
    [
        (lambda n, s, a: n.signal("P", times_ms=[0, 5], values=[0, -1]), "P is never above 0"),
        (lambda n, s, a: n.astrocyte("P", [a], tau_ms=5, weight=-1, threshold=0.5), "P has no weight above 0"),
        (lambda n, s, a: n.astrocyte("P", [s, a], tau_ms=5, weight=[1, -1]), "P listens to none that ever spikes"),
        (
            lambda n, s, a: n.gate("P", opens={n.astrocyte("glia", [s], tau_ms=5): 0.1}),
            "P needs glia, which listens to none that ever spikes",
        ),
        (lambda n, s, a: n.astrocyte("P", [s], tau_ms=5, bias=1), None),
        (lambda n, s, a: n.astrocyte("P", [a], tau_ms=5), None),
    ],
)
@pytest.mark.parametrize("silent", [SpikeTimes([[]]), Poisson(0)])
def test_a_consolidation_signal_that_nothing_drives_is_refused(signal, why, silent):
    tag, lock = ernsnn.marks.Labile("a", 1, 1), ernsnn.marks.Stable("m", 1, consolidated_by="P", tag="a")

    def build(n, a):
        P = signal(n, n.population("s", 1, silent), a)
        rule = ernsnn.stdp.pair(A_plus=1, A_minus=1, marks=[tag, lock])
        n.projection("p", a, a, weight_nA=0.5, learning=rule, third_factors={"P": P})

    if why is None:
        net = Network()
        build(net, net.population("a", 2, LIF()))
        ernsnn.lower(net)
    else:
        said = problem(build)
        assert "p.learning: nothing drives 'P', by which 'm' is consolidated" in said
        assert why in said


def test_all_problems_are_told_at_once():
    def build(n, a):
        n.projection("p", a, a, weight_nA=1, delay_ms=1.5)
        n.population("s", 1, Poisson(2000, at_most_one=True))

    said = problem(build)
    assert "p.delay_ms" in said
    assert "s.rate_hz" in said


def test_an_empty_network_is_refused():
    with pytest.raises(InvalidModel, match="no population"):
        ernsnn.lower(Network())


# Memory


def peak_bytes(build):
    tracemalloc.start()
    kept = build()
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak, kept


def test_a_hundred_million_drawn_weights_cost_nothing_until_asked_for():
    peak, projection = peak_bytes(lambda: between(10_000, 10_000, weight_nA=Uniform(0, 1), delay_ms=Uniform(1, 5)))
    assert peak < 10e6
    assert projection.n_synapses == 100_000_000
    assert isinstance(projection.connectivity, connectivity.Dense)
    assert projection.rows(9_999, 10_000).variables["w"].shape == (10_000,)


def test_sparse_connectivity_costs_at_most_16_bytes_a_synapse():
    peak, projection = peak_bytes(lambda: between(2000, 5000, FixedProbability(0.1), weight_nA=Uniform(0, 1)))
    assert peak < 16 * projection.n_synapses
