"""The balanced network: its wiring, how time is split, and that a small one is balanced."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import balanced
from ernsnn.models.experiments import balanced as study


def test_modules_are_of_unequal_sizes() -> None:
    sizes = balanced.module_sizes(16_000, 16)
    assert sum(sizes) == 16_000
    assert sizes == sorted(sizes)
    assert sizes[-1] / sizes[0] == pytest.approx(7, rel=0.01)
    assert balanced.module_sizes(10, 1) == [10]


def test_modular_inputs_come_from_where_they_should() -> None:
    neurons, n_E, modules = 2000, 1600, 4
    pairs = balanced.modular_pairs(neurons, n_E, modules, seed=1)
    bounds = {k: np.cumsum(balanced.module_sizes(n, modules)) for k, n in (("E", n_E), ("I", neurons - n_E))}

    def module(kind: str, index: np.ndarray) -> np.ndarray:
        return np.searchsorted(bounds[kind], index, side="right")

    for kind, (pre, post) in zip("EI", (p.T for p in pairs), strict=True):
        assert pre.max() < {"E": n_E, "I": neurons - n_E}[kind]
        inputs = np.bincount(post, minlength=neurons)
        assert inputs.mean() == pytest.approx({"E": 64, "I": 16}[kind], rel=0.02)
        assert 0.7 < inputs.var() / inputs.mean() < 1.1  # binomial
        own = module(kind, pre) == np.where(post < n_E, module("E", post), module("I", post - n_E))
        assert own.mean() == pytest.approx({"E": 0.75, "I": 1.0}[kind], rel=0.01)


def test_time_is_split_by_what_was_done() -> None:
    work = np.array([[100, 5, 100], [100, 6, 480], [100, 7, 2240], [100, 0, 0]], float)
    prices = np.array([2e-3, 1e-2, 5e-5])
    shares = study.split_time(work, work @ prices)
    assert shares == pytest.approx(work * prices / (work @ prices)[:, None])
    cheaper = study.split_time(work, work @ prices - 0.02 * work[:, 1])
    assert (cheaper[:, 1] == 0).all()
    assert cheaper.sum(axis=1) == pytest.approx(np.ones(4))


def test_without_a_kick_nothing_fires() -> None:
    result = ernsnn.run(balanced.build(400, kicked=False), duration_ms=50, backend="native")
    assert study.spikes_of(result) == 0


def test_idle_synapses_change_nothing_but_the_work() -> None:
    runs = [ernsnn.run(balanced.build(400, idle=idle), duration_ms=60, backend="native") for idle in (0, 80)]
    assert study.spikes_of(runs[0]) > 100
    for a, b in zip(*(r.recording.spikes["cells"] for r in runs), strict=True):
        np.testing.assert_array_equal(a, b)
    first, second = map(study.events_of, runs)
    assert second / first == pytest.approx(2, rel=0.05)
    counts = runs[0].metrics().counts.synapses
    assert first == sum(s.effective for s in counts if s.projection != "kicks")


def test_a_small_network_is_irregular_and_the_same_on_two_backends() -> None:
    found = study.EXPERIMENT.findings(
        seeds=[0],
        sizes=(800, 1200, 1600),
        duration_ms=500,
        backends=("reference", "loihi-emulator"),
        backends_neurons=800,
        modular_neurons=5600,
    )
    rates, beside = found.results["rates"], found.results["backends"]
    assert 15 < rates["conductances, 1600 neurons"]["rate_hz"]["mean"] < 30
    assert rates["conductances, 1600 neurons"]["cv_isi"]["mean"] > 0.8
    assert 2 < rates["currents, 800 neurons"]["rate_hz"]["mean"] < 10
    for of in beside.values():
        assert of["reference"]["rate_hz"] == pytest.approx(of["native"]["rate_hz"], rel=0.1)
    assert any(note.startswith("conductances: not on loihi-emulator: ") and "G201" in note for note in found.notes)
    assert found.results["modular"]["neuron_update"]["mean"] > 5
    assert "1600 neurons" in study.measured(found.results)


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="no synapses 'currant'"):
        balanced.build(400, "currant")
    with pytest.raises(InvalidModel, match="400 neurons are too few for 30 modules"):
        balanced.build(400, modules=30)
    with pytest.raises(InvalidModel, match="3000 neurons are too few for 16 modules"):
        study.EXPERIMENT.findings(modular_neurons=3000)
    with pytest.raises(InvalidModel, match="backends_neurons must be at least 400, got 10"):
        study.EXPERIMENT.findings(backends_neurons=10)
    with pytest.raises(InvalidModel, match="sizes of at least 400"):
        study.EXPERIMENT.findings(sizes=(100,))
