"""What scripts say of where cells run, which changes no result, and names of PyNN's older interface."""

from __future__ import annotations

import pytest

sim = pytest.importorskip("ernsnn.pynn")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def population():
    sim.setup(1.0, backend="reference")
    return sim.Population(3, sim.IF_curr_exp(), label="cells")


@pytest.mark.parametrize(
    "hint",
    [
        lambda: sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 100),
        lambda: sim.set_number_of_synapse_cores(sim.IF_curr_exp, 2),
        lambda: sim.set_allow_delay_extensions(sim.IF_curr_exp, False),
        lambda: sim.IF_curr_exp.set_model_max_atoms_per_dimension_per_core(64),
        lambda: sim.SpikeSourcePoisson.set_model_max_atoms_per_core(64),
        lambda: sim.extra_models.IF_curr_dual_exp.set_model_max_atoms_per_dimension_per_core(),
        lambda: population().set_max_atoms_per_core(7),
        lambda: population()[0:2].add_placement_constraint(x=1, y=1),
    ],
)
def test_a_hint_on_placement_is_told_where_the_script_gives_it(hint):
    with pytest.warns(UserWarning, match="of SpiNNaker has no effect here") as caught:
        hint()
    assert [each.filename for each in caught] == [__file__]


def test_states_are_set_in_a_run_by_spynnakers_name():
    cells = population()
    cells.set_state(v=-60.0)
    assert cells.get("v") == -60.0
    sim.run(5)
    cells[0:1].set_state(v=-55.0)
    assert cells.get("v")[0] == -55.0


def test_older_functions_of_pynn(tmp_path):
    cells = population()
    sim.set(cells, tau_m=10.0)
    assert cells.get("tau_m") == 10.0
    sim.record_gsyn(cells, str(tmp_path / "currents.pkl"))
    sim.run(3)
    sim.end()
    assert (tmp_path / "currents.pkl").stat().st_size > 0
    assert {s.name for s in cells.get_data().segments[0].analogsignals} == {"isyn_exc", "isyn_inh"}
    assert sim.distance(cells[0], cells[2]) == 2.0


def test_a_star_import_keeps_pythons_set():
    names = {}
    exec("from ernsnn.pynn import *", names)
    assert "set" not in names
    assert names["distance"] is sim.distance
