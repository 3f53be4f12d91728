"""SoftResetLIF, EscapeLIF and LeakyIntegrator: LIF with other spikes and resets, or none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from on_backends import assert_equal_spikes, refused_in_words

import ernsnn as ern

KINDS = ("SoftResetLIF", "EscapeLIF", "LeakyIntegrator")


def network(kind: str, integration: Any = "exact", **cell: Any) -> ern.Network:
    net = ern.Network(name="kinds", dt_ms=0.25, current_integration=integration)
    drive = net.population("drive", 40, ern.Poisson(20.0))
    lif = net.population("lif", 4, ern.LIF(cm_nF=0.5, i_offset_nA=0.4))
    given = {"i_offset_nA": np.linspace(0.5, 1.5, 6), "cm_nF": 0.5, **cell}
    cells = net.population("cells", 6, getattr(ern, kind)(**given))
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=2.0)
    net.projection("excites", drive, cells, ern.FixedProbability(0.5), weight_nA=ern.Uniform(0.1, 0.6), learning=rule)
    net.projection("inhibits", lif, cells, weight_nA=0.5, receptor="inhibitory", delay_ms=1.0)
    net.projection("on", cells, lif, weight_nA=0.5, delay_ms=0.5)
    net.inject(cells[2:4], ern.CurrentSteps(times_ms=[50.0, 90.0], amplitudes_nA=[-0.6, 0.3]))
    for variable in ("v_mV", "I_E_nA", "I_I_nA"):
        net.probe(cells, variable)
    return net


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("integration", ["exact", "step_average"])
@pytest.mark.parametrize("more", [{}, {"noise_mV": 1.0, "v_min_mV": -66.0}])
def test_equal_spikes_on_every_backend_that_reads_equations(
    kind: str, integration: str, more: dict[str, float]
) -> None:
    counts = assert_equal_spikes(network(kind, integration, **more), duration_ms=200)
    assert (counts["cells"] == 0) if kind == "LeakyIntegrator" else (counts["cells"] > 30)


@pytest.mark.parametrize("kind", KINDS)
def test_other_backends_refuse_it_in_words(kind: str) -> None:
    refused_in_words(network(kind), "cells", kind)


def test_a_soft_reset_loses_nothing_of_a_current() -> None:
    """Without a leak a neuron spikes once for each 15 mV that its current has moved V by, at any phase."""
    currents = np.linspace(0.1, 3.0, 40)
    net = ern.Network(dt_ms=1.0)
    net.population("soft", 40, ern.SoftResetLIF(cm_nF=1.0, tau_m_ms=1e9, i_offset_nA=currents))
    net.population("hard", 40, ern.LIF(cm_nF=1.0, tau_m_ms=1e9, i_offset_nA=currents))
    recording = ern.run(net, duration_ms=997, backend="reference").recording
    soft, hard = (np.bincount(recording.spikes[name][1], minlength=40) for name in ("soft", "hard"))
    np.testing.assert_allclose(soft, currents * 997 / 15, rtol=0, atol=1)
    assert (soft - hard).max() > 10


def test_a_soft_reset_step_by_step_in_plain_python() -> None:
    rng = np.random.default_rng(5)
    currents, expected, v = rng.uniform(-1.0, 4.0, 400), [], -65.0
    for step, current in enumerate(currents):
        v = -65.0 + (v + 65.0) * math.exp(-0.05) + current * 20.0 * -math.expm1(-0.05)
        if v >= -60.0:
            v -= -60.0 - -66.0
            expected.append(step)
    net = ern.Network(dt_ms=1.0)
    cell = ern.SoftResetLIF(cm_nF=1.0, tau_m_ms=20.0, v_threshold_mV=-60.0, v_reset_mV=-66.0)
    cells = net.population("cells", 1, cell)
    net.inject(cells, ern.CurrentSteps(times_ms=np.arange(400.0), amplitudes_nA=currents))
    net.probe(cells, "v_mV")
    recording = ern.run(net, duration_ms=400, backend="reference").recording
    assert recording.spikes["cells"][0].tolist() == expected
    assert len(expected) > 30
    assert recording.signals["cells.v_mV"][1][-1, 0] == pytest.approx(v, abs=1e-9)


def test_escape_noise_has_the_rate_of_its_formula() -> None:
    """Where V does not move, intervals are geometric: n steps have n p spikes, with the variance n p (1 - p)."""
    offsets, n = np.linspace(-8.0, -0.5, 10), 40_000
    net = ern.Network(dt_ms=0.5)
    for k, v in enumerate(-64.0 + offsets):
        resting = {"v_rest_mV": v, "v_reset_mV": v, "v_threshold_mV": -64.0}
        net.population(f"p{k}", 20, ern.EscapeLIF(**resting, rate_per_ms=0.3, delta_mV=2.5))
    counts = ern.run(net, duration_ms=n / 20 * 0.5, backend="native").spike_counts
    for k, p in enumerate(-np.expm1(-0.5 * 0.3 * np.exp(offsets / 2.5))):
        assert abs(counts[f"p{k}"] - n * p) < 4.5 * math.sqrt(n * p * (1 - p)) + 1


@pytest.mark.nest
def test_a_leaky_integrator_is_nests_neuron_that_never_spikes() -> None:
    nest, steps = pytest.importorskip("nest"), 1_000
    times, weights = np.arange(20, 900, 30), np.linspace(0.0, 5.0, 30) - 2.0
    net = ern.Network(dt_ms=0.1)
    source = net.population("source", 1, ern.SpikeTimes([(times - 1) * 0.1]))
    cells = net.population("cells", 30, ern.LeakyIntegrator(tau_syn_E_ms=3.0, i_offset_nA=0.5, v_init_mV=-70.0))
    net.projection("p", source, cells, weight_nA=weights[None], delay_ms=1.0, receptor="signed")
    net.probe(cells, "v_mV")
    V = ern.run(net, duration_ms=steps * 0.1, backend="reference").recording.signals["cells.v_mV"][1]
    nest.ResetKernel()
    nest.set(resolution=0.1, print_time=False)
    theirs = nest.Create("iaf_psc_exp", 30)
    theirs.set(C_m=1e3, tau_m=20.0, E_L=-65.0, V_m=-70.0, V_th=1e6, tau_syn_ex=3.0, tau_syn_in=3.0, I_e=500.0)
    sender = nest.Create("spike_generator", params={"spike_times": times * 0.1})
    nest.Connect(sender, theirs, syn_spec={"weight": weights[:, None] * 1e3, "delay": 1.0})
    meter = nest.Create("multimeter", params={"interval": 0.1, "record_from": ["V_m"]})
    nest.Connect(meter, theirs)
    nest.Simulate((steps + 1) * 0.1)
    senders, values = np.asarray(meter.events["senders"]), np.asarray(meter.events["V_m"])
    their_V = np.stack([values[senders == cell][:steps] for cell in theirs.global_id], axis=1)
    assert np.ptp(V) > 50
    np.testing.assert_allclose(V, their_V, rtol=0, atol=1e-9)


def test_parameters_that_a_read_out_does_not_have_are_refused() -> None:
    with pytest.raises(ern.InvalidModel, match="v_threshold_mV"):
        ern.LeakyIntegrator(v_threshold_mV=-50.0)
    with pytest.raises(ern.InvalidModel, match="v_min_mV"):
        ern.LeakyIntegrator(v_min_mV=-60.0, v_rest_mV=-65.0)
    with pytest.raises(ern.InvalidModel, match="delta_mV must be > 0"):
        ern.EscapeLIF(delta_mV=0.0)
