"""Quantised rules learn what is asked for: one synapse in Python's integers, by the formulae of loihi.md."""

from __future__ import annotations

import math

import numpy as np
import pytest

import ernsnn
from ernsnn import LIF, AllToAll, LearningRule, Mark, Network, Relax, SpikeTimes, stdp
from ernsnn.describe.marks import Labile
from ernsnn.hardware_backends.loihi.arithmetic.integers import Connection, Product, Rule
from ernsnn.hardware_backends.loihi.arithmetic.rules import text
from ernsnn.hardware_backends.loihi.quantise.learning import impulse
from ernsnn.hardware_backends.loihi.quantise.quantise import quantise, required
from ernsnn.hardware_backends.loihi.quantise.report import Report

WIDTH = {"x0": 1, "y0": 1, "w": 9, "t": 9, "d": 9}
STEPS = 600


def added(product: Product, fires: dict[str, bool], values: dict[str, int], lava_step: int) -> int:
    """What one product adds, in 1/128 of a level."""
    event = product.event
    now = fires[event] if event in fires else lava_step % 2 ** int(event[1:]) == 0
    c, widths = int(now), 0
    for p in product.parts:
        width = WIDTH.get(p.variable, 7)
        c *= max(-(2**width), min(2**width - 1, p.sign * values[p.variable] + p.constant))
        widths += width
    c = c * product.mantissa >> max(0, widths + 4 - 15)
    return max(-(2**15) - 1, min(2**15 - 1, c << (product.exponent + 7)))


