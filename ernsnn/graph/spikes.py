"""The spikes of sources, in steps: given ones, and Poisson ones, which their rates and a key fix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ernsnn.graph.seeds import generator
from ernsnn.graph.values import Series, columns_of

_POISSON_BLOCK = 256
_AT_ONCE = 2**22
"""The number of random numbers that are drawn at a time, or those of one step if that needs more."""


@dataclass(frozen=True, eq=False)
class GivenSpikes:
    """Neuron i of a source spikes in the steps ``steps[indptr[i]:indptr[i + 1]]``, which rise."""

    indptr: np.ndarray
    steps: np.ndarray

    @cached_property
    def _by_step(self) -> tuple[np.ndarray, np.ndarray]:
        neurons = np.repeat(np.arange(len(self.indptr) - 1), np.diff(self.indptr))
        order = np.argsort(self.steps, kind="stable")
        return self.steps[order], neurons[order]

    def between(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """(steps, neurons) of all spikes with first <= step < last, by step, then neuron."""
        steps, neurons = self._by_step
        span = slice(*np.searchsorted(steps, [first, last]))
        return steps[span], neurons[span]

    def expected(self, first: int, last: int) -> float:
        """The number of spikes with first <= step < last."""
        return float(len(self.between(first, last)[0]))


class Drawn:
    """The numbers below 2^53 that the spikes of ``key`` depend on, kept of the block that was last asked for."""

    def __init__(self, key: str, size: int) -> None:
        self.key, self.size, self.block = key, size, -1
        self.kept = np.zeros((0, size), np.uint64)

    def rows(self, block: int, first: int, n: int) -> np.ndarray:
        """(n - first, size): those of some steps of a block."""
        again = block == self.block
        if not again or n > len(self.kept):
            n_drawn = _POISSON_BLOCK if again else n  # who asks for more of it will ask for all
            drawn = generator(self.key, block).bit_generator.random_raw(n_drawn * self.size).reshape(n_drawn, self.size)
            drawn >>= np.uint64(11)
            self.block, self.kept = block, drawn
        return self.kept[first:n]


class Passing:
    """``Drawn`` for rising steps, without a cache."""

    def __init__(self, key: str, size: int) -> None:
        self.key, self.size, self.block, self.at = key, size, -1, 0

    def rows(self, block: int, first: int, n: int) -> np.ndarray:
        """See ``Drawn.rows``."""
        if block != self.block or first < self.at:
            self.bits, self.block, self.at = generator(self.key, block).bit_generator, block, 0
        while self.at < first:
            passed = min(first - self.at, max(1, _AT_ONCE // self.size))
            self.bits.random_raw(passed * self.size, output=False)
            self.at += passed
        self.at = n
        drawn: np.ndarray = self.bits.random_raw((n - first) * self.size).reshape(n - first, self.size)
        drawn >>= np.uint64(11)
        return drawn


@dataclass(frozen=True, eq=False)
class PoissonSpikes:
    """Random spikes: from ``steps[k]`` on neuron i spikes in a step with ``probabilities[k, i]``, fixed by ``key``."""

    steps: np.ndarray
    probabilities: Series
    key: str

    def between(self, first: int, last: int, drawn: Drawn | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See ``GivenSpikes.between``. With ``drawn``, a block is drawn only once."""
        blocks = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        source = drawn or Passing(self.key, self.probabilities.shape[1])
        start, at_once = first, max(1, _AT_ONCE // max(source.size, 1))
        while start < last:
            block = start // _POISSON_BLOCK
            stop = min(last, (block + 1) * _POISSON_BLOCK, start + at_once)
            steps, neurons = divmod(np.flatnonzero(self._hits(block, start, stop, source)), source.size)
            blocks.append((steps + start, neurons))
            start = stop
        return np.concatenate([s for s, _ in blocks]), np.concatenate([n for _, n in blocks])

    def expected(self, first: int, last: int) -> float:
        """The expectation of the number of spikes with first <= step < last."""
        start = max(int(np.searchsorted(self.steps, first, side="right")) - 1, 0)
        stop = int(np.searchsorted(self.steps, last))
        lasting = np.diff(np.clip(np.append(self.steps[start:stop], last), first, last))
        columns, of = columns_of(self.probabilities)
        return float(lasting @ columns[start:stop] @ np.bincount(of, minlength=columns.shape[1]))

    def _hits(self, block: int, first: int, last: int, drawn: Drawn | Passing) -> np.ndarray:
        """Whether each neuron spikes in steps ``first`` to ``last`` of a block, without steps in which none can."""
        pieces = np.searchsorted(self.steps, np.arange(first, last), side="right")
        start = max(pieces[0] - 1, 0)
        limits = np.ceil(self.probabilities[start : pieces[-1]] * 2.0**53).astype(np.uint64)
        if pieces[0] == 0:
            limits = np.concatenate([np.zeros((1, drawn.size), np.uint64), limits])
        piece = pieces - pieces[0]
        rows = int(np.flatnonzero(np.any(limits, axis=1)[piece]).max(initial=-1)) + 1
        if not rows:
            return np.zeros((0, drawn.size), bool)
        # A uniform number is a whole one below 2^53 divided by that; comparing whole numbers takes half the time.
        skipped = first - block * _POISSON_BLOCK
        numbers = drawn.rows(block, skipped, skipped + rows)
        return np.asarray(numbers < (limits if len(limits) == 1 else limits[piece[:rows]]))
