"""The deterministic astrocyte of a published figure, driven at .5 Hz.

It is that of figure 2 of Stimberg, Goodman, Brette and De Pitta 2019 ("Modeling neuron-glia interactions with the
Brian 2 simulator", second example), with the defaults of ``CalciumAstrocyte``. A source that counts up to 1 in steps of
.0005 drives it: it spikes at 2 s and then every 2.001 s, for 30 s.
"""

from __future__ import annotations

from ernsnn.describe.network import Network
from ernsnn.describe.stimuli import SpikeTimes

DURATION_MS, FIRST_MS, PERIOD_MS = 30_000, 2_000, 2_001
METHODS = ("euler", "rk4")
MAXIMA = {"C_max_uM": "C", "I_max_uM": "I", "Gamma_max": "Gamma_A"}


def build(dt_ms: float = 1.0) -> Network:
    """The source "release" and an astrocyte a method, "euler" and "rk4", all probed in every step."""
    net = Network(name="calcium", dt_ms=dt_ms)
    release = net.population("release", 1, SpikeTimes([range(FIRST_MS, DURATION_MS, PERIOD_MS)]))
    for method in METHODS:
        cell = net.calcium_astrocyte(method, [release], integration=method)
        for variable in MAXIMA.values():
            net.probe(cell, variable)
    return net
