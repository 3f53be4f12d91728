"""What is recorded from some time in a run on holds what comes after, as with PyNN's other simulators."""

from __future__ import annotations

import numpy as np
import pytest
import quantities as pq
from in_one_go import GoesOn, InOneGo

import ernsnn as ern

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import trains  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

BACKENDS = pytest.mark.parametrize("backend", ["native", "reference", GoesOn(), InOneGo()])


def cells(backend="native", size=4, **settings):
    sim.setup(0.5, backend=backend, **settings)
    return sim.Population(size, sim.IF_curr_exp(i_offset=np.linspace(1.5, 2.0, size)), label="cells")


def signal(population, name="v"):
    (found,) = population.get_data(name).segments[-1].analogsignals
    return found


def expected(backend, *variables):
    """Trains and signals of 100 ms that were recorded from the start."""
    whole = cells(backend)
    whole.record(["spikes", *variables])
    sim.run(100)
    return trains(whole), {name: signal(whole, name).magnitude for name in variables}


@BACKENDS
def test_spikes_and_signals_begin_when_they_are_recorded(backend):
    spikes, signals = expected(backend, "v", "isyn_exc")
    late = cells(backend)
    sim.run(40)
    late.record(["spikes", "v", "isyn_exc"])
    sim.run(60)
    assert trains(late) == [[t for t in train if t > 40] for train in spikes]
    assert min(map(len, trains(late))) > 2
    train = late.get_data("spikes").segments[0].spiketrains[0]
    assert (train.t_start, train.t_stop) == (40 * pq.ms, 100 * pq.ms)
    counts = late.get_spike_counts()
    assert [counts[int(cell)] for cell in late] == [len(train) for train in trains(late)]
    for name, whole in signals.items():
        found = signal(late, name)
        assert float(found.t_start) == 40.0
        np.testing.assert_allclose(found.magnitude, whole[80:], atol=1e-12)
        assert float(found.times[-1]) == 100.0


@BACKENDS
def test_cells_that_are_recorded_later_are_not_known_before(backend):
    spikes, signals = expected(backend, "v")
    some = cells(backend)
    some[0:2].record(["spikes", "v"])
    sim.run(30)
    some[1:3].record(["spikes", "v"])
    sim.run(70)
    since = [0, 0, 30]
    assert trains(some) == [[t for t in train if t > since[k]] for k, train in enumerate(spikes[:3])]
    data = some.get_data().segments[0]
    assert [float(train.t_start) for train in data.spiketrains] == since
    found = signal(some).magnitude
    assert found.shape == (201, 3)
    assert np.isnan(found[:60, 2]).all()
    np.testing.assert_allclose(found[60:], signals["v"][60:, :3], atol=1e-12)
    np.testing.assert_allclose(found[:60, :2], signals["v"][:60, :2], atol=1e-12)
    alone = signal(some[2:3])
    assert (float(alone.t_start), alone.shape) == (30.0, (141, 1))


@BACKENDS
def test_cells_beyond_those_that_a_run_holds_join_after_data_were_read(backend):
    _, signals = expected(backend, "v", "isyn_exc")
    some = cells(backend)
    some[1:2].record("v")
    sim.run(30)
    assert signal(some).shape == (61, 1)
    some[3:4].record("v")
    some[0:1].record("v")
    some[2:3].record("isyn_exc")
    sim.run(70)
    found, since = signal(some).magnitude, 60
    if isinstance(backend, GoesOn):  # a program is not asked what V is now
        assert np.isnan(found[60]).tolist() == [True, False, True]
        since = 61
    assert np.isnan(found[:60, [0, 2]]).all()
    np.testing.assert_allclose(found[:, 1], signals["v"][:, 1], atol=1e-12)
    np.testing.assert_allclose(found[since:], signals["v"][since:, [0, 1, 3]], atol=1e-12)
    current = signal(some, "isyn_exc")
    assert round(float(current.t_start) / 0.5) == since
    np.testing.assert_allclose(current.magnitude, signals["isyn_exc"][since:, 2:3], atol=1e-12)


