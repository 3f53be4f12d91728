"""Propagators against high-precision and numerical integration; times as steps."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ernsnn import LIF, InvalidModel
from ernsnn.describe.units import whole_steps
from ernsnn.graph.constants import constants, decay, refractory_steps

modest = settings(deadline=None, derandomize=True, database=None)
tau = st.floats(0.01, 1000)


def parameters(**given):
    return {"cm_nF": 0.25, "tau_m_ms": 10.0, "tau_syn_E_ms": 5.0, "tau_syn_I_ms": 2.0, "tau_refrac_ms": 0.0, **given}


def membrane(parameters, dt_ms, current_integration):
    """The constants of LIF neurons."""
    return constants(LIF.kind, parameters, dt_ms, current_integration)


def exact_gain(cm, tau_m, tau_s, dt):
    """The membrane's answer after dt to a current of 1 nA that decays with tau_s, to 60 digits."""
    with mpmath.workdps(60):
        cm, tau_m, tau_s, dt = (mpmath.mpf(x) for x in (cm, tau_m, tau_s, dt))
        if tau_m == tau_s:
            return float(dt / cm * mpmath.exp(-dt / tau_m))
        factor = tau_m / cm * tau_s / (tau_s - tau_m)
        return float(factor * (mpmath.exp(-dt / tau_s) - mpmath.exp(-dt / tau_m)))


@settings(modest, max_examples=300)
@given(tau_m=tau, tau_s=tau, cm=st.floats(0.001, 10), dt=st.floats(0.001, 10))
def test_gain_is_right_to_the_last_digits(tau_m, tau_s, cm, dt):
    found = membrane(parameters(cm_nF=cm, tau_m_ms=tau_m, tau_syn_E_ms=tau_s), dt, "exact")["k_E"]
    # exp(-dt/tau) itself is off by as many units as dt/tau has
    assert found == pytest.approx(exact_gain(cm, tau_m, tau_s, dt), rel=1e-14 * (1 + dt / max(tau_m, tau_s)))


@pytest.mark.parametrize("distance", [0, 1e-15, 1e-12, 1e-9, 1e-6, 1e-3])
@pytest.mark.parametrize("sign", [1, -1])
def test_gain_has_no_jump_where_the_time_constants_meet(distance, sign):
    tau_s = 10.0 * (1 + sign * distance)
    found = membrane(parameters(tau_syn_E_ms=tau_s), 1.0, "exact")["k_E"]
    assert found == pytest.approx(exact_gain(0.25, 10.0, tau_s, 1.0), rel=1e-14)


@pytest.mark.parametrize(("tau_m", "tau_s"), [(1e-3, 5.0), (5.0, 1e-3), (1e-4, 1e-4)])
def test_gain_of_very_short_time_constants_is_finite(tau_m, tau_s):
    found = membrane(parameters(tau_m_ms=tau_m, tau_syn_E_ms=tau_s), 1.0, "exact")["k_E"]
    assert found == pytest.approx(exact_gain(0.25, tau_m, tau_s, 1.0), rel=1e-12, abs=1e-300)


def integrate(V, currents, constant, p, dt, n=2000):
    """Runge-Kutta over one step of cm dV/dt = -(cm/tau_m) V + I_E - I_I + constant, dI/dt = -I/tau."""

    def slope(y):
        V, E, I = y
        return np.array(
            [
                -V / p["tau_m_ms"] + (E - I + constant) / p["cm_nF"],
                -E / p["tau_syn_E_ms"],
                -I / p["tau_syn_I_ms"],
            ]
        )

    y, h = np.array([V, *currents]), dt / n
    for _ in range(n):
        a = slope(y)
        b = slope(y + h / 2 * a)
        c = slope(y + h / 2 * b)
        d = slope(y + h * c)
        y = y + h / 6 * (a + 2 * b + 2 * c + d)
    return y


@pytest.mark.parametrize("given", [{}, {"tau_syn_E_ms": 10.0}, {"tau_syn_I_ms": 10.0, "tau_m_ms": 3.0}])
def test_exact_propagators_integrate_the_membrane_equation(given):
    p, dt = parameters(**given), 0.7
    c = membrane(p, dt, "exact")
    V, E, I = integrate(3.0, (0.4, 0.9), 0.2, p, dt)
    assert c["P_m"] * 3.0 + c["k_E"] * 0.4 - c["k_I"] * 0.9 + c["k_c"] * 0.2 == pytest.approx(V, abs=1e-11)
    assert c["P_E"] * 0.4 == pytest.approx(E, abs=1e-12)
    assert c["P_I"] * 0.9 == pytest.approx(I, abs=1e-12)


def test_step_average_scales_an_arrival_to_its_mean_over_the_step():
    c = membrane(parameters(), 0.7, "step_average")
    times = (np.arange(100_000) + 0.5) / 100_000 * 0.7
    assert c["gain_E"] == pytest.approx(np.exp(-times / 5.0).mean(), rel=1e-9)
    assert c["gain_I"] == pytest.approx(np.exp(-times / 2.0).mean(), rel=1e-9)
    assert c["R"] == 40
    assert {"k_E", "k_I", "k_c"}.isdisjoint(c)


def test_arrays_are_treated_one_by_one():
    taus = np.array([2.0, 10.0, 30.0])
    both = membrane(parameters(tau_m_ms=taus), 1.0, "exact")
    for i, tau_m in enumerate(taus):
        for name, value in membrane(parameters(tau_m_ms=float(tau_m)), 1.0, "exact").items():
            assert np.broadcast_to(both[name], 3)[i] == value


@pytest.mark.parametrize(
    ("tau_refrac", "dt", "steps"),
    [(0, 1, 0), (1, 1, 1), (1.5, 1, 2), (0.3, 0.1, 3), (2.1, 0.1, 21), (2.3, 0.1, 23), (1e-6, 1, 1), (1.0000001, 1, 2)],
)
def test_refractory_steps_round_up_but_not_for_rounding_noise(tau_refrac, dt, steps):
    assert refractory_steps(tau_refrac, dt) == steps


@settings(modest, max_examples=200)
@given(st.integers(0, 10**7), st.sampled_from([1.0, 0.5, 0.1, 0.025, 0.3]))
def test_multiples_of_dt_are_whole_steps(steps, dt):
    assert whole_steps(steps * dt, dt, "x") == steps
    assert refractory_steps(steps * dt, dt) == steps


@pytest.mark.parametrize("steps", [0, 1, 10, 1000, 100_000])
@pytest.mark.parametrize("off", [0.5, 0.01, -0.3])
def test_other_times_are_refused_by_name(steps, off):
    with pytest.raises(InvalidModel, match=r"where:.*multiple"):
        whole_steps((steps + off) * 0.1, 0.1, "where")


def test_decay():
    assert decay(4.0, 1.0) == pytest.approx(0.7788007830714049, rel=1e-15)
