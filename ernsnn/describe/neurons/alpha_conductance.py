"""The leaky integrate-and-fire neuron with alpha-shaped synaptic conductances."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Parameter, positive
from ernsnn.describe.neurons.membrane import Membrane, written


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class AlphaConductanceLIF(Membrane):
    r"""Leaky integrate-and-fire neuron with alpha-shaped synaptic conductances (PyNN's IF_cond_alpha).

    .. math::
        c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + g_E (e_{rev,E} - V) + g_I (e_{rev,I} - V) + i_{offset}, \qquad
        dg_s/dt = h_s - g_s/\tau_{syn,s}, \qquad dh_s/dt = -h_s/\tau_{syn,s}

    A spike of weight w (in uS, not negative) adds e w/tau_syn to h_s: its conductance w (t/tau_syn) exp(1 - t/tau_syn)
    peaks at w, tau_syn after it arrives. Conductances are integrated exactly, V by Runge and Kutta's method of fourth
    order, a step of dt at a time: choose dt such that G dt is small against c_m, G being the sum of all conductances.
    With weights of up to .05 uS and c_m from .2 nF, V was within 1e-4 mV at a dt of .1 ms, and a sixteenth of that at
    half the dt. Probes are v_mV, g_E_uS and g_I_uS, and h_E and h_I (uS/ms), from which the conductances rise. It needs
    the network's ``current_integration="exact"``. The rest is as in ``Membrane``; its noise is that of the leak alone.
    """

    kind = written(
        "AlphaConductanceLIF",
        """
        dV/dt = ((v_rest_mV - V)/tau_m_ms
                 + (g_E_uS*(e_rev_E_mV - V) + g_I_uS*(e_rev_I_mV - V) + i_offset_nA)/cm_nF)
        dg_E_uS/dt = h_E - g_E_uS/tau_syn_E_ms
        dh_E/dt = -h_E/tau_syn_E_ms
        dg_I_uS/dt = h_I - g_I_uS/tau_syn_I_ms
        dh_I/dt = -h_I/tau_syn_I_ms
        """,
        (*positive("tau_syn_E_ms", "tau_syn_I_ms"), Parameter("e_rev_E_mV"), Parameter("e_rev_I_mV")),
        receptors={"E": "h_E += exp(1)/tau_syn_E_ms*w", "I": "h_I += exp(1)/tau_syn_I_ms*w"},
        units={"E": "uS", "I": "uS"},
        method="rk4",
    )

    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
    e_rev_E_mV: Value = 0.0
    e_rev_I_mV: Value = -70.0
