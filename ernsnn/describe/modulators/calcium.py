"""Astrocytes with calcium dynamics: the G-ChI model of De Pitta and colleagues."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.expressions import Name, Num, Op, Statement
from ernsnn.describe.kinds import Parameter, state
from ernsnn.describe.modulators.domain import Domain
from ernsnn.describe.modulators.kind import ModulatorKind, expression, statements
from ernsnn.describe.parametrised import later
from ernsnn.describe.stimuli import Schedule
from ernsnn.describe.units import to_single, to_unit
from ernsnn.errors import InvalidModel

if TYPE_CHECKING:
    from ernsnn.describe.populations import Population, View

_RELEASE_UM, _TAU_TRANSMITTER_MS = 500.0, 25.0
_UNIT = re.compile(r"_(uM_per_s|per_uM_s|per_s|uM)$")
_MAY_BE_ZERO = re.compile(r"(O|Omega|F|I_bias|rho|zeta)(_|$)")
_MODERATE = 1e30
"""Constants are 0, or no larger and no smaller than this says: their fourth powers are multiplied and divided by."""
_NO_KINETICS = ("release_uM", "transmitter_uM")
# Beyond x = rate * dt a step overshoots its own goal: Gamma_A leaves [0, 1].
_LIMIT = {"rk4": 2.78, "euler": 1.0}


def _power(target: str, base: str, exponent: int) -> Statement:
    """``target = base**exponent``: a power as one operation, where text would make a product of it."""
    return Statement(target, Op("**", (Name(base), Num(float(exponent)))))


_CONSTANTS = (
    *(
        "O_P",
        "K_P",
        "C_T",
        "rho_A",
        "Omega_C",
        "Omega_L",
        "d_1",
        "d_2",
        "d_3",
        "d_5",
        "O_2",
        "O_beta",
        "O_N",
        "Omega_N",
    ),
    *("K_KC", "zeta", "O_delta", "kappa_delta", "K_delta", "Omega_5P", "K_D", "K_3K", "O_3K"),
    *("F_ex", "I_Theta", "omega_I", "I_bias"),
)
"""The constants of the equations by their symbols, in uM and seconds."""
_STARTS = {"C": "initial_C", "I": "initial_I", "h": "initial_h", "Gamma_A": "initial_Gamma_A"}
_RELEASED = ("tau_transmitter_ms", "release_uM")
_KIND = later(
    lambda: ModulatorKind(
        "CalciumAstrocyte",
        parameters=tuple(map(Parameter, (*_CONSTANTS, *_STARTS.values(), *_RELEASED))),
        states=(
            *(state(variable, initial, variable) for variable, initial in _STARTS.items()),
            state("Y", "0.0", "Y"),
            state("released", "0.0"),
        ),
        constants=(
            *statements("P = exp(-dt/max(tau_transmitter_ms, 1e-9*dt))"),
            *(_power(*power) for power in (("K_P2", "K_P", 2), ("K_delta2", "K_delta", 2), ("K_D4", "K_D", 4))),
        ),
        before=statements("released = released*P"),
        heard=statements("released = released + release_uM*heard"),
        after=statements("Y = released\nif given: Y = Y + given"),
        rates=(
            *statements(
                """
            C2 = C*C
            C4 = C2*C2
            Q_2 = d_2*(I + d_1)/(I + d_3)
            open_h = I/(I + d_1)*C/(C + d_5)*h
            open_h3 = open_h*open_h*open_h
            stored = C_T - (1.0 + rho_A)*C
            away = I - I_bias
            far = abs(away)
            side = away/max(far, 1e-300)
            from_outside = -F_ex/2.0*(1.0 + tanh((far - I_Theta)/omega_I))*side
            made = O_beta*Gamma_A + O_delta/(1.0 + I/kappa_delta)*C2/(C2 + K_delta2)
            broken_down = O_3K*C4/(C4 + K_D4)*I/(I + K_3K) + Omega_5P*I
            loss = Omega_N*(1.0 + zeta*C/(C + K_KC))
            dGamma_A/dt = O_N*Y*(1.0 - Gamma_A) - loss*Gamma_A
            dI/dt = made - broken_down + from_outside
            dh/dt = O_2*(Q_2 - (Q_2 + C)*h)
            dC/dt = (Omega_C*open_h3 + Omega_L)*stored - O_P*C2/(C2 + K_P2)
            """
            ),
        ),
        time_ms=1000.0,
        sound=expression("Gamma_A >= -1e-9 and Gamma_A <= 1.0 + 1e-9"),
        unsound="its transmitter is more than a step can follow; choose a smaller dt_ms or less transmitter",
        units=(("C", "uM"), ("I", "uM"), ("Y", "uM")),
    )
)
"""Beyond [0, 1], Gamma_A has overshot its goal: a step is too long for Y."""


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class CalciumAstrocyte(Domain):
    r"""Astrocytes with calcium C, inositol trisphosphate I (both in uM), open receptors h and bound receptors Gamma_A.

    .. math::
        \dot\Gamma_A &= O_N Y (1 - \Gamma_A) - \Omega_N \left(1 + \zeta \frac{C}{C + K_{KC}}\right) \Gamma_A \\
        \dot I &= O_\beta \Gamma_A + \frac{O_\delta}{1 + I/\kappa_\delta} \frac{C^2}{C^2 + K_\delta^2}
            - O_{3K} \frac{C^4}{C^4 + K_D^4} \frac{I}{I + K_{3K}} - \Omega_{5P} I + J_{ex} \\
        J_{ex} &= -\frac{F_{ex}}{2} \left(1 + \tanh\frac{|I - I_{bias}| - I_\Theta}{\omega_I}\right)
            \mathrm{sgn}(I - I_{bias}) \\
        \dot h &= O_2 (Q_2 + C) \left(\frac{Q_2}{Q_2 + C} - h\right), \qquad Q_2 = d_2 \frac{I + d_1}{I + d_3} \\
        \dot C &= (\Omega_C m^3 h^3 + \Omega_L) (C_T - (1 + \rho_A) C) - O_P \frac{C^2}{C^2 + K_P^2}, \qquad
            m = \frac{I}{I + d_1} \frac{C}{C + d_5}

    Y, in uM, is the neurotransmitter outside the astrocyte: what was released, which decays by exp(-dt/tau) with
    ``tau_transmitter_ms`` and then gains ``release_uM`` per spike of the domain in the same step, plus what is given
    as ``transmitter_uM``, a Schedule of one number, or of one number an astrocyte. There may be either or both; with
    per="neuron" and no domain there are as many astrocytes as the Schedule has columns. In each step Y is renewed and
    then held while the other four take one step of dt, by the classical Runge-Kutta method (``"rk4"``) or by forward
    Euler (``"euler"``, the scheme of the published run). Probe ``C``, ``I``, ``h``, ``Gamma_A``, ``Y`` or ``value``.

    Times in the parameters are in seconds, concentrations in uM. The equations are stiff where much is released:
    beyond dt * (O_N Y + Omega_N (1 + zeta)) = 2.78 (Euler: 1) Gamma_A would leave [0, 1]. A network whose single
    release or Schedule is beyond it is refused, and a run in which spikes add up to it fails; give a large domain a
    small ``release_uM``. Raises InvalidModel on parameters out of range and on astrocytes without any input.

    Source: De Pitta et al. 2009, J Biol Phys 35:383, in the form and with the values of Stimberg, Goodman, Brette and
    De Pitta 2019, "Modeling neuron-glia interactions with the Brian 2 simulator" (figure 2); the default release is
    that paper's .001 * 500 mM per spike, cleared at 40/s.
    """

    kind = _KIND

    listens_to: Sequence[Population | View] = ()
    transmitter_uM: Schedule | None = None
    release_uM: float = _RELEASE_UM
    tau_transmitter_ms: float = _TAU_TRANSMITTER_MS
    integration: Literal["rk4", "euler"] = "rk4"
    # Calcium: pump, total content, ratio of volumes, release and leak
    O_P_uM_per_s: float = 0.9
    K_P_uM: float = 0.1
    C_T_uM: float = 2.0
    rho_A: float = 0.18
    Omega_C_per_s: float = 6.0
    Omega_L_per_s: float = 0.1
    # Receptors of inositol trisphosphate
    d_1_uM: float = 0.13
    d_2_uM: float = 1.05
    d_3_uM: float = 0.9434
    d_5_uM: float = 0.08
    O_2_per_uM_s: float = 0.2
    # Receptors of the transmitter
    O_beta_uM_per_s: float = 5.0
    O_N_per_uM_s: float = 0.3
    Omega_N_per_s: float = 0.5
    K_KC_uM: float = 0.5
    zeta: float = 10.0
    # Inositol trisphosphate: production, degradation, and what flows in from outside
    O_delta_uM_per_s: float = 0.2
    kappa_delta_uM: float = 1.5
    K_delta_uM: float = 0.3
    Omega_5P_per_s: float = 0.1
    K_D_uM: float = 0.5
    K_3K_uM: float = 1.0
    O_3K_uM_per_s: float = 4.5
    F_ex_uM_per_s: float = 0.09
    I_Theta_uM: float = 0.3
    omega_I_uM: float = 0.05
    I_bias_uM: float = 0.0
    # At the start
    initial_C_uM: float = 0.0
    initial_I_uM: float = 0.0
    initial_h: float = 0.9
    initial_Gamma_A: float = 0.0

    def __post_init__(self) -> None:
        self._check_domain()
        if self.integration not in _LIMIT:
            raise InvalidModel(f"{self.name}.integration: must be 'rk4' or 'euler', got {self.integration!r}")
        tau = to_unit(self.tau_transmitter_ms, "ms", f"{self.name}.tau_transmitter_ms")
        object.__setattr__(self, "tau_transmitter_ms", tau)
        self._check_numbers()
        self._check_input()

    def _check_numbers(self) -> None:
        for field in dataclasses.fields(self):
            path = f"{self.name}.{field.name}"
            if field.type != "float":
                continue
            value = to_single(getattr(self, field.name), path)
            object.__setattr__(self, field.name, value)
            if field.name.startswith("initial_"):
                highest = 1.0 if _symbol(field.name) == field.name else np.inf
                if not 0 <= value <= highest:
                    raise InvalidModel(f"{path}: must lie in [0, {highest:g}], got {value}")
            elif _MAY_BE_ZERO.match(field.name):
                if value < 0:
                    raise InvalidModel(f"{path}: must be >= 0, got {value}")
            elif not value > 0:
                raise InvalidModel(f"{path}: must be > 0, got {value}")
            if not is_moderate(value):
                raise InvalidModel(f"{path}: must lie in [{1 / _MODERATE:g}, {_MODERATE:g}], got {value}")

    def _check_input(self) -> None:
        given = self.transmitter_uM
        if given is None:
            if not self.listens_to:
                raise InvalidModel(f"{self.name}: needs neurons to listen to, or a Schedule as transmitter_uM")
            return
        if np.min(given.values, initial=np.inf) < 0:
            raise InvalidModel(f"{self.name}.transmitter_uM: must be >= 0, got {np.min(given.values)}")
        if given.width not in (None, self.size):
            raise InvalidModel(f"{self.name}.transmitter_uM: needs one number a time or {self.size}, got {given.width}")
        changed = (self.release_uM, self.tau_transmitter_ms) != (_RELEASE_UM, _TAU_TRANSMITTER_MS)
        if changed and not self.listens_to:
            raise InvalidModel(f"{self.name}: release_uM and tau_transmitter_ms need neurons to listen to")

    def check_step(self, dt_ms: float) -> None:
        """Raises InvalidModel where one release, or the Schedule, is too much for steps of ``dt_ms``."""
        most = 0.0 if self.transmitter_uM is None else float(np.max(self.transmitter_uM.values, initial=0.0))
        if self.listens_to:
            most += self.release_uM
        change = dt_ms / 1000 * (self.O_N_per_uM_s * most + self.Omega_N_per_s * (1 + self.zeta))
        if change > _LIMIT[self.integration]:
            raise InvalidModel(
                f"{self.name}: with {most:g} uM of transmitter Gamma_A changes by a factor of {change:.3g} in a step, "
                f"beyond the {_LIMIT[self.integration]} that {self.integration} can follow; choose a smaller dt_ms or "
                f"less transmitter"
            )

    @property
    def size(self) -> int:
        """How many astrocytes there are."""
        if self.per == "neuron" and not self.listens_to and self.transmitter_uM is not None:
            return self.transmitter_uM.width or 1
        return super().size

    @property
    def kinetics(self) -> dict[str, float]:
        """The constants of the equations by their symbols, in uM and seconds."""
        names = [f.name for f in dataclasses.fields(self) if f.type == "float" and f.name not in _NO_KINETICS]
        return {_symbol(n): getattr(self, n) for n in names if not n.startswith(("initial_", "tau_"))}

    @property
    def initial(self) -> dict[str, float]:
        """C, I, h and Gamma_A at the start."""
        fields = {"C": "initial_C_uM", "I": "initial_I_uM", "h": "initial_h", "Gamma_A": "initial_Gamma_A"}
        return {variable: getattr(self, field) for variable, field in fields.items()}


def is_moderate(value: float) -> bool:
    """Whether the equations can be computed with a constant."""
    return value == 0 or 1 / _MODERATE <= abs(value) <= _MODERATE


def _symbol(field: str) -> str:
    """A parameter's name in the equations: its field's less the unit."""
    return _UNIT.sub("", field)
