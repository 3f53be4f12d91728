"""Closed forms of the time step, computed once here so that every backend gets the same numbers."""

from __future__ import annotations

import numpy as np

Numbers = float | np.ndarray
_FOREVER = 2.0**40
"""A refractory period of so many steps outlasts every run."""


def decay(tau_ms: Numbers, dt_ms: float) -> Numbers:
    """exp(-dt/tau)."""
    return np.exp(-dt_ms / _divisor(tau_ms, dt_ms))[()]


def _divisor(tau_ms: Numbers, dt_ms: float) -> np.ndarray:
    """A time constant, but not so small that dt/tau overflows: exp(-dt/tau) is 0 long before."""
    return np.asarray(np.maximum(np.asarray(tau_ms), 1e-9 * dt_ms))


def refractory_steps(tau_refrac_ms: Numbers, dt_ms: float) -> Numbers:
    """ceil(tau_refrac/dt), tolerant of rounding noise."""
    steps = np.ceil(np.asarray(tau_refrac_ms) / dt_ms - 1e-9)
    return np.asarray(np.minimum(steps, _FOREVER)).astype(np.int64)[()]


@np.errstate(over="ignore", invalid="ignore")
def membrane(parameters: dict[str, Numbers], dt_ms: float, current_integration: str) -> dict[str, Numbers]:
    r"""Propagators of the LIF membrane.

    Both schemes: ``P_m`` = exp(-dt/tau_m), ``P_E``, ``P_I`` likewise, ``R`` = tau_m/cm in MOhm, ``n_ref`` steps.
    ``g_E``, ``g_I`` scale what arrives: (tau_s/dt)(1 - exp(-dt/tau_s)) for step_average, 1 for exact. Exact only
    (Rotter and Diesmann 1999): ``k_E``, ``k_I`` = R tau_s/(tau_s - tau_m)(P_s - P_m), or (dt/cm) P_m where
    tau_s = tau_m, and ``k_c`` = R (1 - P_m), the gain of a constant current. What has no synaptic currents lacks the
    constants of them. Conductances have, in place of k_E and k_I, ``mean_E``, ``mean_I``, their mean over a step in
    which they decay from 1: (tau_s/dt)(1 - exp(-dt/tau_s)), ``g_leak`` = cm/tau_m in uS and ``dt_cm`` = dt/cm in MOhm.
    A noisy membrane has ``noise`` = noise sqrt(1 - P_m^2), the standard deviation of one step's. What leaves the
    floats is infinite; a run says so when it has an effect (``NotFinite``).
    """
    cm = np.asarray(parameters["cm_nF"])
    R, tau_m = np.asarray(parameters["tau_m_ms"]) / cm, _divisor(parameters["tau_m_ms"], dt_ms)
    P_m, conduct = np.exp(-dt_ms / tau_m), "e_rev_E_mV" in parameters
    result: dict[str, Numbers] = {"P_m": P_m, "R": R, "n_ref": refractory_steps(parameters["tau_refrac_ms"], dt_ms)}
    for receptor in ("E", "I"):
        if f"tau_syn_{receptor}_ms" not in parameters:
            continue
        tau_s = _divisor(parameters[f"tau_syn_{receptor}_ms"], dt_ms)
        P_s = np.exp(-dt_ms / tau_s)
        result[f"P_{receptor}"] = P_s
        if current_integration == "step_average":
            result[f"g_{receptor}"] = tau_s / dt_ms * (1 - P_s)
            continue
        result[f"g_{receptor}"] = np.ones_like(tau_s)
        if conduct:
            result[f"mean_{receptor}"] = tau_s / dt_ms * -np.expm1(-dt_ms / tau_s)
        else:
            result[f"k_{receptor}"] = _gain(tau_s, tau_m, cm, dt_ms)
    if conduct and current_integration == "exact":
        result["g_leak"], result["dt_cm"] = cm / tau_m, dt_ms / cm
    if current_integration == "exact":
        result["k_c"] = R * -np.expm1(-dt_ms / tau_m)
    if "noise_mV" in parameters:
        result["noise"] = np.asarray(parameters["noise_mV"]) * np.sqrt(-np.expm1(-2 * dt_ms / tau_m))
    return {name: value[()] if isinstance(value, np.ndarray) else value for name, value in result.items()}


def _gain(tau_s: np.ndarray, tau_m: np.ndarray, cm: np.ndarray, dt_ms: float) -> np.ndarray:
    # |P_s - P_m| = P_slow (1 - exp(-delta)) with delta = dt |tau_s - tau_m|/(tau_s tau_m); expm1 keeps all digits when
    # the time constants are close, and (1 - exp(-delta))/delta -> 1 joins the case of equal ones without a jump.
    delta = dt_ms * np.abs(tau_s - tau_m) / (tau_s * tau_m)
    safe = np.where(delta == 0, 1.0, delta)
    ratio = np.where(delta == 0, 1.0, -np.expm1(-safe) / safe)
    return np.asarray(dt_ms / cm * np.exp(-dt_ms / np.maximum(tau_s, tau_m)) * ratio)
