"""Sources that spike several times in a step: what that means for each part of a step, on every backend that has it."""

from __future__ import annotations

import math

import numpy as np
import pytest
from by_hand import approx, run

import ernsnn as ern
from ernsnn import LIF, DeltaLIF, Network, Poisson, Schedule, SpikeTimes, Trace
from ernsnn.analyse.counts import count

PULSE = Schedule([2, 3, 6, 7, 11], [3000.0, 0.0, 2000.0, 500.0, 0.0])
"""Several spikes in a step, and none in others."""


def having():
    net = Network()
    net.population("source", 1, Poisson(2000.0))
    return net


def drawn(net, name="source", n_steps=40, seed=1):
    """How often each neuron of a source spikes in each step."""
    source = ern.lower(net, seed).population(name)
    steps, neurons = source.spikes.between(0, n_steps)
    return np.bincount(steps * source.size + neurons, minlength=n_steps * source.size).reshape(n_steps, source.size)


def layers(counts):
    """Sources that spike at most once, together as often: the k-th spikes where the count is above k."""
    return [[np.flatnonzero(column > k) for column in counts.T] for k in range(counts.max())]


def projected(net, counts, cells, **options):
    """Projections from the layers of ``counts`` onto ``cells``, all alike."""
    for k, times in enumerate(layers(counts)):
        net.projection(f"p{k}", net.population(f"s{k}", len(times), SpikeTimes(times)), cells, **options)


def test_every_spike_is_recorded_and_counted():
    net = having()
    steps, neurons = run(net, 40).spikes["source"]
    counts = drawn(net)
    assert counts.max() > 3
    assert np.array_equal(np.bincount(steps, minlength=40), counts[:, 0])
    assert (np.diff(steps) >= 0).all()
    assert not neurons.any()


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
@pytest.mark.parametrize("delays", ["one", "several"])
def test_several_spikes_are_as_many_sources_with_the_same_weights(scheme, delays):
    """Weights are sums of powers of two, so that no sum is rounded: V is the same to the last digit."""
    weights = np.array([[0.25, 0.5], [0.125, 1.0], [0.5, 0.25]])
    delay = 3 if delays == "one" else np.array([[1, 4], [2, 2], [5, 1]])

    def network(sends):
        net = Network(current_integration=scheme)
        cells = net.population("cells", 2, LIF(v_threshold_mV=-60))
        net.probe(cells, "v_mV")
        net.probe(cells, "I_E_nA")
        sends(net, cells, {"weight_nA": weights, "delay_ms": delay})
        return net

    def counted(net, cells, options):
        net.projection("p", net.population("source", 3, Poisson([1500.0, 800.0, 40.0])), cells, **options)

    one = network(counted)
    counts = drawn(one)
    assert counts.max() > 3
    several = network(lambda net, cells, options: projected(net, counts, cells, **options))
    found, expected = run(one, 40), run(several, 40)
    assert len(found.spikes["cells"][0]) > 3
    for k in (0, 1):
        assert np.array_equal(found.spikes["cells"][k], expected.spikes["cells"][k])
    for key in ("cells.v_mV", "cells.I_E_nA"):
        assert np.array_equal(found.signals[key][1], expected.signals[key][1])


def test_a_part_of_a_source_and_jumps_of_v():
    net = Network()
    source, cells = net.population("source", 4, Poisson(PULSE)), net.population("n", 2, DeltaLIF(v_threshold_mV=1000))
    net.projection("p", source[1:3], cells, weight_mV=[[0.5, -0.25], [2.0, 1.0]], receptor="signed")
    net.probe(cells, "v_mV")
    counts, above, P = drawn(net), np.zeros(2), math.exp(-1 / 20)
    V = run(net, 20).signals["n.v_mV"][1]
    for t in range(20):
        arrived = counts[t - 1, 1:3] @ np.array([[0.5, -0.25], [2.0, 1.0]]) if t else 0.0
        above = above * P + arrived
        assert V[t] + 65 == approx(above, abs=1e-11)


