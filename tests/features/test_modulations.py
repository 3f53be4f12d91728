"""Astrocytes, gates and signals that act on neurons."""

from __future__ import annotations

import numpy as np
import pytest
from by_hand import approx, at, neurons, run, steps_of

from ernsnn import LIF, DeltaLIF, InvalidModel, Network, SpikeTimes
from ernsnn.graph.constants import constants


def having():
    net = neurons()
    net.signal("P", times_ms=[0], values=[1.0])
    return net


CELL = LIF(v_rest_mV=0, v_reset_mV=0, v_threshold_mV=10)
GAIN = constants(CELL.kind, CELL.parameters, 1.0, "exact")["k_c"]


def test_a_signal_shifts_the_offset_current_from_the_next_step_on():
    net = Network()
    n = net.population("n", 3, CELL)
    net.modulate(n[1:], net.signal("s", times_ms=[2, 3], values=[2.0, 0.0]), "i_offset_nA", gain=0.5)
    net.probe(n, "v_mV")
    V = run(net, 5).signals["n.v_mV"][1]
    assert V[:4, 1].tolist() == V[:4, 2].tolist() == approx([0, 0, 0, 0.5 * 2.0 * GAIN])
    assert not V[:, 0].any()


def test_every_neuron_has_its_own_of_several_values():
    net = Network()
    source = net.population("s", 2, SpikeTimes([[1], [1, 2]]))
    n = net.population("n", 2, CELL)
    glia = net.astrocyte("glia", [source], tau_ms=5, per="neuron")
    net.modulate(n, glia, "i_offset_nA", gain=1.0)
    net.probe(n, "v_mV")
    V = run(net, 4).signals["n.v_mV"][1]
    P = constants(CELL.kind, CELL.parameters, 1.0, "exact")["P_m"]
    assert V[3].tolist() == approx([GAIN * (P + np.exp(-1 / 5)), GAIN * (P + 1 + np.exp(-1 / 5))])


def test_a_gate_that_raises_the_threshold_keeps_neurons_silent():
    net = Network()
    driver = net.population("driver", 1, SpikeTimes([[2, 6, 10]]))
    warning = net.population("warning", 1, SpikeTimes([[5]]))
    n = net.population("n", 1, DeltaLIF(v_rest_mV=0, v_reset_mV=0, v_threshold_mV=10))
    net.projection("p", driver, n, weight_mV=12)
    glia = net.astrocyte("glia", [warning], tau_ms=3)
    net.modulate(n, net.gate("gate", opens={glia: 0.25}), "v_threshold_mV", gain=5.0)
    # Each spike of the driver makes it fire two steps later; the gate is open from 5 to 9.
    assert steps_of(run(net, 15), "n") == [4, 12]


def test_several_modulators_add_up():
    net = Network()
    n = net.population("n", 1, CELL)
    for name, gain in (("a", 1.0), ("b", -0.25)):
        net.modulate(n, net.signal(name, times_ms=[0], values=[1.0]), "i_offset_nA", gain=gain)
    net.probe(n, "v_mV")
    assert at(run(net, 2), "n.v_mV")[1] == approx(0.75 * GAIN)


def refused(**changed):
    net = Network()
    source, n = net.population("s", 2, SpikeTimes([[1], [2]])), net.population("n", 3, CELL)
    signal = net.signal("P", times_ms=[0], values=[1.0])
    pairs = net.signal("pairs", times_ms=[0], values=[[1.0, 2.0]])
    named = {
        "n": n,
        "s": source,
        "P": signal,
        "pairs": pairs,
        "foreign": Network().signal("P", times_ms=[0], values=[1]),
    }
    given = {"target": "n", "modulator": "P", "variable": "i_offset_nA", "gain": 1.0} | changed
    given |= {key: named.get(given[key], given[key]) for key in ("target", "modulator")}
    with pytest.raises(InvalidModel) as caught:
        net.modulate(given["target"], given["modulator"], given["variable"], gain=given["gain"])
    assert not net.modulations
    return str(caught.value)


def test_what_cannot_be_is_refused():
    assert "s is a spike source" in refused(target="s")
    assert "pairs has 2 values for 3 neurons" in refused(modulator="pairs")
    assert "is no astrocyte, gate or signal of this network" in refused(modulator="foreign")
    assert "must be one of v_threshold_mV, i_offset_nA, got 'tau_m_ms'" in refused(variable="tau_m_ms")
    assert "modulate n[0:3]: gain" in refused(gain=[1, 2])
