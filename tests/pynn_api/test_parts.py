"""Parts of a script: synapses read and set, views, sources, currents, recorded data."""

from __future__ import annotations

import numpy as np
import pytest
import quantities as pq

from ernsnn.errors import InvalidModel

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import trains  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def potentials(population):
    return population.get_data("v").segments[-1].analogsignals[0].magnitude


# Synapses


def listed():
    sim.setup(0.5)
    pre = sim.Population(3, sim.SpikeSourceArray(), label="pre")
    post = sim.Population(2, sim.IF_curr_exp(), label="post")
    synapses = [(2, 0, 0.2, 1.0), (0, 1, 0.01, 2.0), (0, 1, 0.03, 0.5), (1, 0, 0.1, 1.5)]
    return sim.Projection(pre, post, sim.FromListConnector(synapses), sim.StaticSynapse())


def test_synapses_are_read_in_every_form():
    projection, nan = listed(), np.nan
    assert len(projection) == 4
    assert projection.get("weight", "list") == [(0, 1, 0.01), (0, 1, 0.03), (1, 0, 0.1), (2, 0, 0.2)]
    assert projection.get("weight", "list", with_address=False) == [0.01, 0.03, 0.1, 0.2]
    assert projection.get(["delay", "weight"], "list")[3] == (2, 0, 1.0, 0.2)
    for several, expected in {"sum": 0.04, "min": 0.01, "max": 0.03, "first": 0.01, "last": 0.03}.items():
        matrix = projection.get("weight", "array", multiple_synapses=several)
        np.testing.assert_allclose(matrix, [[nan, expected], [0.1, nan], [0.2, nan]])
    weights, delays = projection.get(["weight", "delay"], "array")
    assert weights.shape == delays.shape == (3, 2)
    assert sim.get_min_delay() == 0.5


def test_synapses_are_set_in_every_form():
    projection = listed()
    projection.set(weight=0.5)
    assert projection.get("weight", "list", with_address=False) == [0.5] * 4
    projection.set(weight=np.array([[np.nan, 1.0], [2.0, np.nan], [3.0, np.nan]]), delay=1.0)
    assert projection.get(["weight", "delay"], "list", with_address=False) == [(1, 1), (1, 1), (2, 1), (3, 1)]
    projection.set(weight=[0.1, 0.2, 0.3, 0.4])
    assert projection.get("weight", "list", with_address=False) == [0.1, 0.2, 0.3, 0.4]
    projection.set(weight=sim.RandomDistribution("uniform", low=0.2, high=0.3))
    drawn = np.array(projection.get("weight", "list", with_address=False))
    assert ((drawn >= 0.2) & (drawn < 0.3)).all()
    connection = projection[3]
    connection.weight = 0.7
    assert (connection.presynaptic_index, connection.postsynaptic_index, connection.weight) == (2, 0, 0.7)
    assert projection.get("weight", "list")[3] == (2, 0, 0.7)
    with pytest.raises(sim.errors.ConnectionError, match=r"pre→post: the shortest delay is 0.5 ms, got 0.1"):
        projection.set(delay=0.1)


def test_delays_stay_within_the_bounds_of_setup():
    sim.setup(1.0, min_delay=2.0, max_delay=5.0)
    cells = sim.Population(2, sim.IF_curr_exp())
    made = sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
    assert made.get("delay", "list", with_address=False) == [2.0] * 4
    for delay in (1.0, 6.0):
        with pytest.raises(sim.errors.ConnectionError, match="delay"):
            sim.Projection(cells, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1, delay=delay))


def test_views_and_assemblies_reach_the_neurons_that_they_hold():
    def script(whole):
        sim.setup(1.0)
        a = sim.Population(4, sim.SpikeSourceArray(spike_times=[[2.0], [4.0], [6.0], [8.0]]))
        b = sim.Population(3, sim.IF_curr_exp(tau_syn_E=1.0))
        c = sim.Population(2, sim.IF_curr_exp(tau_syn_E=1.0))
        for population in (b, c):
            population.record("v")
        strong = sim.StaticSynapse(weight=3.0)
        if whole:
            # sources 3 and 1 in the order of the view's indices: to neuron 2 of b, and to both of c
            sim.Projection(a, b, sim.FromListConnector([(1, 2), (3, 2)]), strong)
            sim.Projection(a, c, sim.FromListConnector([(1, 0), (3, 0), (1, 1), (3, 1)]), strong)
        else:
            sim.Projection(a[1::2], b[2:3] + c, sim.AllToAllConnector(), strong)
        sim.run(15)
        return potentials(b), potentials(c)

    for found, expected in zip(script(False), script(True), strict=True):
        np.testing.assert_array_equal(found, expected)
        assert expected.max() > -64


