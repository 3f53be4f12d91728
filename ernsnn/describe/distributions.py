"""Distributions for heterogeneous parameters, initial weights and delays: descriptions only, drawn by the lowering."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.units import to_number, to_single, to_unit
from ernsnn.errors import InvalidModel


@dataclass(frozen=True)
class Distribution:
    """A random value per neuron or synapse; parameters are in the unit of the field that it is given to."""

    kind: ClassVar[str]
    _may_be_open: ClassVar[tuple[str, ...]] = ()

    @property
    def parameters(self) -> dict[str, float]:
        """Name -> number, in the order of the fields."""
        return {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}

    def in_unit(self, unit: str | None, path: str) -> Self:
        """The same distribution with its parameters converted to plain numbers in ``unit``, and checked."""
        converted = {}
        for name, value in self.parameters.items():
            where = f"{path} {type(self).__name__}.{name}"
            if name in self._may_be_open and isinstance(value, float) and np.isinf(value):
                converted[name] = value
                continue
            number = to_number(value, where) if unit is None else to_unit(value, unit, where)
            if not isinstance(number, float):
                raise InvalidModel(f"{where}: must be one number")
            converted[name] = number
        result = dataclasses.replace(self, **converted)
        problem = result._problem() or _beyond_numbers(result)
        if problem:
            raise InvalidModel(f"{path}: {problem}")
        return result

    @property
    def support(self) -> tuple[float, float]:
        """The lowest and highest value that can be drawn."""
        raise NotImplementedError

    def _problem(self) -> str | None:
        raise NotImplementedError


def _beyond_numbers(given: Distribution) -> str | None:
    """A message on draws that can leave the range of floats; empty for none."""
    if np.isfinite(extent(given.kind, tuple(given.parameters.values()))):
        return None
    values = ", ".join(f"{name}={value:g}" for name, value in given.parameters.items())
    return f"what {type(given).__name__}({values}) draws is beyond the numbers; choose smaller ones"


_RARELY = 8.5
"""The number of standard deviations that a normal variable exceeds once in 10^17 draws."""


def extent(kind: str, parameters: tuple[float, ...]) -> float:
    """The magnitude that a distribution without its bounds exceeds once in 10^17 draws; infinite beyond the floats."""
    with np.errstate(over="ignore"):
        match kind:
            case "uniform":
                return float(abs(np.float64(parameters[1]) - parameters[0]))
            case "normal":
                return float(abs(np.float64(parameters[0])) + _RARELY * np.float64(parameters[1]))
            case "lognormal":
                return float(parameters[0] * np.exp(_RARELY * np.float64(parameters[1])))
            case "exponential":
                return float(40 * np.float64(parameters[0]))
    raise AssertionError(f"no distribution {kind!r}")


@checked
@dataclass(frozen=True)
class Uniform(Distribution):
    """Uniform on [low, high)."""

    low: float
    high: float
    kind: ClassVar[str] = "uniform"

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def _problem(self) -> str | None:
        return None if self.low <= self.high else f"Uniform needs low <= high, got {self.low} and {self.high}"


@checked
@dataclass(frozen=True)
class Normal(Distribution):
    """Normal with mean and standard deviation ``sd``; values beyond [low, high] are set to the bound."""

    mean: float
    sd: float
    low: float = -np.inf
    high: float = np.inf
    kind: ClassVar[str] = "normal"
    _may_be_open: ClassVar[tuple[str, ...]] = ("low", "high")

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high

    def _problem(self) -> str | None:
        if self.sd < 0:
            return f"Normal needs sd >= 0, got {self.sd}"
        ordered = self.low <= self.high and self.low < np.inf and self.high > -np.inf
        return None if ordered else f"Normal needs low <= high, got {self.low} and {self.high}"


@checked
@dataclass(frozen=True)
class LogNormal(Distribution):
    """exp(N(ln(median), sigma^2)); ``sigma`` has no unit."""

    median: float
    sigma: float
    kind: ClassVar[str] = "lognormal"

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, np.inf

    def in_unit(self, unit: str | None, path: str) -> Self:
        median = Uniform(self.median, self.median).in_unit(unit, path).low
        sigma = to_single(self.sigma, f"{path} LogNormal.sigma")
        if median <= 0 or sigma < 0:
            raise InvalidModel(f"{path}: LogNormal needs median > 0 and sigma >= 0, got {median} and {sigma}")
        result = dataclasses.replace(self, median=median, sigma=sigma)
        if problem := _beyond_numbers(result):
            raise InvalidModel(f"{path}: {problem}")
        return result


@checked
@dataclass(frozen=True)
class Exponential(Distribution):
    """Exponential with the given mean."""

    mean: float
    kind: ClassVar[str] = "exponential"

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, np.inf

    def _problem(self) -> str | None:
        return None if self.mean >= 0 else f"Exponential needs mean >= 0, got {self.mean}"


Value = float | np.ndarray | Distribution
"""A heterogeneous parameter: one number, an array, or a distribution."""


def span(value: Value) -> tuple[float, float]:
    """The lowest and highest number that ``value`` can take; (inf, -inf) for an empty array."""
    if isinstance(value, float | int):
        return float(value), float(value)
    if isinstance(value, Distribution):
        return value.support
    return float(np.min(value, initial=np.inf)), float(np.max(value, initial=-np.inf))


def farthest(value: Value) -> float:
    """The largest magnitude of ``value``.

    For a distribution without a bound it is the one that is exceeded once in 10^17 draws.
    """
    if isinstance(value, Exponential | LogNormal):
        return extent(value.kind, tuple(value.parameters.values()))
    if isinstance(value, Normal):
        return min(value.high, value.mean + _RARELY * value.sd)
    return span(value)[1]
