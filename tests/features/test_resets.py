"""Trials that reset the network: each is what a run of its own gives, on every backend that has resets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from interrupts import ctrl_c_in_step
from random_networks import Draw

import ernsnn as ern
from ernsnn.backend.registry import backend_names, get_backend

BACKENDS = [n for n in backend_names() if get_backend(n).resets]
RESETTING = [
    pytest.param(n, options, marks=[pytest.mark.slow] * (n == "brian2"), id=f"{n}{options or ''}")
    for n, options in (
        ("reference", {}),
        ("native", {"precision": "float64"}),
        ("native", {"precision": "float64", "threads": 2}),
        ("brian2", {"target": "numpy"}),
    )
    if n in BACKENDS
]
SHOW, REST, TRIALS = 30, 5, 4
PERIOD = SHOW + REST
UNITS = {
    ern.DeltaLIF: ("mV", 6.0),
    ern.Izhikevich: ("mV", 2.0),
    ern.ConductanceLIF: ("uS", 0.02),
    ern.AdEx: ("uS", 0.01),
}
"""Kind -> unit of weights, and about how strong they are; others have nA."""


def trials_of(seed, **how):
    """Currents, films of spikes and signals, lively to the last step of a trial."""
    rng = np.random.default_rng(seed)
    return ern.Trials(
        **{"show_ms": SHOW, "rest_ms": REST, "reset": True, "labels": np.arange(TRIALS)} | how,
        raster=(rng.random((TRIALS, SHOW, 5)) < 0.3).astype(float),
        current=rng.uniform(0.0, 0.6, (TRIALS, 3, 4)),
        level=rng.uniform(0.2, 2, (TRIALS, 2)),
    )


def one_of(trials, k):
    quantities = {name: shown[k : k + 1] for name, shown in trials.quantities.items()}
    return ern.Trials(show_ms=trials.show_ms, rest_ms=trials.rest_ms, **quantities)


def network(trials, seed, scheme="exact"):
    """A random network without learning and chance, of kinds with every sort of state, with long delays."""
    rng = np.random.default_rng([7, seed])
    net = ern.Network(name="resets", current_integration=scheme)
    events = net.population("events", 5, trials.spikes("raster"))
    kinds = [ern.LIF(tau_refrac_ms=7, v_init_mV=rng.uniform(-70, -60, 4)), ern.AdaptiveLIF(tau_threshold_ms=40)]
    kinds.append(ern.ConductanceLIF(tau_refrac_ms=3, v_init_mV=-63))
    if scheme == "exact":
        kinds += [ern.DeltaLIF(tau_m_ms=30), ern.AdEx(), ern.Izhikevich()]
    cells = [net.population(f"cells{k}", 4, kind) for k, kind in enumerate(kinds)]
    for k, post in enumerate(cells):
        unit, scale = UNITS.get(type(post.model), ("nA", 1.5))
        for name, pre in (("in", events), ("of", cells[int(rng.integers(len(cells)))])):
            weight = rng.uniform(0.5, 1.5, (pre.size, 4)) * scale
            delay = ern.Uniform(1, 12) if k % 2 else float(rng.integers(1, 12))
            short = ern.TsodyksMarkram(U=0.4) if k % 3 == 0 and name == "in" else None
            net.projection(f"{name}{k}", pre, post, delay_ms=delay, short_term=short, **{f"weight_{unit}": weight})
    net.inject(cells[0], trials.schedule("current"))
    glia = net.astrocyte("glia", [cells[0]], tau_ms=60)
    level = net.signal("level", trials.schedule("level"))
    net.modulate(cells[1], glia, "i_offset_nA", gain=0.05)
    net.modulate(cells[0][:2], level, "i_offset_nA", gain=0.1)
    net.modulate(cells[0][2:], level, "v_threshold_mV", gain=0.5)
    # What is given from the beginning on is given to every trial, too, though its value begins with 0 there.
    net.modulate(cells[2], net.signal("constant", times_ms=[0.0], values=[1.0]), "v_threshold_mV", gain=-2.0)
    net.probe(cells[0], "v_mV")
    net.probe(glia, "value")
    return net


def in_trial(result, population, k):
    steps, neurons = result.recording.spikes[population]
    inside = (steps >= k * PERIOD) & (steps < (k + 1) * PERIOD)
    return list(zip((steps[inside] - k * PERIOD).tolist(), neurons[inside].tolist(), strict=True))


@pytest.mark.parametrize(("backend", "options"), RESETTING)
@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_each_trial_is_what_a_run_of_its_own_gives(backend, options, scheme):
    for seed in range(1 if backend == "brian2" else 6):
        trials = trials_of(seed)
        net = network(trials, seed, scheme)
        result = ern.run(net, trials=trials, backend=backend, **options)
        on = ern.run(net, trials=trials_of(seed, reset=False), backend=backend, **options)
        differs = False
        for k in range(TRIALS):
            alone = ern.run(net, trials=one_of(trials, k), backend=backend, **options)
            for p in net.populations:
                assert in_trial(result, p, k) == in_trial(alone, p, 0), (seed, k, p)
                differs |= in_trial(on, p, k) != in_trial(alone, p, 0)
            for target, variable in (("cells0", "v_mV"), ("glia", "value")):
                values, own = (each.signal(target, variable)[1] for each in (result, alone))
                np.testing.assert_allclose(values[k * PERIOD : (k + 1) * PERIOD], own, rtol=1e-12, atol=1e-12)
        assert differs, "the resets of this network change nothing"
        assert all(result.recording.spikes[f"cells{k}"][0].size for k in range(3))


RULES = [ern.stdp.pair(A_plus=0.1, A_minus=0.06, w_max=3), ern.stdp.triplet(w_max=3)]


def learner(trials, rule, weights, delays):
    net = ern.Network()
    events = net.population("events", 5, trials.spikes("raster"))
    cells = net.population("cells", 4, ern.LIF(tau_refrac_ms=4))
    net.projection("see", events, cells, weight_nA=weights, delay_ms=delays, learning=rule)
    net.projection("drive", events, cells, weight_nA=1.5, delay_ms=3.0)
    return net


@pytest.mark.parametrize(("backend", "options"), RESETTING)
@pytest.mark.parametrize("rule", RULES, ids=["pair", "triplet"])
def test_weights_stay_and_traces_do_not(backend, options, rule):
    """Trials that learn, against runs of one trial each from the weights that the one before left."""
    trials, rng = trials_of(3), np.random.default_rng(3)
    trials = ern.Trials(show_ms=SHOW, rest_ms=REST, reset=True, raster=trials.quantities["raster"])
    weights, delays = rng.uniform(1, 2, (5, 4)), rng.integers(1, 9, (5, 4)).astype(float)
    result = ern.run(learner(trials, rule, weights, delays), trials=trials, backend=backend, **options)
    now = weights
    for k in range(TRIALS):
        one = one_of(trials, k)
        alone = ern.run(learner(one, rule, now, delays), trials=one, backend=backend, **options)
        assert in_trial(result, "cells", k) == in_trial(alone, "cells", 0)
        now = alone.weights("see")
    assert not np.allclose(now, weights, atol=0.01)
    np.testing.assert_allclose(result.weights("see"), now, rtol=1e-12, atol=1e-12)


def same(one, other, rtol=1e-9):
    """The same spikes, and learned values within ``rtol``."""
    for name, (steps, neurons) in one.recording.spikes.items():
        np.testing.assert_array_equal(steps, other.recording.spikes[name][0])
        np.testing.assert_array_equal(neurons, other.recording.spikes[name][1])
    for name, variables in one.recording.synapses.items():
        for variable, values in variables.items():
            np.testing.assert_allclose(other.recording.synapses[name][variable], values, rtol=rtol, atol=1e-12)


@pytest.mark.filterwarnings("ignore:(reference|native|brian2) runs:ernsnn.ModelWarning")
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize(("backend", "options"), RESETTING[2:])
def test_random_networks_of_all_features_are_reset_alike(backend, options, seed):
    """With learning, chance, freezes and epochs: against the reference, at once and with a pause between two resets.

    The pause comes so soon after a reset that spikes of before it would be under way still, and some of after it are.
    """
    graph = dataclasses.replace(ern.lower(Draw(seed).net, seed), resets=(17, 40, 41, 100, 159))
    first, second = 102 * graph.dt_ms, 68 * graph.dt_ms
    expected = ern.run(graph, duration_ms=first + second, backend="reference")
    whole = ern.run(graph, duration_ms=first + second, backend=backend, **options)
    same(expected, whole)
    before = ern.run(graph, duration_ms=first, backend=backend, **options)
    after = ern.run(graph, duration_ms=second, start=before)
    for name, (steps, neurons) in expected.recording.spikes.items():
        late = steps >= 102
        np.testing.assert_array_equal(after.recording.spikes[name][0], steps[late])
        np.testing.assert_array_equal(after.recording.spikes[name][1], neurons[late])
    for name, variables in expected.recording.synapses.items():
        for variable, values in variables.items():
            np.testing.assert_allclose(after.recording.synapses[name][variable], values, rtol=1e-9, atol=1e-12)


def test_noise_goes_on_where_it_was():
    """The random numbers of a step do not depend on resets: what they make of a resting neuron is the same."""
    quiet = np.zeros(3)
    for backend, options in RESETTING[0].values, RESETTING[1].values:
        runs = []
        for reset in (True, False):
            trials = ern.Trials(show_ms=20, reset=reset, current=quiet)
            net = ern.Network()
            cells = net.population("cells", 3, ern.DeltaLIF(tau_m_ms=1e-3, v_threshold_mV=1e6, noise_mV=2))
            net.inject(cells, trials.schedule("current"))
            net.probe(cells, "v_mV")
            runs.append(ern.run(net, trials=trials, backend=backend, **options).signal("cells", "v_mV")[1])
        np.testing.assert_array_equal(*runs)
        assert np.std(runs[0]) > 0


@pytest.mark.parametrize(("backend", "options"), RESETTING[1:])
def test_chance_is_the_same_everywhere(backend, options):
    """Escape noise, membrane noise and Poisson input, whose spikes of the very step of a reset arrive after it."""
    trials = ern.Trials(show_ms=7, rest_ms=3, reset=True, current=np.linspace(0, 0.4, 12))
    net = ern.Network()
    escapes = net.population("escapes", 9, ern.EscapeLIF(v_threshold_mV=-60))
    noisy = net.population("noisy", 9, ern.LIF(noise_mV=3.0))
    net.projection("between", escapes, noisy, weight_nA=1.0, delay_ms=ern.Uniform(1, 6))
    net.poisson_input("rain", noisy, rate_hz=200.0, n=3, weight_nA=0.4)
    net.inject(noisy, trials.schedule("current"))
    same(*(ern.run(net, trials=trials, backend=b, **o) for b, o in (("reference", {}), (backend, options))))


@pytest.mark.parametrize("backend", [n for n in ("reference", "native") if n in BACKENDS])
@pytest.mark.parametrize("at", [PERIOD, PERIOD + 11])
def test_a_run_that_is_interrupted_goes_on(backend, at, tmp_path, monkeypatch):
    """Also where it stops between the last step of a trial and the reset."""
    trials = trials_of(1)
    net = network(trials, 1)
    whole = ern.run(net, trials=trials, backend=backend)
    with ctrl_c_in_step(monkeypatch, at), pytest.raises(ern.Interrupted):
        ern.run(net, trials=trials, backend=backend, out=tmp_path / "run")
    resumed = ern.resume(tmp_path / "run")
    same(whole, resumed)


def test_a_run_that_goes_on_from_another_begins_with_a_reset():
    trials = trials_of(2)
    net = network(trials, 2)
    before = ern.run(net, trials=trials, backend="reference")
    after = ern.run(net, trials=trials, backend="reference", start=before)
    for p in net.populations:
        steps, neurons = before.recording.spikes[p]
        np.testing.assert_array_equal(after.recording.spikes[p][0] - TRIALS * PERIOD, steps)
        np.testing.assert_array_equal(after.recording.spikes[p][1], neurons)


def test_graphs_without_resets_are_as_they_were_and_with_them_saved(tmp_path):
    trials = trials_of(0)
    net = network(trials, 0)
    plain, resets = (ern.lower(net, 0, trials_of(0, reset=reset)) for reset in (False, True))
    assert resets.resets == (0, 35, 70, 105)
    assert plain.digest == dataclasses.replace(resets, resets=()).digest != resets.digest
    ern.save_graph(resets, tmp_path / "graph")
    assert ern.load_graph(tmp_path / "graph").digest == resets.digest
    for wrong in ((5, 5), (9, 3), (-1,), (2**60,)):
        ern.save_graph(dataclasses.replace(resets, resets=wrong), tmp_path / "wrong")
        with pytest.raises(ern.InvalidModel, match="resets do not rise"):
            ern.load_graph(tmp_path / "wrong")


@pytest.mark.parametrize("backend", [n for n in backend_names() if n not in BACKENDS])
def test_other_backends_name_the_remedy(backend):
    def found(reset):
        trials = ern.Trials(show_ms=10, reset=reset, raster=np.ones((2, 1, 1)))
        net = ern.Network()
        cells = net.population("cells", 1, ern.LIF())
        net.projection("in", net.population("events", 1, trials.spikes("raster")), cells, weight_nA=1.0)
        return [issue for issue in ern.check(ern.lower(net, 0, trials), backend).errors if issue.code == "G210"]

    [issue] = found(True)
    assert "rest_ms" in issue.remedy
    assert all(name in issue.remedy for name in BACKENDS)
    assert not found(False)
