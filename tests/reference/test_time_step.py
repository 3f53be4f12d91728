"""What the specification says of neurons, synapses and their order, with numbers worked out by hand."""

from __future__ import annotations

from math import exp

import numpy as np
import pytest
from by_hand import TAU_SYN, Pair, approx, at, rule, run, steps_of

import ernsnn
from ernsnn import LIF, Factor, LearningRule, Mark, Network, SpikeTimes, Term

# Plasticity: which spike sees which trace


def test_post_after_pre_potentiates_by_the_trace_decayed_to_its_arrival():
    # pre in 10; post in 14 reaches the synapse in 15: x = exp(-5/10)
    assert Pair([10], [14], rule()).w() == approx(0.5 + 0.1 * exp(-0.5), abs=1e-14)


def test_pre_after_post_depresses():
    # post in 9 reaches the synapse in 10; pre in 13: y = exp(-3/5)
    assert Pair([13], [9], rule()).w() == approx(0.5 - 0.2 * exp(-3 / 5), abs=1e-14)


def test_a_coincidence_depresses_at_full_strength_and_does_not_potentiate():
    # post in 9 reaches the synapse in 10, when pre spikes: y has it already, x not yet
    assert Pair([10], [9], rule()).w() == approx(0.5 - 0.2, abs=1e-14)


def test_pre_in_the_step_of_the_post_spike_itself_comes_first_by_the_delay():
    # post in 10 reaches the synapse in 11: the pre spike of 10 is one step older
    assert Pair([10], [10], rule()).w() == approx(0.5 + 0.1 * exp(-0.1), abs=1e-14)


@pytest.mark.parametrize(("pre", "change"), [(12, 0.1 * exp(-0.1)), (13, -0.2), (14, -0.2 * exp(-1 / 5))])
def test_with_delay_3_a_post_spike_reaches_the_synapse_3_steps_later(pre, change):
    # post in 10, delay 3: reaches the synapse in 13
    assert Pair([pre], [10], rule(), delay=3).w() == approx(0.5 + change, abs=1e-14)


def test_all_to_all_sums_over_post_spikes_and_nearest_takes_the_last():
    # post in 9 and 12 reach the synapse in 10 and 13; pre in 15
    both = exp(-5 / 5) + exp(-2 / 5)
    assert Pair([15], [9, 12], rule()).w() == approx(0.5 - 0.2 * both, abs=1e-14)
    assert Pair([15], [9, 12], rule(mode="set")).w() == approx(0.5 - 0.2 * exp(-2 / 5), abs=1e-14)


def test_all_to_all_sums_over_pre_spikes_and_nearest_takes_the_last():
    both = exp(-0.8) + exp(-0.3)
    assert Pair([7, 12], [14], rule()).w() == approx(0.5 + 0.1 * both, abs=1e-14)
    assert Pair([7, 12], [14], rule(mode="set")).w() == approx(0.5 + 0.1 * exp(-0.3), abs=1e-14)


def test_slow_triplet_traces_are_read_before_their_own_increment():
    triplet = ernsnn.stdp.triplet(
        tau_plus_ms=10, tau_minus_ms=5, tau_x_ms=20, tau_y_ms=30, A2_plus=0, A2_minus=0, A3_plus=0.1, A3_minus=0.2
    )
    # one post spike alone: o2 is still 0, so nothing
    assert Pair([10], [14], triplet).w() == 0.5
    # two post spikes, at the synapse in 15 and 17: the second reads r1 = exp(-7/10) and o2 = exp(-2/30)
    assert Pair([10], [14, 16], triplet).w() == approx(0.5 + 0.1 * exp(-0.7) * exp(-2 / 30), abs=1e-14)
    # post reaches in 10, pre in 11 and 14: the first reads r2 = 0, the second r2 = exp(-3/20) and o1 = exp(-4/5)
    assert Pair([11, 14], [9], triplet).w() == approx(0.5 - 0.2 * exp(-4 / 5) * exp(-3 / 20), abs=1e-14)


def test_in_one_step_post_comes_before_pre_and_each_is_clipped():
    # pre in 10 and 15, post reaches in 15. POST: 0.95 + 0.3 exp(-0.5) -> clipped to 1. PRE: 1 - 0.2.
    pair = Pair([10, 15], [14], rule(A_plus=0.3), w=0.95)
    assert pair.w() == approx(0.8, abs=1e-14)
    # The other way round at the lower bound: POST lifts 0.05 to 0.05 + 0.3 exp(-0.5), PRE takes 0.2 away.
    expected = 0.05 + 0.3 * exp(-0.5) - 0.2
    assert Pair([10, 15], [14], rule(A_plus=0.3), w=0.05).w() == approx(expected, abs=1e-14)


def test_all_terms_of_one_event_read_the_values_from_before_it():
    swap = LearningRule(
        terms=[Term("w", "pre", 1.0, (Factor(variable="m"),)), Term("m", "pre", 0.5, (Factor(variable="w"),))],
        marks=[Mark("m", 0.25)],
        bounds={"w": (0, 10)},
    )
    recording = Pair([10], [], swap).run()
    assert recording.synapses["p"]["w"][0] == 0.75
    assert recording.synapses["p"]["m"][0] == 0.5  # 0.25 + 0.5 * 0.5, not 0.25 + 0.5 * 0.75


def test_two_terms_on_one_target_add_up_before_the_clip():
    both = LearningRule(terms=[Term("w", "pre", 5.0), Term("w", "pre", -4.8)], bounds={"w": (0, 1)})
    assert Pair([10], [], both).w() == approx(0.7, abs=1e-14)


