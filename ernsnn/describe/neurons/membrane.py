"""The leaky membrane that the integrate-and-fire kinds share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ernsnn.describe.distributions import Value
from ernsnn.describe.kinds import Kind, Parameter, positive, required
from ernsnn.describe.neurons.neuron import Neuron
from ernsnn.describe.parametrised import Later


@dataclass(frozen=True, eq=False, kw_only=True)
class Membrane(Neuron):
    r"""The membrane that all kinds share whose names end with LIF.

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I

    V >= v_threshold is a spike: V becomes v_reset and stays there for ceil(tau_refrac / dt) steps. ``v_init_mV``
    defaults to v_rest. With ``v_min_mV`` V never falls below it. With ``noise_mV`` the membrane is an
    Ornstein-Uhlenbeck process: every step in which V moves adds noise sqrt(1 - exp(-2 dt/tau_m)) N(0, 1), so that V
    without threshold has that standard deviation, whatever dt; every backend draws the same. Units: nF, ms, mV, nA.
    Raises InvalidModel on time constants or capacitances <= 0, on v_reset >= v_threshold, on v_min above v_reset,
    v_rest or v_init, on noise below 0, and on NaN.
    """

    cm_nF: Value = 1.0
    tau_m_ms: Value = 20.0
    tau_refrac_ms: Value = 0.0
    v_rest_mV: Value = -65.0
    v_reset_mV: Value = -65.0
    v_threshold_mV: Value = -50.0
    i_offset_nA: Value = 0.0
    v_init_mV: Value | None = None
    v_min_mV: Value | None = None
    noise_mV: Value | None = None


PARAMETERS = (
    *positive("cm_nF", "tau_m_ms"),
    Parameter("tau_refrac_ms", low=0.0),
    *map(Parameter, ("v_rest_mV", "v_reset_mV", "v_threshold_mV", "i_offset_nA")),
    Parameter("v_init_mV", follows="v_rest_mV"),
    Parameter("v_min_mV", optional=True),
    Parameter("noise_mV", low=0.0, optional=True),
)
ORDERED = (
    required("v_reset_mV < v_threshold_mV", "or every spike would be followed by another"),
    *(required(f"v_min_mV <= {name}", "the lowest V there is") for name in ("v_rest_mV", "v_reset_mV", "v_init_mV")),
)
"""Requirements on the parameters."""
BOUNDS = """
    if noise_mV: V = V + noise_mV*sqrt(-expm1(-2*dt/tau_m_ms))*normal
    if v_min_mV: V = max(V, v_min_mV)
"""
"""The statements after V's own equation, in equations of a user's language."""


def written(
    name: str,
    text: str,
    parameters: tuple[Parameter, ...],
    *,
    receptors: Mapping[str, str],
    units: Mapping[str, str] | None = None,
    reset: str = "V = v_reset_mV",
    method: str = "exact",
) -> Any:
    """The kind of a subclass of ``Membrane`` with these further parameters, from equations as in ``from_equations``.

    Its text is read when it is first used.
    """
    every = (*PARAMETERS, *parameters)

    def make() -> Kind:
        kind = Neuron.from_equations(
            name,
            text + BOUNDS,
            parameters={p.name: p.follows or None for p in every},
            receptors=receptors,
            units=units,
            threshold="V >= v_threshold_mV",
            reset=reset,
            refractory="tau_refrac_ms",
            method=method,
        ).kind
        return replace(kind, parameters=every, requirements=ORDERED)

    return Later(make)
