"""Closed loops: what a script changes between two runs acts in the running engine, and nothing is lowered anew."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.registry import get_backend
from ernsnn.backend.source_spikes import Feed

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import trains  # noqa: E402 - needs PyNN

from ernsnn.pynn import runs  # noqa: E402 - needs PyNN
from ernsnn.pynn.simulator import state  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
STEPPED = ["native", "reference"]
STEPS = 40


@pytest.fixture
def lowerings(monkeypatch):
    """What was made anew: graphs of the whole script, and engines."""
    made = []
    lower = runs.lower
    monkeypatch.setattr(runs, "lower", lambda *given: made.append("graph") or lower(*given))
    for name in STEPPED:
        backend = type(get_backend(name))
        engine = backend.engine
        monkeypatch.setattr(
            backend, "engine", lambda self, *a, _engine=engine, **k: made.append("engine") or _engine(self, *a, **k)
        )
    return made


def cells_and(source, backend, size=5):
    """Cells that a source of that type excites."""
    sim.setup(1.0, backend=backend, seed=6)
    inputs = sim.Population(size, source, label="inputs")
    cells = sim.Population(4, sim.IF_curr_exp(tau_m=10.0), label="cells")
    sim.Projection(inputs, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.5, delay=2.0))
    inputs.record("spikes")
    cells.record(["spikes", "v"])
    return inputs, cells


def potentials(cells):
    return cells.get_data("v").segments[-1].analogsignals[0].magnitude


# Each kind of change, against one run in which all is given beforehand


@pytest.mark.parametrize("backend", STEPPED)
def test_spike_times_set_before_each_step_are_those_given_beforehand(backend, lowerings):
    sent = np.random.default_rng(2).random((STEPS, 5)) < 0.3
    beforehand = [(1.0 + np.flatnonzero(row)).tolist() for row in sent.T]
    inputs, cells = cells_and(sim.SpikeSourceArray(spike_times=[sim.Sequence(row) for row in beforehand]), backend)
    sim.run(STEPS)
    spikes, fired, v = trains(inputs), trains(cells), potentials(cells)
    assert sum(map(len, fired)) > 5
    inputs, cells = cells_and(sim.SpikeSourceArray(), backend)
    lowerings.clear()
    for t, now in enumerate(sent):
        inputs.set(spike_times=[[t + 1.0] if spikes else [] for spikes in now])
        sim.run(1)
    assert lowerings == ["graph", "engine"]
    assert trains(inputs) == spikes == beforehand
    assert trains(cells) == fired
    np.testing.assert_array_equal(potentials(cells), v)


@pytest.mark.parametrize("backend", STEPPED)
@pytest.mark.parametrize("steps_a_run", [1, 7, 300])
def test_rates_set_in_a_run_give_the_spikes_of_a_schedule(backend, steps_a_run, lowerings):
    """From each change on the spikes of the new rates, drawn as ever: across blocks, silences and common rates."""
    rates = np.random.default_rng(3).uniform(0, 400, (9, 5)) * (np.arange(9)[:, None] != 4)
    rates[2] = 100.0
    inputs, cells = cells_and(sim.SpikeSourcePoisson(rate=rates[0]), backend)
    for k, rate in enumerate(rates):
        if k:
            inputs.set(rate=rate if k != 2 else 100.0)
        sim.run(steps_a_run)
    assert lowerings == ["graph", "engine"]
    net = ern.Network(dt_ms=1.0)
    net.population("inputs", 5, ern.Poisson(ern.Schedule(np.arange(9) * float(steps_a_run), rates)))
    expected = ern.run(net, duration_ms=9 * steps_a_run, backend="reference", seed=6).trains("inputs")
    assert trains(inputs) == [[t + 1.0 for t in train] for train in expected]
    assert sum(map(len, expected)) > (3 if steps_a_run == 1 else 20)
    sim.run(5)
    assert trains(cells) == trains_of_one_run(9 * steps_a_run + 5)


def trains_of_one_run(n_steps):
    """The spikes of the cells, with what the script has sent up to now given beforehand."""
    result = ern.run(runs.graph_of(state), duration_ms=n_steps, backend="reference")
    return [[t + 1.0 for t in train] for train in result.trains("cells")]


@pytest.mark.parametrize("backend", STEPPED)
def test_amplitudes_set_in_a_run_are_those_of_steps_given_beforehand(backend, lowerings):
    amplitudes = np.random.default_rng(4).uniform(-1, 3, STEPS)

    def script(source, changes):
        _, cells = cells_and(sim.SpikeSourceArray(), backend)
        other = sim.StepCurrentSource(times=[3.0, 11.0], amplitudes=[0.4, -0.1])
        other.inject_into(cells)
        made = source()
        for view in (cells, cells[2:3]):
            made.inject_into(view)
        made.record()
        lowerings.clear()
        for amplitude in changes:
            made.set_parameters(amplitude=amplitude)
            sim.run(1)
        sim.run(STEPS - len(changes))
        return trains(cells), potentials(cells), made.get_data().magnitude

    once = script(lambda: sim.StepCurrentSource(times=np.arange(float(STEPS)), amplitudes=amplitudes), ())
    looped = script(sim.DCSource, amplitudes)
    assert lowerings == ["graph", "engine"]
    assert looped[0] == once[0]
    assert sum(map(len, once[0])) > 5
    np.testing.assert_array_equal(looped[1], once[1])
    np.testing.assert_array_equal(looped[2][:-1], once[2][:-1])


@pytest.mark.parametrize("backend", STEPPED)
def test_currents_that_change_all_the_time_are_laid_out_further_without_lowering(backend, lowerings):
    def script(runs_of):
        _, cells = cells_and(sim.SpikeSourceArray(), backend)
        current = sim.ACSource(amplitude=1.5, frequency=13.0)
        current.inject_into(cells)
        for duration in runs_of:
            sim.run(duration)
        return potentials(cells)

    once = script([2300])
    lowerings.clear()
    np.testing.assert_array_equal(script([1000, 30, 70, 1200]), once)
    assert lowerings == ["graph", "engine"]


@pytest.mark.parametrize("backend", STEPPED)
def test_noise_that_differs_from_cell_to_cell_changes_in_the_running_engine(backend, lowerings, monkeypatch):
    def script(adjust):
        with monkeypatch.context() as patch:
            patch.setattr(runs.Stepwise, "adjust", adjust)
            _, cells = cells_and(sim.SpikeSourceArray(), backend)
            others = sim.Population(2, sim.IF_curr_exp(), label="others")
            noise = sim.NoisyCurrentSource(mean=0.5, stdev=0.3, dt=2.0)
            for target in (cells, cells[1:3], others[1:2]):
                noise.inject_into(target)
            noise.record()
            others.record("v")
            lowerings.clear()
            for k in range(12):
                if k % 3 == 1:
                    noise.set_parameters(mean=0.1 * k, stdev=0.05 * k)
                sim.run(k + 1)
            sim.run(1000)  # beyond what is laid out at first
            return potentials(cells), potentials(others), noise.get_data().magnitude

    looped = script(runs.Stepwise.adjust)
    assert lowerings == ["graph", "engine"]
    anew = script(runs.Stepwise.change)
    assert len(lowerings) == 2 * (1 + 4 + 1)
    for one, other in zip(looped, anew, strict=True):
        np.testing.assert_array_equal(one, other)
    assert len(np.unique(looped[0][-1])) == 4
    assert looped[2].shape[1] == 7


@pytest.mark.parametrize("backend", STEPPED)
def test_records_that_begin_among_changes_and_looks_hold_what_comes_after(backend):
    def script(late):
        inputs, cells = cells_and(sim.SpikeSourcePoisson(rate=200.0), backend)
        cells.record(None)
        current = sim.DCSource(amplitude=0.2)
        current.inject_into(cells)
        cells[1:2].record("v")
        if not late:
            cells.record(["spikes", "v"])
        for k in range(30):
            inputs.set(rate=100.0 + 10.0 * k)
            cells.set(i_offset=0.02 * k)
            if late and k == 7:
                cells[3:4].record(["spikes", "v"])
            if late and k == 19:
                cells[0:1].record(["spikes", "v"])
            current.set_parameters(amplitude=0.2 + 0.01 * k)
            sim.run(2)
            if k > 4:
                looked = potentials(cells)
        assert len(looked) == 61
        return trains(cells), looked

    spikes, v = script(late=False)
    fewer, later = script(late=True)
    assert sum(map(len, spikes)) > 10
    assert fewer == [[t for t in train if t > since] for train, since in zip(spikes[::3], (38, 14), strict=True)]
    for column, (cell, since) in enumerate([(0, 38), (1, 0), (3, 14)]):
        assert np.isnan(later[:since, column]).all()
        np.testing.assert_array_equal(later[since:, column], v[since:, cell])


# All kinds together, against an engine made anew after each change


def changes(backend, cell, seed, plastic=False):
    """A script of random changes; all that it records."""
    rng = np.random.default_rng(seed)
    sim.setup(0.5, backend=backend, seed=seed)
    given = sim.Population(6, sim.SpikeSourceArray(), label="given")
    noise = sim.Population(6, sim.SpikeSourcePoisson(rate=80.0), label="noise")
    cells = sim.Population(60, cell, label="cells")  # enough to be computed alike, until their parameters differ
    few = sim.Population(3, sim.IF_curr_exp(), label="few")
    conducts = cell.conductance_based
    weight = 0.02 if conducts else 5.0 if isinstance(cell, sim.IF_curr_delta) else 0.6
    synapse = sim.StaticSynapse(weight=weight, delay=1.0)
    if plastic:
        rule = sim.SpikePairRule(A_plus=0.02, A_minus=0.021)
        synapse = sim.STDPMechanism(rule, sim.AdditiveWeightDependence(w_max=2 * weight), weight=weight, delay=1.5)
    forward = [
        sim.Projection(source, cells, sim.FixedProbabilityConnector(0.5, rng=sim.NumpyRNG(seed)), synapse)
        for source in (given, noise)
    ]
    sim.Projection(noise, few, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.5, delay=0.5))
    dc, ac = sim.DCSource(amplitude=0.1), sim.ACSource(amplitude=0.2, frequency=40.0)
    dc.inject_into(cells[::2])
    ac.inject_into(few)
    for population in (given, noise, cells, few):
        population.record("spikes")
    cells.record("v")
    for _ in range(12):
        now = state.t
        for kind in rng.permutation(9)[: rng.integers(1, 4)]:
            if kind == 0:
                given.set(
                    spike_times=[sim.Sequence(now + 0.5 * np.flatnonzero(rng.random(30) < 0.3)) for _ in range(6)]
                )
            elif kind == 1:
                given[1:3].set(spike_times=(now + np.arange(1, 9, 2.0)).tolist())
            elif kind == 2:
                noise.set(rate=rng.uniform(0, 300, 6))
            elif kind == 3:
                noise[:2].set(rate=200.0, start=now + 2.0, duration=6.0)
            elif kind == 4:
                dc.set_parameters(amplitude=rng.uniform(0, 1), start=now + 1.0, stop=now + 9.0)
            elif kind == 5:
                ac.set_parameters(amplitude=rng.uniform(0, 1), phase=rng.uniform(0, 360))
            elif kind == 6:
                cells.set(i_offset=rng.uniform(0, 0.5, 60), tau_refrac=rng.integers(1, 4) * 0.5)
            elif kind == 7:
                cells.set(tau_m=float(rng.uniform(8, 20)), v_thresh=float(rng.uniform(-56, -52)))
            else:
                cells[5:9].set(cm=float(rng.uniform(0.5, 1.5)))
        sim.run(0.5 * rng.integers(1, 25))
    values = [projection.get("weight", "list") for projection in forward]
    return [trains(p) for p in (given, noise, cells, few)], potentials(cells), values


@pytest.mark.parametrize("backend", STEPPED)
@pytest.mark.parametrize(
    ("cell", "plastic"),
    [(sim.IF_curr_exp(), False), (sim.IF_curr_exp(), True), (sim.IF_cond_exp(), False), (sim.IF_curr_delta(), False)],
)
def test_changes_in_the_running_engine_are_those_of_one_made_anew(backend, cell, plastic, monkeypatch, lowerings):
    spikes = 0
    for seed in range(4):
        lowerings.clear()
        looped = changes(backend, cell, seed, plastic)
        assert lowerings == ["graph", "engine"]
        with monkeypatch.context() as patch:
            patch.setattr(runs.Stepwise, "adjust", runs.Stepwise.change)
            anew = changes(backend, cell, seed, plastic)
        assert len(lowerings) > 15
        assert looped[0] == anew[0]
        np.testing.assert_array_equal(looped[1], anew[1])
        assert looped[2] == anew[2]
        spikes += sum(map(len, looped[0][2]))
    assert spikes > 50


@pytest.mark.parametrize("backend", STEPPED)
def test_a_rule_that_changes_is_lowered_anew_with_all_that_was_sent_before(backend, lowerings):
    inputs, cells = cells_and(sim.SpikeSourceArray(spike_times=[2.0]), backend)
    rule = sim.SpikePairRule(A_plus=0.1, A_minus=0.1)
    learner = sim.STDPMechanism(rule, sim.AdditiveWeightDependence(w_max=2.0), weight=1.0)
    learns = sim.Projection(inputs, cells, sim.AllToAllConnector(), learner)
    sim.run(5)
    inputs.set(spike_times=[8.0, 20.0])
    sim.run(5)
    inputs.set(spike_times=[13.0])
    learns.set(A_plus=0.2)
    sim.run(5)
    assert lowerings == ["graph", "engine"] * 2
    assert trains(inputs) == [[2.0, 8.0, 13.0]] * 5
    sim.reset()
    sim.run(15)
    assert trains(inputs) == [[13.0]] * 5


@pytest.mark.parametrize("backend", STEPPED)
def test_a_change_that_cannot_be_leaves_the_engine_as_it_is(backend):
    inputs, cells = cells_and(sim.SpikeSourcePoisson(rate=90.0), backend)
    sim.run(20)
    inputs.set(rate=[10.0, 20.0, 1e13, 0.0, 0.0])
    cells.set(i_offset=0.3)
    with pytest.raises(ern.InvalidModel, match=r"inputs\.rate_hz: 1e?.* Hz is 1e.10 spikes in a step"):
        sim.run(1)
    assert sim.get_current_time() == 20
    inputs.set(rate=0.0)
    sim.run(20)
    assert all(train and max(train) <= 20 for train in trains(inputs))
    v = potentials(cells)
    assert (np.diff(v[20:23], axis=0) > 0).all()


def test_lists_that_a_script_goes_on_to_change_are_not_looked_at_again():
    inputs, _ = cells_and(sim.SpikeSourceArray(), "native")
    sim.run(1)
    given = sim.Sequence(np.array([5.0, 7.0]))
    inputs.set(spike_times=[given] * 5)
    given.value[:] = 6.0
    inputs[0:1].set(spike_times=[3.0])
    sim.run(9)
    assert trains(inputs) == [[3.0], *[[5.0, 7.0]] * 4]


# Below


def test_a_feed_that_changes_again_and_again_gives_what_each_source_would():
    rng = np.random.default_rng(8)
    for _ in range(20):
        net, size = ern.Network(dt_ms=1.0), int(rng.integers(1, 6))
        net.population("s", size, ern.Poisson(ern.Schedule([0.0, 700.0], rng.uniform(0, 300, (2, size)))))
        net.population("t", size, ern.Poisson(rng.uniform(0, 500, size)))
        one, other = (source.spikes for source in ern.lower(net).sources())
        other = type(one)(other.steps, other.probabilities, one.key)
        feed, current = Feed(one), one
        for t in range(int(rng.integers(0, 600)), 1500):
            if rng.random() < 0.02:
                current = other if current is one else one
                feed = Feed(current, feed)
            if rng.random() < 0.5:
                continue  # Poisson spikes do not depend on which steps are asked for
            assert feed.at(t).tolist() == current.between(t, t + 1)[1].tolist()


def test_what_is_recorded_is_read_again_and_again_at_the_cost_of_what_is_new(monkeypatch):
    """Arrays that were read stay as they are, and are not copied whenever a step has been added."""
    inputs, cells = cells_and(sim.SpikeSourcePoisson(rate=300.0), "native")
    seen, bases = [], set()
    for _ in range(200):
        sim.run(1)
        recording = state.under_way.recording
        seen.append([array.copy() for array in (*recording.spikes["inputs"], recording.signals["cells.v_mV"][1])])
        bases.add(id(recording.signals["cells.v_mV"][1].base))
        assert sum(cells.get_spike_counts().values()) == len(recording.spikes["cells"][0])
    assert len(bases) < 20
    last = state.under_way.recording
    whole = (*last.spikes["inputs"], last.signals["cells.v_mV"][1])
    for arrays in seen:
        for array, all_of_it in zip(arrays, whole, strict=True):
            np.testing.assert_array_equal(array, all_of_it[: len(array)])
    early = inputs.get_data("spikes", clear=True).segments[0].spiketrains
    sim.run(50)
    late = inputs.get_data("spikes").segments[0].spiketrains
    assert all(train.magnitude.min(initial=201) > 200 for train in late)
    assert sum(map(len, early)) + sum(map(len, late)) == len(state.under_way.recording.spikes["inputs"][0])


def test_a_current_made_in_a_run_acts_from_then_on():
    _, cells = cells_and(sim.SpikeSourceArray(), "native")
    sim.run(1)
    before = np.array(cells.get("v"))
    late = sim.DCSource(amplitude=0.3)
    late.inject_into(cells)
    sim.run(1)
    assert (np.array(cells.get("v")) > before).all()
