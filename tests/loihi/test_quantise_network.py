"""A driven network on the emulator: the spikes of the reference, and nearly its weights, in both schemes."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn import LIF, AllToAll, FixedProbability, Network, OneToOne, Poisson, stdp
from ernsnn.describe.connectors import Connector
from ernsnn.describe.learning import LearningRule
from ernsnn.hardware_backends.loihi.emulator.emulator import Emulator
from ernsnn.hardware_backends.loihi.quantise.quantise import required

STEPS, START = 400, 0.05
ADDITIVE = stdp.pair(A_plus=0.01, A_minus=0.008, w_max=0.1)
SOFT = stdp.pair(A_plus=0.1, A_minus=0.12, w_max=0.1, dependence="multiplicative")


def driven(scheme: str, delay_ms: float, rule: LearningRule, connector: Connector, seed: int) -> ernsnn.Graph:
    """Strong spikes make the neurons fire; the plastic synapses are too weak to."""
    net = Network(dt_ms=1.0, current_integration=scheme)  # type: ignore[arg-type]
    learnt, drive = (
        net.population("a", 6, Poisson(12, at_most_one=True)),
        net.population("d", 6, Poisson(12, at_most_one=True)),
    )
    cell = LIF(tau_m_ms=5, tau_syn_E_ms=0.7, tau_syn_I_ms=0.7, cm_nF=0.2, tau_refrac_ms=2)
    target = net.population("b", 6, cell)
    net.projection("drive", drive, target, OneToOne(), weight_nA=30.0, delay_ms=1)
    net.projection("p", learnt, target, connector, weight_nA=START, delay_ms=delay_ms, learning=rule)
    return ernsnn.lower(net, seed)


@pytest.mark.parametrize("delay_ms", [1.0, 4.0])
@pytest.mark.parametrize("scheme", ["step_average", "exact"])
@pytest.mark.parametrize(("rule", "connector"), [(ADDITIVE, AllToAll()), (SOFT, FixedProbability(0.5))])
def test_spikes_are_the_references_and_weights_nearly(
    scheme: str, delay_ms: float, rule: LearningRule, connector: Connector
) -> None:
    graph = driven(scheme, delay_ms, rule, connector, seed=1)
    reference = ernsnn.run(graph, duration_ms=STEPS, backend="reference").recording
    emulator = Emulator(required(graph, n_steps=STEPS, seed=3)[0])
    emulator.advance(STEPS)
    for found, asked in zip(emulator.spikes["b"], reference.spikes["b"], strict=True):
        np.testing.assert_array_equal(found, asked)
    rows = graph.projections[1].synapses
    asked, weights = reference.synapses["p"]["w"], emulator.variable("p", "w")
    moved = np.abs(asked - START).mean()
    assert moved > 0.001
    # .1 nA are 255 levels: rounding at random and a coefficient of 6 bits miss by a level or two.
    assert np.abs(weights[rows.post, rows.pre] * 0.1 / 255 - asked).mean() < 0.15 * moved + 0.0005
    absent = np.ones(weights.shape, bool)
    absent[rows.post, rows.pre] = False
    assert not weights[absent].any()
