"""Several synapses between the same two neurons: each has a weight and a delay of its own, transmits and learns."""

from __future__ import annotations

import by_hand
import engines
import numpy as np
import pytest
from by_hand import approx, run

import ernsnn as ern

SLOW = ("brian2",)
STEPS = 300


def network(learning=None, delay_ms=None) -> ern.Network:
    """60 synapses between 12 pairs of neurons."""
    net = ern.Network(name="several")
    rng = np.random.default_rng(2)
    trains = [np.flatnonzero(rng.random(STEPS) < 0.1).astype(float) for _ in range(4)]
    source, cells = net.population("source", 4, ern.SpikeTimes(trains)), net.population("cells", 3, ern.LIF())
    delay = ern.Uniform(0.6, 5.4) if delay_ms is None else delay_ms
    options = {"weight_nA": ern.Uniform(0.1, 1.0), "delay_ms": delay, "learning": learning}
    net.projection("many", source, cells, ern.FixedTotalNumber(60), **options)
    net.projection("back", cells, cells, ern.FixedTotalNumber(5), weight_nA=ern.Uniform(0.1, 0.5), delay_ms=2.0)
    return net


def having() -> ern.Network:
    """With learning, which NEST does not give such synapses."""
    return network(ern.stdp.pair(A_plus=0.05, A_minus=0.04, w_max=1.5))


def test_they_transmit_each_for_itself():
    """The same spikes as of one synapse a pair and delay whose weight is the sum."""
    net = network()
    graph = ern.lower(net, 1)
    many, back = (p.synapses for p in graph.projections)
    summed = ern.Network(name="summed")
    source = summed.population("source", 4, net.populations["source"].model)
    cells = summed.population("cells", 3, ern.LIF())
    for name, pre, rows in (("many", source, many), ("back", cells, back)):
        keys, of = np.unique(np.stack([rows.pre, rows.post, rows.delay]), axis=1, return_inverse=True)
        weights = np.bincount(of.ravel(), rows.variables["w"])
        pairs = ern.FromList(keys[:2].T)
        summed.projection(name, pre, cells, pairs, weight_nA=weights, delay_ms=keys[2].astype(float))
    assert graph.projections[0].several_a_pair
    found, expected = run(net, STEPS), run(summed, STEPS)
    assert 20 < len(found.spikes["cells"][0]) < 3 * STEPS
    for a, b in zip(found.spikes["cells"], expected.spikes["cells"], strict=True):
        np.testing.assert_array_equal(a, b)


def test_they_learn_each_for_itself():
    net = network(ern.stdp.pair(A_plus=0.05, A_minus=0.04, w_max=1.5))
    found, graph = run(net, STEPS), ern.lower(net, 1)
    expected = engines.run("reference", graph, STEPS).synapses["many"]["w"]
    assert found.synapses["many"]["w"] == approx(expected, rel=1e-12, abs=1e-12)
    assert len(np.unique(expected)) > 20
    assert not np.allclose(expected, graph.projections[0].synapses.variables["w"])


def test_their_weights_are_probed_and_listed_and_no_matrix(tmp_path):
    net = network(ern.stdp.pair(A_plus=0.05, A_minus=0.04, w_max=1.5))
    net.probe(net.projections["many"], "w", every_ms=100)
    result = ern.run(net, duration_ms=STEPS, backend="reference", seed=1)
    _, values = result.recording.signals["many.w"]
    assert values.shape == (3, 60)
    np.testing.assert_array_equal(values[-1], result.recording.synapses["many"]["w"])
    with pytest.raises(ern.InvalidModel, match="many: has several synapses for one pair"):
        result.weights("many")
    result.export(tmp_path / "several.npz")
    with np.load(tmp_path / "several.npz") as held:
        assert any(held[key].shape == (60,) for key in held.files)
    assert result.counts("cells").sum() == len(result.recording.spikes["cells"][0])


@pytest.mark.parametrize(
    ("backend", "code"), [("nest", "P211"), ("spinnaker", "S211"), ("loihi-emulator", "L211"), ("lava", "L211")]
)
def test_where_they_cannot_learn_it_is_said(backend, code):
    rule = ern.stdp.pair(A_plus=0.05, A_minus=0.04, w_max=1.5)
    said = [issue for issue in ern.check(network(rule, delay_ms=1.0), backend).errors if issue.code == code]
    assert [(issue.path, issue.remedy) for issue in said] == [("many", "use one a pair")]
    assert "pairs of neurons with several plastic synapses" in said[0].message
    assert not [issue for issue in ern.check(network(delay_ms=1.0), backend).errors if issue.code == code]


def test_this_module_runs_on_several_backends():
    assert {"reference", "native", "nest", "brian2"} <= set(engines.having(ern.lower(network(), 1)))
    assert by_hand.backend == "reference"
