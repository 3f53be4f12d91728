"""The leaky integrate-and-fire neuron with reset by subtraction."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.neurons.lif import LIF, variant


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class SoftResetLIF(LIF):
    r"""Leaky integrate-and-fire neuron with reset by subtraction (soft reset), else as ``LIF``.

    .. math:: V \ge v_{threshold}: \quad V \leftarrow V - (v_{threshold} - v_{reset})

    What V had above the threshold is kept, so that a neuron that hardly leaks turns a current into spikes without loss:
    it counts them (Rueckauer et al. 2017, Front. Neurosci. 11:682). It spikes once a step at most. V, which may stay
    above the threshold, is held for ceil(tau_refrac/dt) steps as in ``Membrane``.
    """

    kind = variant("SoftResetLIF", reset="V = V - (v_threshold_mV - v_reset_mV)")