def test_parameters_and_initial_values_belong_to_the_neurons_of_a_view():
    sim.setup(1.0)
    cells = sim.Population(4, sim.IF_curr_exp(tau_m=15.0), initial_values={"v": -62.0})
    cells.record("v")
    cells[1:3].set(i_offset=0.5, tau_m=[10.0, 20.0])
    cells[3].i_offset = 0.25
    cells[0:1].initialize(v=-60.0)
    assert cells.get("i_offset").tolist() == [0.0, 0.5, 0.5, 0.25]
    assert cells[1:3].get(["tau_m"])[0].tolist() == [10.0, 20.0]
    assert cells[2].tau_m == 20.0
    sim.run(1)
    v, tau = potentials(cells), np.array([15.0, 10.0, 20.0, 15.0])
    start = np.array([-60.0, -62.0, -62.0, -62.0])
    target = -65 + np.array([0.0, 0.5, 0.5, 0.25]) * tau
    np.testing.assert_allclose(v, [start, target + (start - target) * np.exp(-1 / tau)])
    with pytest.raises(sim.errors.NonExistentParameterError):
        cells.get("tau_x")


def test_distances_make_weights_and_delays():
    sim.setup(0.1)
    line = sim.space.Line(dx=2.0)
    cells = sim.Population(3, sim.IF_curr_exp(), structure=line)
    synapse = sim.StaticSynapse(weight=lambda d: 0.1 * d, delay="0.2 + 0.5*d")
    made = sim.Projection(cells, cells, sim.AllToAllConnector(), synapse)
    weights, delays = made.get(["weight", "delay"], "array")
    distance = 2.0 * abs(np.arange(3)[:, None] - np.arange(3))
    np.testing.assert_allclose(weights, 0.1 * distance)
    np.testing.assert_allclose(delays, 0.2 + 0.5 * distance)


def test_delta_neurons_take_weights_in_mv():
    sim.setup(1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0]))
    cells = sim.Population(1, sim.IF_curr_delta(tau_m=10.0))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=5.0))
    cells.record("v")
    sim.run(6)
    v = potentials(cells)[:, 0]
    np.testing.assert_allclose(v[3:], -65 + 5.0 * np.exp(-np.arange(4) / 10.0))


# Sources and currents


def test_poisson_sources_spike_from_start_for_their_duration():
    sim.setup(1.0, seed=3)
    source = sim.Population(50, sim.SpikeSourcePoisson(rate=200.0, start=100.0, duration=300.0))
    slow = sim.Population(50, sim.SpikeSourcePoisson(rate=[20.0] * 25 + [40.0] * 25))
    for population in (source, slow):
        population.record("spikes")
    sim.run(1000)
    times = np.concatenate(trains(source))
    assert (times.min() > 100.0, times.max() <= 400.0) == (True, True)
    assert len(times) == pytest.approx(50 * 60, rel=0.1)
    counts = np.array([len(train) for train in trains(slow)])
    assert (counts[:25].mean(), counts[25:].mean()) == (pytest.approx(20, rel=0.15), pytest.approx(40, rel=0.15))


def test_times_off_the_grid_are_told():
    sim.setup(1.0)
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[1.5, 1.7, 4.0]), label="source")
    cells = sim.Population(1, sim.IF_curr_exp(), label="cells")
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=1.4), label="late")
    source.record("spikes")
    found = {(issue.code, issue.path) for issue in sim.check("reference")}
    assert found == {("Y101", "source.spike_times"), ("Y103", "source.spike_times"), ("Y104", "late.delay")}
    sim.run(5)
    assert trains(source) == [[2.0, 4.0]]
    with pytest.raises(sim.errors.InvalidParameterValueError, match="must be >= 0 and rise"):
        source.set(spike_times=[4.0, 2.0])


