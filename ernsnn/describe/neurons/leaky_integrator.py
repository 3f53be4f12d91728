"""The leaky integrator: a read-out that never spikes."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.neurons.lif import variant
from ernsnn.describe.neurons.neuron import Neuron


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class LeakyIntegrator(Neuron):
    r"""Leaky membrane that never spikes: the output of a network is its V (probe ``v_mV``); else as ``LIF``.

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I_E - I_I + i_{offset}, \qquad dI_s/dt = -I_s/\tau_{syn,s}

    It is the read-out of trained spiking networks (``LI`` of Norse and NIR). Weights are in nA. ``v_init_mV`` defaults
    to v_rest; ``noise_mV`` and ``v_min_mV`` are those of ``LIF``.
    """

    kind = variant("LeakyIntegrator", spike="", reset="", without=("tau_refrac_ms", "v_reset_mV", "v_threshold_mV"))

    cm_nF: Value = 1.0
    tau_m_ms: Value = 20.0
    v_rest_mV: Value = -65.0
    i_offset_nA: Value = 0.0
    v_init_mV: Value | None = None
    v_min_mV: Value | None = None
    noise_mV: Value | None = None
    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
