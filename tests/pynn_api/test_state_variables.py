"""State variables: where they start, those of now, and SpiNNaker's habit of setting them as parameters."""

from __future__ import annotations

import numpy as np
import pytest
from in_one_go import GoesOn, InOneGo

from ernsnn.errors import InvalidModel, UnsupportedOnBackend

sim = pytest.importorskip("ernsnn.pynn")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

CELLS = {
    "IF_curr_exp": ("v", "isyn_exc", "isyn_inh"),
    "IF_cond_exp": ("v", "gsyn_exc", "gsyn_inh"),
    "IF_curr_delta": ("v",),
    "IF_curr_alpha": ("v", "isyn_exc", "isyn_inh"),
    "IF_cond_alpha": ("v", "gsyn_exc", "gsyn_inh"),
}
START = {"v": -60.0, "isyn_exc": 0.3, "isyn_inh": 0.2, "gsyn_exc": 0.01, "gsyn_inh": 0.02}


def spinnaker(cell="IF_curr_exp", size=4, **settings):
    sim.setup(1.0, convention="spinnaker", **{"backend": "reference", **settings})
    return sim.Population(size, getattr(sim, cell)(v_thresh=1000.0), label="cells")


def signals(population, *variables):
    population.record(list(variables))
    sim.run(3)
    (segment,) = population.get_data().segments
    return {name: segment.filter(name=name)[0].magnitude for name in variables}


@pytest.mark.parametrize("backend", ["native", "reference"])
@pytest.mark.parametrize("cell", CELLS)
def test_every_state_variable_is_set_as_a_parameter_is(cell, backend):
    """The same as initialize(), before a run and in one."""

    def script(how):
        cells = spinnaker(cell, backend=backend)
        cells.record("v")
        for variable in CELLS[cell]:
            how(cells, variable, START[variable])
            how(cells[1:3], variable, [START[variable] * 0.9, START[variable] * 0.8])
        sim.run(4)
        between = [cells.get(variable) for variable in CELLS[cell]]
        for variable in CELLS[cell]:
            how(cells[3:4], variable, START[variable] * 0.7)
        return between, signals(cells, "v")["v"]

    expected = script(lambda cells, variable, value: cells.initialize(**{variable: value}))
    for how in (
        lambda cells, variable, value: cells.set(**{variable: value}),
        lambda cells, variable, value: sim.Assembly(cells).set(**{variable: value}),
        lambda cells, variable, value: cells.tset(variable, value),
        lambda cells, variable, value: [
            setattr(c, variable, v) for c, v in zip(cells, np.broadcast_to(value, len(cells)), strict=True)
        ],
    ):
        found = script(how)
        np.testing.assert_array_equal(found[1], expected[1])
        for one, other in zip(found[0], expected[0], strict=True):
            np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("cell", CELLS)
def test_state_variables_are_read_as_they_are_now(cell):
    cells = spinnaker(cell)
    assert cells.get("v") == -65.0
    cells.set(tau_m=[10.0, 15.0, 20.0, 25.0], **{name: START[name] for name in CELLS[cell]})
    assert cells.get("tau_m").tolist() == [10.0, 15.0, 20.0, 25.0]
    assert [cells.get(name) for name in CELLS[cell]] == [START[name] for name in CELLS[cell]]
    assert cells[2].v == -60.0
    recorded = {"v": "v"} | dict(zip(CELLS[cell][1:], ("gsyn_exc", "gsyn_inh"), strict=False))
    found = signals(cells, *recorded.values())
    for variable, name in recorded.items():
        assert (found[name][0] == START[variable]).all(), "the start is the first sample"
        np.testing.assert_array_equal(np.broadcast_to(cells.get(variable), 4), found[name][-1])
        np.testing.assert_array_equal(np.broadcast_to(cells[1:3].get(variable), 2), found[name][-1][1:3])
    assert cells.get(["tau_m", "v"])[1].tolist() == found["v"][-1].tolist()
    assert cells[1].v == found["v"][-1][1]
    both = cells[0:2] + sim.PopulationView(cells, [3])
    assert both.get("v").tolist() == found["v"][-1][[0, 1, 3]].tolist()
    sim.reset()
    assert cells.get("v") == -60.0


