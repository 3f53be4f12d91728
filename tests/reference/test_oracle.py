"""The reference against the naive second implementation in oracle.py: the same spikes, weights within 1e-12."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import simulate
from strategies import RULES, STEPS, networks

import ernsnn
from ernsnn.backend.registry import get_backend

modest = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


def run(graph, n_steps=STEPS):
    return get_backend("reference").run(graph, n_steps, lambda fraction: None)


def assert_same(graph, n_steps=STEPS):
    """Runs both; returns the number of spikes of computed neurons."""
    ours, theirs = run(graph, n_steps), simulate(graph, n_steps)
    for name, pairs in theirs.spikes.items():
        steps, neurons = ours.spikes[name]
        assert list(zip(steps.tolist(), neurons.tolist(), strict=True)) == pairs, name
    assert ours.synapses.keys() == theirs.synapses.keys()
    for name, variables in theirs.synapses.items():
        for variable, values in variables.items():
            np.testing.assert_allclose(ours.synapses[name][variable], values, rtol=0, atol=1e-12, err_msg=name)
    assert ours.neurons.keys() == theirs.neurons.keys()
    for name, parameters in theirs.neurons.items():
        for parameter, values in parameters.items():
            np.testing.assert_allclose(ours.neurons[name][parameter], values, rtol=1e-13, atol=1e-12, err_msg=name)
    for probe in graph.probes:
        steps, values = ours.signals[probe.key]
        assert steps.tolist() == [t for t in range(n_steps) if (t + 1) % probe.every == 0]
        tolerance = 1e-12 if probe.kind == "synapses" else 1e-9  # V: the naive gain cancels where tau_s is near tau_m
        width = len(theirs.signals[probe.key][0]) if theirs.signals[probe.key] else values.shape[1]
        expected = np.array(theirs.signals[probe.key]).reshape(len(steps), width)
        np.testing.assert_allclose(values, expected, rtol=1e-12, atol=tolerance, err_msg=probe.key)
    return sum(len(theirs.spikes[p.name]) for p in graph.neurons())


@settings(modest, max_examples=60)
@given(networks(), st.integers(0, 2**40))
def test_any_network(network, seed):
    assert_same(ernsnn.lower(network, seed))


@pytest.mark.parametrize("rule", RULES)
@settings(modest, max_examples=12)
@given(data=st.data())
def test_each_rule(rule, data):
    network = data.draw(networks(rules=(rule,), intrinsic=False, poisson=False, probes=False))
    assert_same(ernsnn.lower(network, 1))


@pytest.mark.parametrize("modulator", ["astrocyte", "calcium", "signal"])
@pytest.mark.parametrize("side", ["all", "pre", "post"])
@settings(modest, max_examples=8)
@given(data=st.data())
def test_third_factors(modulator, side, data):
    chosen = networks(rules=("general",), modulators=(modulator,), third_factor_sides=(side,), adaptive=False)
    assert_same(ernsnn.lower(data.draw(chosen), 2))


@settings(modest, max_examples=30)
@given(networks(rules=("general",), always=("plastic", "third_factors", "marks", "epochs", "flows"), adaptive=False))
def test_flows(network):
    assert_same(ernsnn.lower(network, 3))


def test_the_drawn_networks_are_lively():
    spikes, features = [], set()

    @settings(modest, max_examples=60)
    @given(networks())
    def collect(network):
        graph = ernsnn.lower(network, 1)
        recording = run(graph)
        spikes.append(sum(len(recording.spikes[p.name][0]) for p in graph.neurons()))
        features.update(found(graph, recording))

    collect()
    assert np.mean(np.array(spikes) > 20) > 0.8
    changes = {"plastic change", "mark change", "intrinsic change"}
    features -= {"Latch", "Relax"}  # rare in these; test_flows draws them
    assert features == changes | {"several delays", "third factor", "gate"}


def found(graph, recording):
    for p in graph.projections:
        if p.learning:
            for variable in p.learning.variables:
                initial = p.synapses.variables[variable.name]
                if not np.array_equal(recording.synapses[p.name][variable.name], initial):
                    yield "plastic change" if variable.name == "w" else "mark change"
            if len(set(p.synapses.delay)) > 1:
                yield "several delays"
            if p.learning.third_factors:
                yield "third factor"
            yield from (type(flow).__name__ for flow in p.learning.flows)
            if any(t.trace.gate for t in p.learning.traces):
                yield "gate"
    for p in graph.neurons():
        if p.intrinsic and not np.array_equal(
            recording.neurons[p.name][p.intrinsic.target],
            np.broadcast_to(p.parameters[p.intrinsic.target], p.size),
        ):
            yield "intrinsic change"


@pytest.mark.slow
@settings(modest, max_examples=500)
@given(networks(), st.integers(0, 2**40))
def test_many_networks(network, seed):
    assert_same(ernsnn.lower(network, seed))
