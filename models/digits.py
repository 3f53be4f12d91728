"""Digits that a network of LIF neurons tells apart, fitted by surrogate gradients.

64 pixels spike evenly, the brightest in every second step; ``hidden`` LIF neurons hear all of them, and 10 read-outs
hear those. The digit is that of the read-out with most spikes in 50 ms. Weights are of either sign.
"""

from __future__ import annotations

import numpy as np

from ernsnn.describe.distributions import Normal
from ernsnn.describe.network import Network
from ernsnn.describe.neurons import LIF
from ernsnn.describe.trials import Trials

from .images import CLASSES

SHOW_MS, REST_MS = 50, 50
PER_STEP = 0.5
"""Spikes of the brightest pixel in a step of 1 ms."""


def even_spikes(images: np.ndarray) -> np.ndarray:
    """Rasters (images, steps, pixels): of a brightness b, b * PER_STEP spikes a step, as evenly as steps allow."""
    steps = np.arange(SHOW_MS + 1)[:, None]
    counts = np.floor(images[:, None] * PER_STEP * steps + 0.5)
    return np.diff(counts, axis=1)


def trials(images: np.ndarray, labels: np.ndarray) -> Trials:
    """Each image for 50 ms, and a rest of 50 ms, in which nothing of it is left."""
    return Trials(show_ms=SHOW_MS, rest_ms=REST_MS, labels=labels, pixels=even_spikes(images))


def build(shown: Trials, hidden: int = 200) -> Network:
    """The network before it is fitted; the seed of a run draws its weights."""
    net = Network(name="digits")
    spikes = shown.spikes("pixels")
    pixels = net.population("pixels", len(spikes.times_ms), spikes)
    cells = net.population("hidden", hidden, _cells(10.0))
    out = net.population("out", CLASSES, _cells(20.0))
    net.projection("see", pixels, cells, weight_nA=Normal(0.005, 0.06), receptor="signed")
    net.projection("tell", cells, out, weight_nA=Normal(0.005, 0.06), receptor="signed")
    return net


def _cells(tau_m_ms: float) -> LIF:
    return LIF(
        cm_nF=0.25, tau_m_ms=tau_m_ms, tau_syn_E_ms=5.0, tau_syn_I_ms=5.0, tau_refrac_ms=1.0, v_threshold_mV=-50.0
    )
