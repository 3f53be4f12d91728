"""Leaky astrocytes with a resting level and a weight a member, and their calcium as the depression rate of STDP."""

from __future__ import annotations

import math

import numpy as np
import pytest
from by_hand import Pair, approx, at, run

import ernsnn as ern

TAU, B, W = 100.0, 0.15, 0.015


def having():
    return listening(tau_ms=8.0)


def test_calcium_decays_first_then_adds_and_gates_at_equality():
    net = ern.Network()
    source = net.population("s", 2, ern.SpikeTimes([[2, 3], [2]]))
    astrocyte = net.astrocyte("a", [source], tau_ms=4, weight=0.5, threshold=1.0)
    net.probe(astrocyte, "C")
    net.probe(astrocyte, "value")
    recording = run(net, 6)
    kept = math.exp(-1 / 4)
    assert at(recording, "a.C") == approx([0, 0, 1.0, kept + 0.5, (kept + 0.5) * kept, (kept + 0.5) * kept**2])
    assert at(recording, "a.value") == [0, 0, 1, 1, 0, 0]


def test_hysteresis_keeps_a_gate_open_to_the_lower_threshold():
    net = ern.Network()
    source = net.population("s", 1, ern.SpikeTimes([[1, 2, 9]]))
    astrocyte = net.astrocyte("a", [source], tau_ms=4, threshold=1.5, threshold_off=0.6)
    net.probe(astrocyte, "value")
    # C = 1, 1.78, 1.39, 1.08, 0.84, 0.65, 0.51, ..., then 1.24: above 0.6, but the gate is shut again
    assert at(run(net, 10), "a.value") == [0, 0, 1, 1, 1, 1, 1, 0, 0, 0]


def listening(**options):
    """An astrocyte that hears "liquid", which spikes in steps 2, 5 (twice) and 9, and "inputs", in steps 5 and 7."""
    net = ern.Network()
    liquid = net.population("liquid", 2, ern.SpikeTimes([[2, 5], [5, 9]]))
    inputs = net.population("inputs", 2, ern.SpikeTimes([[5], [7]]))
    net.probe(net.astrocyte("A", [liquid, inputs], **options), "C")
    return net


def heard(t):
    """(liquid, input) spikes in step t."""
    return {2: 1, 5: 2, 9: 1}.get(t, 0), {5: 1, 7: 1}.get(t, 0)


def C_of(net, steps=12):
    return run(net, steps).signals["A.C"][1][:, 0].tolist()


def closed_form(tau, weights, bias, initial, steps=12):
    def at(t):
        gained = sum(np.dot(weights, heard(s)) * math.exp(-(t - s) / tau) for s in range(t + 1))
        return bias + (initial - bias) * math.exp(-(t + 1) / tau) + gained

    return [at(t) for t in range(steps)]


def test_members_of_either_sign_and_a_resting_level():
    found = C_of(listening(tau_ms=8.0, weight=[0.4, -0.7], bias=0.15, initial=1.0))
    assert found == approx(closed_form(8.0, [0.4, -0.7], 0.15, 1.0), rel=1e-13)


def test_it_starts_at_its_resting_level():
    assert C_of(listening(tau_ms=8.0, weight=0.0, bias=0.15)) == [0.15] * 12
    assert C_of(listening(tau_ms=8.0, weight=0.0)) == [0.0] * 12


def test_without_them_it_is_what_it_was():
    """C <- C exp(-dt/tau) + weight n, to the last bit."""
    C, expected = 0.0, []
    for t in range(12):
        C = C * np.exp(-1.0 / 8.0) + 0.3 * sum(heard(t))
        expected.append(C)
    assert C_of(listening(tau_ms=8.0, weight=0.3)) == expected
    assert C_of(listening(tau_ms=8.0, weight=[0.3, 0.3])) == expected


def test_the_astrocyte_of_nalsm_is_its_euler_step():
    """Ivanov and Michmizos 2021: A += (w (liquid - input) + b - A)/tau, once a ms."""
    A, theirs = B, []
    for t in range(12):
        liquid, inputs = heard(t)
        A += (W * (liquid - inputs) + B - A) / TAU
        theirs.append(A)
    ours = C_of(listening(tau_ms=TAU, weight=[W / TAU, -W / TAU], bias=B))
    assert ours == approx(closed_form(TAU, [W / TAU, -W / TAU], B, B), rel=1e-13)
    # Apart by the second order of dt/tau, of what the spikes moved: 4.5e-4 at most.
    assert ours == approx(theirs, abs=4.5e-4 * (12 / TAU) ** 2)
    assert max(ours) > B + 2e-4


PRE, POST, TAU_Y = [12, 20, 30], [10, 17, 28], 20.0


def nalsm():
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 20.0), "y": ern.Trace("post", TAU_Y)},
        on_pre={"w": "-y*D"},
        on_post={"w": "A_plus*x"},
        parameters={"A_plus": 0.15},
        bounds={"w": (0, 3)},
        third_factors=["D"],
    )

    def third(pair):
        A = pair.net.astrocyte("A", [pair.post, pair.pre], tau_ms=TAU, weight=[0.05, -0.02], bias=B)
        pair.net.probe(A, "C")
        return {"D": A}

    return Pair(PRE, POST, rule, w=1.0, third=third)


def test_the_astrocyte_is_the_depression_rate():
    recording = nalsm().run(40)

    def depression_rate(t):
        gained = sum(0.05 * math.exp(-(t - s) / TAU) for s in POST if s <= t)
        return B + gained - sum(0.02 * math.exp(-(t - s) / TAU) for s in PRE if s <= t)

    # A post spike reaches the synapse one step after it, and a trace what its own event reads without that event.
    reached = [s + 1 for s in POST]
    w = 1.0
    for t in range(40):
        if t in reached:
            w += 0.15 * sum(math.exp(-(t - s) / 20.0) for s in PRE if s < t)
        if t in PRE:
            w -= depression_rate(t) * sum(math.exp(-(t - s) / TAU_Y) for s in reached if s <= t)
        assert recording.signals["p.w"][1][t, 0] == approx(w, rel=1e-12), t
        assert recording.signals["A.C"][1][t, 0] == approx(depression_rate(t), rel=1e-12)
    assert w < 1.0


BAD = [
    ({"weight": [1.0, 2.0, 3.0]}, "A.weight: needs one number, or one for each of the 2 members"),
    ({"weight": [[1.0, 2.0]]}, "A.weight: needs one number"),
    ({"weight": "much"}, "A.weight"),
    ({"bias": [0.1, 0.2]}, "A.bias: must be one number"),
    ({"initial": float("nan")}, "A.initial: must be finite"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=[next(iter(o)) for o, _ in BAD])
def test_what_cannot_be_is_refused_by_name(options, message):
    with pytest.raises(ern.InvalidModel, match=message):
        listening(tau_ms=8.0, **options)
