"""Conductances in generated Brian2 code, alone and beside every other kind of neuron."""

from __future__ import annotations

import pytest
from forked import assert_same

import ernsnn as ern
from ernsnn.graph.graph import Graph
from ernsnn.hardware_backends.brian2 import Brian2Backend
from ernsnn.hardware_backends.reference.engine import Engine

STEPS = 200


def network(scheme: str, *others: ern.Neuron) -> Graph:
    """Cells that conduct, noisy and with a floor, and a population of each of the ``others``; all are excited,
    inhibit each other, and are probed."""
    net = ern.Network(dt_ms=0.5, current_integration=scheme)
    source = net.population("source", 10, ern.Poisson(rate_hz=80.0))
    conducting = ern.ConductanceLIF(
        cm_nF=0.2, tau_m_ms=ern.Uniform(8, 20), tau_syn_I_ms=8.0, tau_refrac_ms=1.0, e_rev_I_mV=ern.Uniform(-85, -75)
    )
    floored = ern.ConductanceLIF(cm_nF=0.2, v_min_mV=-66.0, noise_mV=1.0, i_offset_nA=0.1)
    populations = [net.population(f"n{k}", 3, model) for k, model in enumerate((conducting, floored, *others))]
    for post in populations:
        unit = post.model.kind.receptors[0].unit
        strong = {"nA": 1.0, "mV": 8.0, "uS": 0.02}[unit]
        excites, inhibits = ({f"weight_{unit}": ern.Uniform(0.5 * w, w)} for w in (strong, 0.1 * strong))
        net.projection(f"to-{post.name}", source, post, delay_ms=ern.Uniform(0.5, 2), **excites)
        net.projection(f"back-{post.name}", populations[0], post, receptor="inhibitory", **inhibits)
        for variable in post.model.kind.probes:
            net.probe(post, variable, every_ms=1.5)
    learning = ern.stdp.pair(A_plus=0.001, A_minus=0.001, w_max=0.05)
    net.projection("learns", source, populations[0], weight_uS=0.01, delay_ms=1.5, learning=learning)
    return ern.lower(net, seed=5)


OTHERS = {
    "exact": (ern.LIF(cm_nF=0.2), ern.AdaptiveLIF(cm_nF=0.2), ern.DeltaLIF()),
    "step_average": (ern.LIF(cm_nF=0.2),),
}


@pytest.mark.parametrize("scheme", OTHERS)
@pytest.mark.parametrize("beside", [True, False])
def test_they_are_those_of_the_reference(scheme: str, beside: bool) -> None:
    graph = network(scheme, *OTHERS[scheme] * beside)
    spikes = Engine(graph).run(STEPS, lambda fraction: None).spikes
    assert min(len(steps) for steps, _ in spikes.values()) > 5
    assert_same(graph, STEPS)


def test_the_script_says_only_what_it_needs() -> None:
    def text(*others: ern.Neuron) -> str:
        return str(Brian2Backend().compile(network("exact", *others), 10, target="numpy").files["program.py"])

    alone, beside = text(), text(ern.LIF())
    assert "V_new = V_end + (V - V_end)*exp(-G*dt_cm)" in alone
    assert ("k_E" in alone, "k_c" in alone, "cells_LIF" in alone) == (False, False, False)
    assert "cells_ConductanceLIF = NeuronGroup(6," in beside
    assert "cells_LIF = NeuronGroup(3," in beside


@pytest.mark.slow
@pytest.mark.parametrize("scheme", OTHERS)
def test_in_cpp_standalone(scheme: str) -> None:
    assert_same(network(scheme, *OTHERS[scheme]), STEPS, target="cpp_standalone")
