"""AdaptiveLIF: a threshold that spikes raise."""

from __future__ import annotations

from math import exp

from by_hand import approx, at, neurons, run, steps_of

import ernsnn
from ernsnn import Network


def having():
    return neurons(ernsnn.AdaptiveLIF())


def test_the_moving_threshold_decays_before_the_test_and_in_refractoriness():
    net = Network()
    model = ernsnn.AdaptiveLIF(i_offset_nA=1e4, tau_refrac_ms=2, tau_threshold_ms=4, threshold_increment_mV=2)
    target = net.population("n", 1, model)
    net.probe(target, "theta_mV")
    recording = run(net, 5)
    assert steps_of(recording, "n") == [0, 3]
    once, kept = 2.0, exp(-1 / 4)
    expected = [once, once * kept, once * kept**2, once * kept**3 + 2, (once * kept**3 + 2) * kept]
    assert at(recording, "n.theta_mV") == approx(expected, rel=1e-13)
    # V rests at -51.5: above v_threshold + theta once theta has fallen to 0.5 or less.
    net = Network()
    model = ernsnn.AdaptiveLIF(
        v_rest_mV=-51.5, v_threshold_mV=-52, v_init_mV=-51.5, v_reset_mV=-60, tau_m_ms=0.02, tau_threshold_ms=4
    )
    net.population("n", 1, model)
    # theta(1..3) = 0.78, 0.61, 0.47: the first spike in 0, the next in 3; then 1.47 has to fall below 0.5: 5 steps more
    assert steps_of(run(net, 9), "n") == [0, 3, 8]
