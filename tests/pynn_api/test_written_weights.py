"""Weights that a script writes between two runs are those that act, however native stores them."""

from __future__ import annotations

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def script(weight, delay, written, **backend):
    """Spike times of all cells, and the weights at the end, of projections whose rows native may store together."""
    sim.setup(0.1, seed=4, **backend)
    inputs = sim.Population(20, sim.SpikeSourcePoisson(rate=200.0), label="inputs")
    cells = [sim.Population(15, sim.IF_curr_exp(tau_m=10.0), label=f"cells{k}") for k in range(2)]
    synapse = sim.StaticSynapse(weight=weight, delay=delay)
    made = [sim.Projection(inputs, to, sim.FixedProbabilityConnector(0.7), synapse) for to in cells]
    made.append(sim.Projection(*cells, sim.AllToAllConnector(), synapse))
    for part in cells:
        part.record("spikes")
    sim.run(20.0)
    for projection in made:
        before = projection.get("weight", format="array")
        projection.set(weight=written if isinstance(written, float) else 2 * before)
    sim.run(20.0)
    spikes = [np.asarray(train) for part in cells for train in part.get_data("spikes").segments[0].spiketrains]
    weights = [projection.get("weight", format="array") for projection in made]
    sim.end()
    return spikes, weights


@pytest.mark.parametrize("delay", ["drawn", 0.7])
@pytest.mark.parametrize("weight", ["drawn", 0.4])
@pytest.mark.parametrize("written", [0.9, "doubled"])
def test_weights_set_between_runs_act_as_on_the_reference(weight, delay, written):
    given = [
        sim.RandomDistribution("uniform", low=low, high=high) if value == "drawn" else value
        for value, low, high in ((weight, 0.2, 0.6), (delay, 0.2, 3.0))
    ]
    expected, theirs = script(*given, written, backend="reference")
    found, ours = script(*given, written, backend="native", precision="float64")
    assert sum(map(len, expected)) > 30
    for one, other in zip(expected + theirs, found + ours, strict=True):
        np.testing.assert_array_equal(one, other)
    if written == 0.9:
        assert all(np.nanmin(w) == np.nanmax(w) == 0.9 for w in ours)
