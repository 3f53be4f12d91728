"""PyNN's PointNeuron: with two receptors it is the standard cell of these parts, and it may have more."""

from __future__ import annotations

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.errors import InvalidModel  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

PAIRS = {
    "IF_curr_exp": ("LIF", "CurrExpPostSynapticResponse", 2.0),
    "IF_cond_exp": ("LIF", "ExpPSR", 0.03),
    "IF_cond_alpha": ("LIF", "AlphaPSR", 0.02),
    "EIF_cond_exp_isfa_ista": ("AdExp", "ExpPSR", 0.03),
    "EIF_cond_alpha_isfa_ista": ("AdExp", "AlphaPSR", 0.02),
}


def run(cells, names, weight, signed, backend):
    times = [[float(t) for t in range(2, 120, 7)], [float(t) for t in range(5, 120, 11)]]
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=times))
    for k, name in enumerate(names):
        synapse = sim.StaticSynapse(weight=-weight / 2 if k and signed else weight, delay=1.0)
        sim.Projection(source[k : k + 1], cells, sim.AllToAllConnector(), synapse, receptor_type=name)
    cells.record(cells.celltype.recordable)
    sim.run(60)
    cells.set(i_offset=0.9)
    sim.run(60)
    segment = cells.get_data().segments[0]
    signals = {s.name: s.magnitude for s in segment.analogsignals}
    return [t.magnitude.tolist() for t in segment.spiketrains], signals


@pytest.mark.parametrize("cell", PAIRS)
def test_two_receptors_are_those_of_the_standard_cell(cell):
    membrane, response, weight = PAIRS[cell]
    signed = "curr" in cell
    sim.setup(0.05, backend="native")
    standard = sim.Population(2, getattr(sim, cell)(i_offset=[0.3, 0.6], tau_syn_E=3.0, tau_syn_I=7.0))
    trains, expected = run(standard, ("excitatory", "inhibitory"), weight, signed, "native")
    sim.setup(0.05, backend="native")
    defaults = standard.celltype.default_parameters
    reversals = [{} if signed else {"e_syn": float(defaults[name])} for name in ("e_rev_E", "e_rev_I")]
    parts = {n: getattr(sim, response)(tau_syn=t, **e) for n, t, e in zip("EI", (3.0, 7.0), reversals, strict=True)}
    own = getattr(sim, membrane)
    shared = {n: v for n, v in standard.celltype.default_parameters.items() if n in own.default_parameters}
    cells = sim.Population(2, sim.PointNeuron(own(**{**shared, "i_offset": [0.3, 0.6]}), **parts))
    cells.initialize(v=standard.celltype.default_initial_values["v"])
    other, found = run(cells, "EI", weight, signed, "native")
    assert sum(map(len, trains)) > 3
    assert other == trains
    # The standard cell with conductances is integrated by a closed form.
    within = 0.02 if cell == "IF_cond_exp" else 1e-6
    np.testing.assert_allclose(found["v"], expected["v"], rtol=0, atol=within)
    kind = "isyn" if signed else "gsyn"
    np.testing.assert_allclose(found[f"E.{kind}"], expected[f"{kind}_exc"], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[f"I.{kind}"], expected[f"{kind}_inh"], rtol=0, atol=1e-9)


def test_parameters_of_receptors_are_set_and_read_by_their_names():
    sim.setup(0.1, backend="reference")
    parts = {"AMPA": sim.AlphaPSR(tau_syn=1.0), "NMDA": sim.AlphaPSR(tau_syn=20.0), "GABA": sim.ExpPSR(e_syn=-70.0)}
    cells = sim.Population(2, sim.PointNeuron(sim.AdExp(tau_m=10.0), **parts), label="cells")
    assert cells.get(["tau_m", "NMDA.tau_syn", "GABA.e_syn"]) == [10.0, 20.0, -70.0]
    assert list(cells.receptor_types) == ["AMPA", "GABA", "NMDA"]
    cells.record("GABA.gsyn")
    cells.initialize(**{"GABA.gsyn": 0.1})
    cells.set(**{"GABA.tau_syn": 2.0})
    sim.run(4)
    (signal,) = cells.get_data().segments[0].analogsignals
    np.testing.assert_allclose(signal.magnitude[:, 0], 0.1 * np.exp(-np.arange(41) * 0.1 / 2.0), rtol=1e-9)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "got none"),
        ({"E": sim.IF_curr_exp()}, "got E=IF_curr_exp"),
        ({"inhibitory": sim.ExpPSR()}, "inhibitory are receptors whose weights have one sign"),
        ({"E": sim.ExpPSR(), "I": sim.CurrExpPostSynapticResponse()}, "both are there"),
    ],
)
def test_parts_that_cannot_be_are_refused(parts, message):
    with pytest.raises(InvalidModel, match=message):
        sim.PointNeuron(sim.LIF(), **parts)
    with pytest.raises(InvalidModel, match="the neuron must be LIF or AdExp, got IF_curr_exp"):
        sim.PointNeuron(sim.IF_curr_exp(), E=sim.ExpPSR())
