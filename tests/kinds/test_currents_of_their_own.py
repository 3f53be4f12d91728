"""DualLIF, with a second excitatory current, and IzhikevichCurrents, whose synapses are currents that decay."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_backends import assert_equal_spikes, refused_in_words
from scipy.integrate import solve_ivp

import ernsnn as ern

TAUS = {"tau_syn_E_ms": 2.0, "tau_syn_E2_ms": 9.0, "tau_syn_I_ms": 5.0}


def network(kind: str, integration: Any = "exact", **cell: Any) -> ern.Network:
    net = ern.Network(name="currents", dt_ms=0.25, current_integration=integration)
    drive = net.population("drive", 40, ern.Poisson(20.0))
    scale = 1.0 if kind == "DualLIF" else 8.0
    cells = net.population("cells", 6, getattr(ern, kind)(i_offset_nA=scale * np.linspace(0.4, 1.0, 6), **cell))
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.01, w_max=20.0)
    second = "E2" if kind == "DualLIF" else "excitatory"
    net.projection("excites", drive, cells, weight_nA=ern.Uniform(0.0, 0.3 * scale), learning=rule)
    net.projection("slowly", drive, cells, weight_nA=0.05 * scale, receptor=second, delay_ms=1.5)
    net.projection("inhibits", cells, cells, weight_nA=0.2 * scale, receptor="inhibitory", delay_ms=1.0)
    net.inject(cells[2:4], ern.CurrentSteps(times_ms=[50.0, 90.0], amplitudes_nA=[-0.6, 0.3]))
    for variable in ("v_mV", "I_E_nA", "I_I_nA"):
        net.probe(cells, variable)
    return net


@pytest.mark.parametrize("kind", ["DualLIF", "IzhikevichCurrents"])
@pytest.mark.parametrize("integration", ["exact", "step_average"])
def test_equal_spikes_on_every_backend_that_reads_equations(kind: str, integration: str) -> None:
    assert assert_equal_spikes(network(kind, integration), duration_ms=200, within=1e-6)["cells"] > 20


@pytest.mark.parametrize("kind", ["DualLIF", "IzhikevichCurrents"])
def test_other_backends_refuse_it_in_words(kind: str) -> None:
    refused_in_words(network(kind), "cells", kind)


def test_two_currents_of_one_time_constant_are_those_of_lif() -> None:
    found = []
    for made, receptor in ((ern.LIF(i_offset_nA=0.5), "excitatory"), (ern.DualLIF(i_offset_nA=0.5), "E2")):
        for integration in ("exact", "step_average"):
            net = ern.Network(dt_ms=0.5, current_integration=integration)
            drive, cells = net.population("drive", 30, ern.Poisson(40.0)), net.population("cells", 3, made)
            net.projection("one", drive[:15], cells, weight_nA=0.4)
            net.projection("two", drive[15:], cells, weight_nA=0.4, receptor=receptor)
            net.probe(cells, "v_mV")
            found.append(ern.run(net, duration_ms=200, backend="reference").recording.signals["cells.v_mV"][1])
    np.testing.assert_allclose(found[2], found[0], rtol=0, atol=1e-10)
    np.testing.assert_allclose(found[3], found[1], rtol=0, atol=1e-10)


def test_dual_lif_is_nests_neuron_of_several_synapses() -> None:
    nest = pytest.importorskip("nest")
    times, dt = {"E": [3.0, 7.0, 20.0], "E2": [5.0, 21.0], "I": [9.0, 30.0]}, 0.1
    net = ern.Network(dt_ms=dt)
    cell = net.population("cell", 1, ern.DualLIF(cm_nF=0.3, v_threshold_mV=1e3, **TAUS))
    for receptor, spikes in times.items():
        source = net.population(receptor, 1, ern.SpikeTimes([[t - dt for t in spikes]]))
        word = receptor if receptor == "E2" else {"E": "excitatory", "I": "inhibitory"}[receptor]
        net.projection(f"by_{receptor}", source, cell, weight_nA=1.5, receptor=word, delay_ms=1.0)
    net.probe(cell, "v_mV")
    own = ern.run(net, duration_ms=60, backend="reference").recording.signals["cell.v_mV"][1][:, 0]
    nest.ResetKernel()
    nest.set_verbosity("M_ERROR")
    nest.resolution = dt
    model = {"C_m": 300.0, "tau_m": 20.0, "E_L": -65.0, "V_m": -65.0, "V_th": 1e3, "tau_syn": [2.0, 9.0, 5.0]}
    neuron = nest.Create("iaf_psc_exp_multisynapse", params=model)
    for port, (receptor, spikes) in enumerate(times.items(), 1):
        source = nest.Create("spike_generator", params={"spike_times": spikes})
        weight = -1500.0 if receptor == "I" else 1500.0
        nest.Connect(source, neuron, syn_spec={"weight": weight, "delay": 1.0, "receptor_type": port})
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": dt})
    nest.Connect(meter, neuron)
    nest.Simulate(60.0)
    expected = meter.events["V_m"]
    np.testing.assert_allclose(own[: len(expected)], expected, rtol=0, atol=1e-9)
    assert np.ptp(own) > 5


def test_currents_move_izhikevichs_neuron_as_its_equations_say() -> None:
    def slope(_: float, state: np.ndarray) -> list[float]:
        v, u, e, i = state
        return [0.04 * v * v + 5 * v + 140 - u + e - i + 1.0, 0.02 * (0.2 * v - u), -e / 2.0, -i / 7.0]

    net = ern.Network(dt_ms=0.1)
    cell = net.population("cell", 1, ern.IzhikevichCurrents(i_offset_nA=1.0, tau_syn_E_ms=2.0, tau_syn_I_ms=7.0))
    both = net.population("both", 2, ern.SpikeTimes([[0.0], [0.0]]))
    net.projection("e", both[:1], cell, weight_nA=6.0, delay_ms=0.1)
    net.projection("i", both[1:], cell, weight_nA=2.0, receptor="inhibitory", delay_ms=0.1)
    net.probe(cell, "v_mV")
    own = ern.run(net, duration_ms=15, backend="reference").recording.signals["cell.v_mV"][1][:, 0]
    start = solve_ivp(slope, (0, 0.2), [-70.0, -14.0, 0.0, 0.0], rtol=1e-10, atol=1e-10).y[:2, -1]
    times = np.arange(0.0, 14.0, 0.1)
    after = solve_ivp(slope, (0, 14.0), [*start, 6.0, 2.0], t_eval=times, rtol=1e-10, atol=1e-10).y[0]
    np.testing.assert_allclose(own[1 : 1 + len(after)], after, rtol=0, atol=1e-4)
    assert np.ptp(after) > 3


def test_parameters_that_cannot_be_are_refused() -> None:
    with pytest.raises(ern.InvalidModel, match=r"tau_syn_E2_ms must be > 0"):
        ern.Network().population("cells", 1, ern.DualLIF(tau_syn_E2_ms=0.0))
    with pytest.raises(ern.InvalidModel, match=r"tau_syn_E_ms must be > 0"):
        ern.Network().population("cells", 1, ern.IzhikevichCurrents(tau_syn_E_ms=-1.0))
