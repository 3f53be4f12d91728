"""The spikes of sources, in steps: given ones, and Poisson ones, which their rates and a key fix."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ernsnn.graph.seeds import Rows
from ernsnn.graph.values import Series, summed

_POISSON_BLOCK = 256
_AT_ONCE = 2**22
"""The number of random numbers that are drawn at a time, or those of one step if that needs more."""


def steps_at_once(size: int) -> int:
    """For how many steps the numbers of ``size`` neurons are drawn at a time."""
    return max(1, _AT_ONCE // max(size, 1))


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


@dataclass(frozen=True, eq=False)
class PoissonSpikes:
    """Random spikes: from ``steps[k]`` on neuron i spikes in a step with ``probabilities[k, i]``, fixed by ``key``."""

    steps: np.ndarray
    probabilities: Series
    key: str

    def between(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See ``GivenSpikes.between``."""
        parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        size, blocks, start = self.probabilities.shape[1], Rows(self.key), first
        while start < last:
            stop = min(last, (start // _POISSON_BLOCK + 1) * _POISSON_BLOCK, start + steps_at_once(size))
            steps, neurons = divmod(np.flatnonzero(self._hits(start, stop, size, blocks)), size)
            parts.append((steps + start, neurons))
            start = stop
        return np.concatenate([s for s, _ in parts]), np.concatenate([n for _, n in parts])

    def expected(self, first: int, last: int) -> float:
        """The expectation of the number of spikes with first <= step < last."""
        return float(summed(self.steps, self.probabilities, first, last).sum())

    def _hits(self, first: int, last: int, size: int, blocks: Rows) -> np.ndarray:
        """Whether each neuron spikes in steps ``first`` to ``last`` of a block, without steps in which none can."""
        pieces = np.searchsorted(self.steps, np.arange(first, last), side="right")
        start = max(pieces[0] - 1, 0)
        limits = np.ceil(self.probabilities[start : pieces[-1]] * 2.0**53).astype(np.uint64)
        if pieces[0] == 0:
            limits = np.concatenate([np.zeros((1, size), np.uint64), limits])
        piece = pieces - pieces[0]
        rows = int(np.flatnonzero(np.any(limits, axis=1)[piece]).max(initial=-1)) + 1
        if not rows:
            return np.zeros((0, size), bool)
        # A uniform number is a whole one below 2^53 divided by that; comparing whole numbers takes half the time.
        block, skipped = divmod(first, _POISSON_BLOCK)
        numbers: np.ndarray = blocks.at(block, skipped * size).bit_generator.random_raw(rows * size).reshape(rows, size)
        numbers >>= np.uint64(11)
        return np.asarray(numbers < (limits if len(limits) == 1 else limits[piece[:rows]]))
