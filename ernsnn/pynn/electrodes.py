"""Currents injected into cells."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import StandardCurrentSource, electrodes

from ernsnn.describe.network import Network
from ernsnn.describe.stimuli import Schedule
from ernsnn.errors import InvalidModel, about
from ernsnn.graph import graph
from ernsnn.graph.modulator import Member
from ernsnn.graph.seeds import generator, key_of
from ernsnn.graph.values import series

from .cells import same
from .drawing import seeded
from .simulator import ID, spliced, state
from .sources import NEVER_MS
from .values import plain

if TYPE_CHECKING:
    from .populations import Population


class Target(NamedTuple):
    """A population that a current is injected into: at ``places``, by the injections with these ``numbers``.

    The places lie from ``first`` to ``last`` (exclusive). Neuron ``first + i`` gets ``gains[columns[i]]`` times the
    current: the number of injections, in the unit of its model.
    """

    population: Population
    first: int
    last: int
    numbers: np.ndarray
    places: np.ndarray
    gains: np.ndarray
    columns: np.ndarray


class CurrentSource(StandardCurrentSource):
    """A current that changes at steps: it acts on potentials from the step that begins at its time."""

    varies = False
    """Whether it changes all the time, so that it is computed up to ``state.horizon`` only."""

    def __init__(self, **parameters: Any) -> None:
        parameters = plain(parameters, type(self).__name__)
        super().__init__(**parameters)
        self.cells: list[ID] = []
        self.targets: list[Target] | None = None
        self.recorded = False
        self.number = len(state.current_sources)
        self.given: dict[str, Any] = {}
        self.rewind()
        space = ParameterSpace(self.default_parameters, self.get_schema(), shape=(1,))
        space.update(**seeded(parameters))
        self.set_native_parameters(self.translate(space))
        state.current_sources.append(self)

    def rewind(self) -> None:
        """Forget what it was before parameters were changed."""
        self.before: Schedule | None = None
        self.changed_at = 0

    def inject_into(self, cells: Any) -> None:
        """Inject it into a population, view, assembly or list of cells."""
        for cell in cells:
            if not cell.celltype.injectable:
                raise TypeError("Can't inject current into a spike source.")
        state.join(self, f"a {type(self).__name__}")
        self.cells += list(cells)
        self.targets = None

    def get_native_parameters(self) -> ParameterSpace:
        """The present parameters."""
        return ParameterSpace(dict(self.given))

    def set_native_parameters(self, parameters: ParameterSpace) -> None:
        """Set parameters; if the network has run, from now on."""
        parameters.evaluate(simplify=True)
        given = {n: getattr(v, "value", v) for n, v in parameters.items()}
        for parameter, value in given.items():
            _check(type(self).__name__, parameter, value)
        if state.under_way and self.given:
            self.before, self.changed_at = self.current(), state.step
        self.given |= self.settled(given)
        state.changed_currents[self.number] = self

    def settled(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The parameters as they are stored."""
        return parameters

    def changes(self) -> tuple[np.ndarray, np.ndarray]:
        """(times in ms, amplitudes in nA) of its changes; amplitudes have a second axis where injections differ."""
        raise NotImplementedError

    def _set(self) -> Schedule:
        times, amplitudes = on_grid(*self.changes())
        kept = times < NEVER_MS
        return Schedule(times[kept], amplitudes[kept])

    def current(self) -> Schedule:
        """The current as a schedule."""
        return spliced(self.before, self._set(), self.changed_at * state.dt)

    def record(self) -> None:
        """Keep the current for ``get_data``."""
        self.recorded = True

    def _get_data(self) -> tuple[np.ndarray, np.ndarray]:
        if not self.recorded:
            raise InvalidModel(f"{type(self).__name__}: record() it before get_data()")
        steps, schedule = np.arange(state.step + 1), self.current()
        values = np.asarray(schedule.values)
        values = np.concatenate([np.zeros((1, *values.shape[1:])), values])
        at = np.searchsorted(np.rint(np.asarray(schedule.times_ms) / state.dt), steps, side="right")
        return state.ms(steps), values[at]

    def add_to(self, net: Network) -> None:
        """Inject it, population by population."""
        for target, current in self._injected(self.current()):
            with about("", target.population.name):
                net.inject(net.populations[target.population.name][target.first : target.last], current)

    def lowered(self) -> list[graph.Injected]:
        """The part of the graph from now on, without earlier changes."""
        return [
            graph.Injected(
                Member(target.population.name, target.first, target.last),
                np.rint(np.asarray(current.times_ms) / state.dt).astype(np.int64),
                series(np.asarray(current.values), current.columns),
            )
            for target, current in self._injected(self._set())
        ]

    def _injected(self, current: Schedule) -> Iterator[tuple[Target, Schedule]]:
        """Yield (target, current), with a column for each number of injections into a cell, or for each cell."""
        if self.targets is None:
            self.targets = list(self._found_targets())
        times, values = current.times_ms, np.asarray(current.values)
        for target in self.targets:
            if values.ndim == 1:
                yield target, Schedule(times, values[:, None] * target.gains, target.columns)
                continue
            amplitudes = np.zeros((len(values), target.last - target.first))
            for number, place in zip(target.numbers, target.places, strict=True):
                amplitudes[:, place - target.first] += values[:, number] * target.population.celltype.current_scale
            yield target, Schedule(times, amplitudes)

    def _found_targets(self) -> Iterator[Target]:
        owners = {cell.parent.name: cell.parent for cell in self.cells}
        for population in owners.values():
            numbers = np.array([number for number, cell in enumerate(self.cells) if cell.parent is population])
            places = population.id_to_index(np.array([int(self.cells[number]) for number in numbers]))
            first, last = int(places.min()), int(places.max()) + 1
            gain = np.bincount(places - first) * population.celltype.current_scale
            yield Target(population, first, last, numbers, places, *np.unique(gain, return_inverse=True))