def test_currents_decay_from_where_they_start():
    for convention, sign in (("pynn", -1.0), ("spinnaker", 1.0)):
        sim.setup(1.0, convention=convention)
        cells = sim.Population(
            2,
            sim.IF_curr_exp(v_thresh=1000.0, tau_syn_E=4.0, tau_syn_I=8.0),
            initial_values={"isyn_exc": [0.5, 0.0], "isyn_inh": [0.0, sign * 0.25]},
        )
        names = ("isyn_exc", "isyn_inh") if convention == "pynn" else ("gsyn_exc", "gsyn_inh")
        found = signals(cells, "v", *names)
        t = np.arange(4.0)
        np.testing.assert_allclose(found[names[0]][:, 0], 0.5 * np.exp(-t / 4), rtol=1e-12)
        np.testing.assert_allclose(found[names[1]][:, 1], sign * 0.25 * np.exp(-t / 8), rtol=1e-12)
        assert (found["v"][1:, 0] > -65).all()
        assert (found["v"][1:, 1] < -65).all()
        sim.reset()
        sim.run(3)
        again = cells.get_data().segments[1].filter(name="v")[0].magnitude
        np.testing.assert_array_equal(again, found["v"])


def test_cells_are_made_with_state_variables_as_on_SpiNNaker():
    sim.setup(1.0, convention="spinnaker")
    drawn = sim.RandomDistribution("uniform", (-65, -60))
    cells = sim.Population(4, sim.IF_curr_exp(tau_m=10.0, v=[-61.0, -62.0, -63.0, -64.0]))
    others = sim.Population(4, sim.IF_cond_exp, {"v": drawn, "tau_m": 12.0}, initial_values={"gsyn_exc": 0.1})
    assert cells.get(["v", "tau_m"])[0].tolist() == [-61.0, -62.0, -63.0, -64.0]
    assert len(set(others.get("v").tolist())) == 4
    assert sim.Population(1, sim.IF_curr_exp()).get("v") == -65.0


@pytest.mark.parametrize("convention", ["pynn", "spinnaker"])
def test_state_variables_are_parameters_in_both_conventions(convention):
    sim.setup(1.0, convention=convention)
    sign = -1.0 if convention == "pynn" else 1.0
    cells = sim.Population(3, sim.IF_curr_exp(v=-61.0, isyn_inh=sign * 0.2), label="cells")
    old = sim.Population(2, sim.IF_cond_exp, {"v_init": [-62.0, -63.0], "tau_m": 10.0})
    assert old.get("v").tolist() == [-62.0, -63.0]
    assert (cells.get("v"), cells.get("isyn_inh")) == (-61.0, sign * 0.2)
    cells.set(v=-60.0, tau_m=12.0)
    cells[0:1].set(v_init=-59.0)
    (cells[1:2] + old).set(v=-58.0)
    assert cells.get("v").tolist() == [-59.0, -58.0, -60.0]
    cells.record("v")
    sim.run(1)
    assert cells.get_data().segments[0].analogsignals[0].magnitude[0].tolist() == [-59.0, -58.0, -60.0]
    cells[2].v = -57.0
    assert cells[2].v == -57.0
    assert cells[2].get_initial_value("v") == -60.0


def test_what_is_no_state_variable_is_refused():
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(), label="cells")
    error = sim.errors.NonExistentParameterError
    with pytest.raises(error, match=r"u \(valid parameters for IF_curr_exp are: cm"):
        cells.set(u=1.0)
    with pytest.raises(error, match="gsyn_exc"):
        cells.get("gsyn_exc")
    with pytest.raises(error, match="v_init"):
        sim.Population(2, sim.SpikeSourcePoisson()).set(v_init=-60.0)
    for ask in (lambda: cells.set(v=-60.0, v_init=-60.0), lambda: sim.IF_curr_exp(v=-60.0, v_init=-60.0)):
        with pytest.raises(InvalidModel, match="v_init is another name of v; give one of them"):
            ask()
    assert cells.get("v") == -65.0


def test_adaptation_starts_where_it_is_told_and_is_set_in_a_run():
    """w, and u, may be of both signs; Izhikevich's u starts at -14 in PyNN, whatever b is."""
    for cell, variable, values in (("EIF_cond_exp_isfa_ista", "w", [0.1, -0.1]), ("Izhikevich", "u", [-10.0, 3.0])):
        for backend in ("reference", "native"):
            sim.setup(0.1, backend=backend)
            cells = sim.Population(2, getattr(sim, cell)(), initial_values={variable: values})
            cells.record(["v", variable])
            sim.run(1)
            cells.initialize(**{variable: [v / 2 for v in values]})
            sim.run(0.1)
            found = {s.name: s.magnitude for s in cells.get_data().segments[0].analogsignals}
            assert found[variable][0].tolist() == values
            np.testing.assert_allclose(found[variable][11], np.divide(values, 2), rtol=0.05)  # a step later
            assert (found["v"][1:, 0] != found["v"][1:, 1]).all()
    sim.setup(0.1, backend="reference")
    cells = sim.Population(2, sim.Izhikevich(b=[0.2, 0.25]))
    cells.record("u")
    sim.run(0.1)
    assert cells.get_data().segments[0].analogsignals[0].magnitude[0].tolist() == [-14.0, -14.0]


