"""A PyNN script that several tests run, and the spikes that one recorded."""

from __future__ import annotations

import numpy as np

import ernsnn.pynn as sim


def trains(population):
    return [train.magnitude.tolist() for train in population.get_data("spikes").segments[-1].spiketrains]


def network(backend="native", *, plastic=True, seed=0, **options):
    """Poisson inputs, plastic synapses, recurrent excitation and inhibition."""
    sim.setup(1.0, backend=backend, seed=seed, **options)
    rng = np.random.default_rng(3)
    inputs = sim.Population(12, sim.SpikeSourcePoisson(rate=60.0), label="inputs")
    cells = sim.Population(8, sim.IF_curr_exp(tau_m=rng.uniform(10, 20, 8), tau_refrac=2.0, cm=0.5), label="cells")
    rule = sim.SpikePairRule(tau_plus=20.0, tau_minus=20.0, A_plus=0.02, A_minus=0.022)
    bounds = sim.AdditiveWeightDependence(w_min=0.0, w_max=1.0)
    synapse = sim.STDPMechanism(rule, bounds, weight=0.5, delay=2.0) if plastic else sim.StaticSynapse(0.5, 2.0)
    forward = sim.Projection(inputs, cells, sim.AllToAllConnector(), synapse, label="forward")
    pairs = [(i, j) for i in range(8) for j in range(8) if (3 * i + j) % 4 == 1]
    inhibition = sim.StaticSynapse(weight=-0.4, delay=1.0)
    sim.Projection(cells, cells, sim.FromListConnector(pairs), inhibition, label="inhibition")
    for population in (inputs, cells):
        population.record("spikes")
    cells.record("v")
    return inputs, cells, forward
