"""Injected and constant currents."""

from __future__ import annotations

from math import exp

from by_hand import approx, run

import ernsnn
from ernsnn import LIF, Network


def test_current_steps_act_from_the_step_of_their_time():
    net = Network(current_integration="step_average")
    target = net.population("n", 2, LIF(cm_nF=1, tau_m_ms=10))
    net.inject(target[1:], ernsnn.CurrentSteps(times_ms=[3, 5], amplitudes_nA=[0.5, 0]))
    net.probe(target, "v_mV")
    V = run(net, 7).signals["n.v_mV"][1]
    assert (V[:, 0] == -65).all()
    assert V[2, 1] == -65
    assert V[3, 1] == approx(-65 + 0.5 * 10 * (1 - exp(-0.1)), abs=1e-12)
    assert V[5, 1] + 65 == approx((V[4, 1] + 65) * exp(-0.1), abs=1e-12)
