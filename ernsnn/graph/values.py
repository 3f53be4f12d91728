"""Values of many synapses or neurons: one number, an explicit array, or a draw that is evaluated row by row.

Values over time are an array, or columns that neurons share.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np

from ernsnn.graph.seeds import Rows

Array1D = np.ndarray
_SOME = 10_000
_ONE_AT_A_TIME = threading.Lock()
"""Threads may share a graph, and so the generator of a draw."""


@dataclass(frozen=True)
class Scalar:
    """The same number for every synapse."""

    value: float

    def row(self, row: int, start: int, count: int) -> Array1D:
        """The values of one pre neuron's synapses, which start at synapse ``start``."""
        return np.full(count, self.value)

    def rows(self, first: int, starts: np.ndarray) -> Array1D:
        """The values of ``len(starts) - 1`` pre neurons from ``first`` on, whose synapses start at ``starts``.

        The last of ``starts`` is the end of the last one's.
        """
        return np.full(int(starts[-1] - starts[0]), self.value)

    def some(self, count: int) -> Array1D:
        """The values of ``count`` synapses, or of drawn ones so many that few of the largest are missed."""
        return np.array([self.value])


@dataclass(frozen=True, eq=False)
class Array:
    """One number a synapse, in the order of the rows."""

    values: np.ndarray

    def row(self, row: int, start: int, count: int) -> Array1D:
        """See ``Scalar.row``."""
        return np.asarray(self.values[start : start + count], dtype=float)

    def rows(self, first: int, starts: np.ndarray) -> Array1D:
        """As ``Scalar.rows``."""
        return np.asarray(self.values[starts[0] : starts[-1]], dtype=float)

    def some(self, count: int) -> Array1D:
        """See ``Scalar.some``."""
        return self.values


@dataclass(frozen=True)
class Draw:
    """A distribution and the key of its randomness; with ``step_ms``, drawn times as whole steps >= 1."""

    kind: str
    parameters: tuple[float, ...]
    key: str
    step_ms: float | None = None

    @cached_property
    def _rows(self) -> Rows:
        return Rows(self.key)

    def __reduce__(self) -> tuple[Any, ...]:
        """A copy in another process has a generator of its own."""
        return Draw, (self.kind, self.parameters, self.key, self.step_ms)

    def row(self, row: int, start: int, count: int) -> Array1D:
        """See ``Scalar.row``; the numbers do not depend on the order or number of calls."""
        with _ONE_AT_A_TIME:
            drawn = _standard(self.kind, self._rows.at(row))(out=np.empty(count))
        return self._values(drawn)

    def rows(self, first: int, starts: np.ndarray) -> Array1D:
        """As ``Scalar.rows``; threads draw beside each other."""
        cuts, rows = (starts - starts[0]).tolist(), Rows(self.key)
        drawn, fill = np.empty(cuts[-1]), _standard(self.kind, rows.generator)
        for row, (a, b) in enumerate(pairwise(cuts), first):
            rows.at(row)
            fill(out=drawn[a:b])
        return self._values(drawn)

    def _values(self, drawn: Array1D) -> Array1D:
        """The values that standard ones stand for, in their place."""
        values = _scaled(self.kind, self.parameters, drawn)
        if self.step_ms is not None:
            values /= self.step_ms
            np.maximum(np.rint(values, out=values), 1.0, out=values)
        return values

    def some(self, count: int) -> Array1D:
        """See ``Scalar.some``."""
        return self.row(0, 0, min(count, _SOME))


Value = Scalar | Array | Draw


@dataclass(frozen=True, eq=False)
class Shared:
    """Series that neurons share: neuron i has ``columns[:, of[i]]``. Indexed, it is the array (k, n) that it means."""

    columns: np.ndarray
    of: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        """(k, n): how many values there are in time, and of how many neurons."""
        return len(self.columns), len(self.of)

    def __len__(self) -> int:
        return len(self.columns)

    def __getitem__(self, times: Any) -> np.ndarray:
        return np.asarray(self.columns[times][..., self.of])


Series = np.ndarray | Shared
"""Values over time, (k, n): ``series[k]`` are those of all n neurons."""

_WORTH_SHARING = 1 << 16
"""Fewer numbers than these, saved by sharing, are not worth it."""


def series(columns: np.ndarray, of: np.ndarray | None) -> Series:
    """The series of neurons that have the columns ``of``, or one each: shared where that saves much, or written out."""
    if of is None:
        return np.ascontiguousarray(columns)
    if columns.shape[0] * (len(of) - columns.shape[1]) >= _WORTH_SHARING:
        return Shared(np.ascontiguousarray(columns), of)
    return np.ascontiguousarray(columns[:, of])


def columns_of(values: Series) -> tuple[np.ndarray, np.ndarray]:
    """(columns (k, m), which of them each neuron has (n,)), whether they are shared or not."""
    return (values.columns, values.of) if isinstance(values, Shared) else (values, np.arange(values.shape[1]))


def summed(steps: np.ndarray, values: Series, first: int, last: int) -> np.ndarray:
    """The sum, for each neuron, of what holds from ``steps`` on over the steps ``first`` to ``last`` (exclusive)."""
    start = max(int(np.searchsorted(steps, first, side="right")) - 1, 0)
    stop = int(np.searchsorted(steps, last))
    lasting = np.diff(np.clip(np.append(steps[start:stop], last), first, last))
    columns, of = columns_of(values)
    return np.asarray((lasting @ columns[start:stop])[of])


def exponential(x: np.ndarray) -> np.ndarray:
    """e^x, by + and * alone: np.exp differs in the last digit between processors, and so would drawn numbers."""
    whole = np.rint(x / math.log(2))
    # ln 2 in two parts, of which the first has so few digits that its product with ``whole`` is exact.
    rest = (x - whole * 0.693147180369123816490) - whole * 1.90821492927058770002e-10
    total = np.ones_like(rest)
    for n in range(14, 0, -1):
        total = 1.0 + rest * total / n
    return np.ldexp(total, np.clip(whole, -2000, 2000).astype(np.int32))


def sample(kind: str, parameters: tuple[float, ...], rng: np.random.Generator, count: int) -> Array1D:
    """``count`` values of a distribution of ``describe.distributions``."""
    return _scaled(kind, parameters, _standard(kind, rng)(out=np.empty(count)))


def _standard(kind: str, rng: np.random.Generator) -> Any:
    """What fills ``out`` with numbers that values of the distribution are made of."""
    match kind:
        case "uniform":
            return rng.random
        case "normal" | "lognormal":
            return rng.standard_normal
        case "exponential":
            return rng.standard_exponential
    raise AssertionError(f"no distribution {kind!r}")


def _scaled(kind: str, parameters: tuple[float, ...], x: Array1D) -> Array1D:
    """The values that are made of such numbers, in their place."""
    match kind:
        case "uniform":
            low, high = parameters
            x *= high - low
            x += low
        case "normal":
            mean, sd, low, high = parameters
            x *= sd
            x += mean
            np.clip(x, low, high, out=x)
        case "lognormal":
            median, sigma = parameters
            x *= sigma
            x[:] = exponential(x)
            x *= median
        case "exponential":
            x *= parameters[0]
    return x
