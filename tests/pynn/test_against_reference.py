"""Random networks give the same spikes, voltages and weights on the reference and in PyNN scripts on NEST."""

from __future__ import annotations

from dataclasses import replace

import pytest
from alike import assert_alike
from forked import recording_of
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from strategies import STEPS, networks

from ernsnn import lower
from ernsnn.describe.products import Factor
from ernsnn.graph.graph import Graph, Learning, Neurons, Projection, Source
from ernsnn.graph.spikes import PoissonSpikes
from ernsnn.hardware_backends.nest.backend import NestBackend
from ernsnn.hardware_backends.reference.engine import Engine

pytestmark = [pytest.mark.nest, pytest.mark.usefixtures("simulators")]

SETTINGS = settings(
    deadline=None, derandomize=True, suppress_health_check=list(HealthCheck), max_examples=8, phases=[Phase.generate]
)
NOT_THERE = dict.fromkeys(
    [
        "adaptive",
        "delta",
        "conductance",
        "noise",
        "floor",
        "intrinsic",
        "freeze",
        "modulations",
        "third_factors",
        "nearest",
        "poisson_inputs",
    ],
    False,
)
LEARNING = {
    **NOT_THERE,
    "rules": ("pair", "multiplicative"),
    "receptors": ("excitatory", "inhibitory"),
    "always": ("plastic",),
    "several_synapses": False,
}


def fitted(graph: Graph) -> Graph:
    """What NEST has of a drawn network: sources of one spike a step, one tau_minus, one synaptic time constant."""
    return replace(
        graph,
        populations=tuple(one_current(p) if isinstance(p, Neurons) else once(p) for p in graph.populations),
        projections=tuple(p if p.learning is None else from_0(p, 7 * graph.dt_ms) for p in graph.projections),
        probes=tuple(probe for probe in graph.probes if probe.kind == "neurons" and probe.variable == "v_mV"),
    )


def once(p: Source) -> Source:
    """NEST's scripts have one spike of a source in a step, at most."""
    return replace(p, spikes=p.spikes.once()) if isinstance(p.spikes, PoissonSpikes) else p


def one_current(p: Neurons) -> Neurons:
    return replace(p, parameters={**p.parameters, "tau_syn_I_ms": p.parameters["tau_syn_E_ms"]})


def from_0(p: Projection, tau_minus_ms: float) -> Projection:
    learning = p.learning
    traces = (replace(t, trace=replace(t.trace, tau_ms=tau_minus_ms)) for t in learning.traces if t.name == "y")
    terms = (
        replace(t, factors=tuple(Factor(variable="w") if f.variable == "w" else f for f in t.factors))
        if t.event == "pre"
        else t
        for t in learning.terms
    )
    changed: Learning = replace(
        learning,
        variables=(replace(learning.variables[0], low=0.0),),
        traces=(*(t for t in learning.traces if t.name != "y"), *traces),
        terms=tuple(terms),
    )
    return replace(p, learning=changed)


def assert_same(graph: Graph, threads: int = 1) -> None:
    assert not NestBackend().check(graph).errors
    found = recording_of(NestBackend().compile(graph, STEPS, threads=threads))
    assert_alike(found, Engine(graph).run(STEPS, lambda fraction: None))


@SETTINGS
@given(networks(**NOT_THERE, plastic=False), st.integers(0, 2**31))
def test_static_networks(network, seed):
    assert_same(fitted(lower(network, seed)))


@SETTINGS
@given(networks(**LEARNING), st.integers(0, 2**31))
def test_learning_networks(network, seed):
    assert_same(fitted(lower(network, seed)))


@pytest.mark.slow
@settings(SETTINGS, max_examples=100)
@given(networks(**LEARNING), st.integers(0, 2**31))
def test_many_learning_networks_with_threads(network, seed):
    assert_same(fitted(lower(network, seed)), threads=1 + seed % 2)
