"""The cortical microcircuit: its numbers, what makes up for a scale, and what the experiment says of it."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.describe.distributions import Normal
from ernsnn.models import microcircuit
from ernsnn.models.experiments import microcircuit as study
from ernsnn.report.draw import draw
from ernsnn.studies.models import get_model


def test_the_full_network_has_the_published_numbers():
    net = microcircuit.build(1.0)
    assert sum(p.size for p in net.populations.values()) == 77_169
    assert sum(p.connector.n for p in net.projections.values()) == pytest.approx(0.3e9, rel=0.01)
    assert len(net.projections) == 64 - 9  # of the table of probabilities, those above 0
    # Table 5: 87.8 pA, doubled from L4E to L23E, -4 times as much where inhibitory, 10 % and 50 % deviation.
    for name, mean, delay, receptor in (
        ("L4E_to_L4E", 0.0878, 1.5, "excitatory"),
        ("L4E_to_L23E", 0.1756, 1.5, "excitatory"),
        ("L4E_to_L23I", 0.0878, 1.5, "excitatory"),
        ("L23I_to_L23E", 0.3512, 0.75, "inhibitory"),
    ):
        p = net.projections[name]
        assert (p.weight_nA.mean, p.weight_nA.sd) == pytest.approx((mean, 0.1 * mean))
        assert (p.delay_ms.mean, p.delay_ms.sd, p.receptor) == (delay, delay / 2, receptor)
    # ln(1 - p)/ln(1 - 1/(N N)) synapses; 8 Hz of 1600 inputs of 87.8 pA, each for .5 ms in the mean.
    assert net.projections["L5I_to_L5E"].connector.n == round(math.log(1 - 0.3726) / math.log(1 - 1 / (1065 * 4850)))
    assert net.populations["L23E"].model.i_offset_nA == pytest.approx(1600 * 8 * 0.0878 * 0.0005)
    assert "L5I_to_L23E" not in net.projections


def test_an_epsp_is_of_150_microvolt():
    net = ern.Network(dt_ms=0.1)
    model = microcircuit.build(1.0).populations["L4E"].model
    cell = ern.LIF(**{**model.parameters, "i_offset_nA": 0.0, "v_init_mV": -65.0})
    source, target = net.population("s", 1, ern.SpikeTimes([[1.0]])), net.population("t", 1, cell)
    net.projection("p", source, target, weight_nA=0.0878, delay_ms=0.1)
    net.probe(target, "v_mV")
    V = ern.run(net, duration_ms=20.0, backend="reference").signal("t", "v_mV")[1]
    assert V.max() + 65 == pytest.approx(0.15, rel=0.002)


@pytest.mark.parametrize("drive", ["constant", "poisson"])
@pytest.mark.parametrize("compensation", ["weights", "currents"])
def test_what_a_neuron_receives_at_the_published_rates_is_kept(compensation, drive):
    """The mean current of all synapses and of what is constant is that of the full network; see ``build``."""

    def received(scale):
        net = microcircuit.build(scale, drive, compensation)
        mean = {name: float(p.model.i_offset_nA) for name, p in net.populations.items()}
        variance = dict.fromkeys(mean, 0.0)
        for p in net.projections.values():
            each = (
                p.connector.n
                / p.post.size
                * microcircuit.RATES_HZ[microcircuit.POPULATIONS.index(p.pre.population.name)]
            )
            weight = p.weight_nA.mean * (-1 if p.receptor == "inhibitory" else 1)
            mean[p.post.population.name] += each * weight * 0.0005
            variance[p.post.population.name] += each * weight**2
        for p in net.poisson_inputs.values():
            mean[p.target.population.name] += 8.0 * p.n * p.weight_nA * 0.0005
            variance[p.target.population.name] += 8.0 * p.n * p.weight_nA**2
        return np.array([*mean.values()]), np.array([*variance.values()])

    (full_mean, full_variance), (mean, variance) = received(1.0), received(0.1)
    assert mean == pytest.approx(full_mean, rel=0.01)
    assert variance == pytest.approx(full_variance * {"weights": 10, "currents": 1}[compensation], rel=0.01)


def test_settings():
    assert sum(p.size for p in microcircuit.build(0.01).populations.values()) == pytest.approx(772, abs=4)
    with pytest.raises(ern.InvalidModel, match="no drive 'constnat'; did you mean 'constant'"):
        microcircuit.build(0.1, "constnat")
    with pytest.raises(ern.InvalidModel, match="no compensation 'weight'; did you mean 'weights'"):
        microcircuit.build(0.1, compensation="weight")
    for scale in (0.0, -1.0, 1e-4, math.nan, math.inf):
        with pytest.raises(ern.InvalidModel, match="scale must be above 1/1065"):
            microcircuit.build(scale)
    for wrong in ({"duration_ms": 0.0}, {"settle_ms": -1.0}, {"threads": 0}):
        with pytest.raises(ern.InvalidModel, match="needs duration_ms > 0"):
            study.EXPERIMENT.findings(seeds=[0], **wrong)
    assert get_model("microcircuit").open(scale=0.01).network.dt_ms == 0.1


def test_what_is_found_of_a_small_network():
    found = study.EXPERIMENT.findings(
        seeds=[0], scale=0.02, duration_ms=80.0, settle_ms=30.0, beside=("reference", "spinnaker", "loihi2")
    )
    own, same = found.results["found"]["native"], found.results["found"]["reference"]
    assert list(found.results["found"]) == ["native", "reference"]
    for population in study.POPULATIONS:
        assert 0.5 < own[population]["rate_hz"]["mean"] < 90
        assert own[population]["rate_hz"]["mean"] == pytest.approx(same[population]["rate_hz"]["mean"], rel=0.5)
    assert 0.3 < own["L4E"]["cv_isi"]["mean"] < 1.3  # of intervals within 80 ms
    assert abs(own["L4E"]["correlation"]["mean"]) < 0.1
    assert own["real_time_factor"]["mean"] > 0
    assert own["peak_GB"] >= 0
    assert found.results["published_hz"]["L6I"] == 7.829
    assert len(found.rows) == 8
    assert {len(row) for row in found.rows} == {len(found.heads)} == {2 + 3 * 2}
    assert any(note.startswith("not on spinnaker: ") for note in found.notes)
    assert any(note.startswith("not on loihi2: ") for note in found.notes)
    assert any("within the spread of the seeds of reference" in note for note in found.notes)
    for picture in found.pictures:
        assert "L23E" in draw(picture)
    assert study.measured(found.results).startswith("scale 0.02, constant drive: ")


def test_the_backend_itself_must_have_the_network():
    with pytest.raises(ern.BackendNotAvailable):
        study.EXPERIMENT.findings(seeds=[0], backend="loihi2", scale=0.01, duration_ms=10.0, beside=())


def test_correlations_are_those_of_pairs():
    rng = np.random.default_rng(1)
    trains = rng.random((3, 4000)) < 0.2
    trains[1] = trains[0]
    neurons, bins = np.nonzero(trains)
    c = np.corrcoef(trains)
    assert study.correlation(bins, neurons + 5, 4000) == pytest.approx((c[0, 1] + c[0, 2] + c[1, 2]) / 3)
    assert math.isnan(study.correlation(bins[neurons == 0], neurons[neurons == 0], 4000))
    assert math.isnan(study.correlation(np.zeros(0, int), np.zeros(0, int), 10))
    # A neuron that spikes in every bin alike has no coefficient, and bins beyond the last do not count.
    always = np.concatenate([bins, np.arange(4001)]), np.concatenate([neurons, np.full(4001, 9)])
    assert study.correlation(*always, 4000) == pytest.approx((c[0, 1] + c[0, 2] + c[1, 2]) / 3)


def test_what_lies_beyond_a_spread_is_named():
    def of(rate):
        return {p: {"rate_hz": ern.Estimate.of([rate, rate + 1.0])} for p in study.POPULATIONS}

    other = {**of(2.0), "L6E": of(7.0)["L6E"]}
    assert list(study._beyond({"a": of(2.2), "b": other})) == [
        "mean rates of a that lie within the spread of the seeds of b: those of L6E do not"
    ]
    assert list(study._beyond({"a": of(2.2), "b": of(2.0)})) == [
        "mean rates of a that lie within the spread of the seeds of b: all do"
    ]


def test_weights_and_delays_never_are_below_what_they_can_be():
    graph = ern.lower(microcircuit.build(0.02), 3)
    for p in graph.projections:
        rows = p.synapses
        assert rows.variables["w"].min(initial=1.0) > 0
        assert rows.delay.min(initial=1) >= 1
    assert isinstance(microcircuit.build(0.02).projections["L4E_to_L4E"].delay_ms, Normal)


def test_poisson_inputs_drive_it():
    net = microcircuit.build(0.02, "poisson")
    assert net.poisson_inputs["drives_L6E"].n == 58
    result = ern.run(net, duration_ms=200.0, backend="native")
    rates = {name: count / net.populations[name].size / 0.2 for name, count in result.spike_counts.items()}
    assert 1 < rates["L6I"] < 30
    assert 0 < rates["L23E"] < rates["L4E"] < rates["L5I"]
