"""Types of other simulators that ernsnn lacks: ``check`` and ``run`` list all of a script, with what to do instead."""

from __future__ import annotations

import pytest

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.errors import UnsupportedOnBackend  # noqa: E402 - needs PyNN
from ernsnn.pynn import foreign  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def told():
    return [(issue.code, issue.path, issue.remedy) for issue in sim.check()]


@pytest.mark.parametrize("name", foreign.CELLS)
def test_a_cell_can_be_made_recorded_and_connected(name):
    sim.setup(1.0)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[1.0]))
    cells = sim.Population(2, getattr(sim.extra_models, name)(tau_of_its_own=3.0), label="cells")
    cells.record(["spikes", "v"])
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0), receptor_type="its own")
    ((code, path, remedy),) = told()
    assert (code, path) == ("Y201", "cells")
    assert remedy == foreign.CELLS[name][1]
    with pytest.raises(UnsupportedOnBackend, match=f"cells: {name}: "):
        sim.run(1)


def structural():
    parts = (sim.RandomSelection(), sim.DistanceDependentFormation(grid=[3, 3]), sim.RandomByWeightElimination(0.2))
    return sim.StructuralMechanismStatic(*parts, initial_weight=4, s_max=9)


@pytest.mark.parametrize(
    ("make", "receptor", "name"),
    [
        (structural, "excitatory", "StructuralMechanismStatic"),
        (lambda: sim.StructuralMechanismSTDP(sim.LastNeuronSelection()), "excitatory", "StructuralMechanismSTDP"),
        (lambda: sim.extra_models.Neuromodulation(tau_c=100, tau_d=5), "reward", "Neuromodulation"),
        (lambda: sim.extra_models.WeightChanger(weight_change=1.0), "excitatory", "WeightChanger"),
        (lambda: sim.native_synapse_type("bernoulli_synapse")(p_transmit=0.3), "excitatory", "bernoulli_synapse"),
    ],
)
def test_a_synapse_type_is_told_by_its_projection(make, receptor, name):
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp())
    sim.Projection(cells, cells, sim.AllToAllConnector(), make(), receptor_type=receptor, label="p")
    ((code, path, remedy),) = told()
    assert (code, path) == ("Y202", "p")
    assert remedy
    with pytest.raises(UnsupportedOnBackend, match=f"p: {name}: "):
        sim.run(1)


def test_a_rule_is_told_by_its_projection():
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp())
    rule = sim.STDPMechanism(sim.extra_models.RecurrentRule(dual_fsm=True), sim.AdditiveWeightDependence())
    sim.Projection(cells, cells, sim.AllToAllConnector(), rule, label="p")
    ((code, path, _),) = told()
    assert (code, path) == ("Y202", "p")


def test_a_native_cell_is_told_by_its_name():
    sim.setup(1.0)
    sim.Population(2, sim.native_cell_type("iaf_psc_exp")(tau_m=10.0), label="cells")
    assert [(issue.code, issue.path) for issue in sim.check()] == [("Y201", "cells")]
    assert "iaf_psc_exp" in sim.check()[0].message
