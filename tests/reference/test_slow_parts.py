"""What the specification says of third factors, epochs, intrinsic plasticity and probes, worked out by hand."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from by_hand import TAU_SYN, Pair, approx, at, rule, run, steps_of

import ernsnn
from ernsnn import LIF, Factor, LearningRule, Network, Normalise, SpikeTimes, Term, Trace
from ernsnn.backend.registry import get_backend

# Third factors


def test_calcium_decays_first_then_adds_and_gates_at_equality():
    net = Network()
    source = net.population("s", 2, SpikeTimes([[2, 3], [2]]))
    astrocyte = net.astrocyte("a", [source], tau_ms=4, weight=0.5, threshold=1.0)
    net.probe(astrocyte, "C")
    net.probe(astrocyte, "value")
    recording = run(net, 6)
    kept = exp(-1 / 4)
    assert at(recording, "a.C") == approx([0, 0, 1.0, kept + 0.5, (kept + 0.5) * kept, (kept + 0.5) * kept**2])
    assert at(recording, "a.value") == [0, 0, 1, 1, 0, 0]


def test_hysteresis_keeps_a_gate_open_to_the_lower_threshold():
    net = Network()
    source = net.population("s", 1, SpikeTimes([[1, 2, 9]]))
    astrocyte = net.astrocyte("a", [source], tau_ms=4, threshold=1.5, threshold_off=0.6)
    net.probe(astrocyte, "value")
    # C = 1, 1.78, 1.39, 1.08, 0.84, 0.65, 0.51, ..., then 1.24: above 0.6, but the gate is shut again
    assert at(run(net, 10), "a.value") == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]


def gated(mode):
    return LearningRule(
        traces={"x": Trace("pre", 10, 0.5, mode=mode, gate="g")},
        terms=[Term("w", "post", 1.0, (Factor(variable="x"),))],
        third_factors=["g"],
        bounds={"w": (0, 10)},
    )


@pytest.mark.parametrize(
    ("mode", "expected"), [("add", 0.5 * 2 * exp(-0.7) + 0.5 * 3 * exp(-0.2)), ("set", 0.5 * 3 * exp(-0.2))]
)
def test_a_gate_multiplies_a_traces_increments(mode, expected):
    signal = {"times_ms": [10, 13, 15], "values": [2.0, 0.0, 3.0]}
    pair = Pair([10, 15], [16], gated(mode), third=lambda p: {"g": p.net.signal("g", **signal)})
    assert pair.w() == approx(0.5 + expected, abs=1e-13)


@pytest.mark.parametrize("mode", ["add", "set"])
def test_a_shut_gate_leaves_the_trace(mode):
    signal = {"times_ms": [10, 13], "values": [2.0, 0.0]}
    pair = Pair([10, 15], [16], gated(mode), third=lambda p: {"g": p.net.signal("g", **signal)})
    assert pair.w() == approx(0.5 + 0.5 * 2 * exp(-0.7), abs=1e-13)


def test_a_negative_gate_sets_a_trace_too():
    signal = {"times_ms": [10, 15], "values": [2.0, -0.5]}
    pair = Pair([10, 15], [16], gated("set"), third=lambda p: {"g": p.net.signal("g", **signal)})
    assert pair.w() == approx(0.5 - 0.5 * 0.5 * exp(-0.2), abs=1e-13)


@pytest.mark.parametrize("per", ["pre", "post"])
def test_a_third_factor_of_several_values_belongs_to_the_neurons_of_its_side(per):
    modulated = LearningRule(
        terms=[Term("w", "pre", 1.0, (Factor(variable="g"),))], third_factors=["g"], bounds={"w": (0, 10)}
    )
    net = Network()
    source, target = net.population("s", 3, SpikeTimes([[1], [1], [1]])), net.population("n", 4, LIF())
    pre, post = source[1:], target[1:3]
    signal = net.signal("g", times_ms=[0], values=[[1.0, 2.0]])
    third = {"g": ernsnn.ThirdFactor(modulator=signal, per=per)}
    net.projection("p", pre, post, weight_nA=0.0, learning=modulated, third_factors=third)
    expected = [[1, 1], [2, 2]] if per == "pre" else [[1, 2], [1, 2]]
    assert run(net, 3).synapses["p"]["w"].reshape(2, 2).tolist() == expected


def test_an_astrocyte_acts_on_plasticity_in_the_step_of_the_spikes_it_hears():
    modulated = LearningRule(
        terms=[Term("w", "pre", 1.0, (Factor(variable="g"),))], third_factors=["g"], bounds={"w": (0, 10)}
    )
    pair = Pair([10], [], modulated, third=lambda p: {"g": p.net.astrocyte("g", [p.pre], tau_ms=5, weight=0.25)})
    assert pair.w() == 0.75


# Epochs, intrinsic plasticity


def test_epochs_come_after_transmission_in_every_kth_step():
    drift = LearningRule(terms=[Term("w", "epoch", 1.0)], epoch_ms=3, bounds={"w": (0, 100)})
    pair = Pair([5, 6], [], drift, w=0.0)
    pair.net.probe(pair.post, "I_E_nA")
    recording = pair.run(9)
    assert at(recording, "p.w") == [0, 0, 1, 1, 1, 2, 2, 2, 3]
    current = at(recording, "post.I_E_nA")
    assert current[6] == 1  # sent in step 5, before that step's epoch
    assert current[7] == approx(2 + exp(-1 / TAU_SYN), abs=1e-12)


def test_normalise_comes_after_the_epoch_terms_and_keeps_bounds():
    rule = LearningRule(
        terms=[Term("w", "epoch", 1.0)], epoch_ms=2, normalise=[Normalise("post", "w", 4.0)], bounds={"w": (0, 2.5)}
    )
    net = Network()
    source, target = net.population("s", 3, SpikeTimes([[], [], []])), net.population("n", 2, LIF())
    weights = np.array([[0.0, 0.0], [1.0, 0.0], [2.0, 1.0]])
    net.projection("p", source, target, weight_nA=weights, learning=rule)
    final = run(net, 2).synapses["p"]["w"].reshape(3, 2)
    # post 0: (1, 2, 2.5 after the clip) * 4/5.5; post 1: (1, 1, 2) * 4/4
    np.testing.assert_allclose(final[:, 0], np.array([1, 2, 2.5]) * 4 / 5.5, rtol=1e-14)
    np.testing.assert_allclose(final[:, 1], [1, 1, 2], rtol=1e-14)


def test_normalise_leaves_sums_of_0_alone_and_clips():
    rule = LearningRule(terms=[], epoch_ms=1, normalise=[Normalise("pre", "w", 4.0)], bounds={"w": (0, 2.5)})
    net = Network()
    source, target = net.population("s", 2, SpikeTimes([[], []])), net.population("n", 2, LIF())
    net.projection("p", source, target, weight_nA=np.array([[0.0, 0.0], [1.0, 0.1]]), learning=rule)
    final = run(net, 1).synapses["p"]["w"].reshape(2, 2)
    np.testing.assert_allclose(final, [[0, 0], [2.5, 0.4 / 1.1]], rtol=1e-14)


def test_intrinsic_plasticity_acts_from_the_next_step():
    rule = LearningRule(terms=[Term("w", "post", 10.0)], bounds={"w": (-60, 0)})
    net = Network()
    # V rests at -51.5 and is there again one step after a reset; the threshold of -52 becomes -42 after one spike
    model = LIF(v_rest_mV=-51.5, v_threshold_mV=-52, v_reset_mV=-60, tau_m_ms=0.02)
    net.population("n", 1, model, plasticity=ernsnn.IntrinsicPlasticity(target="v_threshold_mV", rule=rule))
    recording = run(net, 5)
    assert steps_of(recording, "n") == [0]
    assert recording.neurons["n"]["v_threshold_mV"].tolist() == [-42]


def test_intrinsic_traces_are_read_before_the_spikes_own_increment():
    rule = LearningRule(
        traces={"o": Trace("post", 2.0)},
        terms=[Term("w", "post", 1.0, (Factor(variable="o"),))],
        bounds={"w": (-1e3, 1e6)},
    )
    net = Network()
    model = LIF(i_offset_nA=1e5, tau_refrac_ms=3)
    net.population("n", 1, model, plasticity=ernsnn.IntrinsicPlasticity(target="i_offset_nA", rule=rule))
    recording = run(net, 9)  # spikes in 0, 4, 8
    added = exp(-2) + (exp(-2) + exp(-4))
    assert recording.neurons["n"]["i_offset_nA"][0] == approx(1e5 + added, abs=1e-9)


# Recording


def test_probes_record_at_the_end_of_every_kth_step():
    net = Network(dt_ms=0.5)
    target = net.population("n", 2, LIF(i_offset_nA=0.1))
    net.probe(target, "v_mV", every_ms=1.5)
    recording = run(net, 10)
    assert recording.signals["n.v_mV"][0].tolist() == [2, 5, 8]
    assert recording.signals["n.v_mV"][1].shape == (3, 2)


def test_probes_and_epochs_of_projections_without_synapses():
    rule = LearningRule(terms=[Term("w", "epoch", 1.0)], epoch_ms=2, normalise=[Normalise("pre", "w", 1.0)])
    net = Network()
    target = net.population("n", 2, LIF())
    empty = net.projection("p", target, target, ernsnn.FromList([]), weight_nA=1.0, learning=rule)
    net.probe(empty, "w")
    recording = run(net, 5)
    assert recording.signals["p.w"][1].shape == (5, 0)
    assert recording.synapses["p"]["w"].shape == (0,)


def test_a_run_can_be_repeated_on_one_graph():
    pair = Pair([10, 15], [14], rule())
    graph = ernsnn.lower(pair.net, 1)
    first, second = (get_backend("reference").run(graph, 40, lambda fraction: None) for _ in range(2))
    assert first.synapses["p"]["w"].tolist() == second.synapses["p"]["w"].tolist()
    assert first.synapses["p"]["w"][0] != 0.5
