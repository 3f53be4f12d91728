"""The adaptive exponential integrate-and-fire neuron with alpha-shaped synaptic conductances."""

from ernsnn.describe.neurons.adex import adaptive

AlphaAdEx = adaptive(
    "AlphaAdEx",
    """
    dg_E_uS/dt = h_E - g_E_uS/tau_syn_E_ms
    dh_E/dt = -h_E/tau_syn_E_ms
    dg_I_uS/dt = h_I - g_I_uS/tau_syn_I_ms
    dh_I/dt = -h_I/tau_syn_I_ms
    """,
    {"E": "h_E += exp(1)/tau_syn_E_ms*w", "I": "h_I += exp(1)/tau_syn_I_ms*w"},
    g_E="g_E_uS",
    g_I="g_I_uS",
)
AlphaAdEx.__doc__ = r"""``AdEx`` with alpha-shaped synaptic conductances (PyNN's EIF_cond_alpha_isfa_ista).

.. math:: dg_s/dt = h_s - g_s/\tau_{syn,s}, \qquad dh_s/dt = -h_s/\tau_{syn,s}

A spike of weight w (in uS, not negative) adds e w/tau_syn to h_s: its conductance w (t/tau_syn) exp(1 - t/tau_syn)
peaks at w, tau_syn after it arrives. V, w, spikes, parameters, units and the choice of dt are those of ``AdEx``. Probes
are v_mV, w_nA, g_E_uS, g_I_uS, and h_E and h_I (uS/ms), from which the conductances rise.
"""
