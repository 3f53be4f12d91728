"""Sources whose intervals are drawn: gamma processes, and Poisson processes with a dead time."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import expon, gamma, kstest

sim = pytest.importorskip("ernsnn.pynn")
from pyNN.errors import InvalidParameterValueError  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
KINDS = ["SpikeSourceGamma", "SpikeSourcePoissonRefractory"]


def trains(population):
    return [t.magnitude for t in population.get_data().segments[0].spiketrains]


def source(kind, n=200, dt=0.02, run=400.0, **given):
    sim.setup(dt, backend=given.pop("backend", "native"), seed=given.pop("setup_seed", 3))
    cells = sim.Population(n, getattr(sim, kind)(**given))
    cells.record("spikes")
    for each in [run] if np.isscalar(run) else run:
        sim.run(each)
    return cells


def test_intervals_have_their_distribution():
    found = trains(source("SpikeSourceGamma", alpha=4.0, beta=400.0))
    assert kstest(np.concatenate([np.diff(t) for t in found]), gamma(4.0, scale=2.5).cdf).pvalue > 0.01
    found = trains(source("SpikeSourcePoissonRefractory", rate=100.0, tau_refrac=6.0))
    intervals = np.concatenate([np.diff(t) for t in found])
    assert intervals.min() > 6.0 - 0.03
    assert kstest(intervals, expon(6.0, 4.0).cdf).pvalue > 0.01


@pytest.mark.parametrize(
    ("kind", "given"), [(KINDS[0], {"alpha": 4.0, "beta": 400.0}), (KINDS[1], {"tau_refrac": 6.0})]
)
def test_a_process_is_in_equilibrium_from_its_start_on(kind, given):
    """So many spikes in every millisecond from the first one on: 100 a second and cell, +- 4 standard deviations."""
    given = {"alpha": 4.0, "beta": 400.0} if kind == "SpikeSourceGamma" else {"rate": 100.0, "tau_refrac": 6.0}
    cells = source(kind, n=4000, dt=0.1, run=30.0, start=5.0, duration=20.0, **given)
    counts, _ = np.histogram(np.concatenate(trains(cells)), np.arange(31) + 0.05)
    assert counts[:5].sum() == counts[25:].sum() == 0
    assert np.abs(counts[5:25] - 400).max() < 4 * np.sqrt(400)


@pytest.mark.parametrize("kind", KINDS)
def test_spikes_do_not_depend_on_how_a_run_is_cut_or_where_it_runs(kind):
    def given(*durations, backend="reference", **more):
        rate = {"beta": 20.0} if kind == "SpikeSourceGamma" else {"rate": 10.0}
        return [t.tolist() for t in trains(source(kind, n=5, dt=1.0, run=durations, backend=backend, **rate, **more))]

    whole = given(3000.0)
    assert sum(map(len, whole)) > 100
    assert given(100.0, 2000.0, 900.0) == whole == given(3000.0, backend="native")
    assert [[x for x in t if x <= 500] for t in whole] == given(500.0)
    assert given(3000.0, setup_seed=4) != whole


@pytest.mark.parametrize("backend", ["reference", "native", "brian2"])
def test_a_rate_that_changes_in_a_run_acts_from_then_on(backend):
    sim.setup(0.1, backend=backend)
    cells = sim.Population(50, sim.SpikeSourcePoissonRefractory(rate=20.0, tau_refrac=2.0))
    target = sim.Population(1, sim.IF_curr_exp(v_thresh=1e3))
    sim.Projection(cells, target, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.01, delay=1.0))
    cells.record("spikes")
    target.record("v")
    sim.run(200)
    cells.set(rate=200.0)
    sim.run(200)
    times = np.concatenate(trains(cells))
    before, after = (times <= 200).sum(), (times > 200).sum()
    assert 120 < before < 280
    assert 1700 < after < 2300
    assert np.ptp(target.get_data().segments[0].analogsignals[0].magnitude) > 0
    sim.reset()
    sim.run(10)
    assert 60 < sum(len(t) for t in cells.get_data().segments[1].spiketrains) < 140


def test_a_seed_of_a_population_is_that_of_its_spikes():
    def spikes(setup_seed, **more):
        sim.setup(1.0, backend="reference", seed=setup_seed)
        cells = [sim.Population(3, sim.SpikeSourceGamma(beta=50.0), **more) for _ in range(2)]
        for each in cells:
            each.record("spikes")
        sim.run(500)
        return [[t.tolist() for t in trains(each)] for each in cells]

    one, other = spikes(1, seed=7)
    assert one == other == spikes(2, seed=7)[0]
    one, other = spikes(1)
    assert one != other


def test_several_spikes_in_a_step_are_told():
    sim.setup(1.0, backend="reference")
    sim.Population(3, sim.SpikeSourceGamma(alpha=2.0, beta=3000.0), label="fast")
    sim.run(1)
    assert [(issue.code, issue.path) for issue in sim.check() if issue.code == "Y103"] == [("Y103", "fast")]


@pytest.mark.parametrize(
    ("kind", "given", "message"),
    [
        ("SpikeSourceGamma", {"alpha": 0.0}, r"cells\.alpha: must be a number > 0"),
        ("SpikeSourceGamma", {"beta": float("inf")}, r"cells\.beta: must be a number > 0"),
        ("SpikeSourceGamma", {"start": -1.0}, r"cells\.start: must be a number >= 0"),
        (
            "SpikeSourcePoissonRefractory",
            {"rate": 300.0, "tau_refrac": 5.0},
            r"cells\.rate: must be below 1",
        ),
        ("SpikeSourcePoissonRefractory", {"tau_refrac": -1.0}, r"cells\.tau_refrac: must be a number >= 0"),
    ],
)
def test_parameters_that_cannot_be_are_refused(kind, given, message):
    sim.setup(1.0)
    with pytest.raises(InvalidParameterValueError, match=message):
        sim.Population(2, getattr(sim, kind)(**given), label="cells")


def test_a_rate_of_zero_never_spikes():
    assert sum(map(len, trains(source("SpikeSourcePoissonRefractory", n=3, rate=0.0, tau_refrac=5.0)))) == 0
