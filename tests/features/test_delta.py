"""DeltaLIF: spikes that move V itself, worked out by hand."""

from __future__ import annotations

from math import exp

import pytest
from by_hand import approx, at, run, steps_of

from ernsnn import LIF, DeltaLIF, InvalidModel, Network, SpikeTimes

TAU = 10.0


P = exp(-1 / TAU)


def having():
    return driven([2], 4.0)


def cell(**given):
    return DeltaLIF(**{"tau_m_ms": TAU, "cm_nF": TAU, "v_rest_mV": 0, "v_reset_mV": 0, "v_threshold_mV": 10, **given})


def driven(times, weight, model=None, **options):
    """One neuron, given spikes of one source; the probe of V."""
    net = Network()
    source = net.population("s", 1, SpikeTimes([times]))
    target = net.population("n", 1, model or cell())
    net.projection("p", source, target, weight_mV=weight, **options)
    net.probe(target, "v_mV")
    return net


def test_a_jump_comes_after_the_delay_and_decays_from_the_next_step_on():
    V = at(run(driven([2], 4.0, delay_ms=2), 8), "n.v_mV")
    assert approx([0, 0, 0, 0, 4, 4 * P, 4 * P**2, 4 * P**3]) == V


def test_a_jump_over_the_threshold_is_a_spike_in_the_next_step():
    recording = run(driven([2], 11.2), 8)
    assert steps_of(recording, "n") == [4]  # it arrives at 3 and has decayed to 10.1 at 4
    assert steps_of(run(driven([2], 11.0), 8), "n") == []


def test_inhibition_moves_v_down_but_not_below_the_floor():
    options = {"receptor": "inhibitory"}
    assert at(run(driven([2], 4.0, **options), 5), "n.v_mV") == approx([0, 0, 0, -4, -4 * P])
    floored = driven([2], 4.0, cell(v_min_mV=-1.5), **options)
    assert at(run(floored, 5), "n.v_mV") == approx([0, 0, 0, -1.5, -1.5 * P])


@pytest.mark.parametrize(("refractory", "heard"), [(0, [3, 4, 5, 6]), (1, [5, 6]), (2, [6])])
def test_what_arrives_while_refractory_is_lost(refractory, heard):
    """The neuron spikes at 3; jumps of 1 mV arrive one by one at 3, 4, 5, 6."""
    for arrival in (3, 4, 5, 6):
        net = Network()
        strong, weak = (net.population(name, 1, SpikeTimes([[t]])) for name, t in (("a", 1), ("b", arrival - 1)))
        n = net.population("n", 1, cell(tau_refrac_ms=refractory))
        net.projection("strong", strong, n, weight_mV=20)
        net.projection("weak", weak, n, weight_mV=1)
        net.probe(n, "v_mV")
        recording = run(net, 12)
        assert steps_of(recording, "n") == [3]
        assert at(recording, "n.v_mV")[7] == approx(P ** (7 - arrival) if arrival in heard else 0)


def test_constant_current_reaches_what_the_membrane_equation_says():
    net = Network()
    n = net.population("n", 1, cell(i_offset_nA=3.0))
    net.probe(n, "v_mV")
    assert at(run(net, 40), "n.v_mV") == approx([3 * (1 - P ** (k + 1)) for k in range(40)])


def refused(make):
    with pytest.raises(InvalidModel) as caught:
        make()
    return str(caught.value)


def test_what_cannot_be_is_refused():
    assert "v_min_mV must lie at or below v_reset_mV" in refused(lambda: cell(v_min_mV=1, v_rest_mV=2, v_init_mV=2))
    assert "noise_mV must be >= 0" in refused(lambda: cell(noise_mV=-1))
    net = Network(current_integration="step_average")
    assert "use current_integration='exact'" in refused(lambda: net.population("n", 1, cell()))
    assert "DeltaLIF; give weight_mV, not weight_nA" in refused(lambda: nA_to_delta())
    assert "LIF; give weight_nA, not weight_mV" in refused(lambda: driven([1], 1.0, LIF()))
    assert "no variable 'I_E_nA'" in refused(lambda: probe_of_current())


def nA_to_delta():
    net = Network()
    n = net.population("n", 1, cell())
    net.projection("p", n, n, weight_nA=1)


def probe_of_current():
    net = Network()
    net.probe(net.population("n", 1, cell()), "I_E_nA")
