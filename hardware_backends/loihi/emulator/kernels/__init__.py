"""The compiled steps of the emulator: one function runs many steps of a whole network over flat arrays.

Formulae and integer widths are those of Lava's fixed-point models (lava-nc 0.10.0).
"""

from __future__ import annotations

import numpy as np

from ..compiled import compiled
from ..state import Astrocytes, Draws, Membranes, Output, Plasticity, Wiring
from .cells import astrocytes, neurons, transmit
from .learning import hear, learn


@compiled
def run_steps(
    first: int,
    n_steps: int,
    given_at: np.ndarray,
    given: np.ndarray,
    membranes: Membranes,
    wiring: Wiring,
    plastic: Plasticity,
    glia: Astrocytes,
    draws: Draws,
    out: Output,
) -> int:
    """Run at most ``n_steps`` steps from ``first`` on, fewer when ``out`` is full. Returns how many.

    Spikes given in the k-th of these steps are ``given[given_at[k]:given_at[k + 1]]``.
    """
    out.written[0] = 0
    for k in range(n_steps):
        step, n_spikes = first + k, out.written[0]
        if n_spikes + out.recent.shape[1] > len(out.neurons):
            return k
        n = neurons(step, given[given_at[k] : given_at[k + 1]], membranes, out)
        for s in range(n):
            out.steps[n_spikes + s], out.neurons[n_spikes + s] = step, out.recent[step % len(out.recent), s]
        out.written[0] += n
        astrocytes(step, glia, out)
        for c in range(len(wiring.connections)):
            it, r = wiring.connections[c], wiring.connections[c].rule
            for phase in range(2):
                if (phase == 0) == (it.transmits_first > 0):
                    transmit(step, it, membranes, wiring, plastic.synapses, out)
                elif r >= 0:
                    hear(step, r, plastic, glia, out)
                    if (step + 1) % plastic.rules[r].epoch == 0:
                        learn(step, r, draws.pre[k, r], draws.post[k, r], draws.synapses[k, r], plastic)
    return n_steps