def test_what_was_recorded_before_stays_and_the_next_segment_has_all():
    some = cells()
    some.record("spikes")
    sim.run(30)
    some.record("spikes")  # again: nothing new
    some[0:2].record("v", sampling_interval=2.0)
    sim.run(31)
    assert min(t for train in trains(some) for t in train) < 30
    assert signal(some).times.rescale("ms").magnitude.tolist() == np.arange(30.0, 62.0, 2.0).tolist()
    sim.reset()
    sim.run(20)
    first, second = some.get_data("v").segments
    assert (float(first.analogsignals[0].t_start), float(second.analogsignals[0].t_start)) == (30.0, 0.0)
    assert second.analogsignals[0].shape == (11, 2)
    assert not np.isnan(second.analogsignals[0].magnitude).any()


def test_a_first_sample_is_on_the_grid_of_the_samples():
    some = cells()
    sim.run(3)
    some.record("v", sampling_interval=2.0)
    assert not some.get_data("v").segments[0].analogsignals
    sim.run(6)
    assert signal(some).times.rescale("ms").magnitude.tolist() == [4.0, 6.0, 8.0]


def test_a_record_that_ended_and_began_again_forgets_what_was_before():
    some = cells()
    some.record(["spikes", "v"])
    sim.run(30)
    some.record(None)
    some.record("spikes")
    sim.run(30)
    assert min(t for train in trains(some) for t in train) > 30
    counts = some.get_spike_counts()
    assert sum(counts.values()) == sum(map(len, trains(some)))


def test_a_signal_that_ended_before_a_reset_begins_in_the_next_run():
    some = cells()
    some.record("v")
    sim.run(10)
    some.record(None)
    with pytest.raises(ern.InvalidModel, match="cells: record 'v' before the first run, or after reset"):
        some.record("v")
    sim.reset()
    sim.run(10)
    some[1:2].record("v")
    sim.run(10)
    found = signal(some)
    assert (float(found.t_start), found.shape) == (10.0, (21, 1))


def test_clearing_and_recording_later_go_together():
    spikes, signals = expected("native", "v")
    some = cells()
    sim.run(20)
    some.record(["spikes", "v"])
    sim.run(20)
    early = some.get_data(clear=True).segments[0]
    sim.run(60)
    late = some.get_data().segments[0]
    both = [[*a.magnitude, *b.magnitude] for a, b in zip(early.spiketrains, late.spiketrains, strict=True)]
    assert both == [[t for t in train if t > 20] for train in spikes]
    np.testing.assert_array_equal(early.analogsignals[0].magnitude, signals["v"][40:81])
    np.testing.assert_array_equal(late.analogsignals[0].magnitude, signals["v"][80:])


def test_sources_are_recorded_from_now_on_in_both_conventions():
    for convention, kept in (("pynn", [12.0, 15.0]), ("spinnaker", [10.0, 12.0, 15.0])):
        sim.setup(1.0, convention=convention)
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=[2.0, 10.0, 12.0, 15.0]))
        sim.run(10)
        source.record("spikes")
        sim.run(10)
        assert trains(source) == [kept]  # a stamp of 10 is the end of the step before, or the beginning of the next


def test_to_ask_for_some_variables_takes_nothing_from_earlier_segments():
    some = cells()
    some.record(["spikes", "v"])
    sim.run(30)
    spikes, v = trains(some), signal(some).magnitude
    for _ in range(2):
        sim.reset()
        sim.run(20)
    for _ in range(2):
        first = some.get_data("v").segments[0]
        np.testing.assert_array_equal(first.analogsignals[0].magnitude, v)
        assert (len(first.spiketrains), first.name) == (0, "segment000")
        (alone,) = (s for s in some.get_data(["spikes"]).segments if s.name == "segment000")
        assert [train.magnitude.tolist() for train in alone.spiketrains] == spikes
        assert not alone.analogsignals
    assert len(some.get_data(clear=True).segments) == 3
    sim.run(5)
    assert len(some.get_data("v").segments) == 1
