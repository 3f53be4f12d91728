"""The balanced network: its wiring, how time is split, and that a small one is balanced."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import balanced


def test_modules_are_of_unequal_sizes() -> None:
    sizes = balanced.module_sizes(16_000, 16)
    assert sum(sizes) == 16_000
    assert sizes == sorted(sizes)
    assert sizes[-1] / sizes[0] == pytest.approx(7, rel=0.01)
    assert balanced.module_sizes(10, 1) == [10]


def test_modular_inputs_come_from_where_they_should() -> None:
    neurons, n_E, modules = 1000, 800, 8
    pairs = balanced.modular_pairs(neurons, n_E, modules, 80, seed=1)
    bounds = {k: np.cumsum(balanced.module_sizes(n, modules)) for k, n in (("E", n_E), ("I", neurons - n_E))}

    def module(kind: str, index: np.ndarray) -> np.ndarray:
        return np.searchsorted(bounds[kind], index, side="right")

    for kind, (pre, post) in zip("EI", (p.T for p in pairs), strict=True):
        assert (np.bincount(post) == {"E": 64, "I": 16}[kind]).all()
        of = np.where(post < n_E, module("E", post), module("I", post - n_E))
        own = module(kind, pre) == of
        assert (np.bincount(post, own) == {"E": 48, "I": 16}[kind]).all()


def test_time_is_split_by_what_was_done() -> None:
    work = np.array([[100, 5, 100], [100, 6, 480], [100, 7, 2240], [100, 0, 0]], float)
    prices = np.array([2e-3, 1e-2, 5e-5])
    shares = balanced.split_time(work, work @ prices)
    assert shares == pytest.approx(work * prices / (work @ prices)[:, None])
    cheaper = balanced.split_time(work, work @ prices - 0.02 * work[:, 1])
    assert (cheaper[:, 1] == 0).all()
    assert cheaper.sum(axis=1) == pytest.approx(np.ones(4))


def test_without_drive_nothing_fires() -> None:
    result = ernsnn.run(balanced.build(400, drive_mV=9.0), duration_ms=50, backend="native")
    assert balanced.spikes_of(result) == 0


def test_a_small_network_is_irregular_and_the_same_on_two_backends() -> None:
    found = balanced.experiment(
        seeds=[0],
        sizes=(400, 800, 1200),
        duration_ms=500,
        backends=("reference", "loihi-emulator"),
        backends_neurons=400,
        modular_neurons=800,
    )
    rates, beside = found.results["rates"], found.results["backends"]
    assert 10 < rates["driven, 1200 neurons"]["rate_hz"]["mean"] < 30
    assert rates["published, 4000 neurons"]["rate_hz"]["mean"] < 10
    assert beside["reference"]["rate_hz"] == pytest.approx(beside["native"]["rate_hz"], rel=0.1)
    assert any(note.startswith("not on loihi-emulator: ") and "L205" in note for note in found.notes)
    shares = [found.results["modular"][part]["mean"] for part in ("neuron_update", "delivery", "synapses")]
    assert sum(shares) == pytest.approx(100)
    assert "CV" in balanced.measured(found.results)


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="got 30 inputs"):
        balanced.build(400, in_degree=30)
    with pytest.raises(InvalidModel, match="sizes of at least 400"):
        balanced.experiment(sizes=(100,))
