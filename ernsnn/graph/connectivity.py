"""Connectivity, as compact as it can be: all-to-all and one-to-one store no index at all.

Synapses are ordered by pre neuron, within one by post neuron. ``indptr`` gives where each pre neuron's row starts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Dense:
    """Every pre to every post neuron, without i -> i where ``self_connections`` is False."""

    n_pre: int
    n_post: int
    self_connections: bool = True

    @property
    def indptr(self) -> np.ndarray:
        """Start of every row, and the number of synapses last."""
        counts = np.full(self.n_pre, self.n_post, dtype=np.int64)
        if not self.self_connections:
            counts[: min(self.n_pre, self.n_post)] -= 1
        return np.concatenate([[0], np.cumsum(counts)])

    @property
    def n_synapses(self) -> int:
        """The number of synapses."""
        return self.n_pre * self.n_post - (0 if self.self_connections else min(self.n_pre, self.n_post))

    def targets(self, row: int) -> np.ndarray:
        """Post neurons of one pre neuron."""
        return self.posts(row, row + 1)

    def posts(self, first: int, last: int) -> np.ndarray:
        """Post neurons of pre neurons first to last (exclusive), those of one after those of the other."""
        everyone = np.tile(np.arange(self.n_post, dtype=np.int32), (last - first, 1))
        if self.self_connections:
            return everyone.reshape(-1)
        return np.asarray(everyone[everyone != np.arange(first, last)[:, None]])


@dataclass(frozen=True)
class OneToOne:
    """Neuron i to neuron i."""

    n_pre: int

    @property
    def n_post(self) -> int:
        """The number of post neurons, which is that of pre neurons."""
        return self.n_pre

    @property
    def indptr(self) -> np.ndarray:
        """See ``Dense.indptr``."""
        return np.arange(self.n_pre + 1, dtype=np.int64)

    @property
    def n_synapses(self) -> int:
        """See ``Dense.n_synapses``."""
        return self.n_pre

    def targets(self, row: int) -> np.ndarray:
        """See ``Dense.targets``."""
        return self.posts(row, row + 1)

    def posts(self, first: int, last: int) -> np.ndarray:
        """See ``Dense.posts``."""
        return np.arange(first, last, dtype=np.int32)


@dataclass(frozen=True, eq=False)
class CSR:
    """Explicit targets: those of pre neuron i are ``indices[indptr[i]:indptr[i + 1]]``."""

    n_pre: int
    n_post: int
    indptr: np.ndarray
    indices: np.ndarray

    @property
    def n_synapses(self) -> int:
        """See ``Dense.n_synapses``."""
        return len(self.indices)

    def targets(self, row: int) -> np.ndarray:
        """See ``Dense.targets``."""
        return self.posts(row, row + 1)

    def posts(self, first: int, last: int) -> np.ndarray:
        """See ``Dense.posts``."""
        return np.asarray(self.indices[self.indptr[first] : self.indptr[last]])


Connectivity = Dense | OneToOne | CSR


def csr_from_pairs(pre: np.ndarray, post: np.ndarray, n_pre: int, n_post: int) -> tuple[CSR, np.ndarray]:
    """The CSR of explicit pairs, and the order that sorts values given for the pairs into it."""
    order = np.argsort(pre * np.int64(n_post) + post, kind="stable")
    counts = np.bincount(pre, minlength=n_pre)
    indptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    indices = np.empty(len(order), np.int32)
    np.take(post, order, out=indices, mode="clip")
    return CSR(n_pre, n_post, indptr, indices), order
