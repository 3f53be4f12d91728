"""Currents of a script: a noise for each cell, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
from ernsnn.pynn.runs import graph_of  # noqa: E402 - needs PyNN
from ernsnn.pynn.simulator import state  # noqa: E402 - needs PyNN

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

AT_ONCE = {"tau_m": 0.01, "cm": 0.01, "v_thresh": 1e6}
"""Of cells whose V follows the current within a step: V - v_rest in mV is the current in nA."""


def noisy(inject, seed=3, calls=1, stop=400.0):
    """The currents of all cells, in nA, and the recorded noise."""
    sim.setup(1.0, seed=seed)
    cells, others = (sim.Population(n, sim.IF_curr_exp(**AT_ONCE)) for n in (6, 2))
    noise = sim.NoisyCurrentSource(mean=0.2, stdev=0.5, start=3.0, stop=stop, dt=2.0)
    noise.record()
    inject(noise, cells, others)
    for population in (cells, others):
        population.record("v")
    for _ in range(calls):
        sim.run(2000 / calls)
    v = [population.get_data("v").segments[0].analogsignals[0].magnitude for population in (cells, others)]
    return np.concatenate(v, axis=1)[1:] + 65.0, noise.get_data().magnitude[:-1]


def test_each_cell_has_a_noise_of_its_own():
    def inject(noise, cells, others):
        cells[0:4].inject(noise)
        noise.inject_into(others)

    drive, recorded = noisy(inject, stop=1900.0)
    assert recorded.shape == (2000, 6)
    np.testing.assert_allclose(drive[:, [0, 1, 2, 3, 6, 7]], recorded, atol=1e-12)
    assert (drive[:, 4:6] == 0).all()
    inside = recorded[3:1899].reshape(-1, 2, 6)
    assert (inside[:, 0] == inside[:, 1]).all(), "a value holds for 2 ms"
    inside = inside[:, 0]
    assert np.abs(np.corrcoef(inside.T) - np.eye(6)).max() < 4 / np.sqrt(len(inside))
    np.testing.assert_allclose(inside.mean(axis=0), 0.2, atol=4 * 0.5 / np.sqrt(len(inside)))
    np.testing.assert_allclose(inside.std(axis=0), 0.5, rtol=0.1)
    assert (recorded[:3] == 0).all()
    assert (recorded[1900:] == 0).all()
    again, _ = noisy(inject, stop=1900.0, calls=50)
    np.testing.assert_array_equal(again, drive)
    assert (noisy(inject, seed=4, stop=1900.0)[0] != drive)[10].any()


def test_noises_that_are_injected_several_times_add_up():
    def inject(noise, cells, others):
        noise.inject_into(cells[0:2])
        noise.inject_into([cells[1], cells[2], cells[1]])

    drive, recorded = noisy(inject)
    assert recorded.shape == (2000, 5)
    expected = np.stack([recorded[:, 0], recorded[:, [1, 2, 4]].sum(axis=1), recorded[:, 3]], axis=1)
    np.testing.assert_allclose(drive[:, :3], expected, atol=1e-12)
    assert len(np.unique(recorded[10])) == 5


def test_a_noise_that_changes_in_a_run_was_what_it_was():
    sim.setup(1.0, seed=3)
    cells = sim.Population(3, sim.IF_curr_exp(**AT_ONCE))
    noise = sim.NoisyCurrentSource(mean=0.0, stdev=1.0, stop=1e9, dt=1.0)
    cells.inject(noise)
    noise.record()
    sim.run(50)
    before = noise.get_data().magnitude[:50]
    noise.mean = 100.0
    sim.run(50)
    after = noise.get_data().magnitude
    np.testing.assert_array_equal(after[:50], before)
    assert (after[50:] > 90).all()
    assert (np.ptp(after, axis=1) > 0).all()


@pytest.mark.nest
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_noise_reaches_cells_of_NEST_one_by_one_too():
    """Correlations of the potentials of two cells under one noise: none, here and with pyNN.nest."""
    pytest.importorskip("nest")
    nest = pytest.importorskip("pyNN.nest")
    for module in (sim, nest):
        module.setup(1.0, min_delay=1.0)
        cells = module.Population(2, module.IF_curr_exp(v_thresh=1e6, tau_m=1.0))
        cells.inject(module.NoisyCurrentSource(mean=0.0, stdev=1.0, stop=2000.0, dt=1.0))
        cells.record("v")
        module.run(2000.0)
        v = np.asarray(cells.get_data().segments[0].analogsignals[0].magnitude)
        module.end()
        assert np.std(v) > 0.3
        assert abs(np.corrcoef(v.T)[0, 1]) < 0.15


@pytest.mark.parametrize(
    ("source", "parameter", "values"),
    [
        ("DCSource", "amplitude", [np.nan, np.inf]),
        ("DCSource", "start", [np.nan, -1.0]),
        ("ACSource", "frequency", [np.nan]),
        ("NoisyCurrentSource", "dt", [0.0, -1.0, np.nan, np.inf]),
        ("NoisyCurrentSource", "stdev", [-1.0, np.nan]),
        ("StepCurrentSource", "times", [[np.nan], [-1.0]]),
        ("StepCurrentSource", "amplitudes", [[np.nan]]),
    ],
)
def test_currents_are_refused_where_they_are_given(source, parameter, values):
    sim.setup(1.0)
    given = {"times": [1.0], "amplitudes": [1.0]} if source == "StepCurrentSource" else {}
    current = getattr(sim, source)(**given)
    for value in values:
        with pytest.raises(sim.errors.InvalidParameterValueError, match=rf"{source}.{parameter}: must be"):
            getattr(sim, source)(**{**given, parameter: value})
        with pytest.raises(sim.errors.InvalidParameterValueError, match=rf"{source}.{parameter}: must be"):
            current.set_parameters(**{parameter: value})


def test_a_current_comes_before_the_first_run_where_it_is_one_program():
    sim.setup(1.0, backend="loihi-emulator")
    cells = sim.Population(1, sim.IF_curr_exp(), label="cells")
    sim.run(1)
    with pytest.raises(ValueError, match="a DCSource: the network has run, in one go; add to it before the first run"):
        cells.inject(sim.DCSource(amplitude=1.0))


def test_a_current_of_its_own_for_each_cell_costs_the_engine_as_much_as_one():
    sim.setup(1.0, backend="reference")
    cells = sim.Population(30, sim.IF_curr_exp(), label="cells")
    sources = [sim.ACSource(amplitude=0.1 * i, offset=1.0, frequency=20.0, phase=3.0 * i) for i in range(30)]
    for cell, source in zip(cells, sources, strict=True):
        cell.inject(source)
    assert len(graph_of(state).injections) == 1
    cells.record("v")
    sim.run(20)
    sources[4].amplitude = 5.0
    sim.run(20)
    (together,) = cells.get_data().segments[0].filter(name="v")
    for index in (0, 4, 29):
        sim.setup(1.0, backend="reference")
        alone = sim.Population(1, sim.IF_curr_exp(), label="cells")
        source = sim.ACSource(amplitude=0.1 * index, offset=1.0, frequency=20.0, phase=3.0 * index)
        source.inject_into(alone)
        alone.record("v")
        sim.run(20)
        if index == 4:
            source.amplitude = 5.0
        sim.run(20)
        (signal,) = alone.get_data().segments[0].filter(name="v")
        np.testing.assert_array_equal(signal.magnitude[:, 0], together.magnitude[:, index])
