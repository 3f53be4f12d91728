"""Seeds and additional parameters of populations, as scripts for SpiNNaker give them."""

from __future__ import annotations

import numpy as np
import pytest

from ernsnn.errors import InvalidModel

sim = pytest.importorskip("ernsnn.pynn")
from pyNN import random as plain  # noqa: E402 - needs PyNN
from pynn_scripts import trains  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


def spikes(backend="native", setup=0, before=0, **given):
    """The spikes of a source after ``before`` other parts, in two calls of run."""
    sim.setup(1.0, backend=backend, seed=setup)
    for _ in range(before):
        sim.Population(2, sim.SpikeSourcePoisson(rate=10.0))
    source = sim.Population(5, sim.SpikeSourcePoisson(rate=40.0), **given)
    source.record("spikes")
    sim.run(200)
    sim.run(200)
    return trains(source)


@pytest.mark.parametrize("backend", ["native", "reference"])
def test_a_seed_fixes_the_spikes_of_a_source(backend):
    first = spikes(backend, seed=3)
    assert sum(map(len, first)) > 20
    assert spikes(backend, setup=9, before=2, label="other", additional_parameters={"seed": 3}) == first
    assert spikes(seed=3) == first, "on every backend"
    assert spikes(backend, seed=4) != first
    assert spikes(backend, setup=9) != spikes(backend, setup=8)


def test_a_seed_holds_when_rates_change_and_segments_differ():
    def script(setup):
        sim.setup(1.0, seed=setup)
        source = sim.Population(4, sim.SpikeSourcePoisson(rate=50.0), seed=5)
        source.record("spikes")
        sim.run(100)
        source.set(rate=80.0)
        sim.run(100)
        sim.reset()
        sim.run(200)
        return [[t.magnitude.tolist() for t in segment.spiketrains] for segment in source.get_data().segments]

    one = script(1)
    assert script(2) == one
    assert one[0] != one[1]


def test_populations_of_one_seed_spike_together_and_others_do_not():
    sim.setup(1.0)
    same = [sim.Population(3, sim.SpikeSourcePoisson(rate=60.0), seed=s) for s in (8, 8, 9, None)]
    for population in same:
        population.record("spikes")
    sim.run(300)
    found = [trains(population) for population in same]
    assert found[0] == found[1]
    assert found[0] != found[2] != found[3] != found[0]


@pytest.mark.parametrize("module", [sim, plain])
def test_what_a_population_draws_comes_from_its_seed(module):
    def drawn(setup, **given):
        sim.setup(1.0, seed=setup)

        def between(low, high):
            return module.RandomDistribution("uniform", (low, high))

        cells = sim.Population(
            4,
            sim.IF_curr_exp(tau_m=between(10, 20)),
            structure=sim.RandomStructure(sim.Sphere(radius=9.0)),
            initial_values={"v": between(-65, -60)},
            **given,
        )
        starts = [cell.get_initial_value("v") for cell in cells]
        return [*cells.get("tau_m"), *starts, *cells.positions.ravel()]

    assert drawn(1, seed=3) == drawn(2, seed=3)
    assert drawn(1, seed=3) != drawn(1, seed=4)
    assert drawn(1) != drawn(2)
    sim.setup(1.0)
    own = module.RandomDistribution("uniform", (10, 20), rng=plain.NumpyRNG(seed=1))
    expected = plain.RandomDistribution("uniform", (10, 20), rng=plain.NumpyRNG(seed=1)).next(4)
    cells = sim.Population(4, sim.IF_curr_exp(tau_m=own), seed=3)
    np.testing.assert_array_equal(cells.get("tau_m"), expected)


def test_hints_are_told_to_have_no_effect_and_other_names_are_refused():
    sim.setup(1.0)
    with pytest.warns(UserWarning, match="inputs: max_rate, neurons_per_core of SpiNNaker has no effect"):
        sim.Population(
            2,
            sim.SpikeSourcePoisson(rate=5.0),
            label="inputs",
            additional_parameters={"seed": 1, "max_rate": 100.0},
            neurons_per_core=10,
        )
    for given in ({"additional_parameters": {"sed": 3}}, {"sed": 3}):
        with pytest.raises(InvalidModel, match="cells: no parameter 'sed' of a population; did you mean 'seed'"):
            sim.Population(2, sim.IF_curr_exp(), label="cells", **given)
    with pytest.raises(InvalidModel, match="no parameter 'n_steps_per_timestep' of a population"):
        sim.Population(2, sim.IF_curr_exp(), n_steps_per_timestep=10)
    for seed in (-1, 2**32, 1.5, "one", True):
        with pytest.raises(InvalidModel, match="cells: seed must be a whole number from 0"):
            sim.Population(2, sim.IF_curr_exp(), label="cells", seed=seed)
    assert sim.Population(2, sim.IF_curr_exp(), seed=np.int64(3)).seed == 3
