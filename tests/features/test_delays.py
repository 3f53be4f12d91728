"""Delays: when what is sent arrives, in both ways in which currents act within a step."""

from __future__ import annotations

from math import exp

import pytest
from by_hand import TAU_SYN, Pair, approx, at, run

from ernsnn import LIF, Factor, LearningRule, Network, SpikeTimes, Term


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
@pytest.mark.parametrize("delay", [1, 2, 3])
def test_the_weight_sent_is_the_one_after_this_steps_plasticity_and_is_fixed_then(scheme, delay):
    # Each pre spike halves w at once; spikes in 10 and 11 send 0.25 and 0.125, whatever w becomes on the way.
    halve = LearningRule(terms=[Term("w", "pre", -0.5, (Factor(variable="w"),))], bounds={"w": (0, 1)})
    pair = Pair([10, 11], [], halve, delay=delay, scheme=scheme)
    pair.net.probe(pair.post, "I_E_nA")
    current = at(pair.run(), "post.I_E_nA")
    decay = exp(-1 / TAU_SYN)
    kept = 1.0 if scheme == "exact" else TAU_SYN * (1 - decay) * decay
    assert current[10 + delay] == approx(0.25 * kept, rel=1e-12)
    assert current[11 + delay] == approx(0.125 * kept + 0.25 * kept * decay, rel=1e-12)
    assert current[9 + delay] == 0


@pytest.mark.parametrize("delay", [1, 3])
def test_exact_arrivals_enter_at_the_end_of_their_step_and_act_in_the_next(delay):
    net = Network()
    source = net.population("s", 1, SpikeTimes([[5]]))
    target = net.population("t", 1, LIF(cm_nF=0.5, tau_m_ms=10, tau_syn_E_ms=4))
    net.projection("p", source, target, weight_nA=0.1, delay_ms=delay)
    net.probe(target, "v_mV")
    net.probe(target, "I_E_nA")
    recording = run(net, 12)
    V, current, first = at(recording, "t.v_mV"), at(recording, "t.I_E_nA"), 5 + delay
    assert current[first - 1 : first + 2] == approx([0, 0.1, 0.1 * exp(-1 / 4)])
    assert V[first] == -65
    gain = (10 / 0.5) * 4 / (4 - 10) * (exp(-1 / 4) - exp(-1 / 10))
    assert V[first + 1] == approx(-65 + 0.1 * gain, abs=1e-12)


@pytest.mark.parametrize("delay", [1, 3])
def test_step_average_arrivals_are_scaled_and_act_in_their_own_step(delay):
    net = Network(current_integration="step_average")
    source = net.population("s", 1, SpikeTimes([[5]]))
    target = net.population("t", 1, LIF(cm_nF=0.5, tau_m_ms=10, tau_syn_E_ms=4, tau_syn_I_ms=2))
    net.projection("p", source, target, weight_nA=0.1, delay_ms=delay)
    net.projection("q", source, target, weight_nA=0.03, delay_ms=delay, receptor="inhibitory")
    for variable in ("v_mV", "I_E_nA", "I_I_nA"):
        net.probe(target, variable)
    recording, first = run(net, 12), 5 + delay
    excitatory, inhibitory = 0.1 * 4 * (1 - exp(-1 / 4)), 0.03 * 2 * (1 - exp(-1 / 2))
    alpha = (excitatory - inhibitory) * 10 / 0.5 - 65
    V = at(recording, "t.v_mV")
    assert V[first - 1] == -65
    assert V[first] == approx(alpha - exp(-0.1) * (alpha + 65), abs=1e-12)
    # the currents decay after the neurons
    assert at(recording, "t.I_E_nA")[first] == approx(excitatory * exp(-1 / 4), rel=1e-13)
    assert at(recording, "t.I_I_nA")[first] == approx(inhibitory * exp(-1 / 2), rel=1e-13)
