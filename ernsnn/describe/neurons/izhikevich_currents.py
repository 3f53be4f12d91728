"""Izhikevich's neuron with synaptic currents."""

from __future__ import annotations

from dataclasses import dataclass

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Kind, Parameter, Receptor, positive, state, table
from ernsnn.describe.neurons.lif import AVERAGED, AVERAGED_AFTER, CURRENTS, DECAYS, EXACT_AFTER
from ernsnn.describe.neurons.neuron import Neuron
from ernsnn.describe.parametrised import later

_ARRIVING = "I_E = I_E + in_E*gain_E\nI_I = I_I + in_I*gain_I\n"


def _moves(start: str, middle: str, end: str) -> str:
    """Runge and Kutta's method of fourth order, with the currents at three times of a step."""
    slopes = ""
    places = [("1", start, "V", "u"), ("2", middle, "V + 0.5*dt*v1", "u + 0.5*dt*u1")]
    places += [("3", middle, "V + 0.5*dt*v2", "u + 0.5*dt*u2"), ("4", end, "V + dt*v3", "u + dt*u3")]
    for k, current, v, u in places:
        slopes += f"V{k} = {v}\nU{k} = {u}\n"
        slopes += f"v{k} = 0.04*V{k}*V{k} + 5.0*V{k} + 140.0 - U{k} + {current} + i_offset_nA\n"
        slopes += f"u{k} = a*(b*V{k} - U{k})\n"
    return slopes + "V = V + dt/6.0*(v1 + 2.0*v2 + 2.0*v3 + v4)\nu = u + dt/6.0*(u1 + 2.0*u2 + 2.0*u3 + u4)\n"


_HALVES = "H_E = exp(-0.5*dt/tau_E)\nH_I = exp(-0.5*dt/tau_I)\n"
_EXACT = _moves("I_E - I_I", "I_E*H_E - I_I*H_I", "I_E*P_E - I_I*P_I")
_SPIKE, _RESET = "V >= 30.0", "V = c_mV\nu = u + d\n"


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class IzhikevichCurrents(Neuron):
    r"""``Izhikevich`` with synaptic currents that decay, in place of jumps of V (sPyNNaker's Izhikevich, IZK_curr_exp).

    .. math:: dV/dt = 0.04 V^2 + 5 V + 140 - u + I_E - I_I + i_{offset}, \qquad du/dt = a (b V - u), \qquad
              dI_s/dt = -I_s/\tau_{syn,s}

    Weights are in nA; a current of 1 nA moves V by 1 mV/ms. V >= 30 mV is a spike: V becomes c, u grows by d. The rest
    is as in ``Izhikevich``. With ``current_integration="step_average"`` a current has its mean over the step.
    """

    kind = later(
        lambda: Kind(
            name="IzhikevichCurrents",
            parameters=(
                *map(Parameter, ("a", "b", "c_mV", "d", "i_offset_nA", "v_init_mV")),
                *positive("tau_syn_E_ms", "tau_syn_I_ms"),
            ),
            states=(state("V", "v_init_mV", "v_mV"), state("u", "b*v_init_mV", "u"), *CURRENTS),
            receptors=(Receptor("E", "nA"), Receptor("I", "nA")),
            exact=table(DECAYS + _HALVES, _EXACT, _SPIKE, _RESET, EXACT_AFTER),
            step_average=table(
                DECAYS + AVERAGED, _ARRIVING + _moves(*["I_E - I_I"] * 3), _SPIKE, _RESET, AVERAGED_AFTER
            ),
            refractory="",
        )
    )

    a: Value = 0.02
    b: Value = 0.2
    c_mV: Value = -65.0
    d: Value = 2.0
    i_offset_nA: Value = 0.0
    v_init_mV: Value = -70.0
    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
