"""Neuron models. Every parameter may be one number, an array (one value a neuron) or a distribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.fields import convert_fields
from ernsnn.errors import InvalidModel


@dataclass(frozen=True, eq=False, kw_only=True)
class LIF:
    r"""Leaky integrate-and-fire neuron with exponentially decaying synaptic currents (PyNN's IF_curr_exp).

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I_E - I_I + i_{offset}, \qquad dI_s/dt = -I_s/\tau_{syn,s}

    V >= v_threshold is a spike: V becomes v_reset and stays there for ceil(tau_refrac / dt) steps. How the current
    acts within a step is the network's ``current_integration``. Units: nF, ms, mV, nA. ``v_init_mV`` defaults to
    v_rest. Raises InvalidModel on time constants or capacitances <= 0, on v_reset >= v_threshold, and on NaN.
    """

    cm_nF: Value = 1.0
    tau_m_ms: Value = 20.0
    tau_refrac_ms: Value = 0.0
    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
    v_rest_mV: Value = -65.0
    v_reset_mV: Value = -65.0
    v_threshold_mV: Value = -50.0
    i_offset_nA: Value = 0.0
    v_init_mV: Value | None = None

    def __post_init__(self) -> None:
        convert_fields(self, type(self).__name__)
        if self.v_init_mV is None:
            object.__setattr__(self, "v_init_mV", self.v_rest_mV)
        check_neuron_values(type(self).__name__, self.parameters)

    @property
    def parameters(self) -> dict[str, Value]:
        """Name -> value of every parameter."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}


@dataclass(frozen=True, eq=False, kw_only=True)
class AdaptiveLIF(LIF):
    r"""LIF whose threshold rises with its own spikes (Diehl and Cook 2015, section 2.2; Bellec et al. 2018, eq. 4).

    The spike test is V >= v_threshold + theta; theta starts at 0, decays with tau_threshold (before the test, during
    refractoriness too), and grows by ``threshold_increment_mV`` at every spike.
    """

    tau_threshold_ms: Value = 100.0
    threshold_increment_mV: Value = 1.0


_POSITIVE = ("cm_nF", "tau_m_ms", "tau_syn_E_ms", "tau_syn_I_ms", "tau_threshold_ms")


def check_neuron_values(path: str, values: Mapping[str, Value]) -> None:
    """Raise InvalidModel, naming ``path`` and the parameter, on what no neuron can have.

    Called on what the user wrote, and again by the lowering on the numbers that distributions gave.
    """
    # What a distribution gives is checked when it has been drawn.
    lowest = {name: span(value)[0] for name, value in values.items() if not isinstance(value, Distribution)}
    problems = [f"{path}.{n} must be > 0, got {lowest[n]}" for n in _POSITIVE if n in lowest and lowest[n] <= 0]
    if lowest.get("tau_refrac_ms", 0.0) < 0:
        problems.append(f"{path}.tau_refrac_ms must be >= 0, got {lowest['tau_refrac_ms']}")
    reset, threshold = values["v_reset_mV"], values["v_threshold_mV"]
    if not isinstance(reset, Distribution) and not isinstance(threshold, Distribution):
        if np.shape(reset) and np.shape(threshold) and np.shape(reset) != np.shape(threshold):
            problems.append(f"{path}: v_reset_mV and v_threshold_mV have different lengths")
        elif (np.asarray(reset) >= np.asarray(threshold)).any():
            problems.append(
                f"{path}: v_reset_mV must lie below v_threshold_mV, or every spike would be followed by another; "
                f"got {reset} and {threshold}"
            )
    if problems:
        raise InvalidModel("; ".join(problems))
