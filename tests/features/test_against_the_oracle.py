"""Every exact backend of this process against the naive second implementation in oracle.py.

The same spikes, weights within 1e-12. The oracle shares no arithmetic with any of them, as they do with each other:
native takes its modulators and its intrinsic plasticity from the reference.
"""

from __future__ import annotations

import engines
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from oracle import simulate
from strategies import RULES, STEPS, networks

import ernsnn

modest = settings(deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))


FLOWING = ("plastic", "third_factors", "marks", "epochs", "flows")
BACKENDS = pytest.mark.parametrize("backend", engines.stepped())


def assert_same(graph, backend="reference", n_steps=STEPS):
    """Runs both; returns the number of spikes of computed neurons."""
    ours, theirs = engines.run(backend, graph, n_steps), simulate(graph, n_steps)
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


@BACKENDS
@settings(modest, max_examples=40)
@given(network=networks(), seed=st.integers(0, 2**40))
def test_any_network(backend, network, seed):
    assert_same(ernsnn.lower(network, seed), backend)


@BACKENDS
@pytest.mark.parametrize("rule", RULES)
@settings(modest, max_examples=8)
@given(data=st.data())
def test_each_rule(backend, rule, data):
    network = data.draw(networks(rules=(rule,), intrinsic=False, poisson=False, probes=False))
    assert_same(ernsnn.lower(network, 1), backend)


@BACKENDS
@pytest.mark.parametrize("modulator", ["astrocyte", "calcium", "signal"])
@pytest.mark.parametrize("side", ["all", "pre", "post"])
@settings(modest, max_examples=5)
@given(data=st.data())
def test_third_factors(backend, modulator, side, data):
    always = ("plastic", "third_factors", "gates", "modulations")
    chosen = {"rules": ("general",), "modulators": (modulator,), "third_factor_sides": (side,), "adaptive": False}
    assert_same(ernsnn.lower(data.draw(networks(**chosen, always=always)), 2), backend)


@BACKENDS
@pytest.mark.parametrize("made_of", ["either", "agreement"])
@settings(modest, max_examples=8)
@given(data=st.data())
def test_third_factors_made_of_several(backend, made_of, data):
    always = ("plastic", "third_factors", made_of)
    chosen = networks(rules=("general",), modulators=("astrocyte", "calcium"), always=always)
    assert_same(ernsnn.lower(data.draw(chosen), 4), backend)


@BACKENDS
@settings(modest, max_examples=15)
@given(network=networks(always=("intrinsic", "epochs", "freeze"), plastic=False))
def test_intrinsic_plasticity(backend, network):
    assert_same(ernsnn.lower(network, 5), backend)


@BACKENDS
@settings(modest, max_examples=30)
@given(
    network=networks(
        rules=("general",), always=("plastic", "third_factors", "marks", "epochs", "flows"), adaptive=False
    )
)
def test_flows(backend, network):
    assert_same(ernsnn.lower(network, 3), backend)


def test_the_drawn_networks_are_lively():
    spikes, features = [], set()

    @settings(modest, max_examples=60)
    @given(networks())
    def collect(network):
        graph = ernsnn.lower(network, 1)
        recording = engines.run("reference", graph, STEPS)
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
@BACKENDS
@settings(modest, max_examples=500)
@given(network=networks(), seed=st.integers(0, 2**40))
def test_many_networks(backend, network, seed):
    assert_same(ernsnn.lower(network, seed), backend)