def test_each_spike_is_a_pre_event_that_reads_the_traces_as_the_one_before_left_them():
    """w grows by x at each pre spike, x by 1 after it, and w is clipped after each; all are sent with the last w."""
    net = Network()
    source, cells = net.population("source", 2, Poisson(PULSE)), net.population("n", 1, LIF(v_threshold_mV=1000))
    rule = ern.LearningRule.from_equations(
        traces={"x": Trace("pre", 10.0)}, on_pre={"w": "0.0625*x - 0.05*w*w"}, bounds={"w": (0.0, 0.4)}
    )
    link = net.projection("p", source, cells, weight_nA=0.125, learning=rule)
    net.probe(link, "w")
    net.probe(cells, "I_E_nA")
    counts, x, w, current, sent = drawn(net), np.zeros(2), np.full(2, 0.125), 0.0, 0.0
    found = run(net, 20).signals
    assert counts[:20].max() > 2
    for t in range(20):
        x = x * math.exp(-1 / 10)
        current = current * math.exp(-1 / 5) + sent
        for i in range(2):
            for _ in range(counts[t, i]):
                w[i] = min(max(w[i] + 0.0625 * x[i] - 0.05 * w[i] ** 2, 0.0), 0.4)
                x[i] += 1
        sent = counts[t] @ w
        assert found["p.w"][1][t] == approx(w, abs=1e-12)
        assert found["n.I_E_nA"][1][t] == approx(current, abs=1e-12)


def test_a_trace_that_is_set_is_set_once_or_often():
    net = Network()
    source, cells = net.population("source", 1, Poisson(PULSE)), net.population("n", 1, LIF(v_threshold_mV=1000))
    rule = ern.LearningRule.from_equations(
        traces={"x": Trace("pre", 10.0, mode="set")}, on_pre={"w": "0.01*x"}, bounds={"w": (0.0, 9.0)}
    )
    net.probe(net.projection("p", source, cells, weight_nA=0.0, learning=rule, delay_ms=4), "w")
    counts, x, w = drawn(net), 0.0, 0.0
    found = run(net, 20).signals["p.w"][1]
    for t in range(20):
        x *= math.exp(-1 / 10)
        for _ in range(counts[t, 0]):
            w, x = w + 0.01 * x, 1.0
        assert found[t] == approx(w, abs=1e-12)


@pytest.mark.parametrize("learns", [False, True])
def test_short_term_plasticity_releases_in_turn(learns):
    """Of several spikes in a step each finds what the one before has left, no time having passed."""
    U, tau_rec, tau_fac = 0.3, 30.0, 60.0
    net = Network()
    source, cells = net.population("source", 2, Poisson(PULSE)), net.population("n", 1, LIF(v_threshold_mV=1000))
    short = ern.TsodyksMarkram(U=U, tau_rec_ms=tau_rec, tau_fac_ms=tau_fac)
    rule = {"learning": ern.stdp.pair(A_plus=1e-9, A_minus=0.0)} if learns else {}
    net.projection("p", source, cells, weight_nA=0.5, delay_ms=2, short_term=short, **rule)
    net.probe(cells, "I_E_nA")
    counts, states, arriving, current = drawn(net), [[1.0, U, None], [1.0, U, None]], [0.0] * 99, 0.0
    found = run(net, 20).signals["n.I_E_nA"][1]
    for t in range(20):
        current = current * math.exp(-1 / 5) + (arriving[t - 1] if t else 0.0)
        for i in range(2):
            x, u, last = states[i]
            for _ in range(counts[t, i]):
                if last is not None:
                    x = 1.0 - (1.0 - (x - u * x)) * math.exp(-(t - last) / tau_rec)
                    u = u * math.exp(-(t - last) / tau_fac) * (1 - U) + U
                last = t
                arriving[t + 1] += 0.5 * u * x
            states[i] = [x, u, last]
        assert found[t] == approx(current, abs=1e-12)


