"""Point neurons on the emulator: what is compared, and that it holds on a small network."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn.errors import InvalidModel
from ernsnn.models import point_neuron
from ernsnn.models.experiments import point_neuron as study


def test_every_neuron_has_its_kind_and_its_current() -> None:
    net = point_neuron.build(45, types=20)
    assert [p.size for p in net.populations.values()] == [3] * 5 + [2] * 15
    for name, population in net.populations.items():
        model = population.model
        rheobase = (model.v_threshold_mV - model.v_rest_mV) * model.cm_nF / model.tau_m_ms
        drive = model.i_offset_nA / rheobase
        silent = point_neuron.fires_not(int(name[4:]), np.arange(population.size))
        assert (drive[silent] < 0.9).all()
        assert (drive[~silent] > 1.2).all()


def test_silent_neurons_settle_where_their_current_takes_them() -> None:
    net = point_neuron.build(40, types=4)
    result = ernsnn.run(net, duration_ms=800, backend="reference")
    for name, population in net.populations.items():
        model = population.model
        silent = point_neuron.fires_not(int(name[4:]), np.arange(population.size))
        settled = model.v_rest_mV + model.i_offset_nA * model.tau_m_ms / model.cm_nF
        assert result.signal(name, "v_mV")[1][-1][silent] == pytest.approx(settled[silent], abs=1e-6)
        counts = np.bincount(result.spikes(name)[1], minlength=population.size)
        assert (counts[silent] == 0).all()
        assert (counts[~silent] > 0).all()


def test_the_error_is_that_of_silent_neurons_in_per_cent_of_the_way_to_threshold() -> None:
    net = point_neuron.build(8, types=2)
    a, b = (ernsnn.run(net, duration_ms=50, backend="reference") for _ in range(2))
    assert study.rmse_percent(net, a, b) == [0.0] * 4
    for _, values in b.recording.signals.values():
        values += 1.0
    distances = [p.model.v_threshold_mV - p.model.v_rest_mV for p in net.populations.values()]
    expected = np.repeat(100 / np.array(distances), 2)
    assert study.rmse_percent(net, a, b) == pytest.approx(expected)


def test_a_small_network_is_within_its_levels() -> None:
    found = study.EXPERIMENT.findings(seeds=[0, 1], sizes=(1, 40), types=4, duration_ms=200)
    of = found.results["40"]
    assert 0 < of["rmse_percent"]["mean"] < 0.1
    assert of["spikes_within_one_step"]["mean"] == 1
    assert of["energy_low_uJ_per_s"]["mean"] > 0
    assert "spikes_within_one_step" not in found.results["1"]
    assert len(found.rows) == 2
    assert len(found.pictures) == 3
    assert "40 neurons: RMSE" in study.measured(found.results)


def test_a_tenth_of_a_step_is_enough_for_a_spike() -> None:
    """Decays are off by per cents there: offset currents make up for them."""
    found = study.EXPERIMENT.findings(seeds=[100], sizes=(20,), types=4, duration_ms=200, dt_ms=0.1)
    of = found.results["20"]
    assert of["rmse_percent"]["mean"] < 0.3
    assert of["spikes_within_one_step"]["mean"] > 0.99


def test_settings() -> None:
    with pytest.raises(InvalidModel, match="sizes must be whole numbers >= 1"):
        study.EXPERIMENT.findings(sizes=(0,))
    with pytest.raises(InvalidModel, match="types >= 1"):
        point_neuron.build(3, types=0)
