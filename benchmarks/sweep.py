r"""Synaptic operations against their prediction, over input rates and network sizes.

n Poisson sources reach n cells, and these each other, with probability p each. The cells fire by themselves, every
``PERIOD`` steps from a random phase on, since weights are too small to move them. So in T steps, with q the probability
that a source spikes in one of them,

.. math:: E = p n^2 (T q + T / PERIOD)

operations are expected. The number of spikes S of a neuron and that of its synapses K are independent, so that

.. math:: \sigma^2 = \sum_{neurons} E[S^2] E[K^2] - E[S]^2 E[K]^2

with both binomial, but for the spikes of cells, of which each has T / PERIOD.
"""

from __future__ import annotations

import statistics
from dataclasses import dataclass

import numpy as np

import ernsnn as ern
from ernsnn.analyse.counts import count

Row = dict[str, object]

SIZES, RATES_HZ, BACKENDS = (100, 300, 1000, 3000), (5.0, 20.0, 80.0), ("native", "brian2")
STEPS, PERIOD, CONNECTED = 1000, 100, 0.1
_TAU_M_MS, _REFRACTORY, _DRIVE_MV, _WEIGHT_nA = 20.0, 2, 15.0, 1e-12


@dataclass(frozen=True)
class Prediction:
    """Expected operations and their standard deviation."""

    operations: float
    sigma: float


def predicted(neurons: int, rate_hz: float) -> Prediction:
    """The closed form of this module for steps of 1 ms."""
    q, p, n, T = rate_hz / 1000.0, CONNECTED, neurons, STEPS
    K, K2 = n * p, n * p * (1 - p) + (n * p) ** 2
    S, S2, own = T * q, T * q * (1 - q) + (T * q) ** 2, T / PERIOD
    variance = n * (S2 * K2 - (S * K) ** 2) + n * own**2 * (K2 - K**2)
    return Prediction(n * K * (S + own), float(np.sqrt(variance)))


def network(neurons: int, rate_hz: float, seed: int) -> ern.Network:
    """The network of the prediction. A current takes V to the threshold half a step before the last of a period."""
    charging = (PERIOD - _REFRACTORY - 0.5) / _TAU_M_MS
    target_mV = _DRIVE_MV / -np.expm1(-charging)
    waited = np.random.default_rng(seed).integers(0, PERIOD - _REFRACTORY, neurons)
    v_init = -65.0 + target_mV * -np.expm1(-waited / _TAU_M_MS)
    net = ern.Network(dt_ms=1.0, name="sweep")
    source = net.population("source", neurons, ern.Poisson(rate_hz=rate_hz))
    cells = net.population(
        "cells",
        neurons,
        ern.LIF(tau_m_ms=_TAU_M_MS, tau_refrac_ms=_REFRACTORY, i_offset_nA=target_mV / _TAU_M_MS, v_init_mV=v_init),
    )
    for name, pre in (("in", source), ("within", cells)):
        net.projection(name, pre, cells, ern.FixedProbability(CONNECTED), weight_nA=_WEIGHT_nA)
    return net


def counted(neurons: int, rate_hz: float, seed: int, backend: str) -> int:
    """The number of operations of a run."""
    result = ern.run(network(neurons, rate_hz, seed), duration_ms=STEPS, seed=seed, backend=backend)
    return int(count(result.graph, result.recording).totals["synaptic_operation"])


def sweep(repeats: int) -> list[Row]:
    """Synaptic operations of networks of n + n neurons, counted and predicted; a seed each repeat.

    ``sigma_percent``: the expected error, ``off_percent``: the measured error; ``sigmas``: that of every seed in units
    of the former. The last row has their root mean square, which is 1 if the prediction holds.
    """
    first, *others = BACKENDS
    rows: list[Row] = []
    deviations: list[float] = []
    for neurons in SIZES:
        for rate_hz in RATES_HZ:
            expected = predicted(neurons, rate_hz)
            counts = [counted(neurons, rate_hz, seed, first) for seed in range(repeats)]
            middle, sigmas = statistics.median(counts), [(n - expected.operations) / expected.sigma for n in counts]
            deviations += sigmas
            same = {name: counted(neurons, rate_hz, 0, name) == counts[0] for name in others}
            rows.append(
                {
                    "n": neurons,
                    "rate_hz": rate_hz,
                    "predicted": round(expected.operations),
                    "sigma_percent": round(100 * expected.sigma / expected.operations, 3),
                    first: round(middle),
                    "off_percent": round(100 * (middle / expected.operations - 1), 3),
                    "sigmas": [round(s, 2) for s in sigmas],
                    **{name: "the same" if agrees else "another" for name, agrees in same.items()},
                }
            )
    rms = float(np.sqrt(np.mean(np.square(deviations))))
    return [*rows, {"n": "all", "sigmas": round(rms, 2)}]
