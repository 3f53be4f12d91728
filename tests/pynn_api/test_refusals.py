"""What setup and scripts are refused or told of, in the script's labels; and the two conventions."""

from __future__ import annotations

import importlib
import sys

import numpy as np
import pytest

from ernsnn.errors import InvalidModel, UnsupportedOnBackend

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import network, trains  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


# Conventions


def one_pair(convention, weight_dependence=None, **amplitudes):
    """One pre spike at 5 ms, one post spike forced at about 10 ms; the weight afterwards."""
    sim.setup(1.0, convention=convention)
    pre = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0]))
    kick = sim.Population(1, sim.SpikeSourceArray(spike_times=[9.0]))
    post = sim.Population(1, sim.IF_curr_exp(tau_syn_E=1.0))
    post.record("spikes")
    rule = sim.SpikePairRule(tau_plus=10.0, tau_minus=10.0, **amplitudes)
    bounds = (weight_dependence or sim.AdditiveWeightDependence)(w_min=0.0, w_max=4.0)
    synapse = sim.STDPMechanism(rule, bounds, weight=1.0, delay=1.0)
    plastic = sim.Projection(pre, post, sim.AllToAllConnector(), synapse)
    sim.Projection(kick, post, sim.AllToAllConnector(), sim.StaticSynapse(weight=100.0, delay=1.0))
    sim.run(20)
    ((spike,),) = trains(post)
    return plastic.get("weight", format="array")[0, 0] - 1.0, np.exp(-(spike + 1.0 - 5.0) / 10.0)


def test_amplitudes_are_fractions_of_w_max_or_absolute():
    change, trace = one_pair("pynn", A_plus=0.1, A_minus=0.1)
    assert change == pytest.approx(0.1 * 4.0 * trace)
    change, trace = one_pair("spinnaker", A_plus=0.1, A_minus=0.1)
    assert change == pytest.approx(0.1 * trace)
    for convention in ("pynn", "spinnaker"):
        change, trace = one_pair(convention, sim.MultiplicativeWeightDependence, A_plus=0.1, A_minus=0.1)
        assert change == pytest.approx(0.1 * (4.0 - 1.0) * trace)


def lateral(cell, weight, receptor="inhibitory"):
    cells = sim.Population(2, getattr(sim, cell)(), label="cells")
    synapse = sim.StaticSynapse(weight=weight)
    return sim.Projection(cells, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor, label="lateral")


def test_the_wrong_sign_of_inhibition_names_the_convention_that_takes_it():
    sim.setup(1.0)
    made = lateral("IF_curr_exp", -1.0)
    assert made.get("weight", format="array").tolist() == [[-1.0, -1.0], [-1.0, -1.0]]
    for ask in (lambda: lateral("IF_curr_exp", 1.0), lambda: made.set(weight=1.0)):
        with pytest.raises(sim.errors.ConnectionError, match=r"lateral.*setup\(convention='spinnaker'\)"):
            ask()


@pytest.mark.parametrize("convention", ["pynn", "spinnaker"])
def test_weights_of_excitation_are_positive_in_both_conventions(convention):
    sim.setup(1.0, convention=convention)
    with pytest.raises(sim.errors.ConnectionError, match="receptor_type='inhibitory'"):
        lateral("IF_curr_exp", -1.0, "excitatory")
    made = lateral("IF_cond_exp", 0.01, "excitatory")
    with pytest.raises(
        sim.errors.ConnectionError, match=r"weights are positive where they are conductances, got -0.01"
    ):
        made.set(weight=-0.01)


def test_conductances_of_inhibition_are_positive():
    sim.setup(1.0)
    assert lateral("IF_cond_exp", 0.01).get("weight", format="array").tolist() == [[0.01, 0.01], [0.01, 0.01]]
    with pytest.raises(sim.errors.ConnectionError, match=r"positive where they are conductances, got -0.01"):
        lateral("IF_cond_exp", -0.01)


