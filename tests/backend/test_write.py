"""Writing into an engine between two steps: weights, marks and potentials."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.registry import get_backend
from ernsnn.graph.graph import Probe
from ernsnn.graph.lower import lower

N = 5
TAG = ern.marks.Labile("a", tau_s=1.0, rise=0.1)
CONNECTORS = {
    "all": (ern.AllToAll(), 1.0),
    "but self": (ern.AllToAll(self_connections=False), 1.0),
    "listed": (ern.FromList([(0, 1), (0, 1), (3, 4), (4, 0)]), 1.0),
    "one to one": (ern.OneToOne(), 1.0),
    "delays": (ern.AllToAll(), np.arange(1.0, N * N + 1).reshape(N, N)),
}


def engines(connector, delay, plastic):
    net = ern.Network(name="written")
    inputs = net.population("inputs", N, ern.Poisson(100.0))
    cells = net.population("cells", N, ern.LIF(tau_m_ms=10.0))
    rule = ern.stdp.pair(A_plus=0.02, A_minus=0.02, w_max=2.0, marks=[TAG]) if plastic else None
    net.projection("p", inputs, cells, connector, weight_nA=0.5, delay_ms=delay, learning=rule)
    graph = lower(net, 1)
    return [get_backend("reference").engine(graph), get_backend("native").engine(graph, precision="float64")]


def run(engine, first, last):
    """Spikes of given sources, and what the cells did."""
    source = engine.graph.population("inputs").spikes
    found = []
    for t in range(first, last):
        spikes = {"inputs": source.between(t, t + 1)[1]}
        engine.step(t, spikes)
        found.append(spikes["cells"].tolist())
    return found


@pytest.mark.parametrize("plastic", [False, True], ids=["static", "plastic"])
@pytest.mark.parametrize("how", CONNECTORS)
def test_what_is_written_is_read_and_acts(how, plastic):
    weights, both = Probe("synapses", "p", 0, 0, "w", 1), engines(*CONNECTORS[how], plastic)
    untouched = run(engines(*CONNECTORS[how], plastic)[0], 0, 120)
    found = []
    for engine in both:
        early = run(engine, 0, 40)
        before = engine.probe(weights)
        engine.write(weights, np.linspace(0.1, 1.9, len(before)))
        np.testing.assert_array_equal(engine.probe(weights), np.linspace(0.1, 1.9, len(before)))
        engine.write(Probe("neurons", "cells", 1, 3, "v_mV", 1), np.array([-55.0, -52.0]))
        assert engine.probe(Probe("neurons", "cells", 0, N, "v_mV", 1))[1:3].tolist() == [-55.0, -52.0]
        if plastic:
            engine.write(Probe("synapses", "p", 0, 0, "a", 1), np.full(len(before), 0.25))
        found.append((early + run(engine, 40, 120), engine.probe(weights)))
    assert found[0][0] == found[1][0] != untouched
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-12)


@pytest.mark.parametrize("which", [0, 1], ids=["reference", "native"])
def test_writing_leaves_the_graph_as_it_is(which):
    engine = engines(*CONNECTORS["all"], False)[which]
    digest = engine.graph.digest
    engine.write(Probe("synapses", "p", 0, 0, "w", 1), np.full(N * N, 1.5))
    assert engine.graph.projections[0].synapses.variables["w"].tolist() == [0.5] * (N * N)
    assert engine.graph.digest == digest
