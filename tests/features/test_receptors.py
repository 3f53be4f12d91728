"""Receptors: excitatory, inhibitory, and one that takes both signs."""

from __future__ import annotations

from dataclasses import replace
from math import exp

import numpy as np
import pytest
from by_hand import approx, at, run

import ernsnn as ern
from ernsnn import LIF, Network, SpikeTimes
from ernsnn.backend.registry import get_backend
from ernsnn.hardware_backends.loihi.quantise.quantise import required


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


def test_a_receptor_that_goes_by_its_own_name_inhibits_on_every_chip():
    """What a chip asks is where a projection arrives, not by which word it was described."""
    net = Network()
    source, target = net.population("s", 2, SpikeTimes([[3], [4]])), net.population("t", 1, LIF())
    net.projection("p", source, target, weight_nA=0.25, receptor="inhibitory")
    graph = ern.lower(net)
    renamed = replace(graph, projections=tuple(replace(p, receptor="I") for p in graph.projections))
    for name in ("nest", "spinnaker", "lava"):
        said, own = (get_backend(name).compile(each, 10).files["arrays.npz"] for each in (graph, renamed))
        assert said.keys() == own.keys(), name
        for key, values in said.items():
            np.testing.assert_array_equal(own[key], values, err_msg=f"{name} {key}")
    assert connected(renamed) == connected(graph) == [[[-1, -1]]]


def connected(graph: ern.Graph) -> list[list[list[int]]]:
    """The signs of the weights (post, pre) of every connection of Loihi's integers."""
    network, _ = required(graph, n_steps=10)
    return [np.sign(c.weights).tolist() for c in network.connections]
