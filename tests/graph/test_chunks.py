"""Large graphs are made in chunks of rows by several threads: the same ones however many, and hardly more memory."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from peak import peak_bytes

import ernsnn as ern
from ernsnn.graph import chunks, connect, graph, lower
from ernsnn.graph.seeds import generator, key_of

CONNECTORS = [
    ern.FixedProbability(0.0),
    ern.FixedProbability(0.13),
    ern.FixedProbability(0.6, self_connections=False),
    ern.FixedProbability(1.0),
    ern.FixedInDegree(0),
    ern.FixedInDegree(1),
    ern.FixedInDegree(17, self_connections=False),
]


def network(connector, n_pre=60, n_post=47, **values):
    net = ern.Network(dt_ms=0.1)
    sides = (net.population(name, n, ern.LIF()) for name, n in (("a", n_pre), ("b", n_post)))
    net.projection("p", *sides, connector, **{"weight_nA": ern.Normal(0.5, 0.2, low=0), **values})
    return net


@pytest.fixture(params=[(1, 1 << 18), (2, 1 << 18), (3, 50)], ids=["one", "two", "many"])
def shared(request, monkeypatch):
    """Some threads, and chunks of some size."""
    threads, size = request.param
    monkeypatch.setattr(chunks, "processors", lambda: threads)
    monkeypatch.setattr(chunks, "CHUNK", size)
    monkeypatch.setattr(connect, "_POSTS", size)
    monkeypatch.setattr(lower, "CHUNK", size)


def pairs(connector, n_pre, n_post, key, count_key):
    """The pairs as single generators draw them, one a row."""
    by_pre = isinstance(connector, ern.FixedProbability)
    rows, size = (n_pre, n_post) if by_pre else (n_post, n_pre)
    for row in range(rows):
        others = [i for i in range(size) if connector.self_connections or i != row]
        count = generator(count_key, row).binomial(len(others), connector.p) if by_pre else connector.n
        for k in generator(key, row).choice(len(others), count, replace=False, shuffle=False):
            yield (row, others[k]) if by_pre else (others[k], row)


@pytest.mark.parametrize("connector", CONNECTORS)
@pytest.mark.parametrize(("n_pre", "n_post"), [(60, 47), (30, 101)])
def test_drawn_pairs_and_values_are_those_of_a_generator_for_each_row(connector, n_pre, n_post, shared):
    net = network(connector, n_pre, n_post, weight_nA=ern.Uniform(1, 3), delay_ms=ern.Normal(0.3, 0.2))
    [p] = ern.lower(net, 5).projections
    key = key_of(5, "p.connector")
    expected = sorted(pairs(connector, n_pre, n_post, key, key_of(5, "p.connector.count")))
    assert list(zip(p.synapses.pre.tolist(), p.synapses.post.tolist(), strict=True)) == expected
    counts = np.bincount(p.synapses.pre, minlength=n_pre)
    weights = [1 + 2 * generator(key_of(5, "p.weight_nA"), row).random(n) for row, n in enumerate(counts)]
    np.testing.assert_array_equal(p.synapses.variables["w"], np.concatenate(weights))
    normal = [generator(key_of(5, "p.delay_ms"), row).standard_normal(n) for row, n in enumerate(counts)]
    delays = np.maximum(np.rint((0.3 + 0.2 * np.concatenate(normal)) / 0.1), 1)
    np.testing.assert_array_equal(p.synapses.delay, delays)
    assert p.delay_range == ((delays.min(), delays.max()) if len(delays) else (1, 1))


def test_more_synapses_than_are_kept_are_drawn_again(monkeypatch):
    once = ern.lower(network(ern.FixedInDegree(9))).digest
    monkeypatch.setattr(connect, "_KEPT", 100)
    assert ern.lower(network(ern.FixedInDegree(9))).digest == once


@pytest.mark.parametrize("connector", [ern.AllToAll(self_connections=False), *CONNECTORS[1:3]])
def test_matrices_of_values_are_the_same_in_chunks(connector, shared):
    matrix = np.random.default_rng(1).integers(1, 90, (60, 47)) / 10
    [p] = ern.lower(network(connector, weight_nA=matrix, delay_ms=matrix)).projections
    np.testing.assert_array_equal(p.synapses.variables["w"], matrix[p.synapses.pre, p.synapses.post])
    np.testing.assert_array_equal(p.synapses.delay, np.rint(matrix[p.synapses.pre, p.synapses.post] * 10))
    assert p.delay_range == (p.synapses.delay.min(), p.synapses.delay.max())
    wrong = matrix.copy()
    wrong[59, 46] = 1.23
    with pytest.raises(ern.InvalidModel, match=r"p\.delay_ms: 1\.23 ms is no multiple"):
        ern.lower(network(ern.AllToAll(), delay_ms=wrong))


@pytest.mark.parametrize(
    ("listed", "several"),
    [
        ([(0, 1), (0, 2), (1, 2), (3, 2)], False),
        ([(0, 1), (0, 2), (3, 3), (3, 3)], True),
        ([(0, 0), (0, 0)], True),
        ([(k, 5) for k in range(60)], False),
        ([*((k, 5) for k in range(60)), (59, 5)], True),
        ([], False),
    ],
)
def test_several_synapses_of_a_pair(listed, several, shared, monkeypatch):
    [p] = ern.lower(network(ern.FromList(listed))).projections
    assert p.several_a_pair == several
    monkeypatch.setattr(graph, "chunks", lambda starts: chunks.chunks(starts, 1))
    assert p.several_a_pair == several


def test_chunks_hold_every_row_once():
    counts = np.random.default_rng(2).integers(0, 9, 500)
    counts[77] = 1000
    starts = np.concatenate([[0], np.cumsum(counts)])
    for most in (1, 10, 300, 10**6):
        found = chunks.chunks(starts, most)
        assert [row for part in found for row in range(*part)] == list(range(500))
        assert all(last == first + 1 or starts[last] - starts[first] <= most for first, last in found)
    assert chunks.chunks(np.zeros(1, np.int64)) == []
    assert len(chunks.chunks(np.zeros(100_001, np.uint64), 1000)) == 100


def test_results_come_in_order_from_several_threads_and_few_wait(monkeypatch):
    begun, together = [], threading.Barrier(3)

    def work(k):
        begun.append(k)
        if k < 3:
            together.wait(20)  # which one thread alone would not pass
        return k * k

    found = []
    for square in chunks.in_threads(work, iter(range(100)), threads=3):
        assert len(begun) <= len(found) + 7
        found.append(square)
    assert found == [k * k for k in range(100)]


def test_what_a_thread_raises_is_raised_and_the_rest_left():
    begun = []

    def work(k):
        begun.append(k)
        if k == 5:
            raise ern.InvalidModel("five")
        return k

    for threads in (1, 2):
        with pytest.raises(ern.InvalidModel, match="five"):
            list(chunks.in_threads(work, range(1000), threads))
    assert len(begun) < 30


@pytest.mark.parametrize(
    ("connector", "values", "bytes_a_synapse"),
    [
        (ern.FixedProbability(0.1), {"delay_ms": ern.Normal(2, 1)}, 4),
        (ern.FixedInDegree(300), {"delay_ms": ern.Normal(2, 1)}, 4),
        (ern.AllToAll(), {"delay_ms": ern.Uniform(1, 5)}, 0),
    ],
)
def test_lowering_takes_the_graph_and_one_chunk(connector, values, bytes_a_synapse, monkeypatch):
    monkeypatch.setattr(chunks, "processors", lambda: 2)
    monkeypatch.setattr(connect, "_KEPT", 100_000)
    monkeypatch.setattr(connect, "_POSTS", 1 << 14)
    net = network(connector, 3000, 6000, **values)
    lowered, peak = peak_bytes(lambda: ern.lower(net))
    assert peak < bytes_a_synapse * lowered.n_synapses + 2_500_000
    read, peak = peak_bytes(lambda: lowered.projections[0].delay_range)
    assert 1 <= read[0] < read[1] < 100
    assert peak < 20_000_000
    _, peak = peak_bytes(lambda: lowered.digest)
    assert peak < 1_000_000
