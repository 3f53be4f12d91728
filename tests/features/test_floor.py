"""v_min: the lowest V there is."""

from __future__ import annotations

from by_hand import at, neurons, run

from ernsnn import LIF, Network


def having():
    return neurons(LIF(v_min_mV=-70))


def test_the_floor_holds_for_the_current_too():
    net = Network()
    n = net.population("n", 1, LIF(v_min_mV=-66, i_offset_nA=-5))
    net.probe(n, "v_mV")
    assert min(at(run(net, 30), "n.v_mV")) == -66
