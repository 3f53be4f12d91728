"""Injected currents that change in the same steps are one in a graph: what each neuron gets stays the same."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.describe.units import all_whole_steps, whole_steps
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Injected
from ernsnn.graph.injections import merged
from ernsnn.graph.lower import lower
from ernsnn.graph.modulator import Member
from ernsnn.graph.values import columns_of, series


def spread(injections, sizes, n_steps):
    """The current into each neuron of each population in each step."""
    found = {name: np.zeros((n_steps, size)) for name, size in sizes.items()}
    for each in injections:
        columns, of = columns_of(each.values)
        for t in range(n_steps):
            piece = np.searchsorted(each.steps, t, side="right") - 1
            if piece >= 0:
                found[each.target.population][t, each.target.start : each.target.stop] += columns[piece][of]
    return found


@pytest.mark.parametrize("seed", range(20))
def test_the_sum_is_what_all_of_them_are(seed):
    rng = np.random.default_rng(seed)
    sizes, grids = {"a": 7, "b": 30}, [np.array([0, 3, 5]), np.array([2, 3, 9]), np.array([4])]
    injections = []
    for _ in range(rng.integers(1, 25)):
        name, steps = str(rng.choice(list(sizes))), grids[rng.integers(3)]
        start = int(rng.integers(sizes[name]))
        stop = int(rng.integers(start + 1, sizes[name] + 1))
        kinds = int(rng.integers(1, 4))
        columns = rng.standard_normal((len(steps), kinds))
        of = rng.integers(0, kinds, stop - start)
        injections.append(Injected(Member(name, start, stop), steps, series(columns, of)))
    ones = merged(injections)
    assert len(ones) <= len(injections)
    expected, found = spread(injections, sizes, 12), spread(ones, sizes, 12)
    for name in sizes:
        np.testing.assert_allclose(found[name], expected[name], atol=1e-14)


def test_one_current_for_each_cell_is_one_for_all_of_them():
    injections = [Injected(Member("a", i, i + 1), np.array([0, 5]), np.full((2, 1), float(i))) for i in range(50)]
    (one,) = merged(injections)
    assert one.values[1].tolist() == [float(i) for i in range(50)]


def test_what_would_take_more_memory_together_stays_apart():
    n = 300
    columns = np.arange(2 * 20.0).reshape(2, 20)
    one, other = (series(np.repeat(columns, 2000, axis=0), of) for of in (np.arange(n) % 20, np.arange(n) // 15))
    steps = np.arange(4000)
    injections = [Injected(Member("a", 0, n), steps, values) for values in (one, other)]
    assert merged(injections) == tuple(injections)


@pytest.mark.parametrize("backend", ["reference", "native"])
def test_currents_into_parts_of_a_population_act_as_one_into_all_of_it(backend):
    found = []
    for apart in (True, False):
        net = ern.Network(dt_ms=1.0)
        cells = net.population("cells", 6, ern.LIF())
        if apart:
            for i in range(6):
                net.inject(cells[i : i + 1], ern.CurrentSteps(times_ms=[0, 20, 40], amplitudes_nA=[0.4 * i, 1.0, 0.0]))
        else:
            amplitudes = np.stack([0.4 * np.arange(6), np.ones(6), np.zeros(6)])
            net.inject(cells, ern.CurrentSteps(times_ms=[0, 20, 40], amplitudes_nA=amplitudes))
        net.probe(cells, "v_mV")
        assert len(lower(net).injections) == 1
        result = ern.run(net, duration_ms=60, backend=backend)
        found.append(result.recording.signals["cells.v_mV"][1])
    np.testing.assert_array_equal(*found)


def test_all_times_are_steps_as_each_of_them_is():
    times = np.array([0.0, 0.1, 0.1 + 0.2, 9.2, 1e6 + 0.1, 3.0000001])
    assert all_whole_steps(times, 0.1, "x").tolist() == [whole_steps(float(t), 0.1, "x") for t in times]
    for wrong in (0.25, np.inf, np.nan, 1e300):
        with pytest.raises(InvalidModel) as alone:
            whole_steps(wrong, 0.1, "x")
        with pytest.raises(InvalidModel) as among:
            all_whole_steps(np.array([0.1, wrong, 0.37]), 0.1, "x")
        assert str(among.value) == str(alone.value)
