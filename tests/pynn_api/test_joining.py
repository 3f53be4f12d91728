"""Populations, projections and currents that join a run: what there was goes on as it was, they begin where it is."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.errors import InvalidModel, UnsupportedOnBackend  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
BACKENDS = ["reference", "native", *(["torch"] if find_spec("torch") else [])]


def trains(population):
    return [t.magnitude.tolist() for t in population.get_data().segments[0].spiketrains]


def signal(population, name="v"):
    (found,) = population.get_data().segments[0].filter(name=name)
    return found


def first_part():
    """A network of every kind of state: delays, refractoriness, learning, short-term plasticity."""
    source = sim.Population(12, sim.SpikeSourcePoisson(rate=60.0), label="source")
    cells = sim.Population(4, sim.IF_curr_exp(tau_refrac=3.0, i_offset=[0.0, 0.6, 0.8, 0.9]), label="cells")
    others = sim.Population(3, sim.IF_cond_exp(), label="others")
    rule = sim.SpikePairRule(A_plus=0.05, A_minus=0.04)
    depends = sim.AdditiveWeightDependence(w_min=0.0, w_max=2.0)
    stdp = sim.STDPMechanism(rule, depends, weight=0.7, delay=sim.RandomDistribution("uniform", (1.0, 6.0)))
    plastic = sim.Projection(source, cells, sim.AllToAllConnector(), stdp, label="plastic")
    depressing = sim.TsodyksMarkramSynapse(U=0.5, tau_rec=100.0, weight=0.05, delay=7.0)
    sim.Projection(cells, others, sim.AllToAllConnector(), depressing, label="depressing")
    sim.DCSource(amplitude=0.2, start=20.0).inject_into(cells[:2])
    cells.record(["spikes", "v"])
    others.record(["spikes", "v", "gsyn_exc"])
    return cells, others, plastic


@pytest.mark.parametrize("backend", BACKENDS)
def test_what_there_was_goes_on_as_it_was(backend):
    """Parts join that act on nothing of what there was: the rest is the same to the last bit."""
    found = []
    for joins in (False, True):
        sim.setup(0.5, backend=backend, seed=4)
        cells, others, plastic = first_part()
        sim.run(60)
        if joins:
            late = sim.Population(5, sim.IF_curr_exp(), label="late")
            more = sim.Population(2, sim.SpikeSourcePoisson(rate=500.0), label="more")
            sim.Projection(cells, late, sim.AllToAllConnector(), sim.StaticSynapse(weight=2.0, delay=25.0))
            sim.Projection(more, late, sim.AllToAllConnector(), sim.StaticSynapse(weight=2.0, delay=1.0))
            late.record("spikes")
        sim.run(60)
        if joins:
            assert sum(map(len, trains(late))) > 3
        values = [signal(each).magnitude for each in (cells, others)] + [signal(others, "gsyn_exc").magnitude]
        found.append((trains(cells), trains(others), plastic.get("weight", format="array").tolist(), values))
    (*one, values), (*other, others_values) = found
    assert one == other
    assert sum(map(len, one[0])) > 5
    for before, after in zip(values, others_values, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("kind", ["static", "plastic"])
def test_all_engines_go_on_alike(kind):
    found = []
    for backend in BACKENDS:
        sim.setup(0.5, backend=backend, seed=4)
        cells, others, plastic = first_part()
        sim.run(60)
        late = sim.Population(5, sim.EIF_cond_exp_isfa_ista(i_offset=0.5), label="late", initial_values={"v": -60.0})
        synapse = sim.StaticSynapse(weight=0.02, delay=2.0)
        if kind == "plastic":
            rule, depends = sim.SpikePairRule(A_plus=0.1, A_minus=0.1), sim.AdditiveWeightDependence(w_max=0.1)
            synapse = sim.STDPMechanism(rule, depends, weight=0.02, delay=2.0)
        made = sim.Projection(cells, late, sim.AllToAllConnector(), synapse)
        sim.Projection(late, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=-0.2), receptor_type="inhibitory")
        late.record(["spikes", "v"])
        sim.run(40)
        late.set(i_offset=0.8)
        made.set(weight=0.03)
        sim.run(40)
        weights = [each.get("weight", format="array") for each in (plastic, made)]
        found.append(([trains(each) for each in (cells, others, late)], weights, signal(late).magnitude))
    (one, weights, v), *others_found = found
    assert sum(map(len, one[2])) > 5
    for other, others_weights, others_v in others_found:
        assert one == other
        for before, after in zip(weights, others_weights, strict=True):
            np.testing.assert_allclose(before, after, rtol=1e-12)
        np.testing.assert_allclose(v, others_v, rtol=0, atol=1e-9)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_population_that_joins_begins_at_that_time(backend):
    """It does from then on what one of the start does from 0 ms on."""

    def part(label):
        cells = sim.Population(2, sim.IF_curr_exp(i_offset=[1.0, 1.2]), label=label)
        cells.initialize(v=[-60.0, -58.0], isyn_exc=0.3)
        cells.record(["spikes", "v"])
        return cells

    sim.setup(0.1, backend=backend)
    first = part("first")
    sim.run(30)
    second = part("second")
    np.testing.assert_array_equal(second.get("v"), [-60.0, -58.0])
    assert trains(second) == [[], []]
    sim.run(50)
    np.testing.assert_allclose(signal(second).magnitude, signal(first).magnitude[:501], rtol=0, atol=1e-12)
    assert float(signal(second).t_start.rescale("ms")) == 30.0
    early = [[round(t + 30.0, 6) for t in train if t <= 50.0] for train in trains(first)]
    assert [[round(t, 6) for t in train] for train in trains(second)] == early
    assert min(map(len, early)) >= 1
    assert first.get_spike_counts() != {}
    sim.reset()
    sim.run(30)
    np.testing.assert_allclose(signal_of(second, 1), signal_of(first, 1), rtol=0, atol=1e-12)


def signal_of(population, segment):
    (found,) = population.get_data().segments[segment].filter(name="v")
    return found.magnitude


@pytest.mark.parametrize("backend", BACKENDS)
def test_sources_that_join_send_from_then_on(backend):
    sim.setup(1.0, backend=backend)
    cells = sim.Population(1, sim.IF_curr_exp(), label="cells")
    cells.record("v")
    sim.run(50)
    with pytest.warns(UserWarning, match="times that were past when they were given, at 50 ms, are not sent: 1"):
        given = sim.Population(1, sim.SpikeSourceArray(spike_times=[20.0, 60.0]), label="given")
    poisson = sim.Population(100, sim.SpikeSourcePoisson(rate=100.0), label="poisson")
    drawn = sim.Population(100, sim.SpikeSourceGamma(alpha=2.0, beta=200.0), label="drawn")
    for each in (given, poisson, drawn):
        each.record("spikes")
    sim.Projection(given, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=1.0))
    sim.run(20)
    assert trains(given) == [[60.0]]
    for each in (poisson, drawn):
        times = np.concatenate(trains(each))
        assert times.min() > 50.0
        assert 100 < len(times) < 300
    v = signal(cells).magnitude[:, 0]
    assert (v[:61] == -65.0).all()
    assert v[63] > -65.0


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_projection_joins_with_its_weights_and_delays(backend):
    sim.setup(1.0, backend=backend)
    source = sim.Population(2, sim.SpikeSourceArray(spike_times=[[5.0, 25.0], [26.0]]))
    cells = sim.Population(2, sim.IF_curr_exp(tau_m=1e6, tau_syn_E=1e-3, v_thresh=1e6))
    cells.record("v")
    sim.run(20)
    made = sim.Projection(source, cells, sim.OneToOneConnector(), sim.StaticSynapse(weight=1.0, delay=3.0))
    made.set(weight=[2.0, 3.0], delay=9.0)
    assert made.get(["weight", "delay"], format="list") == [(0, 0, 2.0, 9.0), (1, 1, 3.0, 9.0)]
    sim.run(30)
    with pytest.raises(InvalidModel, match="delays: the network has run"):
        made.set(delay=1.0)
    v = signal(cells).magnitude
    steps = [np.flatnonzero(np.diff(v[:, k]) != 0) for k in (0, 1)]
    assert steps[0].min() == 25 + 9
    assert steps[1].min() == 26 + 9


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_current_joins_a_run(backend):
    sim.setup(0.1, backend=backend)
    cells = sim.Population(2, sim.IF_curr_exp(v_thresh=1e3))
    cells.record("v")
    sim.run(20)
    cells[1:].inject(sim.DCSource(amplitude=1.0))
    sim.run(20)
    v = signal(cells).magnitude
    assert (v[:, 0] == -65.0).all()
    np.testing.assert_allclose(v[200:, 1], -65.0 + 20.0 * -np.expm1(-np.arange(201) * 0.1 / 20.0), rtol=0, atol=1e-9)
    assert (v[:200, 1] == -65.0).all()


def test_nothing_joins_a_run_in_one_go():
    sim.setup(1.0, backend="loihi-emulator")
    cells = sim.Population(2, sim.IF_curr_exp(), label="cells")
    sim.run(10)
    for join in (
        lambda: sim.Population(2, sim.IF_curr_exp(), label="late"),
        lambda: sim.Projection(cells, cells, sim.AllToAllConnector(), label="late"),
        lambda: cells.inject(sim.DCSource()),
    ):
        with pytest.raises(InvalidModel, match=r"in one go; .*with backend 'native', 'reference' or 'torch'"):
            join()


def test_what_cannot_run_is_told_when_the_run_goes_on():
    sim.setup(1.0, backend="reference")
    sim.Population(2, sim.IF_curr_exp(), label="cells")
    sim.run(10)
    sim.Population(2, sim.SpikeSourceInhGamma(), label="late")
    with pytest.raises(UnsupportedOnBackend, match="late: SpikeSourceInhGamma"):
        sim.run(1)