# Transmission


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


def test_transmit_mixes_weight_and_mark():
    marked = LearningRule(
        terms=[Term("m", "pre", 0.25)], marks=[Mark("m", 0.5)], bounds={"w": (0, 1)}, parameters={"rho": 2.0}
    )
    pair = Pair([10], [], marked, transmit="w*(1 + rho*m)**2")
    pair.net.probe(pair.post, "I_E_nA")
    assert at(pair.run(), "post.I_E_nA")[11] == 0.5 * 2.5**2


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


def test_a_signed_weight_adds_to_the_excitatory_current():
    net = Network()
    source, target = net.population("s", 1, SpikeTimes([[3]])), net.population("t", 1, LIF())
    net.projection("p", source, target, weight_nA=-0.25, receptor="signed")
    net.probe(target, "I_E_nA")
    net.probe(target, "I_I_nA")
    recording = run(net, 6)
    assert at(recording, "t.I_E_nA")[4] == -0.25
    assert not any(at(recording, "t.I_I_nA"))


# Threshold and refractoriness


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_equality_with_the_threshold_is_a_spike(scheme):
    for threshold, expected in ((-50.0, [0]), (np.nextafter(-50.0, 0), [])):
        net = Network(current_integration=scheme)
        net.population("n", 1, LIF(v_rest_mV=-50, v_reset_mV=-60, v_threshold_mV=threshold))
        assert steps_of(run(net, 2), "n") == expected


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
@pytest.mark.parametrize(
    ("tau_refrac", "dt", "skipped"),
    [(0, 1.0, 0), (1, 1.0, 1), (1.01, 1.0, 2), (2, 1.0, 2), (0.3, 0.1, 3), (0.7, 0.1, 7), (0.01, 0.1, 1)],
)
def test_a_spike_skips_ceil_of_tau_refrac_over_dt_steps(scheme, tau_refrac, dt, skipped):
    net = Network(current_integration=scheme, dt_ms=dt)
    net.population("n", 1, LIF(tau_refrac_ms=tau_refrac, i_offset_nA=1e4))
    assert steps_of(run(net, 30), "n") == list(range(0, 30, skipped + 1))


@pytest.mark.parametrize("scheme", ["exact", "step_average"])
def test_v_stands_at_reset_and_currents_decay_during_refractoriness(scheme):
    net = Network(current_integration=scheme)
    source = net.population("s", 1, SpikeTimes([[0, 4]]))
    model = LIF(tau_refrac_ms=5, v_reset_mV=-70, tau_syn_E_ms=3, i_offset_nA=0.2)
    target = net.population("n", 1, model)
    net.projection("p", source, target, weight_nA=1000)
    net.probe(target, "v_mV")
    net.probe(target, "I_E_nA")
    recording = run(net, 10)
    first = 2 if scheme == "exact" else 1
    assert steps_of(recording, "n")[:2] == [first, first + 6]
    assert at(recording, "n.v_mV")[first : first + 6] == [-70] * 6
    current = at(recording, "n.I_E_nA")
    assert current[4] == approx(current[3] * exp(-1 / 3), rel=1e-13)
    scale = 1 if scheme == "exact" else 3 * (1 - exp(-1 / 3)) * exp(-1 / 3)
    assert current[5] == approx(current[4] * exp(-1 / 3) + 1000 * scale, rel=1e-13)


def test_the_moving_threshold_decays_before_the_test_and_in_refractoriness():
    net = Network()
    model = ernsnn.AdaptiveLIF(i_offset_nA=1e4, tau_refrac_ms=2, tau_threshold_ms=4, threshold_increment_mV=2)
    target = net.population("n", 1, model)
    net.probe(target, "theta_mV")
    recording = run(net, 5)
    assert steps_of(recording, "n") == [0, 3]
    once, kept = 2.0, exp(-1 / 4)
    expected = [once, once * kept, once * kept**2, once * kept**3 + 2, (once * kept**3 + 2) * kept]
    assert at(recording, "n.theta_mV") == approx(expected, rel=1e-13)
    # V rests at -51.5: above v_threshold + theta once theta has fallen to 0.5 or less.
    net = Network()
    model = ernsnn.AdaptiveLIF(
        v_rest_mV=-51.5, v_threshold_mV=-52, v_init_mV=-51.5, v_reset_mV=-60, tau_m_ms=0.02, tau_threshold_ms=4
    )
    net.population("n", 1, model)
    # theta(1..3) = 0.78, 0.61, 0.47: the first spike in 0, the next in 3; then 1.47 has to fall below 0.5: 5 steps more
    assert steps_of(run(net, 9), "n") == [0, 3, 8]


def test_current_steps_act_from_the_step_of_their_time():
    net = Network(current_integration="step_average")
    target = net.population("n", 2, LIF(cm_nF=1, tau_m_ms=10))
    net.inject(target[1:], ernsnn.CurrentSteps(times_ms=[3, 5], amplitudes_nA=[0.5, 0]))
    net.probe(target, "v_mV")
    V = run(net, 7).signals["n.v_mV"][1]
    assert (V[:, 0] == -65).all()
    assert V[2, 1] == -65
    assert V[3, 1] == approx(-65 + 0.5 * 10 * (1 - exp(-0.1)), abs=1e-12)
    assert V[5, 1] + 65 == approx((V[4, 1] + 65) * exp(-0.1), abs=1e-12)
