"""Astrocytes with calcium dynamics, in Brian2's own language and integrated by Brian2's own solver."""

from __future__ import annotations

from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Calcium

from .expressions import Constants
from .parts import Group, Parts
from .schedules import scheduled

# As ``describe.CalciumAstrocyte``; concentrations in uM.
_EQUATIONS = """
dGamma_A/dt = (O_N*Y*(1 - Gamma_A) - Omega_N*(1 + zeta*C/(C + K_KC))*Gamma_A)/second : 1
dI/dt = (made + from_outside - broken_down)/second : 1
made = O_beta*Gamma_A + O_delta/(1 + I/kappa_delta)*C**2/(C**2 + K_delta**2) : 1
broken_down = O_3K*C**4/(C**4 + K_D**4)*I/(I + K_3K) + Omega_5P*I : 1
from_outside = -F_ex/2*(1 + tanh((abs(I - I_bias) - I_Theta)/omega_I))*sign(I - I_bias) : 1
dh/dt = O_2*(Q_2 - (Q_2 + C)*h)/second : 1
Q_2 = d_2*(I + d_1)/(I + d_3) : 1
dC/dt = ((Omega_C*open_h**3 + Omega_L)*(C_T - (1 + rho_A)*C) - O_P*C**2/(C**2 + K_P**2))/second : 1
open_h = I/(I + d_1)*C/(C + d_5)*h : 1
Y : 1
""".strip()


def cells(m: Calcium, group: Group, constants: Constants, dt_ms: float, parts: Parts) -> list[str]:
    """Declares the variables on ``group``; returns the code that renews Y, which the solver then holds for a step."""
    equations = _EQUATIONS.replace("/second", "*int(learns)/second") if parts.freezes else _EQUATIONS
    group.equations += [*equations.splitlines(), *(f"{symbol} : 1 (shared, constant)" for symbol in m.kinetics)]
    group.values |= m.kinetics | m.initial
    group.kept += [*m.initial, "Y"]
    code, sources = [], []
    if m.members:
        group.equations.append("heard : integer")
        group.state("released")
        P, release = constants.name(float(decay(m.tau_transmitter_ms, dt_ms))), constants.name(m.release_uM)
        code += [f"released = released*{P} + {release}*heard", "heard = 0"]
        sources.append("released")
    if len(m.steps):
        before, now = scheduled(m, group, parts)
        code += before
        sources.append(now)
    return [*code, f"Y = {' + '.join(sources)}"]


def watch(m: Calcium, group: Group) -> list[str]:
    """Code that notes for the end whether Gamma_A ever left [0, 1], as it does where a step is too long for Y."""
    group.equations.append("sound : boolean")
    group.values["sound"] = True
    message = f"{m.name}: more transmitter than a step can follow; choose a smaller dt_ms or less transmitter"
    group.sound = ("sound", message)
    return ["sound = sound and Gamma_A >= -1e-9 and Gamma_A <= 1 + 1e-9"]
