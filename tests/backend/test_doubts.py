"""What is legal and nearly surely wrong: told by an issue, and by a warning of the run."""

from __future__ import annotations

import warnings

import pytest

import ernsnn as ern
from ernsnn.issues import Issue, Issues
from ernsnn.report.run import page


def network(dt_ms=1.0, driven=True, current_integration="exact", recurrent=False, **parameters):
    net = ern.Network(dt_ms=dt_ms, current_integration=current_integration)
    cells = net.population("cells", 2, ern.LIF(**({"i_offset_nA": 1.0} if driven else {}), **parameters))
    if recurrent:
        net.projection("back", cells, cells, weight_nA=0.1)
    return net, cells


def doubts(net):
    return [(issue.code, issue.path) for issue in ern.check(net, "reference") if issue.code.startswith("G3")]


VOLTS = {"v_rest_mV": -0.065, "v_reset_mV": -0.07, "v_threshold_mV": -0.05}


@pytest.mark.parametrize(
    ("code", "wrong", "right"),
    [
        ("G301", network(**VOLTS), network(v_rest_mV=0.0, v_reset_mV=0.0, v_threshold_mV=0.5)),
        ("G302", network(recurrent=True, tau_syn_E_ms=0.5), network(tau_syn_E_ms=0.5)),
        ("G302", network(tau_m_ms=0.05, dt_ms=0.1), network(tau_m_ms=0.1, dt_ms=0.1)),
        ("G302", network(tau_m_ms=ern.Uniform(0.5, 0.9)), network(tau_m_ms=0.5, current_integration="step_average")),
        ("G303", network(dt_ms=6.0, tau_m_ms=60, tau_syn_E_ms=9, tau_syn_I_ms=9), network(dt_ms=5.0)),
        ("G301", network(v_threshold_mV=-0.05), network(v_threshold_mV=-5.0)),
        ("G304", network(v_threshold_mV=50.0), network(v_threshold_mV=1e9)),
        ("G304", network(v_threshold_mV=50.0), network(v_rest_mV=0.0, v_reset_mV=0.0, v_threshold_mV=15.0)),
        ("G305", network(driven=False), network(driven=False, v_init_mV=-40.0)),
        ("G305", network(driven=False), network(driven=False, noise_mV=1.0)),
    ],
)
def test_of_neurons(code, wrong, right):
    assert code in [found for found, _ in doubts(wrong[0])]
    assert code not in [found for found, _ in doubts(right[0])]
    with pytest.warns(ern.ModelWarning, match=f"{code} .*cells|{code} .*network"):
        result = ern.run(wrong[0], duration_ms=12, backend="reference")
    assert code in [issue.code for issue in result.issues]
    assert code in page(result)


@pytest.mark.parametrize("reach", ["injected", "projected", "modulated", "offset"])
def test_whatever_drives_neurons_will_do(reach):
    net, cells = network(driven=reach == "offset")
    if reach == "injected":
        net.inject(cells, ern.CurrentSteps(times_ms=[0], amplitudes_nA=[1.0]))
    if reach == "projected":
        net.projection("p", net.population("source", 1, ern.Poisson(50.0)), cells, weight_nA=1.0)
    if reach == "modulated":
        net.modulate(cells, net.signal("s", times_ms=[0], values=[1]), "i_offset_nA", gain=1.0)
    assert doubts(net) == []


@pytest.mark.parametrize("source", [ern.SpikeTimes([[]]), ern.Poisson(0.0)])
def test_a_plastic_projection_that_no_spike_reaches(source):
    net, cells = network()
    silent = net.population("silent", 1, source)
    net.projection("learns", silent, cells, weight_nA=0.5, learning=ern.stdp.pair(A_plus=0.1, A_minus=0.1))
    net.projection("stays", silent, cells, weight_nA=0.5)
    assert doubts(net) == [("G306", "learns")]


