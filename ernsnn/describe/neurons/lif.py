"""The leaky integrate-and-fire neuron with synaptic currents."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from typing import Any

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Kind, Parameter, Receptor, positive, state, table
from ernsnn.describe.neurons.membrane import ORDERED, PARAMETERS, Membrane
from ernsnn.describe.parametrised import later

LEAK = """
    tau_m = max(tau_m_ms, 1e-9*dt)
    P_m = exp(-dt/tau_m)
    R = tau_m_ms/cm_nF
    if noise_mV: noise = noise_mV*sqrt(-expm1(-2*dt/tau_m))
"""
"""The membrane's own constants. A time constant far below dt is taken as one of 1e-9 dt, so that nothing overflows."""
EXACT_LEAK = LEAK + "k_c = R*-expm1(-dt/tau_m)\n"
DECAYS = """
    tau_E = max(tau_syn_E_ms, 1e-9*dt)
    tau_I = max(tau_syn_I_ms, 1e-9*dt)
    P_E = exp(-dt/tau_E)
    P_I = exp(-dt/tau_I)
"""
AVERAGED = "gain_E = tau_E/dt*(1 - P_E)\ngain_I = tau_I/dt*(1 - P_I)\n"
"""Means over a step of currents that decay from 1: (tau/dt)(1 - exp(-dt/tau))."""
# Rotter and Diesmann (1999): R tau_s/(tau_s - tau_m) (P_s - P_m), or (dt/cm) P_m where the time constants are equal.
# |P_s - P_m| = P_slow (1 - exp(-delta)) with delta = dt |tau_s - tau_m|/(tau_s tau_m); exprel keeps all digits when
# they are close, and is 1 where they are equal.
GAINS = """
    delta_E = dt*abs(tau_E - tau_m)/(tau_E*tau_m)
    delta_I = dt*abs(tau_I - tau_m)/(tau_I*tau_m)
    k_E = dt/cm_nF*exp(-dt/max(tau_E, tau_m))*exprel(-delta_E)
    k_I = dt/cm_nF*exp(-dt/max(tau_I, tau_m))*exprel(-delta_I)
"""
BOUNDS = """
    if noise_mV: V = V + noise*normal
    if v_min_mV: V = max(V, v_min_mV)
"""
"""The statements after V's own equation."""
MOVES = "V = v_rest_mV + P_m*(V - v_rest_mV) + k_E*I_E - k_I*I_I + i_offset_nA*k_c\n"
AVERAGED_MOVES = """
    I_E = I_E + in_E*gain_E
    I_I = I_I + in_I*gain_I
    aim = (I_E - I_I + i_offset_nA)*R + v_rest_mV
    V = aim - P_m*(aim - V)
"""
SPIKE, RESET = "v_threshold_mV <= V", "V = v_reset_mV"
EXACT_AFTER = "I_E = I_E*P_E + in_E\nI_I = I_I*P_I + in_I\n"
AVERAGED_AFTER = "I_E = I_E*P_E\nI_I = I_I*P_I\n"
CURRENTS = (state("I_E", "0.0", "I_E_nA"), state("I_I", "0.0", "I_I_nA"))


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class LIF(Membrane):
    r"""Leaky integrate-and-fire neuron with exponentially decaying synaptic currents (PyNN's IF_curr_exp).

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I_E - I_I + i_{offset}, \qquad dI_s/dt = -I_s/\tau_{syn,s}

    Weights are in nA. How the current acts within a step is the network's ``current_integration``. The rest is as in
    ``Membrane``.
    """

    kind = later(
        lambda: Kind(
            name="LIF",
            parameters=(*PARAMETERS, *positive("tau_syn_E_ms", "tau_syn_I_ms")),
            states=(state("V", "v_init_mV", "v_mV"), *CURRENTS),
            receptors=(Receptor("E", "nA"), Receptor("I", "nA")),
            exact=table(EXACT_LEAK + DECAYS + GAINS, MOVES + BOUNDS, SPIKE, RESET, EXACT_AFTER),
            step_average=table(LEAK + DECAYS + AVERAGED, AVERAGED_MOVES + BOUNDS, SPIKE, RESET, AVERAGED_AFTER),
            requirements=ORDERED,
        )
    )

    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0


def variant(
    name: str, spike: str = SPIKE, reset: str = RESET, more: Iterable[Parameter] = (), without: Collection[str] = ()
) -> Any:
    """The kind of ``LIF`` under another ``name``: its membrane and currents, with other spikes and resets.

    ``spike`` is the condition of a spike, "" for none. ``more`` parameters are added, those ``without`` which it does
    are removed, with the requirements about them.
    """
    return later(
        lambda: replace(
            LIF.kind,
            name=name,
            parameters=(*(p for p in LIF.kind.parameters if p.name not in without), *more),
            exact=table(EXACT_LEAK + DECAYS + GAINS, MOVES + BOUNDS, spike, reset, EXACT_AFTER),
            step_average=table(LEAK + DECAYS + AVERAGED, AVERAGED_MOVES + BOUNDS, spike, reset, AVERAGED_AFTER),
            refractory="" if LIF.kind.refractory in without else LIF.kind.refractory,
            requirements=tuple(r for r in ORDERED if not r.names & set(without)),
        )
    )
