"""Astrocytes whose calcium rises and decays: a sum over spikes, on every backend that reads equations."""

from __future__ import annotations

import math

import numpy as np
import pytest
from on_backends import assert_equal_spikes, modulator_refused_in_words

import ernsnn as ern

RISE, DECAY, DT = 6.0, 40.0, 0.5
TIMES = [[3.0, 20.0, 21.5], [20.0], []]


def listening(**options):
    net = ern.Network(dt_ms=DT)
    heard = net.population("heard", 3, ern.SpikeTimes(TIMES))
    made = net.modulator("c", ern.DoubleExponential, [heard], tau_rise_ms=RISE, tau_decay_ms=DECAY, **options)
    net.probe(made, "C")
    net.probe(made, "value")
    return net


def expected(spikes, weight: float, steps: int) -> np.ndarray:
    peak = RISE * DECAY / (DECAY - RISE) * math.log(DECAY / RISE)
    scale = 1 / (math.exp(-peak / DECAY) - math.exp(-peak / RISE))
    since = [[t * DT - s for s in spikes if s <= t * DT] for t in range(steps)]
    return np.array([weight * scale * sum(math.exp(-a / DECAY) - math.exp(-a / RISE) for a in ages) for ages in since])


@pytest.mark.parametrize("backend", ["reference", "native", "brian2"])
def test_it_is_a_sum_over_the_spikes_of_its_domain(backend: str) -> None:
    signals = ern.run(listening(weight=0.5), duration_ms=60, backend=backend).recording.signals
    by_hand = expected([t for row in TIMES for t in row], 0.5, 120)
    np.testing.assert_allclose(signals["c.C"][1][:, 0], by_hand, rtol=0, atol=1e-13)
    np.testing.assert_array_equal(signals["c.value"][1], signals["c.C"][1])
    each = ern.run(listening(per="neuron"), duration_ms=60, backend=backend).recording.signals["c.C"][1]
    for k, row in enumerate(TIMES):
        np.testing.assert_allclose(each[:, k], expected(row, 1.0, 120), rtol=0, atol=1e-13)


def test_a_spike_lifts_it_by_its_weight_and_a_threshold_makes_a_gate_of_it() -> None:
    gated = listening(per="neuron", weight=2.0, threshold=1.9, threshold_off=1.0)
    signals = ern.run(gated, duration_ms=60, backend="reference").recording.signals
    level, gate = signals["c.C"][1][:, 1], signals["c.value"][1][:, 1]
    assert 1.99 < level.max() <= 2.0
    peak = int(level.argmax())
    assert gate[0] == 0.0
    assert set(level[gate > 0] >= 1.0) == {True}
    assert (gate[:peak] == (level[:peak] >= 1.9)).all()
    assert (gate[peak:] == (level[peak:] >= 1.0)).all()


def network() -> ern.Network:
    """It gates plasticity per post neuron, shifts a threshold, and takes part in a gate and in the largest of two."""
    net = ern.Network(dt_ms=DT)
    inputs = net.population("inputs", 12, ern.Poisson(30.0))
    cells = net.population("cells", 4, ern.LIF())
    slow = net.modulator("slow", ern.DoubleExponential, [inputs], tau_rise_ms=5, tau_decay_ms=50, weight=0.05)
    own = net.modulator("own", ern.DoubleExponential, [cells], tau_rise_ms=2, tau_decay_ms=20, per="neuron")
    agree = net.gate("agree", opens={slow: 0.2, own: 0.3}, stays={slow: 0.1, own: 0.1})
    reward = net.signal("reward", times_ms=[0, 60, 90], values=[0.2, 1.0, 0.0])
    top = net.either("top", [reward, net.either("both", [slow, reward])])
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 10)},
        on_post={"w": "0.3*x*D*(1 + P)*R"},
        third_factors=("D", "P", "R"),
        bounds={"w": (0, 6)},
    )
    factors = {"D": ern.ThirdFactor(modulator=own, per="post"), "P": ern.ThirdFactor(modulator=agree, per="post")}
    net.projection("p", inputs, cells, weight_nA=ern.Uniform(1, 4), learning=rule, third_factors={**factors, "R": top})
    net.modulate(cells, own, "v_threshold_mV", gain=0.5)
    net.freeze(30, 45)
    for target, variable in ((slow, "C"), (own, "C"), (agree, "value"), (top, "value"), (cells, "v_mV")):
        net.probe(target, variable)
    return net


def test_equal_spikes_on_every_backend_that_reads_equations() -> None:
    counts = assert_equal_spikes(network(), duration_ms=120)
    assert counts["cells"] > 30


def test_a_run_in_two_parts_is_the_same() -> None:
    for backend in ("reference", "native", "brian2"):
        whole = ern.run(network(), duration_ms=100, backend=backend).recording
        first = ern.run(network(), duration_ms=40, backend=backend)
        second = ern.run(network(), duration_ms=60, backend=backend, start=first).recording
        np.testing.assert_array_equal(second.synapses["p"]["w"], whole.synapses["p"]["w"])
        assert np.ptp(whole.synapses["p"]["w"]) > 0
        np.testing.assert_array_equal(second.signals["own.C"][1], whole.signals["own.C"][1][80:])


def test_other_backends_refuse_it_in_words() -> None:
    modulator_refused_in_words(listening(), "c", "DoubleExponential")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tau_rise_ms": 50}, "c: tau_rise_ms must lie below tau_decay_ms, or C would fall before it rises"),
        ({"tau_rise_ms": 0}, "c.tau_rise_ms must be > 0, got 0"),
        ({"tau_decay_ms": np.array([1.0, 2.0])}, "c.tau_decay_ms"),
        ({"tau_ms": 5}, "no argument 'tau_ms'"),
        ({"weight": [1.0, 2.0]}, "c.weight: needs one number, or one for each of the 1 members"),
    ],
)
def test_what_cannot_be_is_refused(options: dict, message: str) -> None:
    net = ern.Network()
    heard = net.population("heard", 3, ern.Poisson(10.0))
    given = {"tau_rise_ms": 5.0, "tau_decay_ms": 30.0} | options
    with pytest.raises(ern.InvalidModel, match=message):
        net.modulator("c", ern.DoubleExponential, [heard], **given)
    assert not net.modulators


def test_a_saved_graph_names_its_kind(tmp_path) -> None:
    graph = ern.lower(network())
    loaded = ern.load_graph(ern.save_graph(graph, tmp_path / "graph"))
    assert loaded.digest == graph.digest
    assert loaded.modulators[0].kind is ern.DoubleExponential.kind
    assert '"library": "DoubleExponential"' in (tmp_path / "graph" / "graph.json").read_text()
