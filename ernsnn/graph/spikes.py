"""The spikes of sources, in steps: given ones, and Poisson ones, which their rates and a key fix."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from ernsnn.errors import InvalidModel
from ernsnn.graph.encoding import LATER
from ernsnn.graph.poisson import MOST_A_STEP, Inversion
from ernsnn.graph.seeds import Rows
from ernsnn.graph.streams import MODULI
from ernsnn.graph.values import Series, columns_of, series, summed

SEVERAL_ABOVE = 0.01 * (1 + 1e-9)
"""Where no mean of a source is above this, at most one spike a step is drawn: two have a probability of 5e-5."""
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

    @property
    def most(self) -> int:
        """The most spikes of a neuron in a step."""
        return 1

    def once(self) -> GivenSpikes:
        """These spikes, of which a neuron has one in a step."""
        return self

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
    """Random spikes: from ``steps[k]`` on neuron i spikes in a step with ``probabilities[k, i]``, fixed by ``key``.

    With ``counts`` these are means, and the number of its spikes in a step is Poisson's. It spikes at all only where it
    would without: both compare one number, the smaller the more spikes.
    """

    steps: np.ndarray
    probabilities: Series
    key: str
    counts: bool = field(default=False, metadata=LATER)

    @cached_property
    def inversion(self) -> Inversion:
        """Its counts, by the numbers that are drawn (made once, when first asked for)."""
        return Inversion.of_means(self.steps, self.probabilities)

    @property
    def most(self) -> int:
        """See ``GivenSpikes.most``: none beyond has a probability of 2.3e-10."""
        return self.inversion.tables.most if self.counts else 1

    @property
    def highest(self) -> float:
        """The highest probability, or mean."""
        return float(np.max(columns_of(self.probabilities)[0], initial=0.0))

    def once(self) -> PoissonSpikes:
        """The source that draws at most one spike a step, by the same numbers."""
        return replace(self, counts=False)

    def between(self, first: int, last: int) -> tuple[np.ndarray, np.ndarray]:
        """See ``GivenSpikes.between``. Of a neuron that spikes several times in a step it has all spikes."""
        parts = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
        size, blocks, start = self.probabilities.shape[1], Rows(self.key), first
        while start < last:
            stop = min(last, (start // _POISSON_BLOCK + 1) * _POISSON_BLOCK, start + steps_at_once(size))
            limits, numbers = self._drawn(start, stop, size, blocks)
            hits = np.flatnonzero(numbers < limits)
            steps, neurons = hits // max(size, 1) + start, hits % max(size, 1)
            parts.append(self._counted(steps, neurons, numbers.reshape(-1)[hits]) if self.counts else (steps, neurons))
            start = stop
        return np.concatenate([s for s, _ in parts]), np.concatenate([n for _, n in parts])

    def expected(self, first: int, last: int) -> float:
        """The expectation of the number of spikes with first <= step < last."""
        return float(summed(self.steps, self.probabilities, first, last).sum())

    def _counted(self, steps: np.ndarray, neurons: np.ndarray, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """As many spikes as are to be counted by the ``drawn`` numbers of neurons in steps."""
        most = np.uint64(MODULI[0] - 1)
        high = most - (((drawn >> np.uint64(21)) * most) >> np.uint64(32))  # as tables have it: the larger the more
        counts = self.inversion.tables.counts(self.inversion.which(steps, neurons), high)
        return np.repeat(steps, counts), np.repeat(neurons, counts)

    def _drawn(self, first: int, last: int, size: int, blocks: Rows) -> tuple[np.ndarray, np.ndarray]:
        """(limits, numbers below 2^53) of each neuron in steps ``first`` to ``last`` of a block.

        A neuron spikes where its number is below the limit. Steps from which on none can are left out.
        """
        pieces = np.searchsorted(self.steps, np.arange(first, last), side="right")
        start = max(pieces[0] - 1, 0)
        limits = np.ceil(np.minimum(self.probabilities[start : pieces[-1]], 1.0) * 2.0**53).astype(np.uint64)
        if pieces[0] == 0:
            limits = np.concatenate([np.zeros((1, size), np.uint64), limits])
        piece = pieces - pieces[0]
        rows = int(np.flatnonzero(np.any(limits, axis=1)[piece]).max(initial=-1)) + 1
        if not rows:
            return np.zeros((0, size), np.uint64), np.zeros((0, size), np.uint64)
        # A uniform number is a whole one below 2^53 divided by that; comparing whole numbers takes half the time.
        block, skipped = divmod(first, _POISSON_BLOCK)
        numbers: np.ndarray = blocks.at(block, skipped * size).bit_generator.random_raw(rows * size).reshape(rows, size)
        numbers >>= np.uint64(11)
        return (limits if len(limits) == 1 else limits[piece[:rows]]), numbers


def poisson_spikes(
    path: str, rates: tuple[np.ndarray, np.ndarray, np.ndarray | None], dt_ms: float, key: str, at_most_one: bool
) -> PoissonSpikes:
    """The spikes of a Poisson source: ``rates`` are steps, columns in Hz, and which of these each neuron has, or None.

    Raises InvalidModel, naming ``path``, on rates below 0 and above what a step can have.
    """
    steps, rates_hz, of = rates
    with np.errstate(over="ignore"):
        means = rates_hz * (dt_ms / 1000.0)
    if not (means >= 0).all():
        raise InvalidModel(f"{path}: must be >= 0, got {np.min(rates_hz)}")
    highest = np.max(means, initial=0.0)
    if at_most_one and highest > 1:
        raise InvalidModel(
            f"{path}: {np.max(rates_hz)} Hz is more than one spike in a step of {dt_ms} ms; choose a smaller dt_ms, or "
            "leave out at_most_one"
        )
    if not highest <= MOST_A_STEP:
        raise InvalidModel(
            f"{path}: {np.max(rates_hz)} Hz is {highest:.3g} spikes in a step of {dt_ms} ms, more than "
            f"{MOST_A_STEP:g}; choose a smaller dt_ms, or a lower rate"
        )
    return PoissonSpikes(steps, series(means, of), key, not at_most_one and bool(highest > SEVERAL_ABOVE))
