"""Which synapses there are and what they start with, as flat arrays filled row by row."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.graph.connectivity import Dense
from ernsnn.graph.graph import Projection
from ernsnn.graph.values import Array, Scalar, Value


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
    if isinstance(p.delay, Scalar):
        return int(p.delay.value)
    each = gathered(p, p.delay, np.int32)
    return each if len(each) and (each != each[0]).any() else int(each[0]) if len(each) else 1


def gathered(p: Projection, value: Value, dtype: type) -> np.ndarray:
    """A value of every synapse, without ever holding more than a row of it in float64."""
    result: np.ndarray = np.empty(p.n_synapses, dtype)
    gather(p, value, result)
    return result


def gather(p: Projection, value: Value, result: np.ndarray) -> None:
    """The same, written to ``result``. Raises InvalidModel on what is too large for its type."""
    try:
        with np.errstate(over="raise"):
            if isinstance(value, Scalar | Array):
                result[:] = value.value if isinstance(value, Scalar) else value.values
                return
            indptr = p.connectivity.indptr.tolist()
            for row in range(p.connectivity.n_pre):
                result[indptr[row] : indptr[row + 1]] = value.row(row, indptr[row], indptr[row + 1] - indptr[row])
    except FloatingPointError:
        raise InvalidModel(
            f"{p.name}: a weight or mark is beyond {np.finfo(result.dtype).max:.2g}, the largest number of "
            f"{result.dtype}, in which this backend keeps synapses; choose smaller ones, or precision='float64'"
        ) from None


def targets(p: Projection) -> np.ndarray:
    """The post neuron of every synapse, counted from ``post_start``."""
    rows = [p.connectivity.targets(row) for row in range(p.connectivity.n_pre)]
    joined: np.ndarray = np.concatenate([np.zeros(0, np.int32), *rows])
    return joined.astype(np.uint32)


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


def inside(neurons: np.ndarray, start: int, count: int) -> np.ndarray:
    """Those of ``neurons`` that a projection's side holds, counted from its start."""
    if not len(neurons) or (start == 0 and neurons[-1] < count):  # they rise
        return neurons
    first, last = neurons.searchsorted((start, start + count)).tolist()
    return neurons[first:last] - start
