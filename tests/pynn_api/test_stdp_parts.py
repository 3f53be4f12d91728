"""STDPMechanism: what its timing and weight dependences mean, against pyNN.nest and against the rules of ernsnn."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.errors import InvalidModel

sim = pytest.importorskip("ernsnn.pynn")
EXTRA = pytest.importorskip("ernsnn.pynn.synapses").EXTRA_SYNAPSES

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")
DT, DELAY, W, W_MAX = 0.5, 1.5, 0.4, 0.8
RULE = {"tau_plus": 18.0, "tau_minus": 27.0, "A_plus": 0.03, "A_minus": 0.025}
DEPENDENCES = [
    "AdditiveWeightDependence",
    "MultiplicativeWeightDependence",
    "AdditivePotentiationMultiplicativeDepression",
]
PRE = [np.array([10.0, 31.0, 60.0, 75.0, 141.0, 143.0, 190.0]), np.array([5.0, 50.0, 51.0, 52.0, 111.0, 190.0])]
FORCED = np.array([20.0, 40.0, 42.5, 80.0, 120.0, 135.0, 160.0])


def trained(on, synapse, receptor="excitatory", **options):
    """The weights of two sources to one cell that a teacher makes spike, its spikes, and what check says."""
    on.setup(DT, min_delay=DT, **options)
    sources = on.Population(2, on.SpikeSourceArray(spike_times=[on.Sequence(times) for times in PRE]))
    teacher = on.Population(1, on.SpikeSourceArray(spike_times=FORCED))
    cell = on.Population(1, on.IF_curr_exp(tau_syn_E=0.5, tau_m=2.0, tau_refrac=2.0))
    on.Projection(teacher, cell, on.AllToAllConnector(), on.StaticSynapse(weight=90.0, delay=DT))
    made = synapse(on)
    learning = on.Projection(sources, cell, on.AllToAllConnector(), made, receptor_type=receptor)
    cell.record("spikes")
    on.run(200.0)
    spikes = np.asarray(cell.get_data().segments[0].spiketrains[0].magnitude)
    weights = np.ravel(learning.get("weight", format="array"))
    on.end()
    return weights, spikes


@pytest.mark.nest
@pytest.mark.parametrize("name", DEPENDENCES)
def test_weights_are_those_of_nest(name):
    pytest.importorskip("nest")
    nest = pytest.importorskip("pyNN.nest")

    def synapse(on):
        dependence = getattr(on, name)(w_min=0.0, w_max=W_MAX)
        return on.STDPMechanism(on.SpikePairRule(**RULE), dependence, weight=W, delay=DELAY)

    theirs, expected = trained(nest, synapse, spike_precision="on_grid")
    assert np.abs(theirs - W).min() > 1e-3
    for backend in ("reference", "native"):
        mine, spikes = trained(sim, synapse, backend=backend)
        np.testing.assert_allclose(spikes, expected, atol=1e-9)
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-9)


def by_ernsnn(rule, receptor="E"):
    """The weights of the same network written with ernsnn."""
    net = ern.Network(dt_ms=DT)
    sources = net.population("sources", 2, ern.SpikeTimes(PRE))
    teacher = net.population("teacher", 1, ern.SpikeTimes([FORCED]))
    cell = net.population("cell", 1, ern.LIF(
        cm_nF=1.0, tau_m_ms=2.0, tau_syn_E_ms=0.5, tau_syn_I_ms=5.0, tau_refrac_ms=2.0, v_rest_mV=-65.0,
        v_reset_mV=-65.0, v_threshold_mV=-50.0, v_init_mV=-65.0,
    ))  # fmt: skip
    net.projection("force", teacher, cell, weight_nA=90.0, delay_ms=DT)
    p = net.projection("p", sources, cell, weight_nA=W, delay_ms=DELAY, learning=rule, receptor=receptor)
    net.probe(p, "w")
    return ern.run(net, duration_ms=200.0, backend="reference").signal("p", "w")[1][-1]


TAUS = {"tau_plus_ms": 18.0, "tau_minus_ms": 27.0}


def test_the_rules_of_spynnaker_are_those_of_ernsnn():
    """Amplitudes are absolute in its convention."""
    bounds = {"w_min": 0.0, "w_max": W_MAX}
    triplet = {"tau_x": 90.0, "tau_y": 110.0, **RULE}
    cases = [
        (
            lambda on: on.STDPMechanism(
                EXTRA["SpikeNearestPairRule"](**RULE), on.AdditiveWeightDependence(**bounds), weight=W, delay=DELAY
            ),
            ern.stdp.nearest(A_plus=0.03, A_minus=0.025, **TAUS, **bounds),
        ),
        (
            lambda on: on.STDPMechanism(
                EXTRA["PfisterSpikeTriplet"](**triplet),
                EXTRA["WeightDependenceAdditiveTriplet"](A3_plus=0.02, A3_minus=0.01, **bounds),
                weight=W,
                delay=DELAY,
            ),
            ern.stdp.triplet(
                A2_plus=0.03, A2_minus=0.025, A3_plus=0.02, A3_minus=0.01, tau_x_ms=90.0, tau_y_ms=110.0,
                **TAUS, **bounds,
            ),
        ),
    ]  # fmt: skip
    for synapse, rule in cases:
        mine, _ = trained(sim, synapse, convention="spinnaker", current_integration="exact", backend="reference")
        expected = by_ernsnn(rule)
        assert np.abs(expected - W).min() > 1e-3
        np.testing.assert_allclose(mine, expected, rtol=0, atol=1e-12)


def test_powers_of_the_distance_from_the_bounds():
    """Amplitudes are fractions of w_max; pyNN.nest passes no powers on, and so always has those of 1/2."""

    def synapse(on):
        dependence = on.GutigWeightDependence(w_max=W_MAX, mu_plus=2, mu_minus=1)
        return on.STDPMechanism(on.SpikePairRule(**RULE), dependence, weight=W, delay=DELAY)

    mine, _ = trained(sim, synapse, backend="reference")
    rule = ern.stdp.pair(
        A_plus=0.03 / W_MAX, A_minus=0.025, w_max=W_MAX, dependence="power", mu_plus=2, mu_minus=1, **TAUS
    )
    np.testing.assert_allclose(mine, by_ernsnn(rule), rtol=0, atol=1e-12)


def test_inhibition_of_vogels():
    def synapse(on):
        dependence = on.AdditiveWeightDependence(w_max=W_MAX)
        return on.STDPMechanism(on.Vogels2011Rule(tau=20.0, eta=0.02, rho=5.0), dependence, weight=-W, delay=DELAY)

    mine, _ = trained(sim, synapse, "inhibitory", backend="reference")
    expected = by_ernsnn(ern.stdp.vogels(tau_ms=20.0, eta=0.02, rate_hz=5.0, w_max=W_MAX), "I")
    assert np.abs(expected - W).min() > 1e-3
    np.testing.assert_allclose(mine, -expected, rtol=0, atol=1e-12)


def test_powers_that_are_not_whole_are_told_by_check():
    sim.setup(1.0)
    source, cell = sim.Population(1, sim.SpikeSourceArray(spike_times=[5.0])), sim.Population(1, sim.IF_curr_exp())
    for dependence, label in ((sim.GutigWeightDependence(), "soft"), (sim.GutigWeightDependence(1, 2, 1, 0), "whole")):
        synapse = sim.STDPMechanism(sim.SpikePairRule(), dependence, weight=0.1)
        sim.Projection(source, cell, sim.AllToAllConnector(), synapse, label=label)
    [issue] = [issue for issue in sim.check() if issue.code == "Y202"]
    assert (issue.path, "a power of 0.5" in issue.message) == ("soft", True)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: sim.STDPMechanism(sim.Vogels2011Rule(), sim.MultiplicativeWeightDependence()), "Vogels2011Rule needs"),
        (
            lambda: sim.STDPMechanism(sim.SpikePairRule(), EXTRA["WeightDependenceAdditiveTriplet"]()),
            "belongs to PfisterSpikeTriplet",
        ),
    ],
)
def test_parts_that_do_not_fit(build, message):
    sim.setup(1.0)
    with pytest.raises(InvalidModel, match=message):
        build()