def test_rings_and_chains_that_no_spike_enters():
    """What is many synapses away from any spike, and what only drives itself; whatever is behind one that spikes."""
    net, cells = network(driven=False)
    ring = [cells, *(net.population(f"ring{k}", 2, ern.LIF()) for k in range(3))]
    for k, p in enumerate(ring):
        net.projection(f"to{k}", ring[k - 1], p, weight_nA=1.0)
    empty = net.population("empty", 1, ern.SpikeTimes([[]]))
    chain = [empty, *(net.population(f"chain{k}", 2, ern.LIF()) for k in range(3))]
    for k in range(3):
        rule = ern.stdp.pair(A_plus=0.1, A_minus=0.1) if k == 2 else None
        net.projection(f"along{k}", chain[k], chain[k + 1], weight_nA=1.0, learning=rule)
    silent = ["cells", "ring0", "ring1", "ring2", "chain0", "chain1", "chain2"]
    assert set(doubts(net)) == {*(("G305", name) for name in silent), ("G306", "along2")}
    said = [issue.message for issue in ern.check(net, "reference") if issue.code == "G305"]
    assert all("what projects onto these neurons never spikes" in message for message in said)
    net.projection("in", net.population("spikes", 1, ern.SpikeTimes([[1.0]])), chain[1], weight_nA=1.0)
    net.inject(ring[2], ern.CurrentSteps(times_ms=[1.0], amplitudes_nA=[1.0]))
    assert doubts(net) == []


def test_a_synapse_list_that_is_empty_brings_no_spike():
    net, cells = network(driven=False)
    source = net.population("source", 1, ern.Poisson(50.0))
    net.projection("none", source, cells, ern.FromList([]), weight_nA=1.0)
    assert doubts(net) == [("G305", "cells")]


def test_one_warning_has_a_line_for_each_code_and_comes_once():
    net = ern.Network()
    for name in "abc":
        net.population(name, 1, ern.LIF(v_threshold_mV=30.0))
    graph = ern.lower(net)
    with pytest.warns(ern.ModelWarning) as caught:
        ern.run(graph, duration_ms=3, backend="reference")
    head, *lines = str(caught[0].message).splitlines()
    assert head == "reference runs network, but see result.issues:"
    assert [line.split()[0] for line in lines] == ["G304", "G305"]
    assert all(line.endswith("(and 2 more)") for line in lines)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ern.run(graph, duration_ms=3, backend="reference")


def test_what_differs_by_more_than_a_rounding_is_warned_of():
    """On a chip's integers: a spike train beyond what the current can hold, beside the roundings of every number."""
    net = ern.Network(dt_ms=1.0)
    source = net.population("source", 20, ern.SpikeTimes([list(range(1, 200))] * 20))
    cells = net.population("cells", 1, ern.LIF(tau_syn_E_ms=100.0, tau_syn_I_ms=100.0, v_reset_mV=-65.0))
    net.projection("p", source, cells, weight_nA=0.1)
    with pytest.warns(ern.ModelWarning, match="loihi-emulator runs network, but see result.issues:\n .*L303"):
        result = ern.run(net, duration_ms=200, backend="loihi-emulator")
    assert "L101" in [issue.code for issue in result.issues]
    assert all(issue.fidelity == "approximate" for issue in result.issues if issue.error is not None)


def test_small_roundings_are_one_line():
    def rounding(code, path, error):
        return Issue(backend="b", code=code, path=path, fidelity="approximate", message=f"{path} rounds", error=error)

    small = [rounding("B1", "x", 1e-5), rounding("B2", "y", -9e-4), rounding("B2", "z", 0.0)]
    large = rounding("B3", "v", 2e-3)
    unknown = rounding("B4", "u", None)
    issues = Issues("b", [*small, large, unknown])
    said = str(issues)
    assert said.count("\n") == 3
    assert "3 roundings of less than 0.1% (B1, B2, in 3 places); the largest: y rounds" in said
    assert len(issues) == 5
    assert str(Issues("b", [small[0], large])).count("roundings") == 0
    assert Issues.from_json("b", issues.to_json()) == issues
