"""Gates over several astrocytes: the closed form of their levels says when they open and close."""

from __future__ import annotations

import math

import engines
import numpy as np
import pytest
from alike import assert_alike
from by_hand import run

import ernsnn as ern


def having():
    return gated([1.0], None, [[[5]]])


def gated(opens, stays, times):
    net = ern.Network()
    sources = [net.population(f"s{k}", len(t), ern.SpikeTimes(t)) for k, t in enumerate(times)]
    levels = [
        net.astrocyte(f"C{k}", [s], tau_ms=4.0, per="neuron" if s.size > 1 else "domain") for k, s in enumerate(sources)
    ]
    gate = net.gate(
        "gate",
        opens=dict(zip(levels, opens, strict=True)),
        stays=None if stays is None else dict(zip(levels, stays, strict=True)),
    )
    net.probe(gate, "value")
    return net


def opened(net, steps=40):
    return run(net, steps).signals["gate.value"][1]


def test_it_opens_only_where_all_agree_and_stays_open_by_hysteresis():
    # C0 = 1 at 5, and at 6 it is 1 + e^-1/4 = 1.78: it opens. C1 has heard its spike at 4.
    value = opened(gated([1.5, 0.5], [0.2, 0.1], [[[5, 6]], [[4]]]))[:, 0]
    closes = 4 + math.ceil(4 * math.log(1 / 0.1))  # C1 falls below 0.1 before C0 falls below 0.2
    assert 6 + 4 * math.log(1.7788 / 0.2) > closes
    assert np.flatnonzero(value).tolist() == list(range(6, closes))


def test_without_hysteresis_it_closes_at_the_same_levels():
    value = opened(gated([1.5, 0.5], None, [[[5, 6]], [[4]]]))[:, 0]
    assert np.flatnonzero(value).tolist() == [6]  # C1 = e^(-2/4) = 0.61, and at 7 C0 = 1.39


def test_one_gate_per_neuron_and_a_common_condition():
    value = opened(gated([0.5, 0.5], None, [[[3], [20]], [[3]]]))
    assert value.shape == (40, 2)
    assert np.flatnonzero(value[:, 0]).tolist() == [3, 4, 5]
    assert not value[:, 1].any()


def test_a_rule_reads_it_in_the_same_step_everywhere():
    net = gated([0.5, 0.5], [0.3, 0.2], [[[3, 4], [20]], [[3, 19, 21]]])
    cells = net.population("cells", 2, ern.LIF(cm_nF=0.1))
    rule = ern.LearningRule.from_equations(
        traces={"x": ern.Trace("pre", 5)}, on_pre={"w": "0.3*g*(1 + x)"}, third_factors=["g"], bounds={"w": (0, 5)}
    )
    third = {"g": ern.ThirdFactor(modulator=net.modulators["gate"], per="pre")}
    projection = net.projection("p", net.populations["s0"], cells, weight_nA=1.0, learning=rule, third_factors=third)
    net.probe(projection, "w")
    assert_alike(run(net, 40), engines.run("reference", ern.lower(net, 1), 40))


def test_ill_posed_gates_are_refused():
    net = ern.Network()
    source = net.population("s", 3, ern.Poisson(rate_hz=1.0))
    a, b = (
        net.astrocyte("a", [source], tau_ms=5, per="neuron"),
        net.astrocyte("b", [source[:2]], tau_ms=5, per="neuron"),
    )
    with pytest.raises(ern.InvalidModel, match="at least one astrocyte"):
        net.gate("g", opens={})
    with pytest.raises(ern.InvalidModel, match="same astrocytes"):
        net.gate("g", opens={a: 1.0}, stays={b: 1.0})
    with pytest.raises(ern.InvalidModel, match="flicker"):
        net.gate("g", opens={a: 1.0}, stays={a: 2.0})
    with pytest.raises(ern.InvalidModel, match="different sizes"):
        net.gate("g", opens={a: 1.0, b: 1.0})
    with pytest.raises(ern.InvalidModel, match="not part of this network"):
        ern.Network().gate("g", opens={a: 1.0})


def test_either_is_the_largest_of_its_factors():
    net = ern.Network()
    source = net.population("s", 2, ern.SpikeTimes([[2], [4]]))
    glia = net.astrocyte("glia", [source], tau_ms=5, per="neuron")
    sleep = net.signal("sleep", times_ms=[3, 6], values=[0.9, -1.0])
    either = net.either("either", [glia, sleep])
    net.probe(either, "value")
    values = run(net, 8).signals["either.value"][1]
    decay = [math.exp(-k / 5) for k in range(6)]
    assert values[:, 0] == pytest.approx([0, 0, 1, 0.9, 0.9, 0.9, decay[4], decay[5]])
    assert values[:, 1] == pytest.approx([0, 0, 0, 0.9, 1, 0.9, decay[2], decay[3]])


def test_either_refuses_what_it_cannot_compare():
    net = ern.Network()
    a, b = (net.population(name, size, ern.SpikeTimes([[1]] * size)) for name, size in (("a", 2), ("b", 3)))
    two, three = (net.astrocyte(f"each_{p.name}", [p], tau_ms=5, per="neuron") for p in (a, b))
    for factors, words in (
        ([two], "either: needs at least two"),
        ([two, three], r"either: third factors of different sizes, \[2, 3\]"),
        ([two, "x"], "either.factors.1.: must be Astrocyte or .*, got 'x'"),
        ([two, ern.Network().signal("z", times_ms=[0], values=[1])], "either: 'z' is not part of this network"),
    ):
        with pytest.raises(ern.InvalidModel, match=words):
            net.either("either", factors)
