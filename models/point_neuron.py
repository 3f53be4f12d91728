r"""Leaky integrate-and-fire neurons with constant currents, of many types and without synapses.

Their parameters are spread as those of the Allen Institute's cells of the mouse visual cortex (Dey and Dimitrov 2022);
``types`` of them are drawn, as a population of a chip has one value of each:

    tau_m ~ N(20, 5) in [8, 40] ms;  c_m = .15 nF e^N(0, .3);  v_threshold - v_rest ~ N(22, 4) in [10, 35] mV;
    v_rest = v_reset ~ N(-75, 3) mV;  tau_refrac 2 to 5 ms

Each neuron has a constant current of its own, drawn from .2 to .9 times its rheobase (every second neuron: it never
fires, and its V is compared) or from 1.2 to 3 times (it fires, and its spikes are compared).
"""

from __future__ import annotations

import numpy as np

from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.errors import InvalidModel

SILENT, FIRING = (0.2, 0.9), (1.2, 3.0)
"""Currents in units of the rheobase."""
_PROBED = 50
"""The number of neurons of a type of which V is recorded; 20,000 would fill the memory."""


def build(neurons: int = 100, types: int = 20, seed: int = 0, dt_ms: float = 1.0) -> Network:
    """``neurons`` of ``types`` kinds, one population ``type0``, ... a kind that has any; neuron k is of kind k % types.

    Even neurons of a population stay silent, odd ones fire; in every second kind it is the other way round.
    """
    if neurons < 1 or types < 1:
        raise InvalidModel(f"point_neuron: needs neurons and types >= 1, got {neurons} and {types}")
    rng = np.random.default_rng(seed)
    net = Network(name="point_neuron", dt_ms=dt_ms)
    for kind in range(min(types, neurons)):
        size = len(range(kind, neurons, types))
        tau, distance = np.clip(rng.normal((20.0, 22.0), (5.0, 4.0)), (8.0, 10.0), (40.0, 35.0)).tolist()
        cm, rest = 0.15 * float(np.exp(rng.normal(0, 0.3))), float(rng.normal(-75, 3))
        silent = fires_not(kind, np.arange(size))
        drive = np.where(silent, rng.uniform(*SILENT, size), rng.uniform(*FIRING, size))
        cells = net.population(
            f"type{kind}",
            size,
            LIF(
                cm_nF=cm,
                tau_m_ms=tau,
                tau_refrac_ms=float(rng.integers(2, 6)),
                v_rest_mV=rest,
                v_reset_mV=rest,
                v_threshold_mV=rest + distance,
                i_offset_nA=drive * distance * cm / tau,
            ),
        )
        net.probe(cells[: min(size, _PROBED)], "v_mV", every_ms=max(1.0, dt_ms))
    return net


def fires_not(kind: int, neurons: np.ndarray) -> np.ndarray:
    """Whether each of the ``neurons`` (indices) of a kind has too little current to fire."""
    return np.asarray((neurons + kind) % 2 == 0)