def learn(rule: Rule, w: int, t: int, pre: np.ndarray, post: np.ndarray, seed: int) -> tuple[int, int]:
    """Weight and tag of one excitatory synapse after these spikes, the post spikes as they reach it."""
    draws = np.random.default_rng(seed)
    traces = dict.fromkeys(rule.traces, 0)
    for step in range(len(pre)):
        fires = {"x0": bool(pre[step]), "y0": bool(post[step])}
        for name, trace in rule.traces.items():
            decayed = math.exp(-1 / trace.tau) * traces[name]
            traces[name] = math.floor(decayed) + (draws.random() < decayed % 1)
            if fires[name[0] + "0"]:
                traces[name] = min(127, traces[name] + trace.impulse)
        values = {"w": w, "t": t, "d": 0, **traces, **{name: int(f) for name, f in fires.items()}}
        r, after = draws.random(), []
        for old, products in ((w, rule.dw), (t, rule.dt)):
            total = old << 7
            for product in products:
                total = max(-(2**15) - 1, min(2**15 - 1, total + added(product, fires, values, step + 1)))
            after.append(total)
        w = min(255, max(after[0], 0) // 128 + (r < max(after[0], 0) % 128 / 128))
        t = max(-257, min(255, after[1] // 128 + (r < after[1] % 128 / 128)))
    return w, t


def drawn(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Spikes that often meet, but seldom so many that a trace saturates."""
    rng = np.random.default_rng(seed)
    pre, post = rng.random((2, STEPS)) < 0.012
    return pre, post | (pre & (rng.random(STEPS) < 0.3))


def one_synapse(rule: LearningRule, pre: np.ndarray, post: np.ndarray) -> tuple[ernsnn.Graph, Connection]:
    """Both sides are driven one to one; the current is gone a step later, so that every spike makes a spike."""
    net = Network(dt_ms=1.0, current_integration="step_average")
    source = net.population("s", 1, SpikeTimes([np.flatnonzero(pre).astype(float)]))
    # A delay of one step brings the spikes here, another back to the synapse.
    shifted = np.flatnonzero(post) - 2.0
    drive = net.population("d", 1, SpikeTimes([shifted[shifted >= 0]]))
    cell = LIF(tau_m_ms=0.05, tau_syn_E_ms=0.05, tau_syn_I_ms=0.05, cm_nF=0.01, v_rest_mV=-65, v_threshold_mV=-50)
    target = net.population("n", 1, cell)
    net.projection("drive", drive, target, AllToAll(), weight_nA=1000.0, delay_ms=1)
    net.projection("p", source, target, AllToAll(), weight_nA=0.5, delay_ms=1, learning=rule)
    graph = ernsnn.lower(net, 1)
    return graph, next(c for c in required(graph, n_steps=0)[0].connections if c.name == "p")


MARKED = LearningRule.from_equations(
    traces={"x": ernsnn.Trace("pre", tau_ms=10), "y": ernsnn.Trace("post", tau_ms=10)},
    on_post={"w": "0.1*x*(1 - w)*(1 + m)", "m": "0.2*x*(1 - m)"},
    on_pre={"w": "-0.08*y*w"},
    marks=[Mark("m")],
    flows=[Relax("m", tau_s=0.3)],
    epoch_ms=8,
    bounds={"w": (0, 1)},
)

# A post spike takes a third of a level off a weight of 1.
FINE = LearningRule.from_equations(
    traces={"x": ernsnn.Trace("pre", tau_ms=10), "y": ernsnn.Trace("post", tau_ms=10)},
    on_post={"w": "0.1*x*(1 - w) - 0.0013*w"},
    on_pre={"w": "-0.1*y*w"},
    bounds={"w": (0, 1)},
)

RULES = {
    "with a small term": FINE,
    "additive": stdp.pair(A_plus=0.05, A_minus=0.05),
    "fine": stdp.pair(A_plus=0.022, A_minus=0.035),
    "multiplicative": stdp.pair(A_plus=0.1, A_minus=0.12, dependence="multiplicative"),
    "nearest": stdp.pair(A_plus=0.05, A_minus=0.06, pairing="nearest"),
    "triplet": stdp.triplet(A2_plus=0.01, A3_plus=0.02, A2_minus=0.02, A3_minus=0.005, tau_x_ms=40, tau_y_ms=40),
    "marked": MARKED,
}


@pytest.mark.parametrize("name", RULES)
def test_one_synapse_learns_what_the_reference_learns(name: str) -> None:
    asked, found, marks, held_marks = [], [], [], []
    for seed in range(6):
        pre, post = drawn(seed)
        graph, plastic = one_synapse(RULES[name], pre, post)
        assert plastic.rule is not None
        result = ernsnn.run(graph, duration_ms=STEPS, backend="reference")
        spikes = np.zeros(STEPS + 1, bool)
        spikes[result.recording.spikes["n"][0] + 1] = True
        tag = 0 if plastic.tag is None else int(plastic.tag[0, 0])
        w, t = learn(plastic.rule, int(plastic.weights[0, 0]), tag, pre, spikes[:STEPS], seed)
        synapses = result.recording.synapses["p"]
        asked.append(float(synapses["w"][0]))
        found.append(w / 255)
        if "m" in synapses:
            marks.append(float(synapses["m"][0]))
            held_marks.append((t + 257) / 512)
    moved = np.mean(np.abs(np.array(asked) - 0.5))
    assert moved > 0.05
    errors = np.array(found) - asked
    assert np.mean(np.abs(errors)) < 0.15 * moved
    assert abs(np.mean(errors)) < 0.15 * moved
    if marks:
        assert np.mean(np.abs(np.array(held_marks) - marks)) < 0.05


def test_without_the_correction_coincidences_would_count_twice() -> None:
    pre = np.zeros(200, bool)
    pre[10::20] = True
    graph, plastic = one_synapse(stdp.pair(tau_plus_ms=3, tau_minus_ms=3, A_plus=0.02, A_minus=0.02), pre, pre)
    del graph
    assert plastic.rule is not None
    with_it, _ = learn(plastic.rule, 128, 0, pre, pre, 0)
    assert "y0*x0" in text(plastic.rule.dw[0])
    # Ten coincidences, each depressing at full strength.
    assert with_it / 255 == pytest.approx(128 / 255 - 10 * 0.02, abs=0.03)


def test_a_term_too_small_for_a_coefficient_is_held_by_a_wider_product() -> None:
    none = np.zeros(STEPS, bool)
    graph, plastic = one_synapse(FINE, none, none)
    _, report = quantise(graph, n_steps=0)
    small = [r for r in report.rounded if r.code == "L105" and "*(d+" in r.integers]
    assert len(small) == 1
    assert abs(small[0].error) < 0.02
    assert not [i for i in report.limits if i.code == "L112"]
    # By post spikes alone: 60 times 1 - .0013.
    post = none.copy()
    post[5::10] = True
    assert plastic.rule is not None
    found = [learn(plastic.rule, 255, 0, none, post, seed)[0] / 255 for seed in range(8)]
    assert np.mean(found) == pytest.approx(0.9987**60, abs=0.01)


def test_impulses_leave_room_for_a_train() -> None:
    assert impulse(3.0) == 64
    assert impulse(20.0) == 64
    assert impulse(101.0) == 16
    assert impulse(1000.0, 50) == 1


def test_epochs_are_lengthened_until_a_flow_is_not_lost() -> None:
    rule = stdp.pair(A_plus=0.1, A_minus=0.1, marks=[Labile("a", tau_s=20, rise=0.2)], epoch_ms=10)
    graph, _ = one_synapse(rule, *drawn(0))
    network, report = quantise(graph, n_steps=0)
    plastic = next(c for c in network.connections if c.rule)
    assert plastic.rule
    events = {p.event for p in plastic.rule.dt if p.event.startswith("u")}
    assert events == {"u7"}
    (told,) = (r for r in report.rounded if r.code == "L108")
    assert (told.asked, told.stored) == (10, 128)
    # 1 - exp(-128 ms/20 s) is nearest to 1 of 128, which is the smallest there is.
    (product,) = (p for p in plastic.rule.dt if p.event == "u7")
    assert text(product) == "-1*2^-7*u7*(t+257)"


def test_a_report_prints_every_number() -> None:
    _, report = quantise(ernsnn.lower(alone()), n_steps=0)
    assert isinstance(report, Report)
    assert len(str(report).splitlines()) == len(report.rounded) + len(report.limits)


def alone() -> Network:
    net = Network()
    net.population("n", 1, LIF(i_offset_nA=0.31))
    return net
