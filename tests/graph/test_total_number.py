"""FixedTotalNumber: every pair is as likely as any other, with and without replacement, and the same for a seed."""

from __future__ import annotations

import numpy as np
import pytest

import ernsnn
from ernsnn import LIF, FixedTotalNumber, Network, Uniform


def between(n_pre, n_post, connector, *, seed=0):
    net = Network()
    pre, post = net.population("pre", n_pre, LIF()), net.population("post", n_post, LIF())
    net.projection("p", pre, post, connector, weight_nA=1.0)
    return ernsnn.lower(net, seed).projections[0]


@pytest.mark.parametrize(("n_pre", "n_post"), [(20, 30), (30, 20), (1, 6), (6, 1)])
@pytest.mark.parametrize("itself", [True, False])
@pytest.mark.parametrize("replace", [True, False])
def test_a_total_number_of_synapses_is_drawn_over_all_pairs(n_pre, n_post, itself, replace):
    """Every pair has as many as any other; with replacement their number is binomial, without it is 0 or 1."""
    possible = np.ones((n_pre, n_post), bool)
    if not itself:
        np.fill_diagonal(possible, False)
    pairs, graphs = int(possible.sum()), 300
    sources = possible.sum(axis=0)
    p = sources / pairs
    for n in {pairs // 3, 2 * pairs // 3, 2 * pairs if replace else pairs}:
        hits, degrees = np.zeros((n_pre, n_post)), []
        for seed in range(graphs):
            rows = between(n_pre, n_post, FixedTotalNumber(n, replace, itself), seed=seed).synapses
            matrix = np.zeros((n_pre, n_post))
            np.add.at(matrix, (rows.pre, rows.post), 1)
            assert matrix.sum() == n
            assert not matrix[~possible].any()
            assert replace or matrix.max() <= 1
            hits += matrix
            degrees.append(matrix.sum(axis=0))
        share = n / pairs
        variance = share * (1 - 1 / pairs) if replace else share * (1 - share)
        assert (np.abs(hits[possible] - graphs * share) <= 5 * (graphs * variance) ** 0.5).all()
        # The in-degree is binomial(n, p) with replacement, hypergeometric without.
        expected = n * p * (1 - p) * (1 if replace else (pairs - n) / (pairs - 1))
        spread = np.var(degrees, axis=0)
        assert (np.abs(np.mean(degrees, axis=0) - n * p) <= 5 * (expected / graphs) ** 0.5 + 1e-9).all()
        assert (np.abs(spread - expected) <= 6 * (expected + expected**0.5) * (2 / graphs) ** 0.5).all()


@pytest.mark.parametrize("replace", [True, False])
def test_a_total_number_is_the_same_for_a_seed_and_nobody_elses(replace):
    def made(seed, n=40, before=False):
        net = Network()
        a, b = net.population("a", 9, LIF()), net.population("b", 7, LIF())
        if before:
            net.projection("o", a, b, FixedTotalNumber(5), weight_nA=1)
        net.projection("p", a, b, FixedTotalNumber(n, replace), weight_nA=Uniform(0, 1))
        return ernsnn.lower(net, seed)

    def csr(graph):
        return graph.projections[-1].connectivity

    assert made(3).digest == made(3).digest
    assert made(3).digest != made(4).digest
    np.testing.assert_array_equal(csr(made(3)).indices, csr(made(3, before=True)).indices)
    assert csr(made(3, 0)).n_synapses == 0
    rows = csr(made(5))
    assert (rows.indptr[0], rows.indptr[-1], rows.indices.dtype, rows.indptr.dtype) == (0, 40, np.int32, np.int64)
    for row in range(9):
        assert (np.diff(rows.targets(row)) >= (0 if replace else 1)).all()


def test_all_different_pairs_are_all_to_all():
    for itself in (True, False):
        every = ernsnn.AllToAll(self_connections=itself)
        n = between(4, 6, every).n_synapses
        same, other = between(4, 6, FixedTotalNumber(n, False, itself)).synapses, between(4, 6, every).synapses
        np.testing.assert_array_equal([same.pre, same.post], [other.pre, other.post])
