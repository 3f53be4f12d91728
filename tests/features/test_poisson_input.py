"""Poisson input: when its spikes arrive and where, and that they are the same ones on every backend."""

from __future__ import annotations

import numpy as np
import pytest
from by_hand import approx, run
from interrupts import ctrl_c_in_step

import ernsnn as ern
from ernsnn import LIF, ConductanceLIF, DeltaLIF, Network, Schedule, SpikeTimes, Uniform


def having():
    net = Network()
    net.poisson_input("drive", net.population("n", 1, LIF()), rate_hz=100, weight_nA=0.1)
    return net


def counts(net, name, n_steps, seed=1):
    """(steps, neurons) of what an input brings."""
    counting = next(p for p in ern.lower(net, seed).poisson_inputs if p.name == name).counting()
    return np.array([counting.at(t) for t in range(n_steps)])


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_arrives_as_if_sent_a_step_before(scheme):
    """Spikes of one step alone are those of a source in the step before, with a delay of one step."""
    net = Network(current_integration=scheme)
    cells = net.population("n", 3, LIF(v_threshold_mV=1000))
    net.poisson_input("drive", cells, rate_hz=Schedule([5, 6], [8000.0, 0.0]), n=2, weight_nA=0.1)
    net.probe(cells, "v_mV")
    net.probe(cells, "I_E_nA")
    found = run(net, 12).signals
    drawn = counts(net, "drive", 12)
    assert (drawn[5] > 0).all()
    assert drawn.sum() == drawn[5].sum()
    same = Network(current_integration=scheme)
    source, cells = same.population("s", 1, SpikeTimes([[4]])), same.population("n", 3, LIF(v_threshold_mV=1000))
    same.projection("p", source, cells, weight_nA=0.1 * drawn[5][None])
    same.probe(cells, "v_mV")
    same.probe(cells, "I_E_nA")
    expected = run(same, 12).signals
    for key in ("n.v_mV", "n.I_E_nA"):
        assert found[key][1] == approx(expected[key][1], rel=1e-13, abs=1e-13)


def test_every_receptor_and_part_gets_its_own():
    net = Network()
    cells = net.population("n", 5, LIF(v_threshold_mV=1000))
    net.poisson_input("excites", cells[:3], rate_hz=700, n=[1, 4, 0], weight_nA=[0.1, 0.2, 0.3])
    net.poisson_input("inhibits", cells[1:4], rate_hz=[100, 2000, 3000], weight_nA=0.5, receptor="I")
    net.probe(cells, "I_E_nA")
    net.probe(cells, "I_I_nA")
    signals = run(net, 30).signals
    I_E, I_I, decay = np.zeros(5), np.zeros(5), np.exp(-1 / 5)
    excites, inhibits = counts(net, "excites", 30), counts(net, "inhibits", 30)
    for t in range(30):
        I_E, I_I = I_E * decay, I_I * decay
        I_E[:3] += excites[t] * np.array([0.1, 0.2, 0.3])
        I_I[1:4] += inhibits[t] * 0.5
        assert signals["n.I_E_nA"][1][t] == approx(I_E, rel=1e-12)
        assert signals["n.I_I_nA"][1][t] == approx(I_I, rel=1e-12)
    assert excites[:, 2].sum() == 0 < inhibits[:, 2].sum()


def test_several_inputs_and_synapses_at_one_receptor_add_up():
    net = Network()
    source, cells = net.population("s", 1, SpikeTimes([[3, 4, 9]])), net.population("n", 2, DeltaLIF(tau_m_ms=7))
    net.projection("p", source, cells, weight_mV=0.25)
    names, weights = ("one", "two", "three"), (0.5, 0.125, -0.25)
    for name, w in zip(names, weights, strict=True):
        net.poisson_input(name, cells, rate_hz=900, weight_mV=w, receptor="signed")
    net.probe(cells, "v_mV")
    V = run(net, 20).signals["n.v_mV"][1]
    drawn = [counts(net, name, 20) for name in names]
    assert all(not np.array_equal(drawn[0], other) for other in drawn[1:])
    above = np.zeros(2)
    for t in range(20):
        above = above * np.exp(-1 / 7) + 0.25 * (t - 1 in (3, 4, 9)) + np.dot(weights, [d[t] for d in drawn])
        assert V[t] + 65 == approx(above, abs=1e-11)


def test_conductances_and_spikes():
    net = Network(dt_ms=0.5)
    cells = net.population("n", 6, ConductanceLIF())
    net.poisson_input("drive", cells, rate_hz=10, n=800, weight_uS=Uniform(0.002, 0.004))
    net.poisson_input(
        "calm", cells, rate_hz=Schedule([0, 50], [100, 400]), n=10, weight_uS=0.004, receptor="inhibitory"
    )
    net.probe(cells, "g_E_uS")
    recording = run(net, 300)
    assert len(recording.spikes["n"][0]) > 10
    assert (recording.signals["n.g_E_uS"][1][20:] > 0).all()


def test_huge_counts_are_whole_numbers_too():
    net = Network()
    cells = net.population("n", 4, DeltaLIF(tau_m_ms=1e-3, v_threshold_mV=1e9, v_rest_mV=0))
    net.poisson_input("drive", cells, rate_hz=[1e3, 1e6, 1e9, 1e12], weight_mV=1.0)
    net.probe(cells, "v_mV")
    V = run(net, 10).signals["n.v_mV"][1]
    assert np.array_equal(V, counts(net, "drive", 10))
    assert np.abs(V / [1, 1e3, 1e6, 1e9] - 1)[:, 1:].max() < 0.2


