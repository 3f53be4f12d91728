"""The leaky integrate-and-fire neuron with conductances of adaptation and relative refractoriness."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Parameter, positive
from ernsnn.describe.neurons.membrane import Membrane, written


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveConductanceLIF(Membrane):
    r"""Conductance LIF with adaptation and relative refractoriness (PyNN's IF_cond_exp_gsfa_grr; Muller et al. 2007).

    .. math::
        c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + \sum_{x \in \{E, I, sfa, rr\}} g_x (e_{rev,x} - V) + i_{offset},
        \qquad dg_x/dt = -g_x/\tau_x

    A spike of the neuron itself adds q_sfa to g_sfa and q_rr to g_rr, both in uS. Weights are in uS and not negative.
    Conductances are integrated exactly, V by Runge and Kutta's method of fourth order, a step of dt at a time: choose
    dt such that G dt is small against c_m, G being the sum of all conductances. Probes are v_mV, g_E_uS, g_I_uS, g_sfa
    and g_rr. It needs the network's ``current_integration="exact"``. The rest is as in ``Membrane``.
    """

    kind = written(
        "AdaptiveConductanceLIF",
        """
        dV/dt = ((v_rest_mV - V)/tau_m_ms + (g_E*(e_rev_E_mV - V) + g_I*(e_rev_I_mV - V)
                 + g_sfa*(e_rev_sfa_mV - V) + g_rr*(e_rev_rr_mV - V) + i_offset_nA)/cm_nF)
        dg_E/dt = -g_E/tau_syn_E_ms
        dg_I/dt = -g_I/tau_syn_I_ms
        dg_sfa/dt = -g_sfa/tau_sfa_ms
        dg_rr/dt = -g_rr/tau_rr_ms
        """,
        (
            *positive("tau_syn_E_ms", "tau_syn_I_ms", "tau_sfa_ms", "tau_rr_ms"),
            *map(Parameter, ("e_rev_E_mV", "e_rev_I_mV", "e_rev_sfa_mV", "e_rev_rr_mV")),
            Parameter("q_sfa_uS", low=0.0),
            Parameter("q_rr_uS", low=0.0),
        ),
        receptors={"E": "g_E += w", "I": "g_I += w"},
        units={"E": "uS", "I": "uS"},
        reset="V = v_reset_mV; g_sfa += q_sfa_uS; g_rr += q_rr_uS",
        method="rk4",
    )

    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
    e_rev_E_mV: Value = 0.0
    e_rev_I_mV: Value = -70.0
    tau_sfa_ms: Value = 100.0
    e_rev_sfa_mV: Value = -75.0
    q_sfa_uS: Value = 0.015
    tau_rr_ms: Value = 2.0
    e_rev_rr_mV: Value = -75.0
    q_rr_uS: Value = 3.0
