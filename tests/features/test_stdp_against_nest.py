"""Ready-made STDP against NEST's own synapses: the same weight after the same spikes, on every backend that has it.

NEST applies potentiation at the next pre spike, so the last spike here is one; its synapses of nearest neighbours take
time 0 for a pre spike, so the first is one, too. It leaves out pairs that meet at the synapse in one step, where here
the post spike comes first: the spikes here avoid that.
"""

from __future__ import annotations

import numpy as np
import pytest
from on_backends import QUICK

import ernsnn as ern
from ernsnn.backend.discovery import backend_names
from ernsnn.backend.registry import get_backend

nest = pytest.importorskip("nest")
pytestmark = pytest.mark.nest

READING = [name for name in backend_names() if get_backend(name).kinds is None]
N, STEPS, DELAY, DT = 6, 600, 3, 1.0
TAUS = {"tau_plus_ms": 16.8, "tau_minus_ms": 33.7}


def trains(seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Steps of N pre and N post neurons, of pairs of equal number, that never meet at the synapse."""
    rng = np.random.default_rng(seed)
    pre, post = [], []
    for k in range(N):
        rate = (0.02, 0.05, 0.15)[k % 3]
        before = np.flatnonzero(rng.random(STEPS - 40) < rate) + 10
        after = np.flatnonzero(rng.random(STEPS - 40) < rate) + 10
        after = after[np.diff(after, prepend=-9) > 2]  # what teaches a neuron acts for more than a step
        pre.append(np.concatenate([[5], before, [STEPS - 5]]))
        post.append(after[~np.isin(after + DELAY, before)])
    return pre, post


def here(
    backend: str, rule: ern.LearningRule, seed: int, w: float, receptor: str = "E", at: int = -1, **bound
) -> np.ndarray:
    """The weights in the end of one-to-one synapses whose post neurons a teacher makes spike."""
    pre, post = trains(seed)
    net = ern.Network(dt_ms=DT)
    source = net.population("pre", N, ern.SpikeTimes([steps * DT for steps in pre]))
    teacher = net.population("teacher", N, ern.SpikeTimes([(steps - 2) * DT for steps in post]))
    cells = net.population("post", N, ern.LIF(tau_syn_E_ms=0.3, tau_syn_I_ms=0.3))
    net.projection("force", teacher, cells, ern.OneToOne(), weight_nA=100.0)
    connector = ern.OneToOne()
    third = {name: factor(net) for name, factor in bound.items()}
    p = net.projection(
        "p", source, cells, connector, weight_nA=w, delay_ms=DELAY * DT, learning=rule, receptor=receptor,
        third_factors=third,
    )  # fmt: skip
    net.probe(p, "w")
    result = ern.run(net, duration_ms=STEPS * DT, backend=backend, **QUICK.get(backend, {}))
    steps, neurons = result.recording.spikes["post"]
    for k in range(N):
        np.testing.assert_array_equal(np.sort(steps[neurons == k]), post[k])
    return result.signal("p", "w")[1][-1]


def there(model: str, parameters: dict, seed: int, w: float, **post_taus: float) -> np.ndarray:
    """The weights in the end of NEST's synapses between neurons that repeat what generators send."""
    nest.ResetKernel()
    nest.set(resolution=DT, local_num_threads=1)
    nest.set_verbosity("M_ERROR")

    def repeating(steps: np.ndarray, **more: float):
        sender = nest.Create("spike_generator", params={"spike_times": (steps + 10) * DT})
        relay = nest.Create("parrot_neuron", params=more)
        nest.Connect(sender, relay, syn_spec={"delay": DT})
        return relay

    nest.CopyModel(model, "learning", {"weight": w, **parameters})
    connections = []
    for pre, post in zip(*trains(seed), strict=True):
        sides = repeating(pre), repeating(post, **post_taus)
        spec = {"synapse_model": "learning", "receptor_type": 1, "weight": w, "delay": DELAY * DT}
        nest.Connect(*sides, syn_spec=spec)
        connections.append(nest.GetConnections(*sides, "learning"))
    nest.Simulate((STEPS + 20) * DT)
    return np.array([c.get("weight") for c in connections])


def check(rule: ern.LearningRule, model: str, parameters: dict, *, w: float = 0.5, sign: float = 1.0, **taus) -> None:
    for seed in range(2):
        expected = there(model, parameters, seed, sign * w, **taus)
        assert np.ptp(expected) > 1e-3
        for backend in READING:
            found = here(backend, rule, seed, w, "E" if sign > 0 else "I")
            np.testing.assert_allclose(sign * found, expected, rtol=0, atol=1e-9, err_msg=backend)


POWERS = {
    "additive": (0.0, 0.0),
    "multiplicative": (1.0, 1.0),
    "additive_multiplicative": (0.0, 1.0),
    "power": (2.0, 3.0),
}


@pytest.mark.parametrize("dependence", POWERS)
def test_pair_rule(dependence: str) -> None:
    up, down = POWERS[dependence]
    W = 1.25
    given = {"mu_plus": up, "mu_minus": down} if dependence == "power" else {}
    # NEST takes amplitudes as shares of Wmax, and weights as shares of it.
    rule = ern.stdp.pair(
        A_plus=0.04 * W ** (1 - up), A_minus=0.03 * W ** (1 - down), w_max=W, dependence=dependence, **given, **TAUS
    )
    parameters = {"tau_plus": 16.8, "lambda": 0.04, "alpha": 0.75, "mu_plus": up, "mu_minus": down, "Wmax": W}
    check(rule, "stdp_synapse", parameters, tau_minus=33.7)


@pytest.mark.parametrize("dependence", POWERS)
@pytest.mark.parametrize("scheme", ["symmetric", "pre_centered", "restricted"])
def test_nearest_pairs(scheme: str, dependence: str) -> None:
    up, down = POWERS[dependence]
    given = {"mu_plus": up, "mu_minus": down} if dependence == "power" else {}
    rule = ern.stdp.nearest(scheme=scheme, A_plus=0.09, A_minus=0.08, dependence=dependence, **given, **TAUS)
    model = {"symmetric": "symm", "pre_centered": "pre_centered", "restricted": "restr"}[scheme]
    parameters = {"tau_plus": 16.8, "lambda": 0.09, "alpha": 0.08 / 0.09, "mu_plus": up, "mu_minus": down, "Wmax": 1.0}
    check(rule, f"stdp_nn_{model}_synapse", parameters, tau_minus=33.7)


def test_triplets() -> None:
    rule = ern.stdp.triplet(
        A2_plus=0.01, A2_minus=0.02, A3_plus=0.03, A3_minus=0.01, tau_x_ms=101, tau_y_ms=125, w_max=1.0, **TAUS
    )
    parameters = {
        "tau_plus": 16.8,
        "tau_plus_triplet": 101.0,
        "Aplus": 0.01,
        "Aminus": 0.02,
        "Aplus_triplet": 0.03,
        "Aminus_triplet": 0.01,
        "Wmax": 1.0,
    }
    check(rule, "stdp_triplet_synapse", parameters, tau_minus=33.7, tau_minus_triplet=125.0)


def test_inhibition_of_vogels() -> None:
    rule = ern.stdp.vogels(eta=0.02, tau_ms=20.0, rate_hz=10.0, w_max=9.0)
    parameters = {"tau": 20.0, "eta": 0.02, "alpha": 2 * 0.01 * 20.0, "Wmax": -9.0}
    check(rule, "vogels_sprekeler_synapse", parameters, w=0.7, sign=-1.0, tau_minus=20.0)


def test_neuromodulation() -> None:
    """The sum, over all jumps of c and D, of the integral of the product of two exponentials."""
    tau_c, tau_d, w = 150.0, 60.0, 0.5
    tau, dopamine = 1.0 / (1.0 / tau_c + 1.0 / tau_d), np.arange(20, STEPS - 40, 37)
    rule = ern.stdp.neuromodulated(
        A_plus=0.2, A_minus=0.1, tau_eligibility_ms=tau_c, tau_signal_ms=tau_d, epoch_ms=DT, w_min=-9.0, w_max=9.0,
        **TAUS,
    )  # fmt: skip

    def released(net: ern.Network) -> ern.Astrocyte:
        source = net.population("dopamine", 1, ern.SpikeTimes([dopamine * DT]))
        return net.astrocyte("D", [source], tau_ms=tau_d)

    expected = []
    for pre, post in zip(*trains(0), strict=True):
        arrivals, total = post + DELAY, 0.0
        jumps = [(t, 0.2 * np.exp(-(t - pre[pre < t]) / TAUS["tau_plus_ms"]).sum()) for t in arrivals]
        jumps += [(t, -0.1 * np.exp(-(t - arrivals[arrivals <= t]) / TAUS["tau_minus_ms"]).sum()) for t in pre]
        for t, jump in jumps:
            later = np.maximum(t, dopamine)
            begins = np.exp(-(later - t) / tau_c - (later - dopamine) / tau_d)
            total += jump * (begins * tau * -np.expm1(-(STEPS - later) / tau)).sum() / 1000.0
        expected.append(w + total)
    assert np.abs(np.array(expected) - w).min() > 1e-3
    for backend in READING:
        found = here(backend, rule, 0, w, D=released)
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-9, err_msg=backend)