def test_a_program_starts_u_where_b_v_is():
    """Elsewhere it says so, and where that can be run."""
    for b, codes in ((0.2, []), (0.25, [("Y203", "cells.u")])):
        sim.setup(0.1, backend="brian2")
        cells = sim.Population(2, sim.Izhikevich(b=b), label="cells")
        assert [(i.code, i.path) for i in sim.check() if i.code == "Y203"] == codes
        assert not [i for i in sim.check("native") if i.code == "Y203"]
    cells.initialize(u=-70.0 * 0.25)
    assert not [i for i in sim.check() if i.code == "Y203"]


def test_currents_into_izhikevich_are_a_thousandfold():
    """As with pyNN.nest and pyNN.brian2: 1 nA is I = 1000, of i_offset and of injections alike, one or several."""

    def v(i_offset=0.0, *sources):
        sim.setup(0.1, backend="reference")
        cells = sim.Population(2, sim.Izhikevich(i_offset=i_offset))
        for source in sources:
            source().inject_into(cells)
        cells.record("v")
        sim.run(30)
        return cells.get_data().segments[0].analogsignals[0].magnitude

    expected = v(0.006)
    assert np.ptp(expected) > 50
    direct = lambda amplitude: lambda: sim.DCSource(amplitude=amplitude)  # noqa: E731
    np.testing.assert_allclose(v(0.0, direct(0.006)), expected, rtol=1e-9)
    np.testing.assert_allclose(v(0.0, direct(0.004), direct(0.002)), expected, rtol=1e-6)
    noisy = v(0.0, lambda: sim.NoisyCurrentSource(mean=0.006, stdev=0.0, stop=30.0, dt=0.1))
    np.testing.assert_allclose(noisy, expected, rtol=1e-9)


def test_the_cell_of_spinnaker_of_that_name_is_another():
    sim.setup(1.0, convention="spinnaker", backend="reference")
    cells = sim.Population(1, sim.Izhikevich(v=-68.0, u=-13.0, isyn_exc=2.0))
    assert [cells.get(name) for name in ("v", "u", "isyn_exc", "isyn_inh")] == [-68.0, -13.0, 2.0, 0.0]
    sim.run(1)
    assert cells.get("isyn_exc") == pytest.approx(2.0 * np.exp(-1 / 5.0))


def test_values_that_no_state_variable_has():
    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(), label="cells")
    with pytest.raises(InvalidModel, match="cells: no state variable 'isyn_ex'; did you mean 'isyn_exc'"):
        cells.initialize(isyn_ex=0.0)
    wrong = sim.errors.InvalidParameterValueError
    for run in (0, 1):
        sim.run(run)
        with pytest.raises(wrong, match="cells: v must be finite"):
            cells.initialize(v=np.nan)
        with pytest.raises(wrong, match="cells: isyn_inh must be <= 0 in convention 'pynn'"):
            cells[0:1].initialize(isyn_inh=0.5)
        with pytest.raises(wrong, match="cells: isyn_exc must be >= 0"):
            cells.initialize(isyn_exc=-0.5)
    spinnaker()
    with pytest.raises(wrong, match="isyn_inh must be >= 0"):
        sim.Population(1, sim.IF_curr_exp(isyn_inh=-0.1))


def test_a_draw_is_where_its_cell_starts():
    sim.setup(1.0)
    cells = sim.Population(3, sim.IF_curr_exp())
    cells.initialize(v=sim.RandomDistribution("uniform", (-65, -55)))
    cells.record("v")
    sim.run(1)
    first = cells.get_data().segments[0].analogsignals[0].magnitude[0]
    assert [cell.get_initial_value("v") for cell in cells] == first.tolist()


@pytest.mark.parametrize("backend", [InOneGo(), GoesOn()])
def test_programs_start_potentials_anywhere_and_synapses_at_0(backend):
    cells = spinnaker(backend=backend)
    cells.set(v=-61.0)
    assert cells.get("v") == -61.0
    assert (signals(cells, "v")["v"][0] == -61.0).all()
    for ask in (lambda: cells.set(v=-60.0), lambda: cells.get("v")):
        with pytest.raises(UnsupportedOnBackend, match=r"potentials and synaptic variables cannot be .*'native'"):
            ask()
    cells = spinnaker(backend=backend)
    cells[1:2].set(isyn_exc=0.5)
    assert [(i.code, i.path) for i in sim.check() if i.code == "Y203"] == [("Y203", "cells.isyn_exc")]
    assert not [i for i in sim.check("reference") if i.code == "Y203"]
    with pytest.raises(UnsupportedOnBackend, match="synaptic variables cannot be set"):
        sim.run(1)
    cells.set(isyn_exc=0.0)
    sim.run(1)