def test_currents_act_and_are_recorded_from_their_step():
    def script(calls):
        sim.setup(0.5, seed=1)
        cells = sim.Population(4, sim.IF_curr_exp(tau_m=10.0, v_thresh=1000.0))
        cells.record("v")
        made = [
            sim.DCSource(amplitude=0.4, start=5.0, stop=10.0),
            sim.StepCurrentSource(times=[5.0, 8.0], amplitudes=[0.2, -0.2]),
            sim.ACSource(amplitude=0.3, offset=0.1, start=5.0, stop=900.0, frequency=50.0, phase=90.0),
            sim.NoisyCurrentSource(mean=0.5, stdev=0.1, start=5.0, stop=900.0, dt=2.0),
        ]
        for cell, current in zip(cells, made, strict=True):
            current.inject_into([cell])
            current.record()
        for _ in range(calls):
            sim.run(1000.0 / calls)
        return potentials(cells), [current.get_data().magnitude[:, 0] for current in made]

    v, (dc, step, ac, noise) = script(1)
    times = np.arange(2001) * 0.5
    np.testing.assert_allclose(dc, np.where((times >= 5) & (times < 10), 0.4, 0.0))
    np.testing.assert_allclose(step, np.select([times < 5, times < 8], [0.0, 0.2], -0.2))
    inside = (times >= 5) & (times < 900)
    np.testing.assert_allclose(ac, np.where(inside, 0.1 + 0.3 * np.cos(2 * np.pi * (times - 5) / 20), 0.0), atol=1e-12)
    held = noise[inside][:1788].reshape(-1, 4)
    assert (held == held[:, :1]).all()
    assert (held[:, 0].mean(), held[:, 0].std()) == (pytest.approx(0.5, abs=0.03), pytest.approx(0.1, rel=0.2))
    expected = np.full((2001, 4), -65.0)
    decay = np.exp(-0.5 / 10.0)
    for k in range(2000):
        drive = np.array([dc[k], step[k], ac[k], noise[k]]) * 10.0
        expected[k + 1] = -65.0 + drive + (expected[k] + 65.0 - drive) * decay
    np.testing.assert_allclose(v, expected, atol=1e-9)
    again, currents = script(40)
    np.testing.assert_array_equal(again, v)
    np.testing.assert_array_equal(currents[3], noise)


def test_currents_that_cannot_be():
    sim.setup(1.0)
    source = sim.Population(1, sim.SpikeSourceArray())
    with pytest.raises(TypeError, match="spike source"):
        sim.DCSource().inject_into(source)
    with pytest.raises(ValueError, match="needs lists of times and amplitudes"):
        sim.StepCurrentSource(times=1.0, amplitudes=2.0)
    with pytest.raises(ValueError, match="must rise"):
        sim.StepCurrentSource(times=[2.0, 1.0], amplitudes=[1.0, 2.0])
    with pytest.raises(ValueError, match="2 times need as many amplitudes, got 1"):
        sim.StepCurrentSource(times=[1.0, 2.0], amplitudes=[1.0])
    with pytest.raises(InvalidModel, match=r"record\(\) it before get_data"):
        sim.DCSource().get_data()


def test_an_astrocyte_listens_to_what_lies_side_by_side():
    sim.setup(1.0)
    cells = sim.Population(4, sim.IF_curr_exp(), label="cells")
    with pytest.raises(InvalidModel, match=r"glia.listens_to: .* neighbouring neurons, as p\[a:b\]"):
        sim.Astrocyte([cells[::2]], tau_ms=10.0, label="glia")
    with pytest.raises(InvalidModel, match="needs populations, views or assemblies"):
        sim.Astrocyte(["cells"], tau_ms=10.0)


# Data


def recorded():
    sim.setup(1.0, seed=5)
    cells = sim.Population(6, sim.IF_curr_exp(i_offset=[0.7, 0.8, 0.9, 1.0, 1.1, 1.2], tau_refrac=2.0), label="cells")
    inhibition = sim.StaticSynapse(weight=-0.2)
    sim.Projection(cells, cells, sim.AllToAllConnector(allow_self_connections=False), inhibition)
    cells[2:5].record(["v", "isyn_inh"], sampling_interval=2.0)
    cells.record("spikes")
    sim.run(500)
    return cells


def test_data_come_as_neo():
    cells = recorded()
    block = cells.get_data()
    (segment,) = block.segments
    assert block.annotations["simulator"] == "ernsnn"
    assert len(segment.spiketrains) == 6
    assert (segment.spiketrains[0].t_start, segment.spiketrains[0].t_stop) == (0 * pq.ms, 500 * pq.ms)
    v, current = (segment.filter(name=name)[0] for name in ("v", "isyn_inh"))
    assert (v.shape, v.units, v.sampling_period) == ((251, 3), pq.mV, 2 * pq.ms)
    assert v.array_annotations["channel_index"].tolist() == [2, 3, 4]
    assert float(v[0, 0]) == -65.0
    assert current.units == pq.nA
    assert (current.min() < 0, current.max() == 0) == (True, True)
    counts = cells.get_spike_counts()
    assert [counts[int(cell)] for cell in cells] == [len(train) for train in segment.spiketrains]
    assert cells[1:3].mean_spike_count() == np.mean([len(train) for train in segment.spiketrains[1:3]])


