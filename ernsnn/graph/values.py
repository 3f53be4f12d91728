"""Per-synapse values: one number, an explicit array, or a draw that is evaluated row by row when asked for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ernsnn.graph.seeds import generator

Array1D = np.ndarray


@dataclass(frozen=True)
class Scalar:
    """The same number for every synapse."""

    value: float

    def row(self, row: int, start: int, count: int) -> Array1D:
        """The values of one pre neuron's synapses, which start at synapse ``start``."""
        return np.full(count, self.value)


@dataclass(frozen=True, eq=False)
class Array:
    """One number a synapse, in the order of the rows."""

    values: np.ndarray

    def row(self, row: int, start: int, count: int) -> Array1D:
        """As ``Scalar.row``."""
        return np.asarray(self.values[start : start + count], dtype=float)


@dataclass(frozen=True)
class Draw:
    """A distribution and the key of its randomness; with ``step_ms``, drawn times as whole steps >= 1."""

    kind: str
    parameters: tuple[float, ...]
    key: str
    step_ms: float | None = None

    def row(self, row: int, start: int, count: int) -> Array1D:
        """As ``Scalar.row``; the same numbers however often and in whatever order rows are asked for."""
        values = sample(self.kind, self.parameters, generator(self.key, row), count)
        return values if self.step_ms is None else np.maximum(np.rint(values / self.step_ms), 1.0)


Value = Scalar | Array | Draw


def sample(kind: str, parameters: tuple[float, ...], rng: np.random.Generator, count: int) -> Array1D:
    """``count`` values of a distribution of ``describe.distributions``."""
    match kind:
        case "uniform":
            low, high = parameters
            return low + (high - low) * rng.random(count)
        case "normal":
            mean, sd, low, high = parameters
            return np.clip(mean + sd * rng.standard_normal(count), low, high)
        case "lognormal":
            median, sigma = parameters
            return median * np.exp(sigma * rng.standard_normal(count))
        case "exponential":
            return parameters[0] * rng.standard_exponential(count)
    raise AssertionError(f"no distribution {kind!r}")
