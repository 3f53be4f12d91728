"""Names and idioms of scripts for other simulators: those of sPyNNaker's and older PyNN's among them."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.errors import InvalidModel, UnsupportedOnBackend

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import trains  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def test_the_simulator_has_a_name():
    assert sim.name() == "ernsnn"


@pytest.mark.parametrize("name", ["Grid2D", "Grid3D", "Line", "RandomStructure", "Cuboid", "Sphere", "Space"])
def test_structures_are_names_of_the_simulator(name):
    assert getattr(sim, name) is getattr(sim.space, name)
    assert name in sim.__all__


def test_a_grid_places_its_cells():
    sim.setup(1.0)
    cells = sim.Population(6, sim.IF_curr_exp(), structure=sim.Grid2D(aspect_ratio=1.5, dx=2.0))
    assert sorted(set(cells.positions[0])) == [0.0, 2.0, 4.0]


def test_a_star_import_has_the_types_that_check_tells_of():
    script = {}
    exec("from ernsnn.pynn import *", script)
    script["setup"](1.0)
    cells = script["Population"](2, script["SpikeSourceInhGamma"](), label="gamma")
    synapse = script["StochasticTsodyksMarkramSynapse"]()
    post = script["Population"](2, script["IF_curr_exp"]())
    script["Projection"](cells, post, script["AllToAllConnector"](), synapse, label="depressing")
    assert [issue.path for issue in script["check"]()] == ["gamma", "depressing"]
    with pytest.raises(UnsupportedOnBackend, match="gamma"):
        script["run"](1)


@pytest.mark.parametrize("parameters", [(), (None,), ({},)])
def test_a_class_of_cells_needs_no_parameters(parameters):
    sim.setup(1.0)
    for cell in (sim.IF_curr_exp, sim.IF_cond_exp, sim.SpikeSourceArray, sim.SpikeSourcePoisson):
        made = sim.Population(2, cell, *parameters)
        assert type(made.celltype) is cell
    assert sim.Population(2, sim.IF_curr_exp).get("tau_m") == 20.0
    assert sim.Population(2, sim.IF_curr_exp(tau_m=7.0), *parameters).get("tau_m") == 7.0
    assert sim.create(sim.IF_curr_exp, n=3).size == 3
    assert sim.Population(2, sim.IF_curr_exp, {"tau_m": 9.0}).get("tau_m") == 9.0


def test_what_is_no_cell_and_parameters_of_an_object_are_refused():
    sim.setup(1.0)
    with pytest.raises(InvalidModel, match="cells: cellparams belong to a class of cells"):
        sim.Population(2, sim.IF_curr_exp(), {"tau_m": 9.0}, label="cells")
    with pytest.raises(TypeError, match="cellclass must be"):
        sim.Population(2, dict)


def test_sources_take_their_parameters_by_position():
    sim.setup(1.0)
    one = sim.Population(2, sim.SpikeSourceArray([1.0, 3.0]))
    each = sim.Population(2, sim.SpikeSourceArray([[1.0], [2.0, 4.0]]))
    rates = sim.Population(1, sim.SpikeSourcePoisson(50.0, 10.0, 20.0))
    assert rates.get(["rate", "start", "duration"]) == [50.0, 10.0, 20.0]
    assert sim.Population(1, sim.SpikeSourceArray()).get("spike_times").value.size == 0
    for population in (one, each):
        population.record("spikes")
    sim.run(6)
    assert trains(one) == [[1.0, 3.0], [1.0, 3.0]]
    assert trains(each) == [[1.0], [2.0, 4.0]]
    with pytest.raises(TypeError):
        sim.SpikeSourceArray([1.0], spike_times=[2.0])


@pytest.mark.parametrize("convention", ["pynn", "spinnaker"])
def test_all_is_everything_that_can_be_recorded(convention):
    sim.setup(1.0, convention=convention)
    source = sim.Population(1, sim.SpikeSourceArray([2.0]))
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=5.0))
    others = sim.Population(2, sim.IF_curr_delta())
    source.record("all")
    cells[1:].record("all")
    (others + cells[:1]).record("all", sampling_interval=1.0)
    sim.run(10)
    assert trains(source) == [[2.0]]
    segment = cells.get_data().segments[0]
    assert len(segment.spiketrains) == 3
    assert {signal.name: signal.shape for signal in segment.analogsignals} == {
        name: (11, 3) for name in cells.celltype.recordable if name != "spikes"
    }
    assert [signal.name for signal in others.get_data().segments[0].analogsignals] == ["v"]
    with pytest.raises(sim.errors.RecordingError):
        cells.record("al")


def test_a_view_is_of_a_range():
    sim.setup(1.0)
    cells = sim.Population(6, sim.IF_curr_exp())
    for chosen in (range(2, 4), [2, 3], slice(2, 4), np.array([2, 3])):
        view = sim.PopulationView(cells, chosen)
        assert view.all_cells.tolist() == cells.all_cells[2:4].tolist()
    assert sim.PopulationView(cells, range(0, 6, 2)).size == 3


@pytest.mark.parametrize(("pre", "post"), [(1, 1), (1, 4), (4, 1), (2, 5), (5, 2)])
def test_one_to_one_connects_as_many_as_there_are(pre, post):
    sim.setup(1.0)
    first, second = sim.Population(pre, sim.IF_curr_exp()), sim.Population(post, sim.IF_curr_exp())
    expected = [(i, i, 0.5) for i in range(min(pre, post))]
    for sides in ((first, second), (first[0:pre], second), (first, second[0:post]), (sim.Assembly(first), second)):
        made = sim.Projection(*sides, sim.OneToOneConnector(), sim.StaticSynapse(weight=0.5))
        assert made.get("weight", "list") == expected


def test_a_connector_that_pynn_lacks_says_so():
    sim.setup(1.0)
    cells = sim.Population(4, sim.IF_curr_exp())
    with pytest.raises(NotImplementedError, match="lateral: PyNN does not implement SmallWorldConnector"):
        sim.Projection(cells, cells, sim.SmallWorldConnector(2.0, 0.1), sim.StaticSynapse(), label="lateral")


def test_a_whole_number_is_a_timestep():
    sim.setup(1, min_delay=1)
    source = sim.Population(3, sim.SpikeSourceArray([[1], [0.5, 2], np.array([3])]))
    source.record("spikes")
    sim.run(5)
    assert trains(source) == [[1.0], [1.0, 2.0], [3.0]]


def test_data_of_cells_that_are_not_recorded_are_empty():
    sim.setup(1.0)
    cells = sim.Population(4, sim.IF_curr_exp(i_offset=5.0))
    cells[:2].record(["v", "spikes"])
    sim.run(10)
    for others in (cells[2:], cells[3].as_view(), sim.Assembly(cells[2:])):
        for variables in ("all", "v", "spikes", ["v", "spikes"]):
            segment = others.get_data(variables).segments[0]
            assert [signal for signal in segment.analogsignals if signal.size] == []
            assert list(segment.spiketrains) == []
    assert cells[2:].get_spike_counts() == {}
    assert len(cells[1:].get_data().segments[0].spiketrains) == 1
    assert cells[1:].get_data("v").segments[0].analogsignals[0].shape == (11, 1)


@pytest.mark.parametrize("ask", ["all", "v", ["v", "spikes"]])
def test_segments_before_a_reset_keep_their_signals(ask):
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=1.0))
    cells.record(["v", "spikes"])
    sim.run(5)
    sim.reset()
    sim.run(7)
    first, second = cells.get_data(ask).segments
    assert [signal.shape for segment in (first, second) for signal in segment.analogsignals] == [(6, 2), (8, 2)]


def test_a_check_of_native_is_of_doubles():
    for backend in ("native", "auto", "brian2"):
        sim.setup(1.0, backend=backend)
        source, cells = sim.Population(1, sim.SpikeSourceArray([1.0])), sim.Population(1, sim.IF_curr_exp(tau_m=17.3))
        sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
        for asked in ("native",) if backend == "auto" else (None, "native"):
            assert not [issue for issue in sim.check(asked) if "float32" in issue.message]


@pytest.mark.parametrize("convention", ["pynn", "spinnaker"])
def test_spinnaker_get_data_is_get_data_in_rows(convention):
    sim.setup(0.5, convention=convention)
    cells = sim.Population(4, sim.IF_curr_exp(i_offset=[1.0, 2.0, 3.0, 4.0], tau_refrac=2.0), label="cells")
    cells[1:].record(["v", "spikes"])
    sim.run(30)
    for part in (cells, cells[2:], sim.PopulationView(cells, [3, 1])):
        segment = part.get_data().segments[0]
        rows = [(t.annotations["source_index"], s) for t in segment.spiketrains for s in t.magnitude]
        found = part.spinnaker_get_data("spikes")
        assert found.shape[1] == 2
        assert list(map(tuple, found)) == sorted(rows)
        assert len(rows) > 2
        (signal,) = segment.analogsignals
        np.testing.assert_array_equal(part.spinnaker_get_data(["v"], as_matrix=True), signal.magnitude)
        index, times, values = part.spinnaker_get_data("v").T
        n = len(signal)
        np.testing.assert_array_equal(index, np.repeat(signal.array_annotations["channel_index"], n))
        np.testing.assert_allclose(times[:n], signal.times.rescale("ms").magnitude, atol=1e-9)
        np.testing.assert_array_equal(values, signal.magnitude.T.ravel())
    assert cells[:1].spinnaker_get_data("v").shape == (0, 3)
    assert cells[:1].spinnaker_get_data("spikes").shape == (0, 2)


def test_spinnaker_get_data_is_of_one_recorded_variable_and_this_segment():
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=3.0), label="cells")
    cells.record("spikes")
    with pytest.raises(InvalidModel, match="cells: nothing has been recorded yet"):
        cells.spinnaker_get_data("spikes")
    sim.run(50)
    before = cells.spinnaker_get_data("spikes")
    with pytest.raises(InvalidModel, match="cells: 'v' is not recorded; spikes is"):
        cells.spinnaker_get_data("v")
    with pytest.raises(InvalidModel, match="one variable at a time"):
        cells.spinnaker_get_data(["v", "spikes"])
    with pytest.raises(InvalidModel, match="spikes are no matrix"):
        cells.spinnaker_get_data("spikes", as_matrix=True)
    sim.reset()
    sim.run(20)
    after = cells.spinnaker_get_data("spikes")
    np.testing.assert_array_equal(after, before[before[:, 1] <= 20])
