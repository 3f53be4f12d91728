"""Noise of the membrane."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from by_hand import approx, at, neurons, run

from ernsnn import LIF, DeltaLIF, Network, SpikeTimes


def having():
    return neurons(LIF(noise_mV=1))


@pytest.mark.parametrize("dt", [1.0, 0.2])
@pytest.mark.parametrize("model", [DeltaLIF, LIF])
def test_noise_has_its_standard_deviation_and_time_constant(model, dt):
    net = Network(dt_ms=dt)
    n = net.population("n", 400, model(tau_m_ms=5, noise_mV=2, v_threshold_mV=100, v_rest_mV=-60))
    net.probe(n, "v_mV", every_ms=5)
    V = run(net, round(600 / dt)).signals["n.v_mV"][1][10:]
    assert V.mean() == approx(-60, abs=0.1)
    assert V.std() == approx(2, rel=0.02)
    lagged = ((V[1:] + 60) * (V[:-1] + 60)).mean() / V.var()
    assert lagged == approx(exp(-1), abs=0.03)


def test_noise_depends_on_seed_and_name_and_stands_still_while_refractory():
    def V(name, seed):
        net = Network()
        net.probe(net.population(name, 3, DeltaLIF(noise_mV=1)), "v_mV")
        return run(net, 20, seed).signals[f"{name}.v_mV"][1]

    assert np.array_equal(V("a", 1), V("a", 1))
    assert not np.isclose(V("a", 1), V("a", 2)).any()
    assert not np.isclose(V("a", 1), V("b", 1)).any()
    net = Network()
    source = net.population("s", 1, SpikeTimes([[1]]))
    n = net.population("n", 1, DeltaLIF(noise_mV=1, tau_refrac_ms=3, v_rest_mV=0, v_reset_mV=0, v_threshold_mV=10))
    net.projection("p", source, n, weight_mV=20.0)
    net.probe(n, "v_mV")
    V = at(run(net, 10), "n.v_mV")
    assert V[3:7] == [0, 0, 0, 0]  # a spike at 3 and three silent steps
    assert V[7] != 0
