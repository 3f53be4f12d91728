"""Astrocytes with calcium dynamics: closed forms, the published cell, hysteresis, and what is refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from by_hand import approx, run
from naive_calcium import PUBLISHED, Cell, change, fluxes

import ernsnn as ern

START = {"C": 0.0, "I": 0.0, "h": 0.9, "Gamma_A": 0.0}


SLOW = ("brian2",)  # equations to solve are slow to compile; tests/brian2_backend/test_calcium.py runs in any case


def having():
    return driven([1.0])


def driven(values, times=(0,), *, dt_ms=1.0, **options):
    """An astrocyte "cell" that nothing but a given transmitter drives."""
    net = ern.Network(dt_ms=dt_ms)
    net.population("silent", 1, ern.SpikeTimes([[]]))
    cell = net.calcium_astrocyte("cell", transmitter_uM=ern.Schedule(list(times), values), **options)
    for variable in ern.CalciumAstrocyte.kind.probes:
        net.probe(cell, variable)
    return net


def signal(recording, variable, cell="cell"):
    return recording.signals[f"{cell}.{variable}"][1]


def test_the_defaults_are_the_published_constants():
    cell = ern.lower(driven([1.0])).modulators[0]
    assert cell.kinetics == PUBLISHED
    assert cell.initial == START
    assert cell.integration == "rk4"


def test_without_transmitter_it_comes_to_rest_where_all_flows_cancel():
    steps = 4000  # of 100 ms: the cell at rest moves slowly
    found = run(driven([0.0], dt_ms=100.0), steps)
    state = {v: signal(found, v)[-1, 0] for v in ern.CalciumAstrocyte.kind.probes}
    assert state["Y"] == state["Gamma_A"] == 0
    J = fluxes(PUBLISHED, 0.0, state["C"], state["I"], state["h"], 0.0)
    assert J["r"] + J["l"] == approx(J["p"], rel=1e-9)
    assert J["delta"] == approx(J["3K"] + J["5P"] - J["ex"], rel=1e-9)
    Q_2 = PUBLISHED["d_2"] * (state["I"] + PUBLISHED["d_1"]) / (state["I"] + PUBLISHED["d_3"])
    assert state["h"] == approx(Q_2 / (Q_2 + state["C"]), rel=1e-9)


def test_bound_receptors_without_calcium_approach_their_balance_exponentially():
    """zeta = 0 takes the calcium out of it: Gamma = Gamma_inf (1 - exp(-rate t))."""
    Y, steps = 3.0, 400
    Gamma = signal(run(driven([Y], zeta=0.0), steps), "Gamma_A")[:, 0]
    rate = 0.3 * Y + 0.5
    expected = 0.3 * Y / rate * (1 - np.exp(-rate * np.arange(1, steps + 1) / 1000))
    np.testing.assert_allclose(Gamma, expected, rtol=1e-11)


@pytest.mark.parametrize("integration", ["rk4", "euler"])
def test_every_step_is_that_of_the_method(integration):
    steps = 300
    found = run(driven([40.0, 0.0], times=(20, 200), integration=integration), steps)
    cell = Cell(PUBLISHED, START, integration, 0.001)
    for t in range(steps):
        Y = 40.0 if 20 <= t < 200 else 0.0
        cell.step(Y)
        assert signal(found, "Y")[t, 0] == Y
        for variable in START:
            assert signal(found, variable)[t, 0] == approx(cell.variable(variable), rel=1e-11, abs=1e-12), (t, variable)


def test_rk4_is_of_fourth_order():
    """Halving the step divides the error by 16, against a solution in steps of 1/32 of the largest."""

    def end(dt_ms):
        options = {"initial_I_uM": 1.0, "initial_C_uM": 0.2, "initial_Gamma_A": 0.3}
        found = run(driven([3.0], dt_ms=dt_ms, **options), round(3200 / dt_ms))
        return np.array([signal(found, v)[-1, 0] for v in START])

    exact = end(3.125)
    coarse, fine = (np.abs(end(dt) - exact).max() for dt in (100.0, 50.0))
    assert coarse < 1e-4
    assert 10 < coarse / fine < 25


def released(spikes, steps, **options):
    net = ern.Network()
    source = net.population("source", len(spikes), ern.SpikeTimes(spikes))
    cell = net.calcium_astrocyte("cell", [source], **options)
    for variable in ("C", "Gamma_A", "Y", "value"):
        net.probe(cell, variable)
    return run(net, steps)


def test_a_spike_releases_in_its_own_step_and_what_is_given_adds_to_it():
    given = ern.Schedule([6], [2.0])
    Y = signal(released([[3, 5], [5]], 9, release_uM=10.0, tau_transmitter_ms=4.0, transmitter_uM=given), "Y")[:, 0]
    decayed = [0, 0, 0, 10, 10 * math.exp(-1 / 4), 10 * math.exp(-2 / 4) + 20]
    decayed += [decayed[5] * math.exp(-k / 4) for k in (1, 2, 3)]
    assert approx([y + 2.0 * (t >= 6) for t, y in enumerate(decayed)], rel=1e-12) == Y


def test_the_receptors_feel_a_spike_in_its_step():
    Gamma = signal(released([[3]], 6), "Gamma_A")[:, 0]
    assert Gamma[2] == 0
    assert Gamma[3] == approx(1 - math.exp(-0.3 * 500 / 1000), rel=0.01)


def test_one_astrocyte_per_neuron():
    spikes = [[2], [], [2, 9]]
    each = released(spikes, 200, per="neuron", release_uM=100.0)
    assert signal(each, "C").shape == (200, 3)
    for i, times in enumerate(spikes):
        alone = released([times], 200, release_uM=100.0)
        assert np.array_equal(signal(each, "C")[:, i], signal(alone, "C")[:, 0])
    wide = run(driven([[0.0, 7.0]], per="neuron"), 100)
    assert signal(wide, "C").shape == (100, 2)
    assert signal(wide, "Gamma_A")[-1, 0] == 0 < signal(wide, "Gamma_A")[-1, 1]


def test_with_thresholds_it_is_a_gate_with_hysteresis():
    found = run(driven([50.0, 0.0], times=(0, 1500), threshold=0.5, threshold_off=0.2), 6000)
    C, value = signal(found, "C")[:, 0], signal(found, "value")[:, 0]
    is_open, opened = False, []
    for level in C:
        is_open = level >= (0.2 if is_open else 0.5)
        opened.append(float(is_open))
    assert value.tolist() == opened
    between = (C > 0.21) & (C < 0.49)
    assert set(value[between]) == {0.0, 1.0}


def test_a_gate_may_need_calcium_and_leaky_astrocytes():
    net = ern.Network()
    source = net.population("source", 1, ern.SpikeTimes([[50]]))
    calcium = net.calcium_astrocyte("calcium", transmitter_uM=ern.Schedule([0], [50.0]))
    leaky = net.astrocyte("leaky", [source], tau_ms=1000)
    gate = net.gate("gate", opens={calcium: 0.5, leaky: 0.5})
    for target, variable in ((calcium, "C"), (leaky, "C"), (gate, "value")):
        net.probe(target, variable)
    found = run(net, 1500)
    both = (signal(found, "C", "calcium") >= 0.5) & (signal(found, "C", "leaky") >= 0.5)
    assert np.array_equal(signal(found, "value", "gate"), both.astype(float))
    assert 0 < both.sum() < 1450


def test_it_modulates_plasticity_in_the_same_step():
    net = ern.Network()
    pre = net.population("pre", 1, ern.SpikeTimes([[4, 300]]))
    post = net.population("post", 1, ern.LIF())
    cell = net.calcium_astrocyte("cell", [pre])
    rule = ern.LearningRule.from_equations(on_pre={"w": "C"}, third_factors=["C"], bounds={"w": (0, 10)})
    net.projection("p", pre, post, weight_nA=0.0, learning=rule, third_factors={"C": cell})
    net.probe(cell, "C")
    found = run(net, 301)
    C = signal(found, "C")[:, 0]
    assert found.synapses["p"]["w"][0] == approx(C[4] + C[300], rel=1e-12)
    assert C[300] > C[4] > 0


def test_too_much_transmitter_for_a_step_is_an_error():
    said = r"cell: in step 7 .* more than a step can follow|the program failed"  # what a program says is not caught
    with pytest.raises((ern.ProgramFailed, AssertionError), match=said):
        released([[7]] * 30, 9)
    with pytest.raises(ern.InvalidModel, match=r"cell: with 10000 uM .* smaller dt_ms"):
        driven([10_000.0])
    with pytest.raises(ern.InvalidModel, match=r"beyond the 1\.0 that euler can follow"):
        driven([4_000.0], integration="euler")


BAD = [
    ({"K_P_uM": 0.0}, r"cell.K_P_uM: must be > 0, got 0.0"),
    ({"d_5_uM": -1.0}, r"cell.d_5_uM: must be > 0"),
    ({"omega_I_uM": 0}, r"cell.omega_I_uM: must be > 0"),
    ({"Omega_L_per_s": -0.1}, r"cell.Omega_L_per_s: must be >= 0, got -0.1"),
    ({"zeta": -1}, r"cell.zeta: must be >= 0"),
    ({"C_T_uM": [1.0, 2.0]}, r"cell.C_T_uM: must be one number"),
    ({"C_T_uM": "2 V"}, r"cell.C_T_uM"),
    ({"tau_transmitter_ms": 0.0}, r"cell.tau_transmitter_ms: must be > 0"),
    ({"tau_transmitter_ms": "5 mV"}, r"cell.tau_transmitter_ms.*is a voltage"),
    ({"release_uM": -5}, r"cell.release_uM: must be > 0"),
    ({"initial_h": 1.5}, r"cell.initial_h: must lie in \[0, 1\]"),
    ({"initial_C_uM": -0.1}, r"cell.initial_C_uM: must lie in \[0, inf\]"),
    ({"threshold_off": 0.2}, r"cell.threshold_off: needs a threshold"),
    ({"threshold": 0.1, "threshold_off": 0.2}, r"cell.threshold_off: needs a threshold at or above"),
    ({"integration": "milstein"}, r"cell.integration: must be 'rk4' or 'euler'"),
    ({"per": "synapse"}, r"cell.per: must be"),
    ({"transmitter_uM": 3.0}, r"cell.transmitter_uM: must be Schedule"),
    ({"transmitter_uM": ern.Schedule([0], [-1.0])}, r"cell.transmitter_uM: must be >= 0"),
    ({"transmitter_uM": ern.Schedule([0], [[1.0, 2.0]])}, r"cell.transmitter_uM: needs one number a time or 1, got 2"),
]


@pytest.mark.parametrize(("options", "message"), BAD, ids=lambda x: x if isinstance(x, str) else None)
def test_what_cannot_be_is_refused_by_name(options, message):
    net = ern.Network()
    source = net.population("source", 3, ern.SpikeTimes([[], [], []]))
    with pytest.raises(ern.InvalidModel, match=message):
        net.calcium_astrocyte("cell", [source], **options)
    assert not net.modulators


def test_it_needs_an_input():
    net = ern.Network()
    source = net.population("source", 3, ern.SpikeTimes([[], [], []]))
    with pytest.raises(ern.InvalidModel, match="cell: needs neurons to listen to, or a Schedule"):
        net.calcium_astrocyte("cell")
    with pytest.raises(ern.InvalidModel, match="release_uM and tau_transmitter_ms need neurons"):
        net.calcium_astrocyte("cell", transmitter_uM=ern.Schedule([0], [1.0]), release_uM=3.0)
    with pytest.raises(ern.InvalidModel, match="members of one size"):
        net.calcium_astrocyte("cell", [source, source[1:]], per="neuron")
    with pytest.raises(ern.InvalidModel, match=r"cell\.listens_to: must be a sequence of Population"):
        net.calcium_astrocyte("cell", source)
    with pytest.raises(ern.InvalidModel, match="is not part of this network"):
        ern.Network().calcium_astrocyte("cell", [source])
    late = net.calcium_astrocyte("cell", transmitter_uM=ern.Schedule([0.4], [1.0]))
    with pytest.raises(ern.InvalidModel, match=r"cell.transmitter_uM: 0.4 ms is no multiple"):
        ern.lower(net)
    with pytest.raises(ern.InvalidModel, match="no variable 'Z'"):
        net.probe(late, "Z")


def test_a_saved_graph_is_the_same_problem(tmp_path):
    net = driven([[1.0, 2.0]], per="neuron", threshold=0.4)
    graph = ern.lower(net)
    loaded = ern.load_graph(ern.save_graph(graph, tmp_path / "graph"))
    assert loaded.digest == graph.digest
    assert np.array_equal(loaded.modulators[0].values, graph.modulators[0].values)
    assert loaded.modulators[0].kinetics == PUBLISHED
    assert ern.lower(driven([[1.0, 2.0]], per="neuron", threshold=0.4, K_D_uM=0.51)).digest != graph.digest


def test_the_naive_cell_stands_still_at_rest():
    """A check of the check: with no transmitter and no calcium flow nothing moves."""
    still = {**PUBLISHED, "Omega_L": 0.0}
    assert change(still, 0.0, 0.0, 0.0, 1.0, 0.0) == (0.0, 0.0, 0.0, 0.0)
