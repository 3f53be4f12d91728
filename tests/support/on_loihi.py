"""Assertions for all backends on Loihi's arithmetic: the CA3 memory's rasters, and one small lively network."""

from __future__ import annotations

import numpy as np
from rasters import raster

import ernsnn as ern


def assert_the_ca3_memory_is(name: str, backend: str) -> None:
    """The raster of that name, spike for spike."""
    expected = raster(name)
    result = ern.run(expected.network(), duration_ms=expected.duration_ms, backend=backend)
    expected.assert_shown(result.trains)


def lively() -> ern.Network:
    """Static and plastic delays, a gated rule with a mark, and probes of everything."""
    net = ern.Network(dt_ms=1.0)
    source = net.population("in", 6, ern.SpikeTimes([[5, 20, 30], [6, 21], [7, 40], [5, 25], [22], [35]]))
    a = net.population("a", 4, ern.LIF(tau_m_ms=10, cm_nF=0.2, tau_refrac_ms=2.0))
    b = net.population("b", 3, ern.LIF(tau_m_ms=8, cm_nF=0.2, tau_refrac_ms=1.0))
    net.projection("in-a", source, a, weight_nA=ern.Uniform(0.6, 1.6), delay_ms=2)
    rule = ern.pair_stdp(A_plus=0.1, A_minus=0.06, tau_plus_ms=4, tau_minus_ms=4, w_max=2.0)
    plastic = net.projection("a-b", a, b, weight_nA=ern.Uniform(0.2, 0.6), delay_ms=3, learning=rule)
    glia = net.astrocyte("glia", [a], tau_ms=30)
    for target, variable in ((a, "v_mV"), (plastic, "w"), (glia, "C")):
        net.probe(target, variable, every_ms=3)
    return net


def assert_near_the_reference(backend: str) -> None:
    """``lively`` in the user's units: the same spikes, and nearly the same of everything that is probed."""
    expected = ern.run(lively(), duration_ms=60, backend="reference")
    actual = ern.run(lively(), duration_ms=60, backend=backend)
    assert set(actual.recording.spikes) == set(expected.recording.spikes)
    for population in expected.recording.spikes:
        assert actual.trains(population) == expected.trains(population)
    assert sum(len(steps) for steps, _ in expected.recording.spikes.values()) > 30
    for key, (steps, values) in expected.recording.signals.items():
        assert np.array_equal(actual.recording.signals[key][0], steps)
        # 8-bit weights, 12-bit decays, traces rounded at random; a plastic delay learns later (a relay).
        allowed = 0.2 if key == "a-b.w" else 0.02 * np.ptp(values)
        assert np.max(np.abs(actual.recording.signals[key][1] - values)) < allowed, key
    [weights] = expected.recording.synapses["a-b"].values()
    assert np.max(np.abs(actual.recording.synapses["a-b"]["w"] - weights)) < 0.1
    assert np.ptp(weights) > 0.3
