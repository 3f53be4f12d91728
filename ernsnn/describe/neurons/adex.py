"""The adaptive exponential integrate-and-fire neuron."""

from __future__ import annotations

from collections.abc import Mapping

from ernsnn.describe.neurons.neuron import Neuron, of_the_library

_MEMBRANE = """
    U = min(V, v_spike_mV)
    dV/dt = (cm_nF/tau_m_ms*(v_rest_mV - U + delta_T_mV*exp((U - v_threshold_mV)/delta_T_mV))
             + {g_E}*(e_rev_E_mV - U) + {g_I}*(e_rev_I_mV - U) - w_nA + i_offset_nA)/cm_nF
    dw_nA/dt = (a_uS*(U - v_rest_mV) - w_nA)/tau_w_ms
"""
_PARAMETERS: dict[str, float | str | None] = {
    "cm_nF": 0.281,
    "tau_m_ms": 9.3667,
    "tau_refrac_ms": 0.1,
    "v_rest_mV": -70.6,
    "v_reset_mV": -70.6,
    "v_threshold_mV": -50.4,
    "v_spike_mV": -40.0,
    "v_init_mV": "v_rest_mV",
    "delta_T_mV": 2.0,
    "a_uS": 0.004,
    "b_nA": 0.0805,
    "tau_w_ms": 144.0,
    "i_offset_nA": 0.0,
    "tau_syn_E_ms": 5.0,
    "tau_syn_I_ms": 5.0,
    "e_rev_E_mV": 0.0,
    "e_rev_I_mV": -80.0,
}


def adaptive(
    name: str, conductances: str, receptors: Mapping[str, str], g_E: str = "g_E", g_I: str = "g_I"
) -> type[Neuron]:
    """The kind with these equations of its ``conductances``, of which ``g_E`` and ``g_I`` act on V."""
    return of_the_library(
        name,
        _MEMBRANE.format(g_E=g_E, g_I=g_I) + conductances,
        parameters=_PARAMETERS,
        positive=("cm_nF", "tau_m_ms", "delta_T_mV", "tau_w_ms", "tau_syn_E_ms", "tau_syn_I_ms"),
        receptors=receptors,
        units={"E": "uS", "I": "uS"},
        threshold="V >= v_spike_mV",
        reset="V = v_reset_mV; w_nA += b_nA",
        refractory="tau_refrac_ms",
        method="rk4",
    )


AdEx = adaptive(
    "AdEx",
    """
    dg_E/dt = -g_E/tau_syn_E_ms
    dg_I/dt = -g_I/tau_syn_I_ms
    """,
    {"E": "g_E += w", "I": "g_I += w"},
)
AdEx.__doc__ = r"""Adaptive exponential integrate-and-fire (Brette and Gerstner 2005; PyNN's EIF_cond_exp_isfa_ista).

.. math::
    c_m dV/dt = (c_m/\tau_m)(v_{rest} - V + \Delta_T e^{(V - v_{threshold})/\Delta_T}) + g_E (e_{rev,E} - V)
    + g_I (e_{rev,I} - V) - w + i_{offset}, \qquad \tau_w dw/dt = a (V - v_{rest}) - w, \qquad dg_s/dt = -g_s/\tau_s

V >= v_spike is a spike: V becomes v_reset and stays there for ceil(tau_refrac/dt) steps, w grows by b. Beyond v_spike V
acts as v_spike. ``v_threshold_mV`` is where spikes begin, not where they are seen. Weights are in uS and not negative;
probes are v_mV, w_nA, g_E_uS and g_I_uS. V and w by Runge and Kutta's method of fourth order, a step of dt at a time:
choose dt of .1 ms or less, which is within 1e-6 mV up to 2 Delta_T above v_threshold.
"""
