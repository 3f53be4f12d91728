"""Digits that are fitted: how pixels spike, and that the experiment holds on a small network."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.models import digits
from ernsnn.models.experiments import digits as study


def test_pixels_spike_evenly_and_by_their_brightness() -> None:
    images = np.array([[0.0, 0.25, 1.0]])
    raster = digits.even_spikes(images)[0]
    assert set(np.unique(raster)) == {0.0, 1.0}
    assert raster.sum(axis=0).tolist() == [0, 6, 25]
    for neuron, every in ((1, 8), (2, 2)):
        assert set(np.diff(np.flatnonzero(raster[:, neuron]))) == {every}


def test_nothing_is_left_after_a_rest() -> None:
    """Trials one after the other have the spikes of each alone."""
    images = np.random.default_rng(0).random((4, 64))
    labels = np.arange(4)
    net = digits.build(digits.trials(images, labels), hidden=30)
    together = ern.run(net, trials=digits.trials(images, labels), backend="native", precision="float64").counts("out")
    for k in range(4):
        one = digits.trials(images[k : k + 1], labels[k : k + 1])
        alone = ern.run(net, trials=one, backend="native", precision="float64").counts("out")
        np.testing.assert_array_equal(alone[0], together[k])
    assert together.sum() > 0


def test_a_small_network_on_two_backends() -> None:
    pytest.importorskip("torch")
    pytest.importorskip("sklearn")
    found = study.EXPERIMENT.findings(
        seeds=[0], train=300, test=60, hidden=60, epochs=8, backends=("reference", "spinnaker", "loihi-emulator")
    )
    native, reference, emulator = (found.results[name] for name in ("native", "reference", "loihi-emulator"))
    assert native["accuracy"]["mean"] > 0.75
    assert reference["shifted"]["mean"] == native["shifted"]["mean"] == 0.0
    assert reference["spikes"] == native["spikes"]
    assert 0 < emulator["shifted"]["mean"] < 0.5
    assert abs(emulator["accuracy"]["mean"] - native["accuracy"]["mean"]) < 0.1
    assert 0 < native["low_uJ"]["mean"] < native["high_uJ"]["mean"]
    assert {"logistic", "svm"} <= found.results["baselines"].keys()
    assert "native" in study.measured(found.results)
    assert len(found.rows) == len(found.results) - 3 + 3


def test_settings_that_cannot_be() -> None:
    with pytest.raises(ern.InvalidModel, match="needs hidden and epochs >= 1"):
        study.EXPERIMENT.findings(seeds=[0], epochs=0)
