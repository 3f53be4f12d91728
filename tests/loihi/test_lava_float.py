"""The backend "lava-float": the reference's spikes and voltages, by Lava's floating-point models."""

from __future__ import annotations

import numpy as np
import pytest
from lava_needed import needs_lava

import ernsnn as ern
from ernsnn.benchmarks.loihi_predictions import graph

ROUNDING_MV = 1e-9
"""Sums are taken in another order than in the reference; a weight that is held in integers would be off by 1e-2."""


def driven(scheme: str) -> ern.Network:
    """Refractory and other cells, delays, biases, inhibition, delta neurons where there are any, several synapses."""
    net = ern.Network(dt_ms=0.5, current_integration=scheme)  # type: ignore[arg-type]
    source = net.population("in", 20, ern.Poisson(40, at_most_one=True))
    a = net.population("a", 8, ern.LIF(tau_m_ms=12, cm_nF=0.2, tau_syn_E_ms=3, tau_syn_I_ms=3, tau_refrac_ms=2))
    offsets = np.linspace(0, 0.3, 5)
    b = net.population(
        "b", 5, ern.LIF(tau_m_ms=9, tau_syn_E_ms=2, tau_syn_I_ms=2, tau_refrac_ms=0, i_offset_nA=offsets)
    )
    net.projection("in-a", source, a, weight_nA=ern.Uniform(0.1, 0.8), delay_ms=ern.Uniform(0.5, 6))
    net.projection("a-b", a, b, weight_nA=ern.Uniform(0.5, 3), delay_ms=1.5)
    net.projection("b-a", b, a[2:6], weight_nA=0.3, delay_ms=30, receptor="inhibitory")
    pairs = [[0, 1], [0, 1], [3, 2]]
    net.projection("twice", a, a, ern.FromList(pairs), weight_nA=[0.2, 0.3, 0.4], delay_ms=[0.5, 2.0, 1.0])
    if scheme == "exact":
        jumps = net.population("jumps", 3, ern.DeltaLIF(tau_m_ms=20, tau_refrac_ms=0))
        net.projection("b-jumps", b, jumps, weight_mV=ern.Uniform(1, 8), delay_ms=1)
    for population in (a, b):
        net.probe(population, "v_mV")
    return net


def assert_is_the_reference(network: ern.Graph, n_ms: float) -> int:
    """How often the most silent population fires."""
    asked, had = (ern.run(network, duration_ms=n_ms, backend=name).recording for name in ("reference", "lava-float"))
    for name, (steps, neurons) in asked.spikes.items():
        assert np.array_equal(had.spikes[name][0], steps), name
        assert np.array_equal(had.spikes[name][1], neurons), name
    assert had.signals.keys() == asked.signals.keys()
    for key, (steps, values) in asked.signals.items():
        assert np.array_equal(had.signals[key][0], steps)
        assert np.max(np.abs(had.signals[key][1] - values)) < ROUNDING_MV, key
    return min(len(steps) for steps, _ in asked.spikes.values())


@needs_lava
@pytest.mark.parametrize("scheme", ["step_average", "exact"])
def test_it_is_the_reference(scheme: str) -> None:
    assert assert_is_the_reference(ern.lower(driven(scheme), seed=1), 200) > 30


@needs_lava
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1, 30, 3))
def test_random_networks(seed: int) -> None:
    drawn = graph(seed)
    assert not ern.check(drawn, "lava-float").errors
    assert assert_is_the_reference(drawn, 300) > 10


def test_what_it_has_not_is_told() -> None:
    net = driven("exact")
    a = net.populations["a"]
    glia = net.astrocyte("glia", [a], tau_ms=50)
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", tau_ms=10)}, on_post={"w": "0.1*x*P"}, third_factors=["P"], bounds={"w": (0, 1)}
    )
    net.projection("learns", a, a, weight_nA=0.1, delay_ms=40, learning=rule, third_factors={"P": glia})
    found = ern.check(net, "lava-float")
    assert {i.code: i.path for i in found.errors} == {"L301": "learns.delay_ms", "L501": "learns", "G204": "glia"}
    assert {i.backend for i in found} == {"lava-float"}
    # Nothing is rounded, so that nothing of it is told.
    assert not [i for i in found if i.code.startswith("L1")]
