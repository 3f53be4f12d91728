"""Marks beside the weight: what terms read, and what is transmitted."""

from __future__ import annotations

from by_hand import Pair, approx, at

from ernsnn import Factor, LearningRule, Mark, Term


def having():
    return Pair([], [], LearningRule(terms=[Term("m", "pre", 1.0)], marks=[Mark("m")])).net


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


def test_transmit_mixes_weight_and_mark():
    marked = LearningRule(
        terms=[Term("m", "pre", 0.25)], marks=[Mark("m", 0.5)], bounds={"w": (0, 1)}, parameters={"rho": 2.0}
    )
    pair = Pair([10], [], marked, transmit="w*(1 + rho*m)**2")
    pair.net.probe(pair.post, "I_E_nA")
    assert at(pair.run(), "post.I_E_nA")[11] == 0.5 * 2.5**2
