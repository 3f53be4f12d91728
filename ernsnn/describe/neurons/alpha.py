"""The leaky integrate-and-fire neuron with alpha-shaped synaptic currents."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import positive
from ernsnn.describe.neurons.membrane import Membrane, written


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class AlphaLIF(Membrane):
    r"""Leaky integrate-and-fire neuron with alpha-shaped synaptic currents (PyNN's IF_curr_alpha).

    .. math::
        c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I_E - I_I + i_{offset}, \qquad
        dI_s/dt = h_s - I_s/\tau_{syn,s}, \qquad dh_s/dt = -h_s/\tau_{syn,s}

    A spike of weight w (in nA) adds e w/tau_syn to h_s: its current w (t/tau_syn) exp(1 - t/tau_syn) peaks at w,
    tau_syn after it arrives. Integrated exactly. Probes are v_mV, I_E_nA and I_I_nA, and h_E and h_I (nA/ms), from
    which the currents rise. It needs the network's ``current_integration="exact"``. The rest is as in ``Membrane``.
    """

    kind = written(
        "AlphaLIF",
        """
        dV/dt = (v_rest_mV - V)/tau_m_ms + (I_E_nA - I_I_nA + i_offset_nA)/cm_nF
        dI_E_nA/dt = h_E - I_E_nA/tau_syn_E_ms
        dh_E/dt = -h_E/tau_syn_E_ms
        dI_I_nA/dt = h_I - I_I_nA/tau_syn_I_ms
        dh_I/dt = -h_I/tau_syn_I_ms
        """,
        positive("tau_syn_E_ms", "tau_syn_I_ms"),
        receptors={"E": "h_E += exp(1)/tau_syn_E_ms*w", "I": "h_I += exp(1)/tau_syn_I_ms*w"},
    )

    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
