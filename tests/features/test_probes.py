"""Probes: when they record, and of what."""

from __future__ import annotations

from by_hand import run

import ernsnn
from ernsnn import LIF, LearningRule, Network, Normalise, Term


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
