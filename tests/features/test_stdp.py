"""STDP: which spike reads which trace, with numbers worked out by hand."""

from __future__ import annotations

from math import exp

import pytest
from by_hand import Pair, approx, rule

import ernsnn


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


def test_a_run_can_be_repeated_on_one_graph():
    pair = Pair([10, 15], [14], rule())
    first, second = (pair.run(probed=False) for _ in range(2))
    assert first.synapses["p"]["w"].tolist() == second.synapses["p"]["w"].tolist()
    assert first.synapses["p"]["w"][0] != 0.5
