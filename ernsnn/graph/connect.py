"""Lowering of connectors: which neurons a projection connects, drawn by keys of its own."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from ernsnn.describe.connectors import AllToAll, FixedInDegree, FixedProbability, FromList, OneToOne
from ernsnn.describe.projections import Projection
from ernsnn.errors import InvalidModel
from ernsnn.graph import connectivity as conn
from ernsnn.graph.memory import require_memory
from ernsnn.graph.seeds import generator

_LISTED_BYTES = 12
"""Bytes of a listed synapse while it is sorted."""
_ROW_BYTES = 120
"""Bytes of a neuron whose partners are drawn, in an array of its own."""


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
    key, n = key_of(f"{p.name}.connector"), n_pre * c.p if isinstance(c, FixedProbability) else getattr(c, "n", 0)
    drawn = n_pre if isinstance(c, FixedProbability) else n_post
    needed = _LISTED_BYTES * n * n_post + _ROW_BYTES * drawn
    require_memory(f"{p.name}.connector", needed, "take fewer neurons or synapses; AllToAll lists none")
    if isinstance(c, FixedProbability):
        return _fixed_probability(p, c, key, key_of(f"{p.name}.connector.count")), None
    if isinstance(c, FixedInDegree):
        rows = [_choose(key, post, n_pre, c.n, c.self_connections) for post in range(n_post)]
        return conn.csr_from_pairs(np.concatenate(rows), np.repeat(np.arange(n_post), c.n), n_pre, n_post)[0], None
    raise InvalidModel(f"{p.name}: no lowering for the connector {type(c).__name__}")


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


def _choose(key: str, row: int, size: int, count: int, self_connections: bool) -> np.ndarray:
    """``count`` different indices below ``size``, sorted, without ``row`` unless ``self_connections``."""
    without = not self_connections and row < size
    picked = np.sort(generator(key, row).choice(size - without, count, replace=False, shuffle=False))
    return picked + (picked >= row) if without else picked
