"""Astrocytes with calcium dynamics: see ``describe.CalciumAstrocyte`` for the equations."""

from __future__ import annotations

import numpy as np

from ernsnn.errors import ProgramFailed
from ernsnn.graph.constants import decay
from ernsnn.graph.graph import Calcium

from .schedules import scheduled

_ROUNDING = 1e-9


class CalciumState:
    """Gamma_A, I, h and C of every astrocyte as the rows of one array, and Y."""

    changes = ("released", "Y", "state")

    def __init__(self, m: Calcium, dt_ms: float) -> None:
        self.m, self.dt_s = m, dt_ms / 1000
        self.P = decay(m.tau_transmitter_ms, dt_ms)
        self.released, self.Y = np.zeros(m.size), np.zeros(m.size)
        start = (m.initial[name] for name in ("Gamma_A", "I", "h", "C"))
        self.state = np.stack([np.full(m.size, value) for value in start])

    def step(self, t: int, heard: np.ndarray) -> np.ndarray:
        """Advance, ``heard`` spikes in step ``t`` having released transmitter; returns C."""
        self.released = self.released * self.P + self.m.release_uM * heard
        self.Y = self.released + scheduled(self.m, t)
        y, dt = self.state, self.dt_s
        k1 = self.change(y)
        if self.m.integration == "euler":
            self.state = y + dt * k1
        else:
            k2 = self.change(y + dt / 2 * k1)
            k3 = self.change(y + dt / 2 * k2)
            k4 = self.change(y + dt * k3)
            self.state = y + dt / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        bound = self.state[0]
        if not ((bound >= -_ROUNDING) & (bound <= 1 + _ROUNDING)).all():
            raise ProgramFailed(
                f"{self.m.name}: in step {t} {self.Y.max():g} uM of transmitter are more than a step can follow; "
                "choose a smaller dt_ms or less transmitter",
                path=self.m.name,
            )
        return np.asarray(self.state[3])

    def change(self, state: np.ndarray) -> np.ndarray:
        """The time derivatives, per second."""
        Gamma_A, I, h, C = state
        k = self.m.kinetics
        C2 = C * C
        C4 = C2 * C2
        Q_2 = k["d_2"] * (I + k["d_1"]) / (I + k["d_3"])
        open_h = I / (I + k["d_1"]) * C / (C + k["d_5"]) * h
        stored = k["C_T"] - (1 + k["rho_A"]) * C
        away = I - k["I_bias"]
        from_outside = -k["F_ex"] / 2 * (1 + np.tanh((np.abs(away) - k["I_Theta"]) / k["omega_I"])) * np.sign(away)
        made = k["O_beta"] * Gamma_A + k["O_delta"] / (1 + I / k["kappa_delta"]) * C2 / (C2 + k["K_delta"] ** 2)
        broken_down = k["O_3K"] * C4 / (C4 + k["K_D"] ** 4) * I / (I + k["K_3K"]) + k["Omega_5P"] * I
        loss = k["Omega_N"] * (1 + k["zeta"] * C / (C + k["K_KC"]))
        return np.stack(
            [
                k["O_N"] * self.Y * (1 - Gamma_A) - loss * Gamma_A,
                made - broken_down + from_outside,
                k["O_2"] * (Q_2 - (Q_2 + C) * h),
                (k["Omega_C"] * open_h**3 + k["Omega_L"]) * stored - k["O_P"] * C2 / (C2 + k["K_P"] ** 2),
            ]
        )

    def variable(self, name: str) -> np.ndarray:
        """A probed variable."""
        return self.Y if name == "Y" else np.asarray(self.state[("Gamma_A", "I", "h", "C").index(name)])