@pytest.mark.parametrize("per", ["domain", "neuron"])
def test_astrocytes_hear_every_spike(per):
    net = Network()
    source = net.population("source", 3, Poisson(PULSE))
    beside = net.population("beside", 3, SpikeTimes([[4], [5], [5]]))
    glia = net.astrocyte("glia", [source, beside], tau_ms=20, weight=0.5, per=per)
    net.probe(glia, "C")
    counts = drawn(net)[:20] + np.array([[t == 4, t == 5, t == 5] for t in range(20)])
    heard, C = counts if per == "neuron" else counts.sum(axis=1)[:, None], 0.0
    found = run(net, 20).signals["glia.C"][1]
    for t in range(20):
        C = C * math.exp(-1 / 20) + 0.5 * heard[t]
        assert found[t] == approx(C, abs=1e-12)


def test_synaptic_operations_are_those_of_every_spike():
    net = Network()
    source, cells = net.population("source", 3, Poisson(900.0)), net.population("n", 4, LIF())
    net.projection("p", source, cells, weight_nA=0.1)
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.01)
    net.projection("q", source, cells, weight_nA=0.1, learning=rule)
    result = ern.run(net, duration_ms=40, backend="reference", seed=1)
    spikes = int(drawn(net).sum())
    static, plastic = count(result.graph, result.recording).synapses
    assert (static.effective, plastic.effective, plastic.learning["pre"]) == (4 * spikes, 4 * spikes, 4 * spikes)


def test_a_run_goes_on_where_another_ended():
    """What was sent by several spikes before the end arrives after it."""
    net = Network()
    source, cells = net.population("source", 3, Poisson(1200.0)), net.population("n", 4, LIF(v_threshold_mV=1000))
    net.projection("p", source, cells, weight_nA=0.125, delay_ms=ern.Uniform(1, 6))
    rule = ern.stdp.pair(A_plus=0.01, A_minus=0.012)
    net.projection("q", source, cells, weight_nA=0.1, learning=rule, delay_ms=3)
    net.probe(cells, "I_E_nA")
    for backend, options in (("reference", {}), ("native", {"precision": "float64"}), ("brian2", {"target": "numpy"})):
        first = ern.run(net, duration_ms=20, backend=backend, seed=1, **options)
        second = ern.run(net, duration_ms=15, backend=backend, start=first, **options)
        whole = ern.run(net, duration_ms=35, backend=backend, seed=1, **options)
        parts = [r.recording.signals["n.I_E_nA"][1] for r in (first, second)]
        expected = whole.recording.signals["n.I_E_nA"][1]
        np.testing.assert_allclose(np.concatenate(parts), expected, rtol=0, atol=1e-12, err_msg=backend)
        w = [r.recording.synapses["q"]["w"] for r in (second, whole)]
        np.testing.assert_allclose(*w, rtol=0, atol=1e-12, err_msg=backend)


@pytest.mark.parametrize("how", ["learning", "short_term"])
def test_brian2_says_of_how_many_spikes_a_step_it_has_the_code(how):
    """Synapses that neither learn nor have short-term plasticity take any number."""
    part = {"learning": ern.stdp.pair(A_plus=0.1, A_minus=0.1), "short_term": ern.TsodyksMarkram()}[how]

    def told(rate, **options):
        net = Network()
        source, cells = net.population("source", 2, Poisson(rate)), net.population("n", 1, LIF())
        net.projection("p", source, cells, weight_nA=0.1, **options)
        return [issue for issue in ern.check(net, "brian2").errors if issue.code == "B303"]

    [issue] = told(20_000.0, **{how: part})
    assert issue.path == "p"
    assert "neurons of source may spike 5" in issue.message
    assert "backend='native'" in issue.remedy
    assert not told(2000.0, **{how: part})
    assert not told(20_000.0)
