"""Intrinsic plasticity: a rule on a parameter of the neurons themselves."""

from __future__ import annotations

from math import exp

from by_hand import approx, neurons, run, steps_of

import ernsnn
from ernsnn import LIF, Factor, LearningRule, Network, Term, Trace


def having():
    return neurons(
        plasticity=ernsnn.IntrinsicPlasticity(
            target="v_threshold_mV", rule=LearningRule(terms=[Term("w", "post", 1.0)], bounds={"w": (-60, 0)})
        )
    )


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
