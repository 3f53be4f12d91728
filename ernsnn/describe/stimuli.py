"""Stimuli: spike sources that a population can consist of, and currents that can be injected."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.distributions import Distribution
from ernsnn.describe.fields import convert_fields
from ernsnn.describe.units import from_zero, to_number, to_unit
from ernsnn.errors import InvalidModel


@checked
@dataclass(frozen=True, eq=False)
class Schedule:
    """A quantity that changes at given times and holds in between: ``values[k]`` from ``times_ms[k]`` on, 0 before.

    ``values`` has one entry a time, each a number for all neurons or one number a neuron. Where neurons share series,
    ``columns`` says which: neuron i has ``values[:, columns[i]]``, and each series is held once. ``quantity`` is the
    name of the quantity of ``Trials`` that it is, which other trials replace. Raises InvalidModel on times that do not
    rise from 0 on, and on shapes that do not fit.
    """

    times_ms: Sequence[float] | np.ndarray
    values: Any
    columns: Any = None
    quantity: str | None = None

    def __post_init__(self) -> None:
        times = from_zero(np.atleast_1d(to_unit(self.times_ms, "ms", "Schedule.times_ms")))
        values = np.atleast_1d(to_number(self.values, "Schedule.values"))
        if times.ndim != 1 or (np.diff(times) <= 0).any() or (times < 0).any():
            raise InvalidModel("Schedule.times_ms: must be a rising list of times >= 0")
        if values.ndim > 2 or len(values) != len(times):
            raise InvalidModel(
                f"Schedule: {len(times)} times need as many values, got an array of shape {values.shape}"
            )
        object.__setattr__(self, "times_ms", times)
        object.__setattr__(self, "values", values)
        if self.columns is not None:
            object.__setattr__(self, "columns", self._checked_columns(values))

    def _checked_columns(self, values: np.ndarray) -> np.ndarray:
        columns, there = np.asarray(to_number(self.columns, "Schedule.columns")), np.shape(values)[1:]
        if not there or not there[0]:
            raise InvalidModel(f"Schedule.columns: needs values (times, columns), got shape {values.shape}")
        if columns.ndim != 1 or not ((columns >= 0) & (columns < there[0]) & (columns % 1 == 0)).all():
            raise InvalidModel(
                f"Schedule.columns: needs a whole number from 0 to {there[0] - 1} for each neuron, got {self.columns!r}"
            )
        return columns.astype(np.int64)

    @property
    def width(self) -> int | None:
        """The number of neurons that have values of their own; None where one value is for all."""
        values = np.asarray(self.values)
        return len(self.columns) if self.columns is not None else values.shape[1] if values.ndim == 2 else None


@checked
@dataclass(frozen=True, eq=False)
class SpikeTimes:
    """Given spike times: one list of times in ms per neuron (PyNN's SpikeSourceArray).

    A spike is stamped with its own step, so times must be multiples of dt, each at most once a neuron.
    ``quantity`` is as for ``Schedule``.
    """

    times_ms: Sequence[Any]
    quantity: str | None = None

    def __post_init__(self) -> None:
        times = []
        alone = isinstance(self.times_ms, str) or (isinstance(self.times_ms, np.ndarray) and self.times_ms.ndim == 0)
        if alone or not isinstance(self.times_ms, Sequence | np.ndarray):
            raise InvalidModel("SpikeTimes.times_ms: needs one list of times for each neuron")
        for neuron, given in enumerate(self.times_ms):
            row = from_zero(np.sort(np.atleast_1d(to_unit(given, "ms", f"SpikeTimes.times_ms[{neuron}]"))))
            if row.ndim != 1:
                raise InvalidModel(f"SpikeTimes.times_ms[{neuron}]: must be a list of times")
            if (row < 0).any():
                raise InvalidModel(f"SpikeTimes.times_ms[{neuron}]: times must be >= 0, got {row.min()}")
            if (np.diff(row) == 0).any():
                raise InvalidModel(f"SpikeTimes.times_ms[{neuron}]: a time is given twice; a neuron spikes once a step")
            times.append(row)
        object.__setattr__(self, "times_ms", tuple(times))


@checked
@dataclass(frozen=True, eq=False)
class Poisson:
    """Poisson processes on the time grid (PyNN's SpikeSourcePoisson): independent spikes of ``rate_hz``.

    A neuron spikes k times in a step, k drawn from the Poisson distribution with the mean rate * dt; each of these
    spikes acts and is recorded as one (docs/time-step.md says what several in one step do). Where no mean of a source
    is above 0.01, it spikes at most once a step, with the probability rate * dt. ``at_most_one`` says that of any
    source (a Bernoulli process): the variance of its counts is n p (1 - p) over n steps with p = rate * dt, where that
    of a Poisson process is n p.

    ``rate_hz`` is a number, one number a neuron, a distribution from which each neuron draws its own, or a ``Schedule``
    of numbers. The lowering fixes every spike from the seed, so that all backends get the same ones. Raises
    InvalidModel on negative rates, and, when the network is lowered, on rates of ``at_most_one`` above 1/dt.
    """

    rate_hz: Any
    at_most_one: bool = False

    def __post_init__(self) -> None:
        convert_rates(self, "Poisson")


def convert_rates(described: Any, path: str) -> None:
    """As ``convert_fields``, of what has rates: a value a neuron or for all, or a Schedule of numbers, all >= 0."""
    scheduled = isinstance(described.rate_hz, Schedule)
    convert_fields(described, path, besides=("rate_hz",) if scheduled else ())
    rates = described.rate_hz.values if scheduled else described.rate_hz
    if not isinstance(rates, Distribution) and np.min(rates, initial=np.inf) < 0:
        raise InvalidModel(f"{path}.rate_hz: must be >= 0")


def rates_width(rate_hz: Any) -> int | None:
    """The number of neurons that have rates of their own; None where one value, or distribution, is for all."""
    return None if isinstance(rate_hz, Distribution) else rates_over_time(rate_hz).width


def rates_over_time(rate_hz: Any) -> Schedule:
    """Rates, which are no distribution, as a schedule, constant ones from time 0 on."""
    return rate_hz if isinstance(rate_hz, Schedule) else Schedule([0.0], np.asarray(rate_hz)[None])


@checked
@dataclass(frozen=True, eq=False, kw_only=True)
class CurrentSteps:
    """A current added to i_offset: ``amplitudes_nA[k]`` from ``times_ms[k]`` on, 0 before.

    PyNN calls it StepCurrentSource. For ``columns`` and ``quantity`` see ``Schedule``.
    """

    times_ms: Sequence[float] | np.ndarray
    amplitudes_nA: Any
    columns: Any = None
    quantity: str | None = None

    def __post_init__(self) -> None:
        convert_fields(self, "CurrentSteps", besides=("quantity",))
        self.schedule  # noqa: B018 - its checks are ours

    @property
    def schedule(self) -> Schedule:
        """The current as a schedule."""
        return Schedule(self.times_ms, self.amplitudes_nA, self.columns, self.quantity)