def test_depends_on_seed_and_name_alone():
    def drawn(name, seed, before=False):
        net = Network()
        cells = net.population("n", 8, LIF())
        if before:
            net.poisson_input("other", cells, rate_hz=3000, weight_nA=0)
        net.poisson_input(name, cells, rate_hz=3000, weight_nA=0.1)
        return counts(net, name, 30, seed)

    assert np.array_equal(drawn("a", 1), drawn("a", 1, before=True))
    assert not np.array_equal(drawn("a", 1), drawn("a", 2))
    assert not np.array_equal(drawn("a", 1), drawn("b", 1))


def bombarded():
    net = Network(dt_ms=0.5)
    cells = net.population("n", 30, LIF(tau_refrac_ms=1))
    net.projection("p", cells, cells, ern.FixedProbability(0.2), weight_nA=0.2, delay_ms=1.5)
    rates = Schedule([0, 20], [8.0, 12.0])
    net.poisson_input("drive", cells, rate_hz=rates, n=1000, weight_nA=ern.Normal(0.03, 0.01, low=0))
    net.poisson_input("calm", cells[5:], rate_hz=2000, weight_nA=0.05, receptor="inhibitory")
    net.probe(cells, "v_mV", every_ms=2)
    return net


def same(one, other):
    assert np.array_equal(one.recording.spikes["n"][0], other.recording.spikes["n"][0])
    assert np.array_equal(one.recording.spikes["n"][1], other.recording.spikes["n"][1])
    assert np.array_equal(one.signal("n", "v_mV")[1], other.signal("n", "v_mV")[1])


@pytest.mark.parametrize("backend", ["reference", "native"])
@pytest.mark.parametrize("checkpoint", [None, 7])
def test_resumed_bit_for_bit(backend, checkpoint, tmp_path, monkeypatch):
    whole = ern.run(bombarded(), duration_ms=40, backend=backend)
    assert len(whole.recording.spikes["n"][0]) > 20
    with ctrl_c_in_step(monkeypatch, 53), pytest.raises(ern.Interrupted):
        ern.run(bombarded(), duration_ms=40, backend=backend, out=tmp_path / "run", checkpoint_every_ms=checkpoint)
    same(ern.resume(tmp_path / "run"), whole)


@pytest.mark.parametrize("backend", ["reference", "native", pytest.param("brian2", marks=pytest.mark.slow)])
def test_goes_on_from_another_run(backend):
    options = {"target": "numpy"} if backend == "brian2" else {}
    whole = ern.run(bombarded(), duration_ms=40, backend=backend, **options)
    first = ern.run(bombarded(), duration_ms=17, backend=backend, **options)
    second = ern.run(bombarded(), duration_ms=23, backend=backend, start=first, **options)
    steps, neurons = whole.recording.spikes["n"]
    assert np.array_equal(second.recording.spikes["n"][0], steps[steps >= 34])
    assert np.array_equal(second.recording.spikes["n"][1], neurons[steps >= 34])


def test_another_run_may_have_another_input():
    """Its streams follow from the step: nothing of an input is carried on, and one that is new needs nothing."""
    first = ern.run(bombarded(), duration_ms=10, backend="native")
    net = bombarded()
    net.poisson_input("new", net.populations["n"], rate_hz=9000, weight_nA=0.1)
    second = ern.run(net, duration_ms=10, backend="native", start=first)
    calm = ern.run(bombarded(), duration_ms=10, backend="native", start=first)
    assert len(second.recording.spikes["n"][0]) > len(calm.recording.spikes["n"][0])


def test_shot_noise_of_a_membrane_has_its_mean_and_variance():
    """Campbell: mean = rate * area of a spike's effect K on V, variance = rate * area of K^2."""
    rate, w, tau_m, tau_s, R = 8.0, 0.02, 15.0, 4.0, 15.0
    net = Network(dt_ms=0.1)
    model = LIF(cm_nF=tau_m / R, tau_m_ms=tau_m, tau_syn_E_ms=tau_s, v_rest_mV=-70, v_threshold_mV=1000)
    cells = net.population("n", 300, model)
    net.poisson_input("drive", cells, rate_hz=8.0, n=1000, weight_nA=w)
    net.probe(cells, "v_mV", every_ms=25)
    V = ern.run(net, duration_ms=1500, backend="native", seed=3).signal("n", "v_mV")[1][8:]
    mean, variance = rate * w * R * tau_s, rate * (w * R * tau_s) ** 2 / (2 * (tau_m + tau_s))
    independent = V.size / 2  # samples 25 ms apart still share a quarter of their variance
    assert V.mean() + 70 == approx(mean, abs=4.5 * np.sqrt(variance / independent))
    assert V.var() == approx(variance, rel=4.5 * np.sqrt(2 / independent))


def test_what_it_brings_counts_as_a_drive():
    """No doubt that nothing drives these neurons; without a rate there is one."""
    assert ern.check(having(), "native", precision="float64") == []
    net = Network()
    net.poisson_input("drive", net.population("n", 1, LIF()), rate_hz=0, weight_nA=0.1)
    assert [issue.code for issue in ern.check(net, "native", precision="float64")] == ["G305"]


@pytest.mark.parametrize("backend", ["spinnaker", "loihi-emulator", "lava"])
def test_refused_where_there_is_none(backend):
    net = Network(current_integration="step_average" if backend == "spinnaker" else "exact")
    net.poisson_input("background", net.population("cells", 2, LIF()), rate_hz=8, n=1000, weight_nA=0.1)
    [issue] = [issue for issue in ern.check(net, backend) if issue.code == "G203"]
    assert (issue.path, issue.fidelity) == ("background", "unsupported")
    assert "project a population of Poisson sources onto cells, or run it on brian2, native, nest, reference" in str(
        issue
    )
