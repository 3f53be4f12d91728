"""Third factors in terms and as gates of traces."""

from __future__ import annotations

from math import exp

import pytest
from by_hand import Pair, approx, run

import ernsnn
from ernsnn import LIF, Factor, LearningRule, Network, SpikeTimes, Term, Trace


def having():
    return Pair([], [], gated("add"), third=lambda p: {"g": p.net.signal("g", times_ms=[1], values=[1.0])}).net


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
