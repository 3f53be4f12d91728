"""Cells and rules of sPyNNaker's own: two excitatory currents, Izhikevich's neuron with currents, Vogels' rule."""

from __future__ import annotations

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.errors import InvalidModel  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
extra = sim.extra_models


def set_up(**given):
    given = {"convention": "spinnaker", "current_integration": "step_average", "backend": "reference"} | given
    sim.setup(1.0, **given)


def signals(population):
    return {s.name: s.magnitude for s in population.get_data().segments[0].analogsignals}


@pytest.mark.parametrize(("convention", "kind"), [("spinnaker", "gsyn"), ("pynn", "isyn")])
def test_a_second_excitatory_current_has_a_time_constant_of_its_own(convention, kind):
    set_up(convention=convention, current_integration="exact")
    cells = sim.Population(2, extra.IF_curr_dual_exp(tau_syn_E=2.0, tau_syn_E2=[3.0, 9.0], isyn_exc2=0.5))
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0]))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0), receptor_type="excitatory2")
    cells.record(["v", f"{kind}_exc", f"{kind}_exc2"])
    sim.run(20)
    found = signals(cells)
    assert (found[f"{kind}_exc"] == 0).all()
    second = found[f"{kind}_exc2"]
    np.testing.assert_array_equal(second[0], [0.5, 0.5])
    np.testing.assert_allclose(second[10] / second[9], np.exp(-1 / np.array([3.0, 9.0])))
    np.testing.assert_array_equal(cells.get("isyn_exc2"), second[-1])
    cells.set(tau_syn_E2=5.0)
    sim.run(5)
    second = signals(cells)[f"{kind}_exc2"]
    np.testing.assert_allclose(second[-1] / second[-2], np.exp(-1 / 5.0))


def test_short_term_plasticity_reaches_the_second_current():
    set_up()
    cells = sim.Population(1, extra.IF_curr_dual_exp(tau_syn_E2=4.0))
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0, 4.0]))
    synapse = sim.TsodyksMarkramSynapse(U=0.5, weight=1.0, delay=1.0)
    made = sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type="excitatory2")
    assert made.decay_ms() == 4.0
    sim.run(10)


@pytest.mark.parametrize("backend", ["reference", "native", "brian2"])
def test_izhikevichs_cell_of_spinnaker_takes_currents(backend):
    set_up(backend=backend)
    cells = sim.Population(3, sim.Izhikevich(d=8.0, i_offset=[0.0, 8.0, 10.0], tau_syn_E=3.0), label="cells")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[20.0]))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=4.0))
    cells.record(["v", "u", "gsyn_exc", "spikes"])
    sim.run(100)
    counts = [len(train) for train in cells.get_data().segments[0].spiketrains]
    assert counts[0] == 0
    assert 0 < counts[1] <= counts[2]
    found = signals(cells)["gsyn_exc"][:, 0]
    np.testing.assert_allclose(found[25] / found[24], np.exp(-1 / 3.0))


def test_izhikevichs_cell_of_pynn_takes_voltages():
    set_up(convention="pynn", current_integration="exact")
    with pytest.raises(sim.errors.NonExistentParameterError, match="tau_syn_E"):
        sim.Izhikevich(tau_syn_E=3.0)
    assert type(sim.Izhikevich()).__name__ == "Izhikevich"


def test_vogels_rule_of_spynnaker_is_pynns_in_other_words():
    weights = []
    for rule in ("sPyNNaker", "PyNN"):
        set_up()
        source = sim.Population(10, sim.SpikeSourcePoisson(rate=30.0))
        cells = sim.Population(3, sim.IF_curr_exp(i_offset=1.0))
        timing = extra.Vogels2011Rule(alpha=0.12, tau=20.0, A_plus=0.05)
        if rule == "PyNN":
            timing = sim.Vogels2011Rule(tau=20.0, eta=0.05, rho=3.0)
        bounds = sim.AdditiveWeightDependence(w_min=0.0, w_max=1.0)
        synapse = sim.STDPMechanism(timing, bounds, weight=0.3)
        made = sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type="inhibitory")
        sim.run(300)
        weights.append(made.get("weight", format="array"))
    np.testing.assert_allclose(weights[0], weights[1], rtol=1e-12)
    assert np.ptp(weights[0]) > 0.05
    with pytest.raises(InvalidModel, match=r"Vogels2011Rule\.A_minus: .* leave A_minus out, got 0.3"):
        extra.Vogels2011Rule(alpha=0.12, A_plus=0.05, A_minus=0.3)
