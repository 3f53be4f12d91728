"""The leaky integrate-and-fire neuron with synaptic conductances."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Kind, Parameter, Receptor, positive, state, table
from ernsnn.describe.neurons import lif
from ernsnn.describe.neurons.membrane import ORDERED, PARAMETERS, Membrane
from ernsnn.describe.parametrised import later

MEANS = """
    mean_E = tau_E/dt*-expm1(-dt/tau_E)
    mean_I = tau_I/dt*-expm1(-dt/tau_I)
    g_leak = cm_nF/tau_m
    dt_cm = dt/cm_nF
"""
"""Means over a step in which a conductance decays from 1, the leak in uS, and dt/cm in MOhm."""
MOVES = """
    G_E = g_E*mean_E
    G_I = g_I*mean_I
    G = g_leak + G_E + G_I
    V_end = (g_leak*v_rest_mV + G_E*e_rev_E_mV + G_I*e_rev_I_mV + i_offset_nA)/G
    V = V_end + (V - V_end)*exp(-G*dt_cm)
"""
AVERAGED_MOVES = """
    g_E = g_E + in_E*gain_E
    g_I = g_I + in_I*gain_I
    aim = (g_E*(e_rev_E_mV - V) + g_I*(e_rev_I_mV - V) + i_offset_nA)*R + v_rest_mV
    V = aim - P_m*(aim - V)
"""


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class ConductanceLIF(Membrane):
    r"""Leaky integrate-and-fire neuron with exponentially decaying synaptic conductances (PyNN's IF_cond_exp).

    .. math::
        c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + g_E (e_{rev,E} - V) + g_I (e_{rev,I} - V) + i_{offset},
        \qquad dg_s/dt = -g_s/\tau_{syn,s}

    Weights are in uS ("6 nS" is understood) and not negative. This has no closed form within a step. Under
    ``current_integration="exact"`` each conductance acts with its mean over the step, s = (tau_syn/dt)(1 -
    exp(-dt/tau_syn)) times its value:

    .. math::
        G = c_m/\tau_m + \bar g_E + \bar g_I, \qquad
        V_\infty = ((c_m/\tau_m) v_{rest} + \bar g_E e_{rev,E} + \bar g_I e_{rev,I} + i_{offset})/G, \qquad
        V \leftarrow V_\infty + (V - V_\infty) e^{-G dt/c_m}

    It is stable for any conductance, exact where the conductances do not change, and its error falls with dt^2. Under
    ``"step_average"`` the currents g_s (e_rev,s - V) of the V before the step act as those of ``LIF`` do, as on
    SpiNNaker; choose dt such that (g_E + g_I) dt is small against c_m. The rest is as in ``Membrane``; its noise is
    that of the leak alone.
    """

    kind = later(
        lambda: Kind(
            name="ConductanceLIF",
            parameters=(
                *PARAMETERS,
                *positive("tau_syn_E_ms", "tau_syn_I_ms"),
                Parameter("e_rev_E_mV"),
                Parameter("e_rev_I_mV"),
            ),
            states=(state("V", "v_init_mV", "v_mV"), state("g_E", "0.0", "g_E_uS"), state("g_I", "0.0", "g_I_uS")),
            receptors=(Receptor("E", "uS", negative=False), Receptor("I", "uS", negative=False)),
            exact=table(
                lif.EXACT_LEAK + lif.DECAYS + MEANS,
                MOVES + lif.BOUNDS,
                lif.SPIKE,
                lif.RESET,
                "g_E = g_E*P_E + in_E\ng_I = g_I*P_I + in_I\n",
            ),
            step_average=table(
                lif.LEAK + lif.DECAYS + lif.AVERAGED,
                AVERAGED_MOVES + lif.BOUNDS,
                lif.SPIKE,
                lif.RESET,
                "g_E = g_E*P_E\ng_I = g_I*P_I\n",
            ),
            requirements=ORDERED,
        )
    )

    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
    e_rev_E_mV: Value = 0.0
    e_rev_I_mV: Value = -70.0
