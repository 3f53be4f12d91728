"""Counts of Poisson input from the numbers of streams, by inversion in whole numbers: equal on every backend.

A stream gives whole numbers d in [1, M), each as likely as the others (``streams.whole``). With F the cumulative
distribution of a Poisson number and T(k) = round(F(k) (M - 1)), the count is the number of k >= 0 with T(k) < d. Counts
so large that none beyond has a probability of 1 / (2 M) = 2.3e-10 never come.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ernsnn.graph.streams import MODULI, Streams, start
from ernsnn.graph.values import Series, columns_of

MOST_A_STEP = 1e9
"""The largest mean of a count: tables and counts then fit into 32 bits."""
_NUMBERS, _NEXT = int(MODULI[0]) - 1, int(MODULI[0])
_AT_ONCE = 1 << 20
"""So many numbers of tables are computed together, or those of one mean."""


def table_length(means: np.ndarray) -> np.ndarray:
    """The most thresholds that the table of each mean has: none beyond has a probability of 1e-16."""
    return np.asarray(18 * np.sqrt(means) + 40)


@dataclass(frozen=True, eq=False)
class Tables:
    """The thresholds of several means: of mean m those from ``starts[m]`` to ``starts[m + 1]`` (exclusive), rising.

    A number d means the count ``lowest[m]`` and one more for each of these thresholds that is below d.
    """

    lowest: np.ndarray
    starts: np.ndarray
    thresholds: np.ndarray

    @cached_property
    def _keys(self) -> np.ndarray:
        """The thresholds of all means in one rising line."""
        return np.asarray(np.repeat(np.arange(len(self.lowest)), np.diff(self.starts)) * _NEXT + self.thresholds)

    @property
    def most(self) -> int:
        """The largest count of all."""
        return int((self.lowest + np.diff(self.starts)).max())

    def counts(self, tables: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """The counts of numbers ``drawn`` from streams, each by one of the ``tables``."""
        below = np.searchsorted(self._keys, tables * _NEXT + drawn.astype(np.int64))
        return np.asarray(self.lowest[tables] + below - self.starts[tables])


def tabulated(means: np.ndarray) -> Tables:
    """The tables of ``means``, which rise."""
    lowest, lengths, parts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], [np.zeros(0, np.int32)]
    for some in _chunks(means):
        first = np.floor(np.maximum(some - 9 * np.sqrt(some) - 9, 0.0))
        steps = np.arange(1, int(table_length(some[-1])) + 1)
        # Each probability is the one before it times mean / k, up to a common factor: no exponential, and so no last
        # digit in which processors differ. Sums along an axis that are kept are added one after the other.
        ratios = np.concatenate([np.ones((len(some), 1)), some[:, None] / (first[:, None] + steps)], axis=1)
        reached = np.cumsum(np.cumprod(ratios, axis=1), axis=1)
        thresholds = np.rint(reached / reached[:, -1:] * _NUMBERS).astype(np.int64)
        never, always = thresholds < 1, thresholds >= _NUMBERS  # below, or not below, any number
        inside = ~(never | always)
        lowest.append(first.astype(np.int64) + never.sum(axis=1))
        lengths.append(inside.sum(axis=1))
        parts.append(thresholds[inside].astype(np.int32))
    starts = np.concatenate([[0], np.cumsum(np.concatenate(lengths))])
    return Tables(np.concatenate(lowest), starts, np.concatenate(parts))


def _chunks(means: np.ndarray) -> Iterator[np.ndarray]:
    """Neighbours whose tables are about as long, few enough to be computed together."""
    lengths, begin = table_length(means), 0
    while begin < len(means):
        like = int(np.searchsorted(lengths, 1.5 * lengths[begin], side="right"))
        end = min(like, begin + max(1, int(_AT_ONCE / (2 * lengths[begin]))))
        yield means[begin:end]
        begin = end


@dataclass(frozen=True, eq=False)
class Inversion:
    """Which table each of the neurons of an input has: neuron i in piece k ``index[k, of[i]]``.

    Piece k begins at ``steps[k - 1]``; in piece 0, before the first, nothing comes.
    """

    tables: Tables
    steps: np.ndarray
    index: np.ndarray
    of: np.ndarray

    @classmethod
    def of_means(cls, steps: np.ndarray, means: Series) -> Inversion:
        """Of means that hold from ``steps`` on."""
        columns, of = columns_of(means)
        distinct, index = np.unique(np.append(columns.reshape(-1), 0.0), return_inverse=True)
        index = index[:-1].reshape(columns.shape)
        nothing = np.zeros((1, columns.shape[1]), index.dtype)  # the lowest mean is 0
        return cls(tabulated(distinct), steps, np.concatenate([nothing, index]), of)

    def at(self, t: int) -> np.ndarray:
        """The table of each neuron in step ``t``."""
        return np.asarray(self.index[int(np.searchsorted(self.steps, t, side="right"))][self.of])

    def which(self, steps: np.ndarray, neurons: np.ndarray) -> np.ndarray:
        """The tables of some ``neurons``, each in a step."""
        return np.asarray(self.index[np.searchsorted(self.steps, steps, side="right"), self.of[neurons]])


class Counting:
    """The counts of one input, one number a neuron and step; any step can be asked for, the next one is fast."""

    def __init__(self, key: str, inversion: Inversion) -> None:
        self.key, self.inversion, self.next = key, inversion, 0
        self.streams = Streams(key, len(inversion.of))

    def at(self, t: int) -> np.ndarray:
        """The counts of step ``t``."""
        if t != self.next:
            self.streams.states[:] = start(self.key, len(self.inversion.of), t)
        self.next = t + 1
        return self.inversion.tables.counts(self.inversion.at(t), self.streams.whole())
