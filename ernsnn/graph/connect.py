"""Lowering of connectors: which neurons a projection connects, drawn by keys of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise

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
from ernsnn.graph.chunks import chunks, in_threads
from ernsnn.graph.memory import require_memory
from ernsnn.graph.seeds import Rows, generator

_LISTED_BYTES = 4
"""Bytes of a synapse that is drawn."""
_DIFFERENT_BYTES = 40
"""Bytes of a synapse, while pairs that differ are drawn."""
_ROW_BYTES = 16
"""Bytes of a neuron whose synapses are counted."""
_KEPT = 1 << 24
"""Synapses of a fixed in-degree that are drawn once; more are drawn to count them, and again to be put in place."""
_POSTS = 1 << 20
"""Synapses of post neurons that are put in place together."""


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
        return _fixed_probability(n_pre, n_post, c, key, count_key), None
    if isinstance(c, FixedTotalNumber):
        return _fixed_total_number(n_pre, n_post, c, key, count_key), None
    if isinstance(c, FixedInDegree):
        return _fixed_in_degree(n_pre, n_post, c, key), None
    raise InvalidModel(f"{p.name}: no lowering for the connector {type(c).__name__}")


def _bytes_drawn(c: Connector, n_pre: int, n_post: int) -> float:
    """What the lowering of a connector that draws takes at its height."""
    match c:
        case FixedProbability():
            return _LISTED_BYTES * c.p * n_pre * n_post + _ROW_BYTES * n_pre
        case FixedInDegree():
            return _LISTED_BYTES * c.n * n_post + _ROW_BYTES * n_pre
        case FixedTotalNumber():
            return (_LISTED_BYTES if c.replace else _DIFFERENT_BYTES) * c.n + _ROW_BYTES * n_pre
    return 0.0


def _fixed_probability(n_pre: int, n_post: int, c: FixedProbability, key: str, count_key: str) -> conn.CSR:
    # A binomial count and a uniform subset of that size is the same as one coin a pair, and cheap for small p.
    indptr, rows = np.zeros(n_pre + 1, np.int64), Rows(count_key)
    for pre in range(n_pre):
        candidates = n_post - (not c.self_connections and pre < n_post)
        indptr[pre + 1] = rows.at(pre).binomial(candidates, c.p)
    np.cumsum(indptr, out=indptr)
    indices = np.empty(indptr[-1], np.int32)

    def fill(part: tuple[int, int]) -> None:
        first, last = part
        _choose(key, first, indptr[first : last + 1].tolist(), n_post, c.self_connections, indices)

    for _ in in_threads(fill, chunks(indptr)):
        pass
    return conn.CSR(n_pre, n_post, indptr, indices)


def _fixed_total_number(n_pre: int, n_post: int, c: FixedTotalNumber, key: str, count_key: str) -> conn.CSR:
    """``c.n`` pairs: with replacement a row at a time, since counts of rows are multinomial, and targets uniform."""
    every = conn.Dense(n_pre, n_post, c.self_connections)
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
        indices += indices >= np.repeat(np.arange(n_pre, dtype=np.int32), np.diff(indptr))
    return conn.CSR(n_pre, n_post, indptr, indices)


def different(rng: np.random.Generator, below: int, count: int) -> np.ndarray:
    """``count`` different whole numbers, sorted: those that come first in an endless row of draws, or all others."""
    few, found = min(count, below - count), np.zeros(0, np.int64)
    while len(found) < few:
        found = np.unique(np.concatenate([found, rng.integers(0, below, few - len(found))]))
    return found if few == count else np.delete(np.arange(below), found)


def _fixed_in_degree(n_pre: int, n_post: int, c: FixedInDegree, key: str) -> conn.CSR:
    def draw(part: tuple[int, int]) -> np.ndarray:
        """The pre neurons of the post neurons of a chunk."""
        first, last = part
        pre = np.empty((last - first) * c.n, np.int32)
        _choose(key, first, range(0, len(pre) + 1, c.n), n_pre, c.self_connections, pre)
        return pre

    def pairs(part: tuple[int, int], pre: np.ndarray | None) -> np.ndarray:
        """n_post x pre + post of each synapse of the chunk, which rise."""
        found = (draw(part) if pre is None else pre) * np.int64(n_post)
        found += np.repeat(np.arange(*part), c.n)
        found.sort()
        return found

    parts = chunks(np.arange(n_post + 1) * c.n, _POSTS) if c.n else []
    indptr = np.zeros(n_pre + 1, np.int64)
    kept: list[np.ndarray | None] = []
    for pre in in_threads(draw, parts):
        np.add.at(indptr[1:], pre, 1)
        kept.append(pre if n_post * c.n <= _KEPT else None)
    np.cumsum(indptr, out=indptr)
    indices, free = np.empty(indptr[-1], np.int32), indptr[:-1].copy()
    for found in in_threads(lambda work: pairs(*work), zip(parts, kept, strict=True)):
        pre, post = np.divmod(found, n_post)
        # Of each pre neuron they stand together, and go behind those of the chunks before.
        starts = np.flatnonzero(np.diff(pre, prepend=-1))
        heads, counts = pre[starts], np.diff(starts, append=len(pre))
        indices[np.arange(len(pre)) + np.repeat(free[heads] - starts, counts)] = post
        free[heads] += counts
    return conn.CSR(n_pre, n_post, indptr, indices)


def _choose(key: str, first: int, starts: Sequence[int], size: int, self_connections: bool, out: np.ndarray) -> None:
    """Fill ``out`` with the rows from ``first`` on, which begin at ``starts``; the last of these is the end.

    A row gets as many different indices below ``size`` as it has room for, sorted, without its own unless
    ``self_connections``.
    """
    rows = Rows(key)
    for row, (a, b) in enumerate(pairwise(starts), first):
        without = not self_connections and row < size
        picked = out[a:b]
        picked[:] = rows.at(row).choice(size - without, b - a, replace=False, shuffle=False)
        picked.sort()
        if without:
            picked[picked.searchsorted(row) :] += 1
