"""HodgkinHuxley: an integrator that shares no code, and equal spikes on every backend that reads equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from on_backends import assert_equal_spikes, refused_in_words

import ernsnn as ern

CURRENTS_NA = np.linspace(0.05, 2.0, 12)


def network(dt_ms: float = 0.1, **cell) -> ern.Network:
    net = ern.Network(name="hodgkin_huxley", dt_ms=dt_ms)
    drive = net.population("drive", 40, ern.Poisson(20.0))
    cells = net.population("cells", 6, ern.HodgkinHuxley(**{"i_offset_nA": np.linspace(0.0, 1.0, 6), **cell}))
    net.projection("excites", drive, cells, ern.FixedProbability(0.5), weight_uS=ern.Uniform(0.005, 0.05))
    net.projection("inhibits", cells, cells, weight_uS=0.05, receptor="inhibitory", delay_ms=1.0)
    net.inject(cells[2:4], ern.CurrentSteps(times_ms=[50.0, 90.0], amplitudes_nA=[-0.6, 0.3]))
    for variable in ("v_mV", "m", "h", "n", "g_E_uS", "g_I_uS"):
        net.probe(cells, variable)
    return net


def test_equal_spikes_on_every_backend_that_reads_equations() -> None:
    """A last digit in which exponentials differ grows a thousandfold on the upstroke."""
    assert assert_equal_spikes(network(), duration_ms=150, within=1e-6)["cells"] > 30


def test_other_backends_refuse_it_in_words() -> None:
    refused_in_words(network(), "cells", "HodgkinHuxley")


def slopes(_: float, y: np.ndarray, current: float) -> list[float]:
    """The equations as Brette et al. (2007) print them."""
    V, m, h, n = y
    U = V + 63.0
    flows = 0.01 * (-65.0 - V) + 20.0 * m**3 * h * (50.0 - V) + 6.0 * n**4 * (-90.0 - V) + current
    alpha_m, beta_m = 0.32 * (13 - U) / math.expm1((13 - U) / 4), 0.28 * (U - 40) / math.expm1((U - 40) / 5)
    alpha_h, beta_h = 0.128 * math.exp((17 - U) / 18), 4 / (1 + math.exp((40 - U) / 5))
    alpha_n, beta_n = 0.032 * (15 - U) / math.expm1((15 - U) / 5), 0.5 * math.exp((10 - U) / 40)
    return [
        flows / 0.2,
        alpha_m * (1 - m) - beta_m * m,
        alpha_h * (1 - h) - beta_h * h,
        alpha_n * (1 - n) - beta_n * n,
    ]


def error(dt_ms: float, duration_ms: float = 40.0) -> tuple[float, int]:
    """The largest difference of V from scipy's integrator, and the number of spikes, under constant currents."""
    integrate = pytest.importorskip("scipy.integrate")
    net = ern.Network(dt_ms=dt_ms)
    cells = net.population("cells", len(CURRENTS_NA), ern.HodgkinHuxley(i_offset_nA=CURRENTS_NA))
    net.probe(cells, "v_mV")
    result = ern.run(net, duration_ms=duration_ms, backend="reference")
    V = result.recording.signals["cells.v_mV"][1]
    times = np.arange(1, len(V) + 1) * dt_ms
    worst = 0.0
    for k, current in enumerate(CURRENTS_NA):
        tight = {"rtol": 1e-9, "atol": 1e-9, "method": "LSODA", "t_eval": times}
        exact = integrate.solve_ivp(slopes, (0.0, times[-1]), [-65.0, 0.0, 1.0, 0.0], args=(current,), **tight)
        worst = max(worst, float(np.max(np.abs(V[:, k] - exact.y[0]))))
    return worst, result.spike_counts["cells"]


def test_v_is_that_of_another_integrator_and_converges_with_the_fourth_power_of_dt() -> None:
    coarse, spikes = error(0.1)
    fine, as_many = error(0.05)
    assert spikes == as_many > 50
    assert coarse < 0.5
    assert fine < coarse / 10


def test_a_spike_is_the_maximum_of_v_and_none_follows_within_tau_refrac() -> None:
    net = network(tau_refrac_ms=5.0)
    recording = ern.run(net, duration_ms=150, backend="reference").recording
    steps, neurons = recording.spikes["cells"]
    V = recording.signals["cells.v_mV"][1]
    assert len(steps) > 20
    for step, neuron in zip(steps, neurons, strict=True):
        assert V[step - 2, neuron] < V[step - 1, neuron] > V[step, neuron] >= -33.0
    for neuron in range(6):
        assert np.diff(steps[neurons == neuron]).min(initial=1000) > 50
