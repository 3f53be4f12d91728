"""AdEx and AlphaAdEx: NEST's aeif models before the first spike, equal spikes on every backend that reads equations."""

from __future__ import annotations

import numpy as np
import pytest
from on_backends import assert_equal_spikes, refused_in_words

import ernsnn as ern

KINDS = {"AdEx": "aeif_cond_exp", "AlphaAdEx": "aeif_cond_alpha"}
"""Kinds, and NEST's models of them."""


def network(kind: str = "AdEx", **cell) -> ern.Network:
    net = ern.Network(name="adex", dt_ms=0.1)
    drive = net.population("drive", 40, ern.Poisson(20.0))
    cells = net.population("cells", 6, getattr(ern, kind)(**{"i_offset_nA": np.linspace(0.5, 1.2, 6), **cell}))
    net.projection("excites", drive, cells, ern.FixedProbability(0.5), weight_uS=ern.Uniform(0.001, 0.006))
    net.projection("inhibits", cells, cells, weight_uS=0.01, receptor="inhibitory", delay_ms=1.0)
    net.inject(cells[2:4], ern.CurrentSteps(times_ms=[50.0, 90.0], amplitudes_nA=[-0.6, 0.3]))
    for variable in ("v_mV", "w_nA", "g_E_uS", "g_I_uS"):
        net.probe(cells, variable)
    return net


@pytest.mark.parametrize("kind", KINDS)
def test_equal_spikes_on_every_backend_that_reads_equations(kind: str) -> None:
    counts = assert_equal_spikes(network(kind), duration_ms=200)
    assert counts["cells"] > 30


@pytest.mark.parametrize("kind", KINDS)
def test_other_backends_refuse_it_in_words(kind: str) -> None:
    refused_in_words(network(kind), "cells", kind)


CURRENTS_NA = np.linspace(0.55, 1.5, 40)
"""Most of them make the neuron spike."""


def of_nest(nest, model: str, steps: int) -> np.ndarray:
    """V of NEST's ``model`` under each current, and three spikes that arrive."""
    nest.ResetKernel()
    nest.set(resolution=0.1, print_time=False)
    cells = nest.Create(model, len(CURRENTS_NA))
    given = {"C_m": 281.0, "g_L": 281.0 / 9.3667, "E_L": -70.6, "V_th": -50.4, "Delta_T": 2.0, "V_m": -70.6}
    given |= {"a": 4.0, "b": 80.5, "tau_w": 144.0, "V_reset": -70.6, "V_peak": -40.0, "t_ref": 0.1}
    cells.set(**given, E_ex=0.0, E_in=-80.0, tau_syn_ex=5.0, tau_syn_in=5.0, gsl_error_tol=1e-12)
    cells.I_e = list(CURRENTS_NA * 1e3)
    source = nest.Create("spike_generator", params={"spike_times": list(ARRIVING)})
    source.spike_weights = [weight * 1e3 for weight in ARRIVING.values()]
    nest.Connect(source, cells, syn_spec={"delay": 1.0})
    meter = nest.Create("multimeter", params={"record_from": ["V_m"], "interval": 0.1})
    nest.Connect(meter, cells)
    nest.Simulate(steps * 0.1 + 1.0)
    senders, V = np.asarray(meter.events["senders"]), np.asarray(meter.events["V_m"])
    return np.stack([V[senders == cell][:steps] for cell in cells.global_id], axis=1)


ARRIVING = {2.0: 0.002, 5.0: 0.003, 9.0: 0.001}
"""Weights in uS by the time at which NEST sends them, the end of a step."""


@pytest.mark.nest
@pytest.mark.parametrize("kind", KINDS)
def test_v_is_that_of_nest_before_the_first_spike(kind: str) -> None:
    """Both integrate the same equations: what is left is the error of a step of Runge and Kutta's method of .1 ms.

    Beyond 2 delta_T above the threshold V runs away, and any error grows by as much in the last third of a
    millisecond; the spike falls into the same step.
    """
    nest, steps = pytest.importorskip("nest"), 600
    net = ern.Network(dt_ms=0.1)
    source = net.population("source", 3, ern.SpikeTimes([[t - 0.1] for t in ARRIVING]))
    cells = net.population("cells", len(CURRENTS_NA), getattr(ern, kind)(i_offset_nA=CURRENTS_NA))
    weights = np.repeat(np.array([*ARRIVING.values()])[:, None], len(CURRENTS_NA), axis=1)
    net.projection("p", source, cells, weight_uS=weights, delay_ms=1.0)
    net.probe(cells, "v_mV")
    result = ern.run(net, duration_ms=steps * 0.1, backend="reference")
    ours, theirs = result.recording.signals["cells.v_mV"][1], of_nest(nest, KINDS[kind], steps)
    spikes, neurons = result.recording.spikes["cells"]
    compared = 0
    for k in range(len(CURRENTS_NA)):
        first = min(spikes[neurons == k], default=steps)
        before = ours[:first, k] < -50.4 + 2 * 2.0
        compared += np.count_nonzero(before)
        assert np.max(np.abs(ours[:first, k] - theirs[:first, k])[before]) < 1e-6
        if first < steps:
            assert theirs[first - 1, k] < -40.0
            assert theirs[first, k] < -60.0  # reset
    assert compared > 3_500
    assert len(np.unique(neurons)) > 30
