"""TsodyksMarkramSynapse, written once in PyNN: potentials as with pyNN.nest, on every backend that has it."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.errors import InvalidModel

own = pytest.importorskip("ernsnn.pynn")

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")

DT = 0.125  # ms; a power of two, which NEST's grid holds exactly
CASES = {
    "depression": {"U": 0.5, "tau_rec": 100.0, "tau_facil": 0.0},
    "facilitation": {"U": 0.1, "tau_rec": 20.0, "tau_facil": 300.0},
    "recovery as fast as the current": {"U": 0.4, "tau_rec": 4.5, "tau_facil": 50.0},
}


def potentials(sim, backend="reference", cell="IF_curr_exp", receptor="excitatory", weight=0.3, **synapse):
    """v of cells that do not spike, under drawn spikes through synapses of their own."""
    nest = sim is not own
    sim.setup(DT, min_delay=DT, **({"spike_precision": "on_grid"} if nest else {"backend": backend}))
    rng = np.random.default_rng(3)
    trains = [np.unique(rng.integers(8, 2300, 60)) * DT for _ in range(5)]
    sources = sim.Population(5, sim.SpikeSourceArray(spike_times=trains))
    cells = sim.Population(4, getattr(sim, cell)(cm=1.0, tau_syn_E=4.0, tau_syn_I=7.0, v_thresh=1e3))
    cells.record("v")
    made = sim.TsodyksMarkramSynapse(weight=weight, delay=1.0, **synapse)
    sim.Projection(sources, cells, sim.AllToAllConnector(), made, receptor_type=receptor)
    sim.run(300.0 - (DT if nest else 0.0))  # pyNN.nest has gone one shortest delay further when it says that it has run
    values = np.asarray(cells.get_data().segments[0].filter(name="v")[0].magnitude)
    sim.end()
    return values


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize(("receptor", "weight"), [("excitatory", 0.3), ("inhibitory", -0.2)])
def test_potentials_are_those_of_pynn_nest(case, receptor, weight):
    pytest.importorskip("nest")
    nest = pytest.importorskip("pyNN.nest")
    expected = potentials(nest, receptor=receptor, weight=weight, **CASES[case])
    assert np.ptp(expected) > 0.5
    for backend in ("reference", "native", "brian2"):
        found = potentials(own, backend, receptor=receptor, weight=weight, **CASES[case])
        n = min(len(found), len(expected))
        assert n > 2000
        np.testing.assert_allclose(found[:n], expected[:n], rtol=0, atol=1e-9)


def test_conductances_too():
    expected = potentials(own, cell="IF_cond_exp", weight=0.01, **CASES["depression"])
    assert np.ptp(expected) > 0.5
    np.testing.assert_allclose(
        potentials(own, "native", cell="IF_cond_exp", weight=0.01, **CASES["depression"]), expected, rtol=0, atol=1e-9
    )


def projection(cells, **synapse):
    sources = own.Population(3, own.SpikeSourceArray(spike_times=[[1.0], [2.0], [3.0]]))
    made = own.TsodyksMarkramSynapse(weight=0.1, **synapse)
    return own.Projection(sources, cells, own.AllToAllConnector(), made, label="depressing")


def test_what_its_cells_and_parameters_must_be():
    own.setup(1.0)
    projection(own.Population(2, own.IF_curr_exp(tau_syn_E=[2.0, 3.0])))
    with pytest.raises(InvalidModel, match="depressing: TsodyksMarkramSynapse needs the same tau_syn_E in all post"):
        own.run(5)
    own.setup(1.0)
    projection(own.Population(2, own.IF_curr_delta()))
    with pytest.raises(InvalidModel, match="depressing: TsodyksMarkramSynapse needs post cells with tau_syn_E"):
        own.run(5)
    own.setup(1.0)
    projection(own.Population(2, own.IF_curr_exp()), U=1.5)
    with pytest.raises(InvalidModel, match="the share of resources"):
        own.run(5)


def test_parameters_that_a_script_sets_between_runs_act():
    def charge(later):
        own.setup(1.0, backend="native")
        cells = own.Population(2, own.IF_curr_exp(v_thresh=1e3))
        made = projection(cells, U=0.2)
        cells.record("v")
        own.run(20)
        made.set(U=later)
        own.run(20)
        return float(cells.get_data().segments[0].filter(name="v")[0].magnitude[-1, 0]), made.get("U", "array")[0, 0]

    assert charge(0.2)[1] == 0.2
    assert charge(0.8)[1] == 0.8
