"""While learning is frozen, time stands still for all that learns, and for nothing else."""

from __future__ import annotations

from math import exp

import pytest
from by_hand import Pair, approx, at, rule, run

import ernsnn
from ernsnn import LIF, InvalidModel, LearningRule, Network, Relax, SpikeTimes, Term


def having():
    return frozen(Pair([8], [22], rule()), 10, 20).net


def frozen(pair, start, stop):
    pair.net.freeze(start, stop)
    return pair


def test_traces_do_not_decay():
    """A pre spike at 8, a post spike that arrives at 23: of the 15 steps between them 10 are frozen."""
    assert frozen(Pair([8], [22], rule()), 10, 20).w() == approx(0.5 + 0.1 * exp(-5 / 10), abs=1e-14)


def test_spikes_leave_no_trace_and_change_nothing():
    assert frozen(Pair([8, 12, 25], [5, 14, 15], rule()), 10, 20).w() == approx(
        0.5 - 0.2 * exp(-2 / 5) - 0.2 * exp(-9 / 5), abs=1e-14
    )


def test_a_post_spike_counts_when_it_reaches_the_synapse():
    within, after = (frozen(Pair([8], [18], rule(), delay=d), 10, 20) for d in (1, 3))
    assert within.w() == 0.5
    assert after.w() == approx(0.5 + 0.1 * exp(-(21 - 8 - 10) / 10), abs=1e-14)


def test_weights_are_transmitted_as_they_are():
    pair = frozen(Pair([12], [30], rule(), w=0.7), 10, 20)
    pair.net.probe(pair.post, "I_E_nA")
    assert at(pair.run(), "post.I_E_nA")[13] == approx(0.7)


def test_epochs_within_are_left_out_and_the_others_keep_their_times():
    drift = LearningRule(terms=[Term("w", "epoch", 0.01)], bounds={"w": (0, 9)}, epoch_ms=5)
    pair = frozen(Pair([], [], drift), 10, 20)
    w = at(pair.run(30), "p.w")
    assert w == approx([0.5] * 4 + [0.51] * 5 + [0.52] * 15 + [0.53] * 5 + [0.54])


def test_flows_stand_still():
    relax = LearningRule(terms=[], flows=[Relax("w", 0.01, 0.0)], bounds={"w": (0, 9)}, epoch_ms=5)
    assert frozen(Pair([], [], relax), 5, 25).w(30) == approx(0.5 * exp(-10 / 10))


def test_astrocytes_and_gates_stand_still_but_not_given_signals():
    net = Network()
    source = net.population("s", 1, SpikeTimes([[2, 11]]))
    glia = net.astrocyte("glia", [source], tau_ms=4, threshold=0.9)
    gate = net.gate("gate", opens={glia: 0.7})
    signal = net.signal("signal", times_ms=[12], values=[3.0])
    for modulator in (glia, gate, signal):
        net.probe(modulator, "value")
    net.probe(glia, "C")
    net.freeze(3, 15)
    recording = run(net, 18)
    assert at(recording, "glia.C") == approx([0, 0] + [1] * 13 + [exp(-1 / 4), exp(-2 / 4), exp(-3 / 4)])
    assert at(recording, "glia.value") == [0, 0] + [1] * 13 + [0, 0, 0]
    assert at(recording, "gate.value") == [0, 0] + [1] * 14 + [0, 0]
    assert at(recording, "signal.value") == [0] * 12 + [3] * 6


def test_intrinsic_plasticity_stands_still():
    up = ernsnn.LearningRule(terms=[Term("w", "post", 1.0)], bounds={"w": (-60, 0)})
    net = Network()
    source = net.population("s", 1, SpikeTimes([[2, 12, 22]]))
    plasticity = ernsnn.IntrinsicPlasticity(target="v_threshold_mV", rule=up)
    n = net.population("n", 1, LIF(tau_syn_E_ms=0.3), plasticity=plasticity)
    net.projection("p", source, n, weight_nA=100)
    net.freeze(10, 20)
    recording = run(net, 30)
    assert len(recording.spikes["n"][0]) == 3
    assert recording.neurons["n"]["v_threshold_mV"] == [-48]


def test_an_interval_holds_whole_epochs():
    drift = LearningRule(terms=[Term("w", "epoch", 0.01)], bounds={"w": (0, 9)}, epoch_ms=5)
    with pytest.raises(InvalidModel, match=r"freeze: from 10.0 to 18.0 ms are no whole epochs of 5.0 ms"):
        ernsnn.lower(frozen(Pair([], [], drift), 10, 18).net)
