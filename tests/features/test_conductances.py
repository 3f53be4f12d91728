"""Neurons whose synapses are conductances, against closed forms and a fine integration."""

from __future__ import annotations

import numpy as np
import pytest
from by_hand import run
from scipy.integrate import solve_ivp

from ernsnn import ConductanceLIF, InvalidModel, LearningRule, Network, SpikeTimes, lower, marks, stdp

CELL = {"cm_nF": 0.2, "tau_m_ms": 20.0, "v_rest_mV": -60.0, "v_reset_mV": -60.0, "v_threshold_mV": 100.0}
W_E, W_I, TAU_E, TAU_I, E_E, E_I = 0.02, 0.05, 5.0, 10.0, 0.0, -80.0


def having() -> Network:
    return network(1.0)


def network(dt_ms: float, scheme: str = "exact", **given: object) -> Network:
    """Two excitatory spikes and an inhibitory one reach a neuron that hardly can spike; V and conductances probed."""
    net = Network(dt_ms=dt_ms, current_integration=scheme)
    source = net.population("source", 2, SpikeTimes([[5.0, 7.0], [12.0]]))
    model = ConductanceLIF(
        **{**CELL, "tau_syn_E_ms": TAU_E, "tau_syn_I_ms": TAU_I, "e_rev_E_mV": E_E, "e_rev_I_mV": E_I, **given}
    )
    cell = net.population("cell", 1, model)
    net.projection("excites", source[:1], cell, weight_uS=W_E, delay_ms=1.0)
    net.projection("inhibits", source[1:], cell, weight_uS="50 nS", delay_ms=1.0, receptor="inhibitory")
    for variable in ("v_mV", "g_E_uS", "g_I_uS"):
        net.probe(cell, variable, every_ms=1.0)
    return net


def integrated(times_ms: np.ndarray) -> np.ndarray:
    """V by a fine Runge-Kutta integration, started anew where a conductance jumps."""
    V, g_E, g_I, now, found = -60.0, 0.0, 0.0, 0.0, {0.0: -60.0}

    def slope(_: float, y: np.ndarray) -> list[float]:
        V, g_E, g_I = y
        through = -(0.2 / 20.0) * (V + 60.0) + g_E * (E_E - V) + g_I * (E_I - V)
        return [through / 0.2, -g_E / TAU_E, -g_I / TAU_I]

    for jump, dE, dI in ((6.0, W_E, 0.0), (8.0, W_E, 0.0), (13.0, 0.0, W_I), (times_ms[-1], 0.0, 0.0)):
        asked = np.union1d(times_ms[(times_ms > now) & (times_ms < jump)], [jump])
        solved = solve_ivp(slope, (now, jump), [V, g_E, g_I], t_eval=asked, rtol=1e-11, atol=1e-12)
        found |= dict(zip(asked.tolist(), solved.y[0], strict=True))
        (V, g_E, g_I), now = solved.y[:, -1], jump
        g_E, g_I = g_E + dE, g_I + dI
    return np.array([found[t] for t in times_ms.tolist()])


def deviation(dt_ms: float, scheme: str) -> float:
    """Largest difference in mV. A spike of step s arrives at the end of step s + d, or with the mean of that step."""
    steps, V = run(network(dt_ms, scheme), round(40 / dt_ms)).signals["cell.v_mV"]
    end = steps * dt_ms + (0.0 if scheme == "exact" else dt_ms)
    return float(np.max(np.abs(V[:, 0] - integrated(end))))


def test_the_error_falls_with_the_square_of_dt() -> None:
    coarse, middle, fine = (deviation(dt, "exact") for dt in (1.0, 0.5, 0.25))
    assert fine < 2e-3
    assert coarse / middle == pytest.approx(4, rel=0.1)
    assert middle / fine == pytest.approx(4, rel=0.1)


def test_currents_of_the_last_v_are_of_first_order() -> None:
    coarse, fine = deviation(0.5, "step_average"), deviation(0.25, "step_average")
    assert coarse / fine == pytest.approx(2, rel=0.15)


def test_conductances_decay_each_with_its_own_time_constant() -> None:
    signals = run(network(1.0), 40).signals
    steps, g_E = signals["cell.g_E_uS"]
    after = np.array(steps, float)[:, None] - np.array([6.0, 8.0])
    expected = W_E * np.where(after >= 0, np.exp(-after / TAU_E), 0.0).sum(axis=1)
    assert g_E[:, 0] == pytest.approx(expected, rel=1e-12)
    assert signals["cell.g_I_uS"][1][13, 0] == pytest.approx(W_I)


def test_exact_where_conductances_do_not_change() -> None:
    """With tau_syn far above the run V relaxes with cm/G to the mean of the batteries."""
    net = network(1.0, tau_syn_E_ms=1e12, tau_syn_I_ms=1e12)
    V = run(net, 60).signals["cell.v_mV"][1][:, 0]
    G = 0.01 + 2 * W_E + W_I
    settled = (0.01 * -60 + 2 * W_E * E_E + W_I * E_I) / G
    assert V[20] - settled == pytest.approx((V[13] - settled) * np.exp(-7 * G / 0.2), rel=1e-9)


def test_no_conductance_is_too_large() -> None:
    """V comes to the reversal potential, and never beyond."""
    net = Network(dt_ms=1.0)
    source = net.population("source", 1, SpikeTimes([[1.0]]))
    cell = net.population("cell", 1, ConductanceLIF(**CELL))
    net.projection("inhibits", source, cell, weight_uS=1e6, receptor="inhibitory")
    net.probe(cell, "v_mV")
    V = run(net, 10).signals["cell.v_mV"][1][:, 0]
    assert V[3:] == pytest.approx(np.full(len(V) - 3, -70.0), abs=1e-4)


def test_what_cannot_be_is_refused() -> None:
    net = Network()
    source = net.population("source", 1, SpikeTimes([[1.0]]))
    cell = net.population("cell", 1, ConductanceLIF())
    with pytest.raises(InvalidModel, match="cell are ConductanceLIF; give weight_uS, not weight_nA"):
        net.projection("p", source, cell, weight_nA=1.0)
    with pytest.raises(InvalidModel, match="a conductance has no sign; give excitatory and inhibitory synapses apart"):
        net.projection("p", source, cell, weight_uS=1.0, receptor="signed")
    with pytest.raises(InvalidModel, match=r"on the excitatory receptor are >= 0, but reach -1.0; .* by itself$"):
        net.projection("p", source, cell, weight_uS=-1.0)
    rule = LearningRule.from_equations(on_pre={"w": "0.1"}, bounds={"w": (-1, 1)})
    with pytest.raises(InvalidModel, match="conductances are >= 0, but the rule's bounds of w begin at -1"):
        net.projection("p", source, cell, weight_uS=0.5, learning=rule)
    marked = stdp.pair(A_plus=0.01, A_minus=0.01, w_max=0.02, marks=[marks.Labile("a", tau_s=1, rise=0.1)])
    net.projection("q", source, cell, weight_uS=0.02, learning=marked, transmit="w - a")
    with pytest.raises(InvalidModel, match=r"q.transmit: a conductance is not negative, but 'w - a' comes down to -1 "):
        lower(net)
    with pytest.raises(InvalidModel, match=r"weight_uS: '1 nA' is a current, but a conductance in uS is needed"):
        net.projection("p", source, cell, weight_uS="1 nA")
