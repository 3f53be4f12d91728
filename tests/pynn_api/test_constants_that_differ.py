"""Constants of rules and of short-term plasticity that differ from synapse to synapse."""

from __future__ import annotations

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.errors import InvalidModel  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
W_MAX = np.array([0.3, 0.5, 0.3, 0.7, 0.3, 0.9])
U = np.array([0.2, 0.5, 0.5, 0.2, 0.8, 0.8])


def stdp(w_max, **amplitudes):
    rule = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, **{"A_plus": 0.05, "A_minus": 0.04} | amplitudes)
    depends = sim.AdditiveWeightDependence(w_min=0.0, w_max=w_max)
    return sim.STDPMechanism(rule, depends, weight=0.2, delay=1.0)


def network(backend):
    sim.setup(1.0, backend=backend)
    times = [[float(t) for t in range(3 + k, 200, 11 + k)] for k in range(3)]
    source = sim.Population(3, sim.SpikeSourceArray(spike_times=times))
    cells = sim.Population(2, sim.IF_curr_exp(i_offset=[0.8, 0.9]))
    cells.record(["spikes", "v"])
    return source, cells


def found(cells, *projections):
    block = cells.get_data().segments[0]
    weights = [w for each in projections for w in each.get("weight", format="list")]
    spikes = [train.magnitude.tolist() for train in block.spiketrains]
    return spikes, block.analogsignals[0].magnitude, np.array([w for *_, w in weights])


@pytest.mark.parametrize("backend", ["reference", "native", "brian2"])
@pytest.mark.parametrize("kind", ["learning", "short-term"])
def test_synapses_are_what_they_are_alone(backend, kind):
    def made(k=slice(None)):
        if kind == "learning":
            return stdp(W_MAX[k] if isinstance(k, int) else W_MAX.reshape(3, 2))
        values = U[k] if isinstance(k, int) else U.reshape(3, 2)
        return sim.TsodyksMarkramSynapse(U=values, tau_rec=80.0, tau_facil=0.0, weight=0.4, delay=1.0)

    source, cells = network(backend)
    together = sim.Projection(source, cells, sim.AllToAllConnector(), made())
    sim.run(200)
    spikes, v, weights = found(cells, together)
    source, cells = network(backend)
    alone = [
        sim.Projection(
            source, cells, sim.FromListConnector([(*divmod(k, 2), 0.2 if kind == "learning" else 0.4, 1.0)]), made(k)
        )
        for k in range(6)
    ]
    sim.run(200)
    other_spikes, other_v, other_weights = found(cells, *alone)
    assert spikes == other_spikes
    np.testing.assert_allclose(v, other_v, rtol=0, atol=1e-9)
    np.testing.assert_allclose(weights, other_weights, rtol=1e-9)
    assert np.ptp(weights) > 0 or kind != "learning"


def test_constants_that_are_drawn_are_read_back_and_bound_each_weight():
    source, cells = network("reference")
    drawn = sim.RandomDistribution("uniform", (0.3, 0.5))
    learns = sim.Projection(source, cells, sim.AllToAllConnector(), stdp(drawn, A_minus=0.0))
    limits = learns.get("w_max", format="array")
    assert len(np.unique(limits)) == 6
    learns.set(A_plus=0.5)
    sim.run(200)
    weights = learns.get("weight", format="array")
    assert (weights <= limits + 1e-12).all()
    np.testing.assert_allclose(weights[weights > 0.3], limits[weights > 0.3])
    learns.set(A_plus=0.1, weight=0.25)
    sim.run(10)
    with pytest.raises(InvalidModel, match="weights of the rule lie in"):
        learns.set(weight=0.6)


def test_constants_may_be_parted_before_a_run_and_not_in_one():
    source, cells = network("reference")
    learns = sim.Projection(source, cells, sim.AllToAllConnector(), stdp(1.0), label="learns")
    learns.set(A_plus=np.linspace(0.0, 0.1, 6).reshape(3, 2))
    learns.set(A_plus=np.linspace(0.0, 0.2, 6).reshape(3, 2))
    assert len(learns.blocks) == 6
    learns.set(A_plus=0.1)
    assert len(learns.blocks) == 1
    sim.run(10)
    learns.set(A_plus=0.2)
    with pytest.raises(InvalidModel, match="learns: A_minus must be one number for all synapses that began to run"):
        learns.set(A_minus=np.linspace(0.0, 0.1, 6).reshape(3, 2))
    sim.reset()
    learns.set(A_minus=np.linspace(0.0, 0.1, 6).reshape(3, 2))
    sim.run(10)


def test_more_sets_of_constants_than_there_may_be_are_refused():
    sim.setup(1.0)
    cells = sim.Population(30, sim.IF_curr_exp())
    drawn = stdp(sim.RandomDistribution("uniform", (0.3, 0.5)))
    with pytest.raises(InvalidModel, match="many: its synapses have 900 different sets of constants"):
        sim.Projection(cells, cells, sim.AllToAllConnector(), drawn, label="many")


def test_a_projection_without_synapses_learns_nothing():
    source, cells = network("reference")
    none = sim.Projection(source, cells, sim.FixedProbabilityConnector(0.0), stdp(1.0))
    sim.run(10)
    assert none.get("weight", format="list") == []
