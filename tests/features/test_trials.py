"""Trials on every backend: counts and latencies against a count of the spikes by windows, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
from interrupts import ctrl_c_in_step

import ernsnn as ern
from ernsnn.backend.registry import backend_names, get_backend

RNG = np.random.default_rng(5)
IMAGES = RNG.uniform(0, 400, (6, 4))
RASTER = (RNG.random((6, 5, 3)) < 0.3).astype(float)
LABELS = [0, 1, 2, 0, 1, 2]


def shown(images=IMAGES, **changed):
    given = {"show_ms": 10, "rest_ms": 4, "labels": LABELS, "rates": images, "raster": RASTER[: len(images)]}
    given["teacher"] = np.linspace(0, 3, 2 * len(images)).reshape(-1, 2)
    return ern.Trials(**(given | changed))


def untaught(trials):
    return ern.Trials(
        show_ms=10, rest_ms=4, labels=LABELS, **{k: v for k, v in trials.quantities.items() if k != "teacher"}
    )


def network(trials, learning=None):
    net = ern.Network(name="shows")
    pixels = net.population("pixels", 4, ern.Poisson(trials.schedule("rates")))
    events = net.population("events", 3, ern.SpikeTimes(trials.spikes("raster").times_ms, quantity="raster"))
    out = net.population("out", 2, ern.LIF(tau_m_ms=5))
    net.projection("see", pixels, out, weight_nA=ern.Uniform(1, 3), learning=learning)
    net.projection("hear", events, out, weight_nA=2.0)
    if "teacher" in trials.quantities:
        net.inject(out, trials.schedule("teacher"))
    return net


def by_windows(result, population, n, show=10, period=14, start=0):
    times, neurons = result.spikes(population)
    counts = np.zeros((n, result.graph.population(population).size), int)
    first = np.full(counts.shape, np.nan)
    for time, neuron in zip(times, neurons, strict=True):
        trial = int((time - start) // period)
        if (time - start) % period < show:
            counts[trial, neuron] += 1
            first[trial, neuron] = np.nanmin([first[trial, neuron], (time - start) % period])
    return counts, first


@pytest.mark.parametrize("backend", [n for n in backend_names() if get_backend(n).capabilities is not None])
@pytest.mark.parametrize("teacher", [True, False])
def test_counts_and_latencies_are_those_of_a_count_by_windows(backend, teacher):
    trials = shown() if teacher else untaught(shown())
    try:
        get_backend(backend).require_installed()
        result = ern.run(network(trials), trials=trials, backend=backend)
    except (ern.BackendNotAvailable, ern.UnsupportedOnBackend) as refused:
        pytest.skip(str(refused).splitlines()[0])
    for population in ("pixels", "events", "out"):
        counts, first = by_windows(result, population, 6)
        assert counts.sum() > 0
        np.testing.assert_array_equal(result.counts(population), counts)
        np.testing.assert_array_equal(result.trials.latencies_ms(population), first)
    np.testing.assert_array_equal(result.counts("events"), RASTER.sum(axis=1))


def run(net, trials, **keywords):
    return ern.run(net, trials=trials, backend="reference", **keywords)


def test_other_trials_run_through_the_same_network():
    first, other = shown(), shown(IMAGES[::-1][:4], labels=LABELS[:4], show_ms=20, rest_ms=0)
    through, own = run(network(first), other), run(network(other), other)
    assert through.graph.digest == own.graph.digest != run(network(first), first).graph.digest
    assert through.duration_ms == 80
    np.testing.assert_array_equal(through.counts("out"), by_windows(own, "out", 4, 20, 20)[0])
    np.testing.assert_array_equal(through.counts("events"), RASTER[:4].sum(axis=1))


def test_trials_that_do_not_learn_leave_the_weights():
    rule = ern.stdp.pair(A_plus=0.1, A_minus=0.05, w_max=4)
    learns = [True, False, False, True, False, True]
    trials = shown(learn=learns)
    net = network(trials, rule)
    net.probe(net.projections["see"], "w")
    result = run(net, trials)
    changed = np.any(np.diff(result.signal("see", "w")[1], axis=0), axis=1)
    learned = np.repeat(learns, 14)[1:]
    assert changed[learned].any()
    assert not changed[~learned].any()


def test_a_run_goes_on_from_another_with_its_trials_after_it():
    trials = shown()
    first = run(network(trials), trials)
    second = run(network(trials), trials, start=first)
    assert second.start_ms == 84 == second.trials.starts_ms[0]
    np.testing.assert_array_equal(second.counts("out"), by_windows(second, "out", 6, start=84)[0])
    np.testing.assert_array_equal(second.counts("events"), RASTER.sum(axis=1))


def test_trials_are_saved_and_what_is_loaded_is_not_trusted(tmp_path):
    trials = shown()
    result = run(network(trials), trials, out=tmp_path / "saved")
    loaded = ern.Result.load(tmp_path / "saved")
    np.testing.assert_array_equal(loaded.counts("out"), result.counts("out"))
    assert loaded.trials.labels.tolist() == LABELS
    for wrong in ({"n": 10**6}, {"labels": [1]}, {"show_ms": -1.0}, {"start_ms": 3.0}, {"rest_ms": float("nan")}):
        loaded.__dict__.pop("trials", None)
        meta = json.loads(json.dumps(loaded.meta["trials"])) | wrong
        held = dict(loaded.meta, trials=meta)
        other = ern.Result(loaded.graph, ern.Recording(**{**vars(loaded.recording), "meta": held}))
        with pytest.raises(ern.InvalidModel, match="damaged"):
            other.counts("out")


def test_labels_by_majority():
    rates = np.eye(3)[LABELS] * 900
    trials = ern.Trials(show_ms=30, rest_ms=5, labels=LABELS, x=rates)
    net = ern.Network()
    net.population("in", 3, ern.Poisson(trials.schedule("x")))
    read = run(net, trials).trials
    assert read.neuron_labels("in").tolist() == [0, 1, 2]
    assert read.majority("in").tolist() == LABELS
    assert read.majority("in", np.array([1, 0, -1])).tolist() == [1, 0, -1, 1, 0, -1]
    assert read.confusion(np.array([1, 0, -1, 1, 0, -1])).tolist() == [[0, 2, 0, 0], [2, 0, 0, 0], [0, 0, 0, 2]]
    assert (read.rates_hz("in") == read.counts("in") / 0.03).all()


def test_spikes_of_each_trial_count_from_its_start():
    events = [ern.SpikeTimes([[1, 3], []]), ern.SpikeTimes([[0], [9]])]
    trials = ern.Trials(show_ms=10, rest_ms=5, x=events)
    net = ern.Network()
    net.population("in", 2, trials.spikes("x"))
    assert run(net, trials).trains("in") == [[1, 3, 15], [24]]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"teacher": np.ones((5, 2))}, "'teacher' has 5"),
        ({"rates": np.full((6, 4), np.nan)}, r"'rates' of shape \(6, 4\)"),
        ({"rates": np.ones((6, 2, 2, 2))}, r"shape \(6, 2, 2, 2\)"),
        ({"labels": [0, 1]}, "labels: needs one for each of 6"),
        ({"labels": [0, 1, 2, 0, 1, 0.5]}, "whole numbers"),
        ({"learn": [True] * 2}, "learn"),
        ({"learn": [[True], [True, False]]}, "learn"),
        ({"learn": [0, 1, 0, 1, 0, 1]}, "learn"),
        ({"show_ms": 0}, "show_ms > 0"),
        ({"reset": 1}, "reset"),
        ({"raster": [ern.SpikeTimes([[10]])] * 6}, "'raster' has a spike at 10 ms in trial 0"),
        ({"raster": [ern.SpikeTimes([[1]])] * 5 + [ern.SpikeTimes([[1], []])]}, "trial 5"),
    ],
)  # fmt: skip
def test_trials_that_cannot_be_are_refused_by_name(changed, said):
    with pytest.raises(ern.InvalidModel, match=said):
        shown(**changed)


def without(name):
    given = {"rates": IMAGES, "raster": RASTER, "teacher": np.zeros((6, 2))}
    return ern.Trials(show_ms=10, **{key: value for key, value in given.items() if key != name})


@pytest.mark.parametrize(
    ("others", "said"),
    [
        (lambda: shown(np.ones((6, 5))), "'rates' has one value for each of 5 neurons in these trials"),
        (lambda: shown(raster=RASTER[:, :, :2]), "'raster' has one value for each of 2 neurons"),
        (lambda: shown(show_ms=10.5), "Trials.show_ms"),
        (lambda: shown(rest_ms=0.5), "Trials.rest_ms"),
        (lambda: shown(show_ms=12), "'raster' of shape"),
        (lambda: shown(raster=RASTER * 2), "no raster"),
        (lambda: without("teacher"), "'teacher'"),
        (lambda: shown(more=np.ones(6)), "nothing in the network reads 'more'"),
        (lambda: shown(-IMAGES), "must be >= 0"),
    ],
)
def test_other_trials_that_do_not_fit_are_refused_by_name(others, said):
    with pytest.raises(ern.InvalidModel, match=said):
        run(network(shown()), others())


def test_arguments_of_a_run_must_fit_the_trials():
    trials = shown()
    net = network(trials)
    with pytest.raises(ern.InvalidModel, match="say how long"):
        ern.run(net, backend="reference")
    with pytest.raises(ern.InvalidModel, match="less than the 84 ms"):
        run(net, trials, duration_ms=83)
    with pytest.raises(ern.InvalidModel, match="run the network"):
        run(ern.lower(net), trials)
    assert run(net, trials, duration_ms=90).counts("out").shape == (6, 2)
    net.freeze(0, 10)
    with pytest.raises(ern.InvalidModel, match="freezes what"):
        run(net, shown(learn=False))


def test_readings_of_trials_refuse_what_they_cannot_read():
    trials = ern.Trials(show_ms=5, x=np.ones((3, 2)))
    net = ern.Network()
    net.population("in", 2, ern.Poisson(trials.schedule("x")))
    read = run(net, trials).trials
    for asked, said in (
        (lambda: read.counts("no"), "no population 'no'"),
        (lambda: read.neuron_labels("in"), "have no labels"),
        (lambda: read.majority("in", [0]), "neuron_labels: needs 2"),
        (lambda: read.majority("in", [0, 0.5]), "neuron_labels: needs 2"),
        (lambda: read.majority("in", [[0], [1, 2]]), "neuron_labels"),
    ):
        with pytest.raises(ern.InvalidModel, match=said):
            asked()
    assert ern.run(net, duration_ms=15, backend="reference").trials is None


def test_an_interrupted_run_of_trials_is_resumed(tmp_path, monkeypatch):
    trials = shown()
    with ctrl_c_in_step(monkeypatch, 40), pytest.raises(ern.Interrupted):
        run(network(trials), trials, out=tmp_path / "run")
    begun = ern.Result.load(tmp_path / "run").trials
    assert begun.labels.tolist() == LABELS[: begun.n] == LABELS[:3]
    resumed = ern.resume(tmp_path / "run")
    np.testing.assert_array_equal(resumed.counts("out"), run(network(trials), trials).counts("out"))
