"""Lowering of connectors: which neurons a projection connects, drawn by keys of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ernsnn.describe.connectors import (
    AllToAll,
    Connector,
    FixedInDegree,
    FixedProbability,
    FixedTotalNumber,
    FromList,
    OneToOne,
)
from ernsnn.describe.projections import Projection
from ernsnn.errors import InvalidModel
from ernsnn.graph import connectivity as conn
from ernsnn.graph.memory import require_memory
from ernsnn.graph.seeds import Rows, generator

_LISTED_BYTES = 12
"""Of a synapse that is listed, while it is sorted in."""
_DIFFERENT_BYTES = 40
"""Of a synapse, while pairs that differ are drawn."""
_ROW_BYTES = 120
"""Of a neuron whose partners are drawn, each in an array of its own."""


def connected(p: Projection, key_of: Callable[[str], str]) -> tuple[conn.Connectivity, np.ndarray | None]:
    """The connectivity, and for lists the order that sorts their values."""
    n_pre, n_post, c = p.pre.size, p.post.size, p.connector
    if isinstance(c, AllToAll):
        return conn.Dense(n_pre, n_post, c.self_connections), None
    if isinstance(c, OneToOne):
        return conn.OneToOne(n_pre), None
    if isinstance(c, FromList):
        pairs = np.asarray(c.pairs)
        return conn.csr_from_pairs(pairs[:, 0], pairs[:, 1], n_pre, n_post)
    key, count_key = key_of(f"{p.name}.connector"), key_of(f"{p.name}.connector.count")
    needed = _bytes_drawn(c, n_pre, n_post)
    require_memory(f"{p.name}.connector", needed, "take fewer neurons or synapses; AllToAll lists none")
    if isinstance(c, FixedProbability):
        return _fixed_probability(p, c, key, count_key), None
    if isinstance(c, FixedTotalNumber):
        return _fixed_total_number(p, c, key, count_key), None
    if isinstance(c, FixedInDegree):
        rows = [_choose(key, post, n_pre, c.n, c.self_connections) for post in range(n_post)]
        return conn.csr_from_pairs(np.concatenate(rows), np.repeat(np.arange(n_post), c.n), n_pre, n_post)[0], None
    raise InvalidModel(f"{p.name}: no lowering for the connector {type(c).__name__}")


def _bytes_drawn(c: Connector, n_pre: int, n_post: int) -> float:
    """What the lowering of a connector that draws takes at its height."""
    match c:
        case FixedProbability():
            return _LISTED_BYTES * c.p * n_pre * n_post + _ROW_BYTES * n_pre
        case FixedInDegree():
            return _LISTED_BYTES * c.n * n_post + _ROW_BYTES * n_post
        case FixedTotalNumber():
            return (_LISTED_BYTES if c.replace else _DIFFERENT_BYTES) * c.n + _ROW_BYTES * n_pre
    return 0.0


def _fixed_probability(p: Projection, c: FixedProbability, key: str, count_key: str) -> conn.CSR:
    # A binomial count and a uniform subset of that size is the same as one coin a pair, and cheap for small p.
    n_pre, n_post = p.pre.size, p.post.size
    rows = []
    for pre in range(n_pre):
        candidates = n_post - (not c.self_connections and pre < n_post)
        count = int(generator(count_key, pre).binomial(candidates, c.p))
        rows.append(_choose(key, pre, n_post, count, c.self_connections).astype(np.int32))
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in rows])]).astype(np.int64)
    return conn.CSR(n_pre, n_post, indptr, np.concatenate(rows))


def _fixed_total_number(p: Projection, c: FixedTotalNumber, key: str, count_key: str) -> conn.CSR:
    """``c.n`` pairs: with replacement a row at a time, since counts of rows are multinomial, and targets uniform."""
    every = conn.Dense(p.pre.size, p.post.size, c.self_connections)
    starts = every.indptr
    candidates = np.diff(starts)
    if c.replace:
        counts = generator(count_key).multinomial(c.n, candidates / max(every.n_synapses, 1)) if c.n else 0 * candidates
        indptr = np.concatenate([[0], np.cumsum(counts)])
        indices, rows = np.empty(c.n, np.int32), Rows(key)
        for pre in np.flatnonzero(counts).tolist():
            row = indices[indptr[pre] : indptr[pre + 1]]
            row[:] = rows.at(pre).integers(0, candidates[pre], len(row), dtype=np.int32)
            row.sort()
    else:
        pairs = different(generator(key), every.n_synapses, c.n)
        indptr = np.searchsorted(pairs, starts)
        indices = (pairs - np.repeat(starts[:-1], np.diff(indptr))).astype(np.int32)
    if not c.self_connections:
        indices += indices >= np.repeat(np.arange(p.pre.size, dtype=np.int32), np.diff(indptr))
    return conn.CSR(p.pre.size, p.post.size, indptr, indices)


def different(rng: np.random.Generator, below: int, count: int) -> np.ndarray:
    """``count`` different whole numbers, sorted: those that come first in an endless row of draws, or all others."""
    few, found = min(count, below - count), np.zeros(0, np.int64)
    while len(found) < few:
        found = np.unique(np.concatenate([found, rng.integers(0, below, few - len(found))]))
    return found if few == count else np.delete(np.arange(below), found)


def _choose(key: str, row: int, size: int, count: int, self_connections: bool) -> np.ndarray:
    """``count`` different indices below ``size``, sorted, without ``row`` unless ``self_connections``."""
    without = not self_connections and row < size
    picked = np.sort(generator(key, row).choice(size - without, count, replace=False, shuffle=False))
    return picked + (picked >= row) if without else picked
