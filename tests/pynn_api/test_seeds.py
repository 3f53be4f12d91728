"""``setup(seed=...)`` fixes all that a script draws without a seed of its own, in every process."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

sim = pytest.importorskip("ernsnn.pynn")
from pyNN import random as plain  # noqa: E402 - needs PyNN
from pyNN import space  # noqa: E402
from pynn_scripts import trains  # noqa: E402

from ernsnn.pynn.runs import graph_of  # noqa: E402
from ernsnn.pynn.simulator import state  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

HELD = sim.NumpyRNG()
"""Made before any setup, and used in many scripts."""


def script(seed=7):
    """Everything that draws, nothing with a label: the digest of the network, and what is drawn beside it."""
    sim.setup(1.0, seed=seed)
    sources = sim.Population(6, sim.SpikeSourcePoisson(rate=plain.RandomDistribution("uniform", (40, 90))))
    cells = sim.Population(
        8,
        sim.IF_curr_exp(tau_m=sim.RandomDistribution("normal_clipped", mu=15.0, sigma=3.0, low=5.0, high=25.0)),
        structure=sim.space.RandomStructure(space.Sphere(radius=50.0)),
        initial_values={"v": plain.RandomDistribution("uniform", (-65, -55), rng=plain.NumpyRNG())},
    )
    grid = sim.Population(4, sim.IF_curr_exp(), structure=space.Grid2D(fill_order="random"))
    grid.set(i_offset=sim.RandomDistribution("uniform", low=0.4, high=0.7))
    grid.initialize(v=sim.RandomDistribution("uniform", (-65, -60)))
    grid[1:3].rset("cm", plain.RandomDistribution("uniform", (0.8, 1.2)))
    weights = plain.RandomDistribution("uniform", (0.5, 2.0), rng=plain.NumpyRNG())
    chance = sim.FixedProbabilityConnector(0.6, rng=plain.NumpyRNG())
    first = sim.Projection(sources, cells, chance, sim.StaticSynapse(weight=weights))
    several = sim.FixedNumberPostConnector(plain.RandomDistribution("uniform_int", (1, 4)), rng=sim.NumpyRNG())
    sim.Projection(cells, cells + grid, several, sim.StaticSynapse(weight="0.01*d"))
    either = sim.StaticSynapse(weight=plain.RandomDistribution("uniform", (-0.2, -0.1)))
    third = sim.Projection(cells.sample(3), grid, sim.AllToAllConnector(), either)
    third.set(weight=plain.RandomDistribution("uniform", (-0.3, -0.2)))
    (cells + grid).sample(5).inject(sim.NoisyCurrentSource(mean=0.3, stdev=0.2, dt=1.0))
    sampled = (cells + grid).sample(4, plain.NumpyRNG()).all_cells.tolist()
    dc = sim.DCSource(amplitude=plain.RandomDistribution("uniform", (0.1, 0.2)))
    cells.inject(dc)
    for population in (sources, cells, grid):
        population.record("spikes")
    drawn = [*sampled, *HELD.permutation(20).tolist(), float(sim.NumpyRNG().next()), *cells.positions.ravel().tolist()]
    drawn += [*grid.positions.ravel().tolist(), float(sim.RandomDistribution("exponential", beta=2.0).next())]
    digest = graph_of(state).digest
    sim.run(200)
    spikes = [trains(population) for population in (sources, cells, grid)]
    assert all(sum(map(len, each)) for each in spikes)
    names = [each.label for each in (sources, cells, grid, first)]
    return names, digest, drawn, spikes


def test_two_scripts_of_one_process_draw_the_same():
    first = script()
    assert first[0] == ["population0", "population1", "population2", "population0\u2192population1"]
    sim.setup(1.0, seed=1)
    HELD.next(3)
    sim.Population(2, sim.IF_curr_exp(v_rest=sim.RandomDistribution("uniform", (-70, -60)))).sample(1)
    assert script() == first
    other = script(8)
    assert other[0] == first[0]
    assert all(a != b for a, b in zip(other[1:], first[1:], strict=True))


def test_a_fresh_process_draws_the_same():
    code = "import sys; sys.path[:0] = sys.argv[1:]; import test_seeds; print(test_seeds.script()[:3])"
    here = Path(__file__).parent
    found = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, str(here), str(here.parent / "support")],
        capture_output=True,
        text=True,
        check=True,
        timeout=200,
    )
    assert found.stdout.strip() == str(script()[:3])


def test_generators_with_a_seed_of_their_own_keep_it():
    def drawn(seed):
        sim.setup(1.0, seed=seed)
        cells = sim.Population(5, sim.IF_curr_exp(cm=sim.RandomDistribution("uniform", (1, 2), rng=sim.NumpyRNG(3))))
        return cells.get("cm").tolist(), cells.sample(3, sim.NumpyRNG(seed=4)).all_cells.tolist()

    assert drawn(1) == drawn(2)
    values, chosen = drawn(1)
    assert values == plain.RandomDistribution("uniform", (1, 2), rng=plain.NumpyRNG(3)).next(5).tolist()
    assert chosen == sorted(1 + plain.NumpyRNG(seed=4).permutation(np.arange(5))[:3])


def test_what_is_drawn_apart_is_apart():
    sim.setup(1.0, seed=7)
    a, b = sim.NumpyRNG(), sim.NumpyRNG()
    first = a.next(4).tolist()
    assert first != b.next(4).tolist()
    assert first != a.next(4).tolist(), "a generator goes on"
    cells = [sim.Population(4, sim.IF_curr_exp(), initial_values={"v": plain.RandomDistribution("uniform", (0, 1))})]
    cells.append(
        sim.Population(4, sim.IF_curr_exp(), initial_values={"v": plain.RandomDistribution("uniform", (0, 1))})
    )
    starts = [population.starts["v"].tolist() for population in cells]
    assert starts[0] != starts[1]


def test_assemblies_and_labels_do_not_count_on_from_another_script():
    def labels():
        sim.setup(1.0)
        a = sim.Population(2, sim.SpikeSourceArray(), label="mine")
        b, c = sim.Population(2, sim.IF_curr_exp()), sim.create(sim.IF_curr_exp(), n=2)
        projection = sim.Projection(a, b + c, sim.AllToAllConnector(), sim.StaticSynapse(weight=0.1))
        return b.label, c.label, (b + c).label, projection.label

    assert labels() == labels() == ("population1", "population2", "assembly1", "mine\u2192assembly0")