def test_conductances_are_recorded_in_uS():
    """Each decays with its own time constant from the weight, from the end of the step in which it arrives."""
    sim.setup(1.0, backend="reference")
    source = sim.Population(1, sim.SpikeSourceArray(spike_times=[3.0]))
    cells = sim.Population(2, sim.IF_cond_exp(tau_syn_E=4.0, tau_syn_I=[5.0, 10.0], e_rev_I=-80.0), label="cells")
    for receptor, weight in (("excitatory", 0.02), ("inhibitory", 0.05)):
        synapse = sim.StaticSynapse(weight=weight, delay=1.0)
        sim.Projection(source, cells, sim.AllToAllConnector(), synapse, receptor_type=receptor)
    cells.record(["v", "gsyn_exc", "gsyn_inh"])
    assert cells.celltype.recordable == ["spikes", "v", "gsyn_exc", "gsyn_inh"]
    sim.run(20)
    (segment,) = cells.get_data().segments
    exc, inh = (segment.filter(name=name)[0] for name in ("gsyn_exc", "gsyn_inh"))
    assert exc.units == inh.units == pq.uS
    after = np.arange(21.0)[:, None] - 4.0
    for signal, weight, tau in ((exc, 0.02, np.array([4.0, 4.0])), (inh, 0.05, np.array([5.0, 10.0]))):
        expected = np.where(after >= 0, weight * np.exp(-after / tau), 0.0)
        np.testing.assert_allclose(signal.magnitude, expected, rtol=1e-12)
    assert cells.get("e_rev_I") == -80.0


def test_data_go_through_elephant_unchanged():
    statistics = pytest.importorskip("elephant.statistics")
    conversion = pytest.importorskip("elephant.conversion")
    spikes = recorded().get_data("spikes").segments[0].spiketrains
    for train in spikes:
        times = train.magnitude
        assert float(statistics.mean_firing_rate(train).rescale("Hz")) == pytest.approx(len(times) / 0.5)
        np.testing.assert_allclose(statistics.isi(train).magnitude, np.diff(times))
    binned = conversion.BinnedSpikeTrain(spikes, bin_size=1 * pq.ms)
    where = [np.flatnonzero(row).tolist() for row in binned.to_bool_array()]
    assert where == [train.magnitude.astype(int).tolist() for train in spikes]


def test_end_writes_what_was_to_be_recorded(tmp_path):
    import neo

    sim.setup(1.0)
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=1.5))
    cells.record(["spikes", "v"], to_file=str(tmp_path / "cells.pkl"))
    sim.run(50)
    sim.end()
    block = neo.io.PickleIO(filename=str(tmp_path / "cells.pkl")).read_block()
    assert [train.magnitude.tolist() for train in block.segments[0].spiketrains] == trains(cells)
    assert len(trains(cells)[0]) > 1


def test_recording_can_begin_anew_after_a_reset():
    sim.setup(1.0)
    cells = sim.Population(3, sim.IF_curr_exp(i_offset=[0.1, 0.2, 0.3]))
    cells[0:1].record("v")
    sim.run(10)
    sim.reset()
    cells.record(None)
    cells[2:3].record("v")
    sim.run(10)
    first, second = cells.get_data().segments
    assert first.analogsignals[0].array_annotations["channel_index"].tolist() == [0]
    assert second.analogsignals[0].array_annotations["channel_index"].tolist() == [2]
    cells.record(None)
    with pytest.raises(InvalidModel, match="record 'v' before the first run, or after reset"):
        cells.record("v")


def test_callbacks_are_called_when_they_asked_to_be():
    sim.setup(1.0)
    sim.Population(1, sim.IF_curr_exp())
    called = []

    def watch(t):
        called.append(t)
        return t + 5.0

    sim.run(20.0, callbacks=[watch])
    assert called == [0.0, 5.0, 10.0, 15.0, 20.0]
    with pytest.raises(InvalidModel, match="no multiple of the timestep"):
        sim.run(0.5)
