"""The threshold, and the steps after a spike in which V stands still."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from by_hand import approx, at, run, steps_of

from ernsnn import LIF, Network, SpikeTimes


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_equality_with_the_threshold_is_a_spike(scheme):
    for threshold, expected in ((-50.0, [0]), (np.nextafter(-50.0, 0), [])):
        net = Network(current_integration=scheme)
        net.population("n", 1, LIF(v_rest_mV=-50, v_reset_mV=-60, v_threshold_mV=threshold))
        assert steps_of(run(net, 2), "n") == expected


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
@pytest.mark.parametrize(
    ("tau_refrac", "dt", "skipped"),
    [(0, 1.0, 0), (1, 1.0, 1), (1.01, 1.0, 2), (2, 1.0, 2), (0.3, 0.1, 3), (0.7, 0.1, 7), (0.01, 0.1, 1)],
)
def test_a_spike_skips_ceil_of_tau_refrac_over_dt_steps(scheme, tau_refrac, dt, skipped):
    net = Network(current_integration=scheme, dt_ms=dt)
    net.population("n", 1, LIF(tau_refrac_ms=tau_refrac, i_offset_nA=1e4))
    assert steps_of(run(net, 30), "n") == list(range(0, 30, skipped + 1))


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_v_stands_at_reset_and_currents_decay_during_refractoriness(scheme):
    net = Network(current_integration=scheme)
    source = net.population("s", 1, SpikeTimes([[0, 4]]))
    model = LIF(tau_refrac_ms=5, v_reset_mV=-70, tau_syn_E_ms=3, i_offset_nA=0.2)
    target = net.population("n", 1, model)
    net.projection("p", source, target, weight_nA=1000)
    net.probe(target, "v_mV")
    net.probe(target, "I_E_nA")
    recording = run(net, 10)
    first = 2 if scheme == "exact" else 1
    assert steps_of(recording, "n")[:2] == [first, first + 6]
    assert at(recording, "n.v_mV")[first : first + 6] == [-70] * 6
    current = at(recording, "n.I_E_nA")
    assert current[4] == approx(current[3] * exp(-1 / 3), rel=1e-13)
    scale = 1 if scheme == "exact" else 3 * (1 - exp(-1 / 3)) * exp(-1 / 3)
    assert current[5] == approx(current[4] * exp(-1 / 3) + 1000 * scale, rel=1e-13)
