"""Cells that are written as equations, in scripts with STDP, currents and parameters that change, on three backends."""

from __future__ import annotations

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

SIZES = {"IF_curr_alpha": (2.0, 0.3), "IF_cond_alpha": (0.02, 0.3), "EIF_cond_exp_isfa_ista": (0.02, 0.3)}
SIZES |= {"EIF_cond_alpha_isfa_ista": (0.01, 0.3), "IF_cond_exp_gsfa_grr": (0.05, 1.0), "HH_cond_exp": (0.2, 0.5)}
SIZES["Izhikevich"] = (3.0, 0.005)
"""A weight, and a current in nA."""


@pytest.mark.parametrize("cell", SIZES)
def test_every_backend_that_reads_equations_runs_them(cell):
    weight, current = SIZES[cell]

    def script(backend):
        sim.setup(0.1, backend=backend, seed=1)
        source = sim.Population(20, sim.SpikeSourcePoisson(rate=30.0))
        cells = sim.Population(4, getattr(sim, cell)(i_offset=np.linspace(0.2, 1, 4) * current))
        rule = sim.SpikePairRule(A_plus=0.05, A_minus=0.05)
        depends = sim.AdditiveWeightDependence(w_min=0.0, w_max=2 * weight)
        synapse = sim.STDPMechanism(rule, depends, weight=weight, delay=1.0)
        plastic = sim.Projection(source, cells, sim.AllToAllConnector(), synapse)
        inhibits = sim.StaticSynapse(weight=weight / 10 if cells.celltype.conductance_based else -weight / 10)
        others = sim.AllToAllConnector(allow_self_connections=False)
        sim.Projection(cells, cells, others, inhibits, receptor_type="inhibitory")
        sim.DCSource(amplitude=current).inject_into(cells[1:3])
        cells.record(cells.celltype.recordable)
        sim.run(80)
        cells.set(i_offset=2 * current)
        sim.run(40)
        segment = cells.get_data().segments[0]
        signals = {signal.name: signal.magnitude for signal in segment.analogsignals}
        return [t.magnitude.tolist() for t in segment.spiketrains], signals, plastic.get("weight", format="array")

    trains, signals, weights = script("reference")
    assert sum(map(len, trains)) > 10
    assert set(signals) == set(getattr(sim, cell)().recordable) - {"spikes"}
    assert np.ptp(weights) > 0.1 * weight
    for backend in ("native", "brian2"):
        other_trains, other_signals, other_weights = script(backend)
        assert other_trains == trains
        np.testing.assert_allclose(other_weights, weights, rtol=1e-9)
        for name, values in signals.items():
            most = 1e-6 * np.abs(values).max()
            np.testing.assert_allclose(other_signals[name], values, rtol=0, atol=most, err_msg=name)