@pytest.mark.parametrize("cell", ["IF_curr_exp", "IF_cond_exp"])
def test_scripts_for_spinnaker_write_inhibition_with_either_sign(cell):
    def script(sign, plastic):
        sim.setup(1.0, convention="spinnaker")
        source = sim.Population(1, sim.SpikeSourceArray([2.0, 5.0, 8.0]))
        cells = sim.Population(2, getattr(sim, cell)(i_offset=1.5))
        synapse = sim.StaticSynapse(weight=sign * 0.2)
        if plastic:
            rule, bounds = sim.SpikePairRule(A_plus=0.1, A_minus=0.1), sim.AdditiveWeightDependence(0.0, 1.0)
            synapse = sim.STDPMechanism(rule, bounds, weight=sign * 0.2)
        listed = sim.FromListConnector([(0, 0, sign * 0.3, 1.0), (0, 1, sign * 0.4, 1.0)], ["weight", "delay"])
        made = [sim.Projection(source, cells, c, synapse, receptor_type="inhibitory") for c in (listed, ALL)]
        cells.record("v")
        sim.run(4)
        made[0].set(weight=sign * 0.35)
        sim.run(4)
        made[0][1].weight = sign * 0.5
        sim.run(4)
        weights = [projection.get("weight", "list", with_address=False) for projection in made]
        return cells.get_data().segments[0].analogsignals[0].magnitude, weights

    ALL = sim.AllToAllConnector()
    for plastic in (False, True):
        expected, found = script(1.0, plastic), script(-1.0, plastic)
        np.testing.assert_array_equal(found[0], expected[0])
        assert found[1] == expected[1]
        assert min(map(min, found[1])) > 0


def test_weights_of_both_signs_at_once_are_refused_as_on_spinnaker():
    sim.setup(1.0, convention="spinnaker")
    made = lateral("IF_curr_exp", 0.5)
    with pytest.raises(sim.errors.ConnectionError, match=r"all positive or all negative, got -1 and 1"):
        made.set(weight=[1.0, -1.0, 1.0, 1.0])
    assert made.get("weight", "list", with_address=False) == [0.5] * 4


def test_stamps_are_ends_or_beginnings_of_steps():
    def script(convention, times):
        sim.setup(1.0, convention=convention)
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=times))
        driven = sim.Population(1, sim.IF_curr_exp(i_offset=30.0, tau_refrac=50.0))
        kicked = sim.Population(1, sim.IF_curr_exp(tau_syn_E=1.0))
        sim.Projection(source, kicked, sim.AllToAllConnector(), sim.StaticSynapse(weight=100.0))
        for population in (source, driven, kicked):
            population.record("spikes")
        sim.run(10)
        return trains(source), trains(driven), trains(kicked)

    # A source and what it causes keep their distance; what happens in the first step is stamped with its other end.
    assert script("pynn", [3.0]) == ([[3.0]], [[1.0]], [[5.0]])
    assert script("spinnaker", [3.0]) == ([[3.0]], [[0.0]], [[5.0]])
    assert script("spinnaker", [0.0])[0] == [[0.0]]
    assert script("pynn", [0.0])[0] == [[1.0]]
    assert [issue.code for issue in sim.check() if issue.path == "population0.spike_times" or issue.code == "Y102"] == [
        "Y102"
    ]


# What is refused, in the script's labels


def test_absent_types_are_all_told_by_their_labels():
    sim.setup(0.1)
    cells = sim.Population(3, sim.GIF_cond_exp(tau_m=12.0), label="cells of cortex")
    source = sim.Population(1, sim.SpikeSourceInhGamma(), label="gamma")
    depressing = sim.StochasticTsodyksMarkramSynapse(U=0.4)
    projection = sim.Projection(source, cells, sim.AllToAllConnector(), depressing, label="depressing")
    assert projection.get("U", format="array").tolist() == [[0.4, 0.4, 0.4]]
    assert [(issue.code, issue.path) for issue in sim.check()] == [
        ("Y201", "cells of cortex"),
        ("Y201", "gamma"),
        ("Y202", "depressing"),
    ]
    with pytest.raises(UnsupportedOnBackend, match=r"cells of cortex: GIF_cond_exp.*; use IF_cond_exp") as error:
        sim.run(1)
    assert "depressing: StochasticTsodyksMarkramSynapse" in str(error.value)
    with pytest.raises(AttributeError, match="no MultiCompartmentNeuron: there are IF_curr_exp"):
        sim.MultiCompartmentNeuron  # noqa: B018
    there = ["IF_curr_exp", "IF_curr_alpha", "IF_curr_delta", "IF_cond_exp", "IF_cond_alpha", "IF_cond_exp_gsfa_grr"]
    there += ["EIF_cond_exp_isfa_ista", "EIF_cond_alpha_isfa_ista", "HH_cond_exp", "Izhikevich"]
    sources = ["SpikeSourceArray", "SpikeSourcePoisson", "SpikeSourceGamma", "SpikeSourcePoissonRefractory"]
    assert sim.list_standard_models() == [*there, *sources]


