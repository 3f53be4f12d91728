"""Times are whole steps, however a user's program has computed them: held against whole numbers and exact fractions."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest

import ernsnn as ern
from ernsnn import InvalidModel, Network, Phase, Poisson, Schedule, SpikeTimes, Timeline, replay
from ernsnn.describe.units import exact, first_step, same_time, time_of, whole_steps

STEPS_MS = (0.1, 0.05, 0.35, 1 / 3, 1.0, 0.01, 0.7, 1.9, 2.3, 0.2, 1 / 7, 1e-3, 12.7)
CASES = 2000


def spelt(rng: random.Random, steps: int, dt: float, others: list[float] | None = None) -> float:
    """``steps`` of ``dt`` as some program computes it: as a product, a decimal number, or a sum of other times."""
    kind = rng.randrange(5)
    if kind == 0:
        return steps * dt
    if kind == 1:
        return time_of(steps, dt)
    if kind == 2:
        return round(steps * dt, 9) if dt > 0.009 and dt not in (1 / 3, 1 / 7) else steps * dt
    if kind == 3 and others:
        return sum(others)
    part = rng.randrange(steps + 1)
    return part * dt + (steps - part) * dt


def test_two_thousand_timelines_in_whole_steps() -> None:
    """Random phases, gaps and frozen ones: their schedules, freezes and durations, lowered, are those meant."""
    rng = random.Random(5)
    for case in range(CASES):
        dt = rng.choice(STEPS_MS)
        phases, meant, frozen, end = [], [], [], 0
        added: list[float] = []  # what a program has summed up so far, where phases follow one another from 0
        for k in range(rng.randrange(1, 8)):
            start = end + rng.choice([0, 0, 0, 1, rng.randrange(1, 2000)])
            added = added if start == end else []
            given = {"start_ms": spelt(rng, start, dt, added)} if start > end or rng.random() < 0.5 else {}
            length = rng.choice([1, 2, 3, rng.randrange(1, 10_000)])
            duration = spelt(rng, length, dt)
            added = [*added, duration] if added or start == 0 else []
            plastic, value = rng.random() < 0.6, rng.choice([0.0, 1.0, 2.0, 3.0])
            phases.append(Phase(f"p{k}", duration, plastic=plastic, x=value, **given))
            meant.append((start, start + length, value))
            if not plastic:
                frozen = (
                    [*frozen[:-1], (frozen[-1][0], start + length)]
                    if frozen and frozen[-1][1] == start
                    else [*frozen, (start, start + length)]
                )
            end = start + length
        timeline = Timeline(phases, x=0.0)
        net = Network(dt_ms=dt)
        net.population("p", 1, ern.LIF())
        net.signal("x", timeline.schedule("x"))
        net.follow(timeline)
        graph = ern.lower(net)
        steps, values = graph.modulators[0].steps, graph.modulators[0].values[:, 0]
        assert steps[0] == 0
        for at in sorted({t for first, last, _ in meant for t in (first - 1, first, last - 1, last) if t >= 0}):
            wanted = next((v for first, last, v in meant if first <= at < last), 0.0)
            assert values[np.searchsorted(steps, at, side="right") - 1] == wanted, (case, dt, at)
        assert list(graph.frozen) == frozen, (case, dt)
        assert whole_steps(timeline.duration_ms, dt, "all") == end
        assert [whole_steps(p.start_ms, dt, p.name) for p in timeline] == [first for first, _, _ in meant]
        assert [whole_steps(p.stop_ms, dt, p.name) for p in timeline] == [last for _, last, _ in meant]


def test_two_thousand_replays_are_made_of_whole_steps_and_end_on_time() -> None:
    rng = random.Random(6)
    for _ in range(CASES):
        dt = rng.choice(STEPS_MS)
        cue, pause = rng.randrange(1, 200), rng.choice([0, 0, rng.randrange(1, 100)])
        whole = rng.choice([rng.randrange(1, 20) * (cue + pause), rng.randrange(1, 3000)])
        lengths = [spelt(rng, n, dt) for n in (whole, cue, pause)]
        phases = replay("s", lengths[0], "x", [1.0, 2.0], cue_ms=lengths[1], pause_ms=lengths[2])
        wanted, left = [], whole
        while left:
            for n in (cue, pause):
                if n and left:
                    wanted.append(min(n, left))
                    left -= wanted[-1]
        assert [whole_steps(p.duration_ms, dt, p.name) for p in phases] == wanted
        assert whole_steps(Timeline(phases, x=0.0).duration_ms, dt, "all") == whole


def test_the_numbers_of_the_issue() -> None:
    """32 of these 595 had a last phase of about 1e-16 ms."""
    for tenths in range(1, 120):
        for cue in (0.1, 0.2, 0.3, 0.7, 1.1):
            phases = replay("s", tenths / 10, "x", [1.0], cue_ms=cue)
            assert sum(exact(p.duration_ms) for p in phases) == Fraction(tenths, 10)
            assert len(phases) == math.ceil(Fraction(tenths, 10) / exact(cue))
    Timeline([Phase("a", 0.1), Phase("aa", 0.2), Phase("b", 1, start_ms=0.3)])
    timeline = Timeline([Phase("a", 0.7, x=1), Phase("b", 0.1, x=2), Phase("c", 1, start_ms=0.8, x=3)], x=0)
    assert timeline.schedule("x").times_ms.tolist() == [0.0, 0.7, 0.8, 1.8]
    net = Network(dt_ms=0.1)
    net.population("cells", 1, ern.LIF())
    net.freeze(0, 0.1 + 0.2)
    net.freeze(0.3, 0.5)
    net.signal("x", timeline.schedule("x"))
    graph = ern.lower(net)
    assert graph.frozen == ((0, 3), (3, 5))
    assert graph.modulators[0].steps.tolist() == [0, 7, 8, 18]


def test_two_thousand_freezes() -> None:
    """Intervals that meet are taken, those that share a step are refused."""
    rng = random.Random(7)
    for _ in range(CASES):
        dt = rng.choice(STEPS_MS)
        net, taken = Network(dt_ms=dt), []
        for _ in range(rng.randrange(2, 6)):
            first = rng.choice([0, *(last for _, last in taken), rng.randrange(50)])
            last = rng.choice([first, first + 1, first + rng.randrange(1, 30), *(begin for begin, _ in taken)])
            overlaps = any(first < b and a < last for a, b in taken)
            times = spelt(rng, first, dt), spelt(rng, last, dt)
            if first >= last or overlaps:
                with pytest.raises(InvalidModel, match="overlaps" if first < last else "start_ms < stop_ms"):
                    net.freeze(*times)
            else:
                net.freeze(*times)
                taken.append((first, last))
        assert net.frozen == taken
        assert [(whole_steps(a, dt, ""), whole_steps(b, dt, "")) for a, b in net.frozen_ms] == taken


def test_steps_of_schedules_spikes_probes_and_runs() -> None:
    rng = random.Random(8)
    for _ in range(300):
        dt = rng.choice(STEPS_MS)
        steps = sorted(rng.sample(range(500), rng.randrange(1, 6)))
        net = Network(dt_ms=dt)
        times = [spelt(rng, n, dt) for n in steps]
        net.population("s", 1, SpikeTimes([times]))
        cells = net.population("cells", 1, ern.LIF())
        net.inject(cells, Schedule(times, [float(n) for n in steps]))
        every = rng.randrange(1, 900)
        net.probe(cells, "v_mV", every_ms=spelt(rng, every, dt))
        graph = ern.lower(net)
        assert graph.population("s").spikes.steps.tolist() == steps
        assert graph.injections[0].steps.tolist() == steps
        assert graph.probes[0].every == every
    source = Network(dt_ms=1 / 3)
    source.population("s", 1, Poisson(3.0))
    assert ern.run(source, duration_ms=sum([1 / 3] * 50), backend="reference").recording.n_steps == 50


# Neighbours


def test_zero_but_for_noise_is_zero() -> None:
    below = 0.3 - 0.1 - 0.2
    assert below < 0
    assert Schedule([below, 1], [1, 2]).times_ms.tolist() == [0, 1]
    assert SpikeTimes([[below, 1]]).times_ms[0].tolist() == [0, 1]
    assert Timeline([Phase("a", 1, start_ms=below)], x=1).schedule("x").times_ms.tolist() == [0]
    for build in (lambda: Schedule([-1e-6], [1]), lambda: SpikeTimes([[-1e-6]])):
        with pytest.raises(InvalidModel, match=">= 0"):
            build()


def test_epochs_that_are_one_but_for_noise() -> None:
    given = {"traces": {"x": ern.Trace("pre", 20)}, "on_epoch": {"w": "-0.01*w"}, "bounds": {"w": (0, 1)}}
    rule = ern.LearningRule.from_equations(**given, epoch_ms=0.3)
    marked = ern.marks.with_marks(rule, [ern.marks.Labile("a", tau_s=1, rise=0.1)], epoch_ms=0.1 + 0.2)
    with pytest.raises(InvalidModel, match=r"epochs of 0.3 ms already, epoch_ms is 0.4"):
        ern.marks.with_marks(rule, [], epoch_ms=0.4)
    net = Network(dt_ms=0.1)
    a = net.population("a", 1, ern.LIF())
    net.projection("p", a, a, weight_nA=0.1, learning=marked)
    net.freeze(0.9, 0.3 + 0.6 + 0.3)
    assert ern.lower(net).projections[0].learning.epoch_steps == 3
    assert ern.lower(net).frozen == ((9, 12),)


def test_a_picture_from_a_time_that_a_step_begins_at() -> None:
    """3 * 0.35 is 1.0499999999999998, and the spike at 1.05 ms belongs to what is drawn from 1.05 ms on."""
    net = Network(dt_ms=0.35)
    net.population("s", 1, SpikeTimes([[0.7, 1.05, 1.4]]))
    result = ern.run(net, duration_ms=3.5, backend="reference")
    assert 3 * 0.35 < 1.05
    import matplotlib as mpl

    mpl.use("Agg")
    line = result.plot.raster(start_ms=1.05, stop_ms=1.4).lines[0]
    assert line.get_xdata().tolist() == pytest.approx([1.05])
    mpl.pyplot.close("all")


@pytest.mark.parametrize(
    ("duration", "cue", "pause", "words"),
    [
        (1e17, 5.0, 0.0, "2e+16 phases"),
        (1e9, 5.0, 5.0, "2e+08 phases"),
        ("20000 s", "1 ms", "0 s", "2e+07 phases"),
        (100.0, 1e-9, 0.0, "1e+11 phases"),
    ],
)
def test_a_replay_that_would_run_for_ever_is_refused(duration, cue, pause, words) -> None:
    with pytest.raises(InvalidModel) as caught:
        replay("sleep", duration, "x", [1.0], cue_ms=cue, pause_ms=pause)
    assert words in str(caught.value)
    assert "more than 1,000,000" in str(caught.value)


def test_times_of_a_replay_have_units() -> None:
    phases = replay("s", "1 s", "x", np.array([1.0, 2.0]), cue_ms="300 ms", pause_ms="0.1 s")
    assert [p.duration_ms for p in phases] == [300, 100, 300, 100, 200]
    with pytest.raises(InvalidModel, match="replay 's': cue_ms"):
        replay("s", 10, "x", [1.0], cue_ms="3 mV")


def test_a_phase_of_noise_is_refused() -> None:
    with pytest.raises(InvalidModel, match=r"phase 'b': .*no more than rounding noise"):
        Timeline([Phase("a", 0.3), Phase("b", 0.1 + 0.2 - 0.3)])


@pytest.mark.parametrize("dt", STEPS_MS)
def test_far_away_a_step_is_still_a_step(dt: float) -> None:
    """Neighbouring steps are told apart, and what lies between is refused, at a billion steps as at ten."""
    for steps in (10, 10**6, 10**9 + 1, 10**11 + 7):
        assert whole_steps(time_of(steps, dt), dt, "t") == steps
        assert whole_steps(steps * dt, dt, "t") == steps
        assert first_step((steps - 0.5) * dt, dt) == steps
        for part in (0.5, 0.25):
            with pytest.raises(InvalidModel, match="no multiple"):
                whole_steps((steps + part) * dt, dt, "t")


def test_one_time_is_one_time() -> None:
    assert same_time(0.1 + 0.2, 0.3)
    assert same_time(sum([0.1] * 100_000), 10_000.0)
    assert not same_time(0.3, 0.300001)
    assert not same_time(1e6, 1e6 + 0.01)
