"""Epochs, and sums of weights that are kept."""

from __future__ import annotations

from math import exp

import numpy as np
from by_hand import TAU_SYN, Pair, approx, at, run

from ernsnn import LIF, LearningRule, Network, Normalise, SpikeTimes, Term


def having():
    return Pair([], [], LearningRule(terms=[Term("w", "epoch", 1.0)], epoch_ms=3)).net


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