_TIME: tuple[Any, str] = (lambda values: values >= 0, "a time >= 0")
_NEEDS: dict[str, tuple[Any, str]] = {
    **dict.fromkeys(("start", "stop", "times"), _TIME),
    "dt": (lambda values: (values > 0) & np.isfinite(values), "a time > 0"),
    "stdev": (lambda values: (values >= 0) & np.isfinite(values), "a current >= 0"),
}
"""Kind of each parameter that is not a finite number."""


def _check(source: str, parameter: str, value: Any) -> None:
    """Raise InvalidParameterValueError on what is no such time or current."""
    right, what = _NEEDS.get(parameter, (np.isfinite, "finite"))
    if not np.all(right(np.asarray(value, dtype=float))):
        raise InvalidParameterValueError(f"{source}.{parameter}: must be {what}, got {value}")


def on_grid(times: Any, amplitudes: Any) -> tuple[np.ndarray, np.ndarray]:
    """Times at the nearest steps, with at most one change a step: of several the last."""
    steps = np.rint(np.asarray(times, dtype=float) / state.dt)
    last = np.append(np.diff(steps) > 0, True)[: len(steps)]
    return steps[last] * state.dt, np.asarray(amplitudes, dtype=float)[last]


class DCSource(CurrentSource, electrodes.DCSource):
    __doc__ = electrodes.DCSource.__doc__
    translations = same(electrodes.DCSource.default_parameters)

    def changes(self) -> tuple[np.ndarray, np.ndarray]:
        """See ``CurrentSource.changes``."""
        amplitude, start, stop = (float(self.given[n]) for n in ("amplitude", "start", "stop"))
        return np.array([start, stop]), np.array([amplitude, 0.0])


class StepCurrentSource(CurrentSource, electrodes.StepCurrentSource):
    __doc__ = electrodes.StepCurrentSource.__doc__
    translations = same(electrodes.StepCurrentSource.default_parameters)

    def changes(self) -> tuple[np.ndarray, np.ndarray]:
        """See ``CurrentSource.changes``."""
        return self.given["times"], self.given["amplitudes"]

    def settled(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """See ``CurrentSource.settled``. Raises ValueError on times that do not rise from 0 on."""
        whole = {**self.given, **parameters}
        times, amplitudes = np.asarray(whole["times"], dtype=float), np.asarray(whole["amplitudes"], dtype=float)
        if times.ndim != 1 or amplitudes.ndim != 1:
            raise InvalidParameterValueError("StepCurrentSource: needs lists of times and amplitudes")
        if (np.diff(times) < 0).any():
            raise InvalidParameterValueError(f"StepCurrentSource.times: must rise from 0 on, got {times}")
        if len(times) != len(amplitudes):
            raise ValueError(f"StepCurrentSource: {len(times)} times need as many amplitudes, got {len(amplitudes)}")
        times, amplitudes = on_grid(times, amplitudes)
        return {"times": times, "amplitudes": amplitudes}


class Varying(CurrentSource):
    """A current with a value for every interval of ``every`` steps between ``start`` and ``stop``."""

    varies = True

    @property
    def every(self) -> int:
        """The length of an interval in steps."""
        return 1

    def values(self, numbers: np.ndarray) -> np.ndarray:
        """The currents in nA of the intervals with these numbers, counted from ``start``."""
        raise NotImplementedError

    def changes(self) -> tuple[np.ndarray, np.ndarray]:
        """See ``CurrentSource.changes``."""
        first, last = (round(min(float(self.given[name]), NEVER_MS) / state.dt) for name in ("start", "stop"))
        steps = np.arange(first, min(last, max(state.horizon, first + 1)), self.every)
        values = self.values(np.arange(len(steps)))
        return np.append(steps, last) * state.dt, np.concatenate([values, np.zeros((1, *values.shape[1:]))])


class ACSource(Varying, electrodes.ACSource):
    """A sine current from ``start`` to ``stop``; ``phase`` (degrees) is that at ``start``. It changes every step."""

    translations = same(electrodes.ACSource.default_parameters)

    def values(self, numbers: np.ndarray) -> np.ndarray:
        """See ``Varying.values``."""
        amplitude, offset, frequency, phase = (
            float(self.given[name]) for name in ("amplitude", "offset", "frequency", "phase")
        )
        turns = frequency * numbers * state.dt / 1000.0 + phase / 360.0
        return offset + amplitude * np.sin(2 * np.pi * turns)


class NoisyCurrentSource(Varying, electrodes.NoisyCurrentSource):
    """Gaussian noise with ``mean`` and ``stdev``, drawn anew every ``dt`` ms (at least a step) from setup's seed.

    Each injection into each cell is a noise of its own, as with NEST; of a cell that it is injected into twice they
    add up. ``record`` keeps one column for each, in the order of injection.
    """

    translations = same(electrodes.NoisyCurrentSource.default_parameters)

    @property
    def every(self) -> int:
        """See ``Varying.every``."""
        return state.steps(max(float(self.given["dt"]), state.dt), "NoisyCurrentSource.dt")

    def values(self, numbers: np.ndarray) -> np.ndarray:
        """See ``Varying.values``; what has been drawn stays the same when more is."""
        key = key_of(state.segment_seed, f"current {self.number}")
        mean, stdev = float(self.given["mean"]), float(self.given["stdev"])
        drawn = np.empty((len(numbers), len(self.cells)))
        for injection in range(len(self.cells)):
            drawn[:, injection] = generator(key, injection).standard_normal(len(numbers))
        return mean + stdev * drawn
