"""Neuron models. Every parameter may be one number, an array (one value a neuron) or a distribution."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Distribution, Value, span
from ernsnn.describe.fields import convert_fields
from ernsnn.errors import InvalidModel

REVERSALS = ("e_rev_E_mV", "e_rev_I_mV")
"""The parameters that only neurons with conductances have, by which they are known."""


@dataclass(frozen=True, eq=False, kw_only=True)
class Neuron:
    r"""The membrane that all neuron models share; a population consists of one of its kinds below.

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I

    V >= v_threshold is a spike: V becomes v_reset and stays there for ceil(tau_refrac / dt) steps. ``v_init_mV``
    defaults to v_rest. With ``v_min_mV`` V never falls below it. With ``noise_mV`` the membrane is an
    Ornstein-Uhlenbeck process: every step in which V moves adds noise sqrt(1 - exp(-2 dt/tau_m)) N(0, 1), so that V
    without threshold has that standard deviation, whatever dt; every backend draws the same. Units: nF, ms, mV, nA.
    Raises InvalidModel on time constants or capacitances <= 0, on v_reset >= v_threshold, on v_min above v_reset,
    v_rest or v_init, on noise below 0, and on NaN.
    """

    weight_unit: ClassVar[Literal["nA", "mV", "uS"]] = "nA"
    """Of what a spike adds: a current, a voltage or a conductance."""
    synaptic: ClassVar[tuple[str, ...]] = ()
    """What a probe can record of its synapses."""

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

    def __post_init__(self) -> None:
        convert_fields(self, type(self).__name__)
        if self.weight_unit != "uS" and self.parameters.keys() & set(REVERSALS):
            raise InvalidModel(
                f"{type(self).__name__}: {' and '.join(REVERSALS)} belong to ConductanceLIF; derive from it, or choose "
                "other names"
            )
        if self.v_init_mV is None:
            object.__setattr__(self, "v_init_mV", self.v_rest_mV)
        check_neuron_values(type(self).__name__, self.parameters)

    @property
    def parameters(self) -> dict[str, Value]:
        """Name -> value of every parameter that is given or has a default."""
        given = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: value for name, value in given.items() if value is not None}


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class LIF(Neuron):
    r"""Leaky integrate-and-fire neuron with exponentially decaying synaptic currents (PyNN's IF_curr_exp).

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + I_E - I_I + i_{offset}, \qquad dI_s/dt = -I_s/\tau_{syn,s}

    Weights are in nA. How the current acts within a step is the network's ``current_integration``. The rest is as in
    ``Neuron``.
    """

    synaptic = ("I_E_nA", "I_I_nA")

    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class DeltaLIF(Neuron):
    r"""Leaky integrate-and-fire neuron whose membrane jumps at every arriving spike (PyNN's IF_curr_delta).

    .. math:: c_m dV/dt = -(c_m/\tau_m)(V - v_{rest}) + i_{offset} + c_m \sum_k w_k \delta(t - t_k)

    Weights are in mV. V is integrated and tested first; then what arrives in the step is added, and so is tested in
    the next. What arrives in the step of a spike or while refractory is lost (unless tau_refrac is 0), as with NEST's
    iaf_psc_delta. Needs ``current_integration="exact"``. The rest is as in ``Neuron``.
    """

    weight_unit = "mV"


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class ConductanceLIF(Neuron):
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
    SpiNNaker; choose dt such that (g_E + g_I) dt is small against c_m. The rest is as in ``Neuron``; its noise is that
    of the leak alone.
    """

    weight_unit = "uS"
    synaptic = ("g_E_uS", "g_I_uS")

    tau_syn_E_ms: Value = 5.0
    tau_syn_I_ms: Value = 5.0
    e_rev_E_mV: Value = 0.0
    e_rev_I_mV: Value = -70.0


@checked
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
    problems += [
        f"{path}.{n} must be >= 0, got {lowest[n]}" for n in ("tau_refrac_ms", "noise_mV") if lowest.get(n, 0.0) < 0
    ]
    problems += _order_problems(
        path, values, "v_reset_mV", "v_threshold_mV", np.less, "or every spike would be followed by another"
    )
    if "v_min_mV" in values:
        for name in ("v_rest_mV", "v_reset_mV", "v_init_mV"):
            if name in values:
                problems += _order_problems(path, values, "v_min_mV", name, np.less_equal, "the lowest V there is")
    if problems:
        raise InvalidModel("; ".join(problems))


def _order_problems(
    path: str, values: Mapping[str, Value], low: str, high: str, ordered: np.ufunc, why: str
) -> list[str]:
    """What is wrong with two potentials, of which ``low`` must lie below (or at) ``high``."""
    below, above = values[low], values[high]
    if isinstance(below, Distribution) or isinstance(above, Distribution):
        return []
    if np.shape(below) and np.shape(above) and np.shape(below) != np.shape(above):
        return [f"{path}: {low} and {high} have different lengths"]
    if np.all(ordered(below, above)):
        return []
    where = "below" if ordered is np.less else "at or below"
    return [f"{path}: {low} must lie {where} {high}, {why}; got {below} and {above}"]
