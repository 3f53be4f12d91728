"""Timelines: phases one after the other, and what is different in them."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn import InvalidModel, Network, Phase, Poisson, Timeline, replay


def values(schedule):
    return dict(zip(schedule.times_ms.tolist(), schedule.values.tolist(), strict=True))


def test_phases_follow_one_another():
    timeline = Timeline([Phase("a", 10), Phase("b", "2 s", rate=5), Phase("c", 30, start_ms=3000)], rate=1)
    assert [(p.name, p.start_ms, p.stop_ms) for p in timeline] == [
        ("a", 0, 10),
        ("b", 10, 2010),
        ("c", 3000, 3030),
    ]
    assert timeline.duration_ms == 3030
    assert values(timeline.schedule("rate")) == {0: 1, 10: 5, 2010: 1}


def test_a_quantity_changes_where_a_phase_begins_and_is_back_where_it_ends():
    timeline = Timeline([Phase("a", 10, P=1), Phase("b", 10, P=1), Phase("c", 10, start_ms=50, P=2)], P=0)
    assert values(timeline.schedule("P")) == {0: 1, 20: 0, 50: 2, 60: 0}


def test_numbers_and_lists_of_one_quantity_mix():
    timeline = Timeline([Phase("a", 10, rate=[3, 4]), Phase("b", 10)], rate=1)
    assert timeline.schedule("rate").values.tolist() == [[3, 4], [1, 1]]


def test_phases_that_are_not_plastic_freeze_as_one_where_they_touch():
    phases = [Phase("a", 10), Phase("b", 5, plastic=False), Phase("c", 7, plastic=False), Phase("d", 3)]
    timeline = Timeline([*phases, Phase("e", 1, plastic=False)])
    assert timeline.frozen_ms == [(10, 22), (25, 26)]
    net = Network()
    net.follow(timeline)
    assert net.frozen_ms == timeline.frozen_ms


def test_a_network_takes_its_schedules():
    timeline = Timeline([Phase("a", 10, rate=[100.0, 0.0], P=1.0, I=0.5)], rate=0.0, P=0.0, I=0.0)
    net = Network()
    net.population("inputs", 2, Poisson(timeline.schedule("rate")))
    assert net.signal("P", timeline.schedule("P")).size == 1


@pytest.mark.parametrize(
    ("phases", "quantities", "words"),
    [
        ([("a", 10, {}), ("b", 10, {"start_ms": 5})], {}, ["'b'", "'a'", "overlap"]),
        ([("b", 10, {"start_ms": -5})], {}, ["'b'", "before 0"]),
        ([("a", 10, {}), ("a", 10, {})], {}, ["'a'", "taken"]),
        ([("a", 10, {"rte": 1})], {"rate": 0}, ["'a'", "'rte'", "it has: rate"]),
        ([("a", 10, {"rate": [1, 2]}), ("b", 10, {"rate": [1, 2, 3]})], {"rate": 0}, ["'rate'", "different lengths"]),
        ([("a", 0, {})], {}, ["'a'", "duration_ms", "> 0"]),
        ([("a", "5 mV", {})], {}, ["'a'", "duration_ms", "time"]),
        ([("a", 5, {"rate": np.nan})], {"rate": 0}, ["'a'", "rate", "finite"]),
    ],
)
def test_what_cannot_be_is_refused_by_name(phases, quantities, words):
    with pytest.raises(InvalidModel) as caught:
        Timeline([Phase(name, duration, **more) for name, duration, more in phases], **quantities)
    for word in words:
        assert word in str(caught.value)


def test_unknown_phases_and_quantities_are_named():
    timeline = Timeline([Phase("a", 10)], rate=0)
    with pytest.raises(InvalidModel, match=r"no phase 'b' \(it has: a\)"):
        timeline["b"]
    with pytest.raises(InvalidModel, match=r"no quantity 'P' \(it has: rate\)"):
        timeline.schedule("P")


@pytest.mark.parametrize(("start", "stop"), [(5, 5), (-1, 5), (9, 3)])
def test_frozen_intervals_are_intervals(start, stop):
    with pytest.raises(InvalidModel, match="start_ms < stop_ms"):
        Network().freeze(start, stop)


def test_frozen_intervals_do_not_overlap():
    net = Network()
    net.freeze(10, 20)
    net.freeze(20, 30)
    with pytest.raises(InvalidModel, match=r"overlaps 10\.0 to 20\.0"):
        net.freeze(15, 25)


# Replay


def test_replay_shows_every_pattern_before_one_comes_again():
    phases = replay("sleep", 60, "rate", [1.0, 2.0, 3.0], cue_ms=7, pause_ms=3, seed=4, P=1.0)
    timeline = Timeline(phases, rate=0.0, P=0.0)
    assert timeline.duration_ms == 60
    shown = [timeline[f"sleep.{k}"].quantities["rate"] for k in range(6)]
    assert sorted(shown[:3]) == sorted(shown[3:]) == [1, 2, 3]
    assert values(timeline.schedule("P")) == {0: 1, 60: 0}
    rates = values(timeline.schedule("rate"))
    assert [rates[10.0 * k] for k in range(6)] == shown
    assert all(rates[10.0 * k + 7] == 0 for k in range(6))


def test_replay_ends_on_time():
    assert [(p.name, p.duration_ms) for p in replay("s", 18, "rate", [1], cue_ms=7, pause_ms=4)] == [
        ("s.0", 7),
        ("s.0.pause", 4),
        ("s.1", 7),
    ]
    assert [p.duration_ms for p in replay("s", 25, "rate", [1], cue_ms=10)] == [10, 10, 5]


def test_sleep_without_replay_is_one_phase():
    (phase,) = replay("sleep", 60, "rate", [], cue_ms=7, P=1.0)
    assert (phase.name, phase.duration_ms, phase.quantities) == ("sleep", 60, {"P": 1.0})


def test_the_order_of_replay_is_that_of_its_seed():
    def order(seed):
        return [p.quantities["rate"] for p in replay("s", 100, "rate", list(range(10)), cue_ms=10, seed=seed)]

    assert order(1) == order(1) != order(2)


def test_replay_needs_time():
    with pytest.raises(InvalidModel, match="replay 's'"):
        replay("s", 10, "rate", [1], cue_ms=0)
