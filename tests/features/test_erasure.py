"""Erasure of marks where there are more than a budget."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from by_hand import approx, neurons, run

import ernsnn
from ernsnn import LIF, InvalidModel, LearningRule, Mark, Network, Relax, SpikeTimes


def having():
    net = neurons()
    net.signal("P", times_ms=[0], values=[1.0])
    return net


def marked(m, a, P=1.0, n_pre=4, n_post=2, **latch):
    """All-to-all synapses whose marks start as given (matrices pre x post), run for one epoch of 1 s."""
    given = {"budget": 0.5, "erasure": 0.5, "threshold": 0.5, "tag_threshold": 0.3, "rate_per_s": 0.0} | latch
    flows = [
        Relax("a", 120),
        ernsnn.Latch(variable="m", tau_s=600, tag="a", tag_tau_s=120, signal="P", **given),
    ]
    net = Network()
    source, n = net.population("s", n_pre, SpikeTimes([[]] * n_pre)), net.population("n", n_post, LIF())
    learning = LearningRule(
        terms=[], marks=[Mark("m", m), Mark("a", a)], flows=flows, third_factors=["P"], epoch_ms=1000
    )
    third = {"P": net.signal("P", times_ms=[0, 1000], values=[P, 1.0])}
    net.projection("p", source, n, weight_nA=1, learning=learning, third_factors=third)
    return run(net, 1000, seed=5).synapses["p"]["m"].reshape(n_pre, n_post)


def test_marks_above_the_budget_are_erased_where_it_is_certain():
    """Neuron 0 has a mean of 1, neuron 1 of .5: with erasure 2 the chances are 2 and 0."""
    m, a = np.array([[1, 1], [1, 1], [1, 0], [1, 0.0]]), np.zeros((4, 2))
    assert marked(m, a, erasure=2)[:, 0].tolist() == [0, 0, 0, 0]
    assert (marked(m, a, erasure=2)[:2, 1] > 0.99).all()


@pytest.mark.parametrize("options", [{"P": 0.0}, {"erasure": 0}, {"budget": 1.0}])
def test_nothing_is_erased_without_signal_rate_or_excess(options):
    assert (marked(np.ones((4, 2)), np.zeros((4, 2)), **options) > 0.99).all()


def test_tagged_and_unlatched_synapses_are_left():
    m = np.tile([[1.0], [1.0], [0.49], [1.0]], 2)
    a = np.tile([[0.0], [0.31], [0.0], [0.2999]], 2)
    left = marked(m, a, erasure=100)
    assert (left[[0, 3]] == 0).all()
    assert (left[1] > 0.99).all()
    assert left[2] == approx(0.49 * exp(-1 / 600))


def test_the_chance_is_as_said():
    """M = 1, beta = .8, k_e = .6, P = .5: p = .6 * .5 * .25 = .075."""
    gone = marked(np.ones((2000, 3)), np.zeros((2000, 3)), P=0.5, n_pre=2000, n_post=3, budget=0.8, erasure=0.6) == 0
    assert gone.mean() == approx(0.075, abs=4 * np.sqrt(0.075 * 0.925 / 6000))


def test_an_erasure_needs_a_budget():
    latch = {"variable": "m", "tau_s": 1, "threshold": 0.5, "tag": "a", "tag_tau_s": 1, "tag_threshold": 0.3}
    with pytest.raises(InvalidModel, match=r"Latch of 'm'.erasure: needs a budget"):
        ernsnn.Latch(**latch, rate_per_s=1, signal="P", erasure=0.5)
    with pytest.raises(InvalidModel, match=r"Latch of 'm': needs budget > 0"):
        ernsnn.Latch(**latch, rate_per_s=1, signal="P", budget=0)
    with pytest.raises(InvalidModel, match=r"Latch of 'm': needs budget > 0"):
        ernsnn.marks.Stable("m", tau_s=1, consolidated_by="P", tag="a", budget=-1)
