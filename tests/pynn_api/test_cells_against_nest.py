"""Cells with alpha functions, adaptation, and Izhikevich's, written once in PyNN: those of pyNN.nest."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("nest")
nest = pytest.importorskip("pyNN.nest")
own = pytest.importorskip("ernsnn.pynn")

pytestmark = [
    pytest.mark.nest,
    pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning"),
]

N = 8
DT = 0.125  # ms; a power of two, which NEST's grid holds exactly


def run(
    sim,
    cell,
    dt,
    *,
    backend="reference",
    parameters,
    weights,
    duration_ms=200.0,
    initial=None,
    record=("v",),
    then=None,
    inject=0.0,
):
    """Spikes in steps, and the signals, of N cells under drawn spikes onto both receptors."""
    rng = np.random.default_rng(7)
    sim.setup(dt, min_delay=dt, **({"spike_precision": "on_grid"} if sim is nest else {"backend": backend}))
    times = [np.unique(rng.integers(20, 1500, 40)) * DT for _ in range(2)]
    cells = sim.Population(N, getattr(sim, cell)(**parameters(rng)))
    cells.initialize(**(initial or {}))
    for each, receptor in zip(times, ("excitatory", "inhibitory"), strict=True):
        source = sim.Population(1, sim.SpikeSourceArray(spike_times=each))
        sign = -1.0 if receptor == "inhibitory" and not cells.celltype.conductance_based else 1.0
        drawn = [(0, j, sign * w, 1.0) for j, w in enumerate(rng.uniform(*weights, N))]
        sim.Projection(source, cells, sim.FromListConnector(drawn), sim.StaticSynapse(), receptor_type=receptor)
    if inject:
        sim.DCSource(amplitude=inject, start=20.0, stop=120.0).inject_into(cells[0:3])
    cells.record(["spikes", *record])
    ahead = dt if sim is nest else 0.0  # pyNN.nest has gone one shortest delay further when it says that it has run
    sim.run(duration_ms / 2 - ahead)
    cells.set(**(then or {}))
    sim.run(duration_ms / 2 + ahead)
    segment = cells.get_data().segments[0]
    spikes = [np.rint(np.asarray(train.magnitude) / dt).astype(int).tolist() for train in segment.spiketrains]
    signals = {name: np.asarray(segment.filter(name=name)[0].magnitude) for name in record}
    units = {name: str(segment.filter(name=name)[0].units.dimensionality) for name in record}
    sim.end()
    return spikes, signals, units


def leaky(rng, **more):
    return {
        "cm": rng.uniform(0.2, 0.5, N),
        "tau_m": rng.uniform(8, 20, N),
        "tau_refrac": rng.integers(1, 30, N) * DT,
        "i_offset": rng.uniform(0.1, 0.45, N),
        "tau_syn_E": rng.uniform(0.3, 4, N),
        "tau_syn_I": rng.uniform(0.3, 4, N),
        "v_reset": -68.0,
        **more,
    }


CASES = {
    "IF_curr_alpha": ({"parameters": leaky, "weights": (0.5, 1.5), "record": ("v",)}, 1e-9),
    "IF_cond_alpha": (
        {
            "parameters": lambda rng: leaky(rng, e_rev_I=-80.0),
            "weights": (0.002, 0.02),
            "record": ("v", "gsyn_exc", "gsyn_inh"),
        },
        1e-4,
    ),
}


@pytest.mark.parametrize("cell", CASES)
def test_alpha_functions_are_those_of_nest(cell):
    """Spikes are equal, and all that PyNN records, in its units and signs; also when parameters are set in a run."""
    case, within = CASES[cell]
    for then in ({}, {"tau_m": 15.0, "i_offset": 0.4, "tau_syn_E": 2.0}):
        expected, expected_signals, expected_units = run(nest, cell, DT, **case, then=then, inject=0.2)
        assert sum(map(len, expected)) > 20
        for backend in ("reference", "native"):
            spikes, signals, units = run(own, cell, DT, backend=backend, **case, then=then, inject=0.2)
            assert spikes == expected
            assert units == expected_units
            for name, values in expected_signals.items():
                assert np.ptp(values) > 0.001
                np.testing.assert_allclose(signals[name], values, rtol=0, atol=within, err_msg=name)


def quiet(spikes, signals, below):
    """Where no cell has spiked yet, and v is far from running away."""
    first = np.array([min(each, default=1 << 30) for each in spikes])
    steps = np.arange(len(signals["v"]))[:, None]
    return (steps < first) & (signals["v"] < below), first


def adapting(rng):
    a, b = rng.uniform(2, 6, N), rng.uniform(0.02, 0.1, N)
    return {"i_offset": rng.uniform(0.4, 1.0, N), "a": a, "b": b, "tau_refrac": 4 * DT, "tau_w": 100.0}


@pytest.mark.parametrize("cell", ["EIF_cond_exp_isfa_ista", "EIF_cond_alpha_isfa_ista"])
def test_adaptation_is_that_of_nest(cell):
    """NEST resets within a step, and so adds b some time earlier: later spikes are a step or two apart."""
    case = {
        "parameters": adapting,
        "weights": (0.001, 0.01),
        "record": ("v", "w", "gsyn_exc", "gsyn_inh"),
        "inject": 0.2,
    }
    (spikes, signals, units), (expected, expected_signals, expected_units) = (
        run(sim, cell, DT, **case, then={"a": 3.0, "b": 0.05}) for sim in (own, nest)
    )
    assert units == expected_units
    before, first = quiet(expected, expected_signals, below=-47.0)
    assert [each[0] for each in spikes] == first.tolist()
    assert [len(each) for each in spikes] == pytest.approx([len(each) for each in expected], abs=1)
    assert sum(map(len, expected)) > 40
    assert before.sum() > 500
    for name, within in (("v", 1e-5), ("w", 1e-7)):
        assert np.ptp(expected_signals[name][before]) > 0.01
        np.testing.assert_allclose(signals[name][before], expected_signals[name][before], rtol=0, atol=within)
    for name in ("gsyn_exc", "gsyn_inh"):
        np.testing.assert_allclose(signals[name], expected_signals[name], rtol=0, atol=1e-5)


def test_hodgkin_and_huxley_are_those_of_nest():
    """The gates start at 0 and 1, as PyNN has them. NEST's integrator has an error of 1e-3 a step."""
    case = {
        "parameters": lambda rng: {"i_offset": rng.uniform(0.1, 1.0, N), "gbar_K": 5.0},
        "weights": (0.01, 0.1),
        "record": ("v", "gsyn_exc", "gsyn_inh"),
        "inject": 0.3,
        "then": {"gbar_K": 6.0},
    }
    (spikes, signals, units), (expected, expected_signals, expected_units) = (
        run(sim, "HH_cond_exp", DT, **case) for sim in (own, nest)
    )
    assert units == expected_units
    assert sum(map(len, expected)) > 50
    assert [len(each) for each in spikes] == [len(each) for each in expected]
    assert max(np.abs(np.array(a) - b).max(initial=0) for a, b in zip(spikes, expected, strict=True)) <= 1
    below = expected_signals["v"] < -55.0
    assert below.sum() > 5_000
    assert np.quantile(np.abs(signals["v"] - expected_signals["v"])[below], 0.99) < 0.5
    for name in ("gsyn_exc", "gsyn_inh"):
        np.testing.assert_allclose(signals[name], expected_signals[name], rtol=0, atol=1e-4)


