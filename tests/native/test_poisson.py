"""The kernel of Poisson input adds the counts of ``graph.poisson``, whatever the tables, the runs and the steps are."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.hardware_backends.native import poisson
from ernsnn.hardware_backends.native.poisson import PoissonInputs


def network(rates, size=40, **options):
    net = ern.Network()
    cells = net.population("cells", size, ern.DeltaLIF())
    net.poisson_input("drive", cells, rate_hz=rates, **{"weight_mV": 1.0, **options})
    return net


def added(graph, steps, width, length=3, workers=1):
    """What the kernel adds in each of some steps, of one receptor of ``width`` neurons."""
    ring = np.zeros((length, 1, width))
    inputs = PoissonInputs(graph, lambda p: p.target.start, ring, np.linspace(0, width, workers + 1).astype(np.int64))
    found = []
    for t in steps:
        inputs.stand_before(t)
        for worker in range(workers):
            inputs.kernel()(t, t + 1, worker)
        found.append(ring[t % length, 0].copy())
        ring[t % length] = 0.0
        assert not ring.any(), "only the arrivals of this step are touched"
    return np.array(found)


RATES = {
    "none": 0.0,
    "few": 3.0,
    "one": 1600.0,
    "many": 1e5,
    "huge": 1e12,
    "each its own": np.linspace(0, 40_000, 40) ** 1.5,
    "two kinds": np.repeat([500.0, 16000.0, 500.0, 500.0], 10),
    "in pieces": ern.Schedule([2, 9, 15], np.random.default_rng(1).uniform(0, 5000, (3, 40))),
    "pieces for all": ern.Schedule([0, 9, 15], [100.0, 0.0, 1e4]),
    "columns": ern.Schedule([1, 9], [[100.0, 4000.0], [7.0, 8.0]], columns=[0, 1, 1, 0, 0, 0, 1, 1] * 5),
}


@pytest.mark.parametrize("slots", [1, 16, 1 << 17])
@pytest.mark.parametrize("kind", RATES)
def test_equal_to_the_counts_of_the_graph(kind, slots, monkeypatch):
    monkeypatch.setattr(poisson, "_SLOTS", slots)
    graph = ern.lower(network(RATES[kind]), 4)
    counting = graph.poisson_inputs[0].counting()
    expected = np.array([counting.at(t) for t in range(30)], float)
    assert np.array_equal(added(graph, range(30), 40), expected)


def test_steps_in_any_order():
    graph = ern.lower(network(5000.0), 4)
    whole = added(graph, range(30), 40)
    order = [29, 0, 1, 17, 18, 5, 5]
    assert np.array_equal(added(graph, order, 40), whole[order])


def test_several_inputs_in_turn():
    net = network(4000.0, weight_mV=np.linspace(0.1, 4, 40))
    cells = net.populations["cells"]
    net.poisson_input("part", cells[3:20], rate_hz=ern.Schedule([0, 4], [0.0, 100.0]), n=9, weight_mV=0.3)
    net.poisson_input("each", cells[7:], rate_hz=np.arange(33) * 50.0, weight_mV=7.0)
    graph = ern.lower(net, 2)
    expected = np.zeros((12, 40))
    for p in graph.poisson_inputs:
        counting = p.counting()
        for t in range(12):
            expected[t, p.target.start : p.target.stop] += p.weight * counting.at(t)
    assert np.array_equal(added(graph, range(12), 40), expected)


def test_many_tables():
    rates = np.random.default_rng(0).uniform(0, 9000, 20_000)
    graph = ern.lower(network(rates, size=20_000), 1)
    counting = graph.poisson_inputs[0].counting()
    assert np.array_equal(added(graph, [0, 1], 20_000), [counting.at(0), counting.at(1)])


@pytest.mark.parametrize("workers", [2, 3, 7])
@pytest.mark.parametrize("kind", RATES)
def test_workers_share_the_neurons(kind, workers):
    graph = ern.lower(network(RATES[kind]), 4)
    assert np.array_equal(added(graph, range(30), 40, workers=workers), added(graph, range(30), 40))
