"""Receptors: excitatory, inhibitory, and one that takes both signs."""

from __future__ import annotations

from math import exp

import pytest
from by_hand import approx, at, run

from ernsnn import LIF, Network, SpikeTimes


def test_a_signed_weight_adds_to_the_excitatory_current():
    net = Network()
    source, target = net.population("s", 1, SpikeTimes([[3]])), net.population("t", 1, LIF())
    net.projection("p", source, target, weight_nA=-0.25, receptor="signed")
    net.probe(target, "I_E_nA")
    net.probe(target, "I_I_nA")
    recording = run(net, 6)
    assert at(recording, "t.I_E_nA")[4] == -0.25
    assert not any(at(recording, "t.I_I_nA"))


@pytest.mark.parametrize(("receptor", "sign"), [("excitatory", 1), ("inhibitory", -1), ("signed", 1)])
def test_the_receptor_says_which_way_v_moves_and_which_time_constant_counts(receptor, sign):
    net = Network()
    source = net.population("s", 1, SpikeTimes([[3]]))
    target = net.population("t", 1, LIF(cm_nF=0.5, tau_m_ms=10, tau_syn_E_ms=4, tau_syn_I_ms=2))
    net.projection("p", source, target, weight_nA=0.25, receptor=receptor)
    net.probe(target, "v_mV")
    V, tau = at(run(net, 7), "t.v_mV"), 2 if receptor == "inhibitory" else 4
    gain = (10 / 0.5) * tau / (tau - 10) * (exp(-1 / tau) - exp(-1 / 10))
    assert V[4] == -65
    assert V[5] == approx(-65 + sign * 0.25 * gain, abs=1e-12)


def test_excitatory_and_inhibitory_currents_are_kept_apart():
    net = Network()
    source, target = net.population("s", 1, SpikeTimes([[3]])), net.population("t", 1, LIF())
    for receptor, weight in (("excitatory", 0.5), ("inhibitory", 0.125)):
        net.projection(receptor, source, target, weight_nA=weight, receptor=receptor)
    net.probe(target, "I_E_nA")
    net.probe(target, "I_I_nA")
    recording = run(net, 6)
    assert at(recording, "t.I_E_nA")[4:] == approx([0.5, 0.5 * exp(-1 / 5)])
    assert at(recording, "t.I_I_nA")[4:] == approx([0.125, 0.125 * exp(-1 / 5)])