def izhikevich(rng):
    return {
        "i_offset": rng.uniform(0.004, 0.012, N),
        "a": rng.uniform(0.02, 0.1, N),
        "d": rng.uniform(2, 8, N),
        "c": -60.0,
    }


@pytest.mark.parametrize("dt", [DT, DT / 5])
def test_izhikevich_is_that_of_nest_but_for_its_step_of_euler(dt):
    """NEST's error is of first order in the step, and ours of fourth; arriving weights are seen a step later."""
    case = {"parameters": izhikevich, "weights": (0.5, 2.0), "record": ("v", "u"), "inject": 0.003, "then": {"d": 4.0}}
    (spikes, signals, units), (expected, expected_signals, expected_units) = (
        run(sim, "Izhikevich", dt, **case) for sim in (own, nest)
    )
    assert units == expected_units
    before, first = quiet(expected, expected_signals, below=-50.0)
    assert sum(map(len, expected)) > 60
    assert before.sum() * dt > 10
    assert np.abs([each[0] for each in spikes] - first).max() <= 3
    assert signals["u"][0].tolist() == expected_signals["u"][0].tolist() == [-14.0] * N
    for name, within in (("v", 8.0), ("u", 0.4)):
        assert np.abs(signals[name][before] - expected_signals[name][before]).max() < within * dt
