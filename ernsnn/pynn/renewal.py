"""Sources whose intervals are drawn one by one: gamma processes, and Poisson processes with a dead time."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.standardmodels import cells

from ernsnn.graph.seeds import generator

from .cells import same
from .inputs import History, Trains
from .simulator import state
from .sources import SpikeSource
from .values import plain

_AT_ONCE = 64
"""The number of intervals of each neuron that are drawn at once."""


class Renewal(SpikeSource):
    """A renewal process of each neuron, in equilibrium when it begins: at ``start``, or at a change of parameters.

    Intervals do not depend on the timestep; a spike is sent in the step in which its time lies, and several of a neuron
    in a step are one, which ``check`` says. They are drawn as a run goes on, and what has been drawn stays the same.
    """

    drawn = True

    def __init__(self, **parameters: Any) -> None:
        super().__init__(**plain(parameters, type(self).__name__))

    def checked(self, parameters: dict[str, np.ndarray], label: str) -> None:
        """Raise InvalidParameterValueError on parameters that cannot be."""
        for name in ("start", "duration"):
            _require(parameters[name] >= 0, f"{label}.{name}", "a number >= 0", parameters[name])

    def first(self, parameters: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """The time in ms to the first spike of each neuron."""
        raise NotImplementedError

    def intervals(self, parameters: dict[str, np.ndarray], rng: np.random.Generator, count: int) -> np.ndarray:
        """So many intervals in ms of each neuron (neurons, count)."""
        raise NotImplementedError

    def sends(
        self, parameters: dict[str, np.ndarray], label: str, history: History | None = None, key: str = "0"
    ) -> Trains:
        """See ``SpikeSource.sends``. ``key`` is that of the stream from which intervals are drawn."""
        given = {name: np.asarray(values, dtype=float) for name, values in parameters.items()}
        self.checked(given, label)
        begin = np.maximum(given["start"], (history.since if history else 0) * state.dt)
        end = np.minimum(given["start"] + given["duration"], state.horizon * state.dt)
        times = (begin + self.first(given, generator(key)))[:, None]
        parts, row = [times], 1
        while (times[:, -1] < end).any():
            times = times[:, -1:] + self.intervals(given, generator(key, row), _AT_ONCE).cumsum(axis=1)
            parts.append(times)
            row += 1
        whole = np.concatenate(parts, axis=1)
        neurons, place = np.nonzero(whole < end[:, None])
        steps = np.floor(whole[neurons, place] / state.dt + 1e-9).astype(np.int64)
        if ((np.diff(neurons) == 0) & (np.diff(steps) == 0)).any():
            message = f"several spikes of a neuron in one step of {state.dt:g} ms are one"
            state.note("Y103", label, message, "choose a smaller timestep")
        return Trains(len(begin), steps, neurons, steps + state.latency)


class SpikeSourceGamma(Renewal, cells.SpikeSourceGamma):
    """Intervals of a gamma distribution of shape ``alpha`` and rate ``beta`` (Hz): ``beta / alpha`` spikes a second."""

    translations = same(cells.SpikeSourceGamma.default_parameters)

    def checked(self, parameters: dict[str, np.ndarray], label: str) -> None:
        """See ``Renewal``."""
        super().checked(parameters, label)
        for name in ("alpha", "beta"):
            values = parameters[name]
            _require((values > 0) & np.isfinite(values), f"{label}.{name}", "a number > 0", values)

    def first(self, parameters: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """See ``Renewal``: a part of an interval in which a moment falls, which longer ones are likelier to be."""
        alpha = parameters["alpha"]
        return np.asarray(rng.random(len(alpha)) * rng.standard_gamma(alpha + 1.0) * 1000.0 / parameters["beta"])

    def intervals(self, parameters: dict[str, np.ndarray], rng: np.random.Generator, count: int) -> np.ndarray:
        """See ``Renewal``."""
        alpha, beta = parameters["alpha"][:, None], parameters["beta"][:, None]
        return np.asarray(rng.standard_gamma(alpha, (len(alpha), count)) * 1000.0 / beta)


class SpikeSourcePoissonRefractory(Renewal, cells.SpikeSourcePoissonRefractory):
    """A Poisson process with a dead time of ``tau_refrac`` ms after each spike, of ``rate`` spikes a second in all."""

    translations = same(cells.SpikeSourcePoissonRefractory.default_parameters)

    def checked(self, parameters: dict[str, np.ndarray], label: str) -> None:
        """See ``Renewal``."""
        super().checked(parameters, label)
        rate, dead = parameters["rate"], parameters["tau_refrac"]
        _require((rate >= 0) & np.isfinite(rate), f"{label}.rate", "a number >= 0", rate)
        _require((dead >= 0) & np.isfinite(dead), f"{label}.tau_refrac", "a number >= 0", dead)
        _require(rate * dead < 1000.0, f"{label}.rate", f"below 1 / tau_refrac, of {dead} ms", rate)

    def first(self, parameters: dict[str, np.ndarray], rng: np.random.Generator) -> np.ndarray:
        """See ``Renewal``."""
        dead, waits = parameters["tau_refrac"], self._waits(parameters)
        within = rng.random(len(dead)) < parameters["rate"] * dead / 1000.0
        return np.where(within, rng.random(len(dead)) * dead, dead + waits * rng.standard_exponential(len(dead)))

    def intervals(self, parameters: dict[str, np.ndarray], rng: np.random.Generator, count: int) -> np.ndarray:
        """See ``Renewal``."""
        dead, waits = parameters["tau_refrac"][:, None], self._waits(parameters)[:, None]
        return dead + waits * rng.standard_exponential((len(dead), count))

    @staticmethod
    def _waits(parameters: dict[str, np.ndarray]) -> np.ndarray:
        """The mean time in ms from the end of a dead time to the next spike."""
        with np.errstate(divide="ignore"):
            return np.asarray(1000.0 / parameters["rate"] - parameters["tau_refrac"])


def _require(right: np.ndarray, what: str, kind: str, values: np.ndarray) -> None:
    if not right.all():
        raise InvalidParameterValueError(f"{what}: must be {kind}, got {values}")