def test_issues_of_a_backend_come_with_labels():
    sim.setup(1.0, backend="loihi-emulator")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.0]), label="the input")
    cells = sim.Population(1, sim.IF_curr_exp(tau_m=20.0), label="my cells")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=90.0))
    found = sim.check()
    assert any(issue.path.startswith("the input→my cells") for issue in found.errors)
    with pytest.raises(UnsupportedOnBackend, match="the input→my cells"):
        sim.run(1)
    assert sim.check("reference").backend == "reference"


@pytest.mark.parametrize(
    ("options", "told"), [({}, []), ({"precision": "float64"}, []), ({"precision": "float32"}, ["N101"])]
)
def test_a_check_is_of_the_run_that_setup_describes(options, told, monkeypatch):
    network("native", **options)
    assert [issue.code for issue in sim.check()] == told
    assert not sim.check("reference")
    sim.setup(1.0, backend="loihi-emulator", order="loihi")
    pair, bounds = sim.SpikePairRule(A_plus=0.1, A_minus=0.1), sim.AdditiveWeightDependence(w_min=0.0, w_max=1.0)
    source, cells = sim.Population(2, sim.SpikeSourceArray()), sim.Population(2, sim.IF_curr_exp())
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.STDPMechanism(pair, bounds, weight=0.5), label="learns")
    checked, required = sim.check(), []

    def require(self, graph, **given):
        required.extend(self.check(graph, **given))
        return required

    monkeypatch.setattr("ernsnn.backend.protocol.Backend.require", require)
    sim.run(1)
    assert [(i.code, i.message) for i in checked] == [(i.code, i.message) for i in required]
    assert [i.path for i in checked if i.code == "L110"] == ["learns"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"convention": "nest"}, "convention must be one of pynn, spinnaker"),
        ({"current_integration": "euler"}, "current_integration must be one of exact, step_average"),
        ({"backend": "native", "precison": "float32"}, "no parameter 'precison'; did you mean 'precision'"),
        ({"threads": -1}, "threads must be a whole number"),
    ],
)
def test_setup_refuses_what_it_does_not_know(arguments, message):
    with pytest.raises(InvalidModel, match=message):
        sim.setup(1.0, **arguments)


def test_auto_takes_a_backend_that_can_and_keeps_the_script():
    found = []
    for backend in ("auto", "native"):
        _, cells, _ = network(backend)
        sim.run(60)
        found.append(trains(cells))
    assert found[0] == found[1]
    sim.setup(1.0, backend="auto")
    sim.Population(1, sim.IF_curr_exp())
    with pytest.raises(InvalidModel, match="check: name a backend"):
        sim.check()
    assert not sim.check("reference").errors


def test_delta_neurons_need_exact_integration():
    sim.setup(1.0, current_integration="step_average")
    sim.Population(1, sim.IF_curr_delta(), label="jumping")
    with pytest.raises(InvalidModel, match="jumping: DeltaLIF has no currents to average"):
        sim.run(1)


def test_setup_tells_of_settings_that_have_no_effect():
    with pytest.warns(UserWarning, match="spike_precision, filename of another simulator has no effect"):
        sim.setup(1.0, spike_precision="off_grid", filename="x")
    with pytest.warns(UserWarning, match=r"neurons_per_core\(IF_curr_exp, 50\) of SpiNNaker has no effect"):
        sim.set_number_of_neurons_per_core(sim.IF_curr_exp, 50)


