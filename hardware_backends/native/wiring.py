"""Which synapses there are and what they start with, as flat arrays filled row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.graph.chunks import chunks, in_threads
from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Projection
from ernsnn.graph.values import Scalar, Value


class Wiring(NamedTuple):
    """The synapses of pre neuron i are ``indptr[i]`` to ``indptr[i + 1]`` (exclusive).

    Where ``targets`` is empty although there are synapses, a row goes to all ``n_post`` neurons in order; one that is
    a synapse shorter leaves out neuron i.
    """

    indptr: np.ndarray
    targets: np.ndarray
    n_post: int


class Delayed(NamedTuple):
    """The synapses of a projection that have one delay. ``ids`` are their places among all of the projection."""

    delay: int
    wiring: Wiring
    ids: np.ndarray | slice


def delays(p: Projection) -> int | np.ndarray:
    """The delay in steps of all synapses, or where they differ that of each."""
    shortest, longest = p.delay_range
    return shortest if shortest == longest else gathered(p, p.delay, np.int32)


def gathered(p: Projection, value: Value, dtype: type) -> np.ndarray:
    """A value of every synapse, without ever holding more than chunks of it in float64."""
    result: np.ndarray = np.empty(p.n_synapses, dtype)
    gather(p, value, result)
    return result


def gather(p: Projection, value: Value, result: np.ndarray) -> None:
    """The same, written to ``result``. Raises InvalidModel on what is too large for its type."""

    def fill(part: tuple[int, int]) -> None:
        first, last = part
        rows = starts[first : last + 1]
        result[rows[0] : rows[-1]] = narrowed(p, value.rows(first, rows), result.dtype)

    if isinstance(value, Scalar):
        result[:] = narrowed(p, np.array(value.value), result.dtype)
        return
    starts = p.connectivity.indptr
    for _ in in_threads(fill, chunks(starts)):
        pass


def narrowed(p: Projection, values: np.ndarray, dtype: np.dtype) -> np.ndarray:
    """The values in a type. Raises InvalidModel on what is too large for it."""
    try:
        with np.errstate(over="raise"):
            return values.astype(dtype, copy=False)
    except FloatingPointError:
        raise InvalidModel(
            f"{p.name}: a weight or mark is beyond {np.finfo(dtype).max:.2g}, the largest number of "
            f"{dtype}, in which this backend keeps synapses; choose smaller ones, or precision='float64'"
        ) from None


def targets(p: Projection) -> np.ndarray:
    """The post neuron of every synapse, counted from ``post_start``."""
    c, starts = p.connectivity, p.connectivity.indptr
    found = np.empty(p.n_synapses, np.uint32)
    for first, last in chunks(starts):
        found[starts[first] : starts[last]] = c.posts(first, last)
    return found


def whole(p: Projection) -> Wiring:
    """All synapses of a projection; all-to-all needs no targets."""
    c = p.connectivity
    explicit = np.zeros(0, np.uint32) if isinstance(c, Dense) else targets(p)
    return Wiring(c.indptr, explicit, c.n_post)


def shape(wiring: Wiring) -> Literal["full", "holed", "listed"]:
    """Whether rows go to everyone, to everyone but neuron i, or to listed targets."""
    n = int(wiring.indptr[-1])
    if len(wiring.targets) or n == 0:
        return "listed"
    return "full" if n == (len(wiring.indptr) - 1) * wiring.n_post else "holed"


def by_delay(p: Projection, delay: int | np.ndarray) -> Iterator[Delayed]:
    """The synapses of a projection, by their delays."""
    if isinstance(delay, int):
        yield Delayed(delay, whole(p), slice(None))
        return
    c, to = p.connectivity, targets(p)
    of = np.repeat(np.arange(c.n_pre), np.diff(c.indptr))
    for d in np.unique(delay).tolist():
        ids = np.flatnonzero(delay == d)
        indptr = np.concatenate([[0], np.cumsum(np.bincount(of[ids], minlength=c.n_pre))]).astype(np.int64)
        yield Delayed(d, Wiring(indptr, to[ids], c.n_post), ids)
