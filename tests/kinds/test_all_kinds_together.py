"""Random networks over all kinds of the library: reference, native and brian2 have the same spikes and potentials."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from on_backends import assert_equal_spikes

import ernsnn as ern
from ernsnn.describe.neurons import CLASSES

WEIGHTS = {"nA": 0.6, "mV": 2.0, "uS": 0.01}
"""The largest weight by its unit."""
OFFSETS = {"Izhikevich": 12.0, "IzhikevichCurrents": 12.0, "AdEx": 1.2, "AlphaAdEx": 1.2, "LeakyIntegrator": 0.5}
"""The largest current of kinds whose threshold is not some 1 nA away."""


def network(seed: int) -> ern.Network:
    """Four populations of kinds that the seed chooses, in a ring and at random, one projection learning."""
    rng = np.random.default_rng(seed)
    net = ern.Network(name=f"kinds {seed}", dt_ms=0.1)
    drive = net.population("drive", 20, ern.Poisson(40.0))
    cells = [
        _population(net, rng, k, str(name)) for k, name in enumerate(rng.choice(sorted(CLASSES), 4, replace=False))
    ]
    pairs = [(drive, post) for post in cells] + [(cells[k], cells[(k + 1) % 4]) for k in range(4)]
    pairs += [(cells[k], cells[m]) for k, m in rng.integers(0, 4, (3, 2))]
    for k, (pre, post) in enumerate(pairs):
        words = [word for word in post.model.kind.words if word != "signed"]
        receptor = str(rng.choice(words))
        unit = post.model.kind.receptor(receptor).unit
        most = WEIGHTS[unit]
        weight: dict[str, Any] = {f"weight_{unit}": ern.Uniform(0.0, most)}
        if k == len(pairs) - 1:
            weight["learning"] = ern.stdp.pair(A_plus=0.1 * most, A_minus=0.1 * most, w_max=2 * most)
        delay = float(rng.integers(1, 20)) * 0.1
        net.projection(f"p{k}", pre, post, ern.FixedProbability(0.5), **weight, receptor=receptor, delay_ms=delay)
    return net


def _population(net: ern.Network, rng: np.random.Generator, k: int, name: str) -> ern.Population:
    size = int(rng.integers(2, 7))
    given: dict[str, Any] = {"i_offset_nA": rng.uniform(0.0, OFFSETS.get(name, 1.5), size)}
    known = {p.name for p in CLASSES[name].kind.parameters}
    if "tau_refrac_ms" in known and rng.random() < 0.5:
        given["tau_refrac_ms"] = float(rng.integers(0, 30)) * 0.1
    if "noise_mV" in known and rng.random() < 0.3:
        given["noise_mV"] = 0.5
    if "tau_m_ms" in known and rng.random() < 0.5:
        given["tau_m_ms"] = ern.Uniform(8.0, 20.0)
    population = net.population(f"c{k}", size, CLASSES[name](**given))
    net.probe(population, "v_mV")
    return population


@pytest.mark.parametrize("seed", [*range(4), *(pytest.param(n, marks=pytest.mark.slow) for n in range(4, 60))])
def test_the_same_spikes_and_potentials(seed: int) -> None:
    """Where V runs away, as on the upstroke of AdEx, a last digit in which exponentials differ grows."""
    assert sum(assert_equal_spikes(network(seed), duration_ms=60, within=1e-6).values()) > 20