@pytest.mark.parametrize(
    "connector",
    [
        lambda: sim.OneToOneConnector(),
        lambda: sim.AllToAllConnector(),
        lambda: sim.FixedProbabilityConnector(1.0),
        lambda: sim.FixedNumberPreConnector(1),
        lambda: sim.FixedNumberPostConnector(1),
        lambda: sim.FixedTotalNumberConnector(1),
        lambda: sim.FromListConnector([(0, 0, 0.5, 1.0)]),
        lambda: sim.ArrayConnector(np.array([[True]])),
        lambda: sim.DistanceDependentProbabilityConnector("d < 1"),
    ],
)
def test_connectors_connect_one_neuron_to_one(connector):
    sim.setup(1.0)
    pre, post = sim.Population(1, sim.SpikeSourceArray()), sim.Population(1, sim.IF_curr_exp())
    made = sim.Projection(pre, post, connector(), sim.StaticSynapse(weight=0.5))
    assert made.get("weight", format="list") == [(0, 0, 0.5)]


@pytest.mark.parametrize("parallel_safe", [True, False])
@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("replacement", [True, False])
def test_a_total_number_of_synapses_is_as_it_is_asked_for(parallel_safe, itself, replacement):
    """PyNN's own connector draws with replacement, and cells to themselves, whatever it is told."""
    sim.setup(1.0)
    a, b = sim.Population(5, sim.IF_curr_exp()), sim.Population(4, sim.IF_curr_exp())
    weight = sim.RandomDistribution("uniform", (0.1, 0.2))
    for pre, post in ((a, b), (a, a), (a[1:3], a), (b, a + b)):
        cells = [(i, j) for i in pre.all_cells for j in post.all_cells if itself or i != j]
        few = len(cells) if not replacement else 9 * len(cells)
        for n in (0, 1, len(cells) // 3, few):
            options = {"allow_self_connections": itself, "with_replacement": replacement}
            rng = sim.NumpyRNG(n, parallel_safe=parallel_safe)
            connector = sim.FixedTotalNumberConnector(n, **options, rng=rng)
            made = sim.Projection(pre, post, connector, sim.StaticSynapse(weight=weight))
            found = list(zip(pre.all_cells[made.pre_of], post.all_cells[made.post_of], strict=True))
            assert len(found) == n
            assert replacement or len({*found}) == n
            assert {*found} <= {*cells}
            assert len(np.unique(made.column("weight"))) == n
        if not replacement:
            with pytest.raises(
                sim.errors.ConnectionError, match=f"{few + 1} synapses between different pairs.* are {few}"
            ):
                sim.Projection(pre, post, sim.FixedTotalNumberConnector(few + 1, **options), sim.StaticSynapse())


def test_a_total_number_of_synapses_without_mutual_ones_is_refused():
    sim.setup(1.0)
    cells = sim.Population(5, sim.IF_curr_exp())
    connector = sim.FixedTotalNumberConnector(3, allow_self_connections="NoMutual")
    with pytest.raises(NotImplementedError, match="a total number of synapses with allow_self_connections='NoMutual'"):
        sim.Projection(cells, cells, connector, sim.StaticSynapse())


def test_delays_stay_in_a_run_until_reset():
    _, _, forward = network()
    sim.run(1)
    with pytest.raises(InvalidModel, match="before the first run"):
        forward.set(delay=3.0)
    sim.reset()
    forward.set(delay=3.0)
    sim.Population(1, sim.IF_curr_exp(), label="late")
    sim.run(1)
    with pytest.raises(InvalidModel, match=r"weights of the rule lie in \[0, 1\]"):
        forward.set(weight=1.5)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: sim.STDPMechanism(), "timing_dependence: must be a SpikePairRule"),
        (lambda: sim.STDPMechanism(sim.SpikePairRule()), "weight_dependence: must be an Additive"),
        (
            lambda: sim.STDPMechanism(
                sim.SpikePairRule(), sim.AdditiveWeightDependence(), dendritic_delay_fraction=0.5
            ),
            "dendritic_delay_fraction: is 1 in ernsnn",
        ),
    ],
)
def test_stdp_that_is_not_there(build, message):
    sim.setup(1.0)
    with pytest.raises(InvalidModel, match=message):
        build()


def test_without_pynn_one_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyNN", None)
    monkeypatch.delitem(sys.modules, "ernsnn.pynn")
    with pytest.raises(ImportError, match=r"ernsnn.pynn needs PyNN: pip install 'ernsnn\[pynn\]'"):
        importlib.import_module("ernsnn.pynn")
