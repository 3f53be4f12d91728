"""The G-ChI astrocyte in scalars, written from the published equations: for the oracle and for tests of its own."""

from __future__ import annotations

import math

PUBLISHED = (
    {"O_P": 0.9, "K_P": 0.1, "C_T": 2.0, "rho_A": 0.18, "Omega_C": 6.0, "Omega_L": 0.1}
    | {"d_1": 0.13, "d_2": 1.05, "d_3": 0.9434, "d_5": 0.08, "O_2": 0.2}
    | {"O_beta": 5.0, "O_N": 0.3, "Omega_N": 0.5, "K_KC": 0.5, "zeta": 10.0}
    | {"O_delta": 0.2, "kappa_delta": 1.5, "K_delta": 0.3, "Omega_5P": 0.1, "K_D": 0.5, "K_3K": 1.0, "O_3K": 4.5}
    | {"F_ex": 0.09, "I_Theta": 0.3, "omega_I": 0.05, "I_bias": 0.0}
)


def hill(x, k, n):
    return x**n / (x**n + k**n)


def fluxes(k, Y, C, I, h, Gamma):
    """The fluxes, by the names of Stimberg et al. 2019 without their J_."""
    m_inf = hill(I, k["d_1"], 1) * hill(C, k["d_5"], 1)
    gradient = k["C_T"] - (1 + k["rho_A"]) * C
    beyond = I - k["I_bias"]
    sign = 1 if beyond > 0 else -1 if beyond < 0 else 0
    return {
        "r": k["Omega_C"] * m_inf**3 * h**3 * gradient,
        "l": k["Omega_L"] * gradient,
        "p": k["O_P"] * hill(C, k["K_P"], 2),
        "beta": k["O_beta"] * Gamma,
        "delta": k["O_delta"] / (1 + I / k["kappa_delta"]) * hill(C, k["K_delta"], 2),
        "3K": k["O_3K"] * hill(C, k["K_D"], 4) * hill(I, k["K_3K"], 1),
        "5P": k["Omega_5P"] * I,
        "ex": -sign * k["F_ex"] / 2 * (1 + math.tanh((abs(beyond) - k["I_Theta"]) / k["omega_I"])),
        "bind": k["O_N"] * Y * (1 - Gamma),
        "free": k["Omega_N"] * (1 + k["zeta"] * hill(C, k["K_KC"], 1)) * Gamma,
    }


def change(k, Y, C, I, h, Gamma):
    """Time derivatives per second of C, I, h and Gamma."""
    J = fluxes(k, Y, C, I, h, Gamma)
    Q_2 = k["d_2"] * (I + k["d_1"]) / (I + k["d_3"])
    h_inf, tau_h = Q_2 / (Q_2 + C), 1 / (k["O_2"] * (Q_2 + C)) if k["O_2"] else math.inf
    return (
        J["r"] + J["l"] - J["p"],
        J["beta"] + J["delta"] - J["3K"] - J["5P"] + J["ex"],
        (h_inf - h) / tau_h,
        J["bind"] - J["free"],
    )


class Cell:
    """One astrocyte; a state is (C, I, h, Gamma)."""

    def __init__(self, kinetics, initial, integration, dt_s):
        self.k, self.integration, self.dt = kinetics, integration, dt_s
        self.state = tuple(initial[name] for name in ("C", "I", "h", "Gamma_A"))

    def step(self, Y):
        def moved(by, slope):
            return tuple(x + by * dx for x, dx in zip(self.state, slope, strict=True))

        first = change(self.k, Y, *self.state)
        if self.integration == "euler":
            self.state = moved(self.dt, first)
            return
        second = change(self.k, Y, *moved(self.dt / 2, first))
        third = change(self.k, Y, *moved(self.dt / 2, second))
        fourth = change(self.k, Y, *moved(self.dt, third))
        mean = [(a + 2 * b + 2 * c + d) / 6 for a, b, c, d in zip(first, second, third, fourth, strict=True)]
        self.state = moved(self.dt, mean)

    def variable(self, name):
        return self.state[("C", "I", "h", "Gamma_A").index(name)]
