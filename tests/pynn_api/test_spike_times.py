"""Spike times that are given while a script runs: those of now are sent, those that are past are told."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from in_one_go import GoesOn, InOneGo

sim = pytest.importorskip("ernsnn.pynn")
from pynn_scripts import trains  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def told():
    return [(issue.code, issue.path) for issue in sim.check("reference")]


def sources(n=1, backend="native", **settings):
    sim.setup(settings.pop("timestep", 1.0), backend=backend, **settings)
    source = sim.Population(n, sim.SpikeSourceArray(), label="given")
    source.record("spikes")
    return source


@pytest.mark.parametrize("backend", ["native", "reference", GoesOn(), InOneGo()])
@pytest.mark.parametrize(("convention", "now"), [("pynn", 1.0), ("spinnaker", 0.0)])
def test_a_spike_of_now_is_sent(backend, convention, now):
    """In PyNN's convention in the next step, as one at 0 ms is; in SpiNNaker's the step that begins now is to come."""
    source = sources(backend=backend, convention=convention)
    for k in range(4):
        source.set(spike_times=[10.0 * k, 10.0 * k + 5])
        sim.run(10)
    times = [10.0 * k + after for k in range(4) for after in (now, 5)]
    assert trains(source) == [times]
    assert told() == ([("Y102", "given.spike_times")] if now else [])


def test_a_spike_of_now_arrives_where_it_is_sent():
    source = sources(timestep=0.5)
    cells = sim.Population(1, sim.IF_curr_exp(v_thresh=1000.0))
    sim.Projection(source, cells, sim.AllToAllConnector(), sim.StaticSynapse(weight=1.0, delay=1.0))
    cells.record("v")
    sim.run(7.5)
    source.set(spike_times=[7.5])
    sim.run(5)
    v = cells.get_data().segments[0].analogsignals[0].magnitude[:, 0]
    assert trains(source) == [[8.0]]
    assert np.flatnonzero(v > -65)[0] * 0.5 == 9.5  # stamped 8, arrives at 9, and moves V from then on


def test_a_list_that_grows_sends_nothing_twice():
    source, times, sent = sources(2), [], []
    source[1:2].set(spike_times=[12.0, 20.0])
    for k in range(5):
        now = 6.0 * k
        times += [now, now + 1, now + 3]
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            source[0:1].set(spike_times=list(times))
        sim.run(6)
        sent += [now + 1, now + 3]  # what is of now goes with the next
    assert trains(source) == [sent, [12.0, 20.0]]


def test_a_spike_that_has_been_sent_is_not_sent_again_at_its_time():
    source = sources()
    source.set(spike_times=[10.0])
    sim.run(10)
    source.set(spike_times=[10.0, 12.0])
    source.set(spike_times=[10.0, 13.0])
    sim.run(10)
    assert trains(source) == [[10.0, 13.0]]
    sim.reset()
    sim.run(20)
    assert trains(source) == [[10.0, 13.0]], "from the start on it is what was last given"


def test_of_several_that_are_given_at_one_time_the_last_count():
    source = sources()
    sim.run(10)
    source.set(spike_times=[10.0, 14.0])
    source.set(spike_times=[15.0])
    sim.run(10)
    assert trains(source) == [[15.0]]


def test_a_spike_of_now_that_is_given_again_at_once_is_still_sent():
    source = sources()
    sim.run(10)
    source.set(spike_times=[10.0])
    source.set(spike_times=[10.0, 13.0])
    sim.run(10)
    assert trains(source) == [[11.0, 13.0]]
    with pytest.warns(UserWarning, match="1, the first at 11 ms"):
        source.set(spike_times=[10.0, 11.0, 13.0, 25.0])
    sim.run(10)
    assert trains(source) == [[11.0, 13.0, 25.0]]
    sim.reset()
    sim.run(30)
    assert trains(source) == [[10.0, 11.0, 13.0, 25.0]], "from the start on none of them comes too late"


def test_spikes_of_now_and_of_the_next_step_are_one_and_both_count_as_sent():
    source = sources()
    sim.run(10)
    source.set(spike_times=[10.0, 11.0])
    sim.run(1)
    source.set(spike_times=[10.0, 11.0, 14.0])
    sim.run(9)
    assert trains(source) == [[11.0, 14.0]]


@pytest.mark.parametrize("convention", ["pynn", "spinnaker"])
def test_spikes_that_come_too_late_are_told(convention):
    source = sources(2, convention=convention)
    sim.run(10)
    with pytest.warns(UserWarning, match=r"given.spike_times: .* 2, the first at 3 ms") as caught:
        source.set(spike_times=[[3.0, 9.0, 12.0], [15.0]])
    assert caught[0].filename == __file__
    assert ("Y105", "given.spike_times") in told()
    sim.run(10)
    assert trains(source) == [[12.0], [15.0]]
    with pytest.warns(UserWarning, match="given.spike_times"):  # once more, of another loss
        source[1].spike_times = sim.Sequence([1.0, 25.0])
    source.set(spike_times=[30.0])
    assert told() == []
    sim.run(20)
    assert trains(source) == [[12.0, 30.0], [15.0, 30.0]]


def test_what_was_lost_is_told_once():
    source = sources(2)
    sim.run(10)
    with pytest.warns(UserWarning, match="1, the first at 3 ms"):
        source[0:1].set(spike_times=[3.0, 12.0])
    sim.run(10)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        source[1:2].set(spike_times=[25.0])
        source[0:1].set(spike_times=[3.0, 12.0, 27.0])
    sim.run(10)
    assert trains(source) == [[12.0, 27.0], [25.0]]
    with pytest.warns(UserWarning, match="1, the first at 13 ms"):
        source[0:1].set(spike_times=[3.0, 12.0, 13.0, 27.0])


@pytest.mark.parametrize("given", [5.0, 5, np.float64(5.0), [[5.0], 7.0], [[[5.0]], [[6.0]]], lambda i: 5.0 + i])
@pytest.mark.parametrize("how", ["made", "set"])
def test_a_number_is_no_list_of_times(given, how):
    source = sources(2)
    give = source.set if how == "set" else lambda **times: sim.Population(2, sim.SpikeSourceArray(**times))
    with pytest.raises(sim.errors.InvalidParameterValueError, match=r"spike_times: needs a list of times"):
        give(spike_times=given)


@pytest.mark.parametrize(
    ("parameter", "value"),
    [("rate", -1.0), ("rate", np.nan), ("rate", np.inf), ("start", np.nan), ("start", -5.0), ("duration", np.nan)],
)
def test_rates_that_cannot_be_are_told_where_they_are_given(parameter, value):
    sim.setup(1.0)
    with pytest.raises(sim.errors.InvalidParameterValueError, match=rf"noise.{parameter}: must be a number >= 0"):
        sim.Population(2, sim.SpikeSourcePoisson(**{parameter: value}), label="noise")
    source = sim.Population(2, sim.SpikeSourcePoisson(duration=np.inf), label="noise")
    with pytest.raises(sim.errors.InvalidParameterValueError, match=rf"noise.{parameter}: must be a number >= 0"):
        source[0:1].set(**{parameter: value})
    assert source.get("rate") == 1.0
