"""Inputs that the sources of a script send: the present one, and earlier ones of a run."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, Self

import numpy as np

from ernsnn.describe.stimuli import Poisson, Schedule, SpikeTimes
from ernsnn.graph.seeds import key_of
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes, poisson_spikes

_NEVER = 1 << 62
"""A step that no run reaches."""


class Input(Protocol):
    """The input of a source over time."""

    def within(self, first: int, last: int) -> Self:
        """The input from step ``first`` to step ``last`` (exclusive)."""

    @classmethod
    def joined(cls, parts: Sequence[Any]) -> Self:
        """Concatenate consecutive inputs."""

    def described(self, dt_ms: float) -> SpikeTimes | Poisson:
        """The source as a model of ``ernsnn.describe``."""

    def lowered(self, population: str, dt_ms: float, seed: int) -> GivenSpikes | PoissonSpikes:
        """The spikes of the source as a graph has them."""


@dataclass(frozen=True, eq=False)
class Trains:
    """Neuron ``neurons[k]`` of ``size`` spikes in step ``steps[k]``; neuron by neuron, of each the steps rise.

    ``stamps[k]`` is the time that it was given, in steps. Several spikes of a neuron in one step are sent as one.
    """

    size: int
    steps: np.ndarray
    neurons: np.ndarray
    stamps: np.ndarray

    def within(self, first: int, last: int) -> Trains:
        """See ``Input.within``."""
        kept = (self.steps >= first) & (self.steps < last)
        return Trains(self.size, self.steps[kept], self.neurons[kept], self.stamps[kept])

    @classmethod
    def joined(cls, parts: Sequence[Trains]) -> Trains:
        """See ``Input.joined``."""
        steps, neurons, stamps = (
            np.concatenate([getattr(part, name) for part in parts]) for name in ("steps", "neurons", "stamps")
        )
        order = np.argsort(neurons, kind="stable")
        return cls(parts[0].size, steps[order], neurons[order], stamps[order])

    def holds(self, neurons: np.ndarray, stamps: np.ndarray) -> np.ndarray:
        """Whether each of some spikes is one of these (bool array)."""
        return np.asarray(np.isin(self.size * stamps + neurons, self.size * self.stamps + self.neurons))

    def _once(self) -> tuple[np.ndarray, np.ndarray]:
        """(steps, first of each neuron and the end), of several spikes of a neuron in one step one."""
        single = np.append(True, (np.diff(self.neurons) != 0) | (np.diff(self.steps) != 0))[: len(self.steps)]
        return self.steps[single], np.searchsorted(self.neurons[single], np.arange(self.size + 1))

    def described(self, dt_ms: float) -> SpikeTimes:
        """See ``Input.described``."""
        steps, bounds = self._once()
        return SpikeTimes([train * dt_ms for train in np.split(steps, bounds[1:-1])])

    def lowered(self, population: str, dt_ms: float, seed: int) -> GivenSpikes:
        """See ``Input.lowered``."""
        steps, bounds = self._once()
        return GivenSpikes(bounds, steps)


@dataclass(frozen=True, eq=False)
class Rates:
    """Rates over time: from step ``steps[k]`` on neuron i has ``values[k, of[i]]`` Hz, and 0 before the first."""

    steps: np.ndarray
    values: np.ndarray
    of: np.ndarray

    def within(self, first: int, last: int) -> Rates:
        """See ``Input.within``."""
        begun, stop = np.searchsorted(self.steps, first, side="right"), np.searchsorted(self.steps, last)
        held = self.values[begun - 1 : begun] if begun else np.zeros((1, self.values.shape[1]))
        steps = np.concatenate([[first], self.steps[begun:stop]])
        return Rates(steps, np.concatenate([held, self.values[begun:stop]]), self.of)

    @classmethod
    def joined(cls, parts: Sequence[Rates]) -> Rates:
        """See ``Input.joined``. Neurons that share their rates in all parts share them in the whole."""
        kinds, of = np.unique(np.stack([part.of for part in parts]), axis=1, return_inverse=True)
        values = [part.values[:, kind] for part, kind in zip(parts, kinds, strict=True)]
        return cls(np.concatenate([part.steps for part in parts]), np.concatenate(values), of.reshape(-1))

    def described(self, dt_ms: float) -> Poisson:
        """See ``Input.described``."""
        return Poisson(Schedule(self.steps * dt_ms, self.values, self.of))

    def lowered(self, population: str, dt_ms: float, seed: int) -> PoissonSpikes:
        """See ``Input.lowered``."""
        rates, key = (self.steps, self.values, self.of), key_of(seed, f"{population}.spikes")
        return poisson_spikes(f"{population}.rate_hz", rates, dt_ms, key, at_most_one=False)


@dataclass
class History:
    """The values of an input that a script changes between runs.

    ``now`` acts from step ``since`` on. ``past[k]`` acted up to step ``ends[k]``. ``before`` is the value that ``now``
    replaced, whether or not a run used it.
    """

    now: Any
    since: int = 0
    past: list[Any] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    before: Any = None

    def end(self, step: int) -> None:
        """Keep the input before ``step``, at which it changes."""
        if step > self.since:
            self.past.append(self.now.within(self.since, step))
            self.ends.append(step)
            self.before, self.since = self.now, step

    def known(self, first: int) -> list[Any]:
        """(the input that was sent from step ``first`` on, the input that was given) before the last change."""
        return [*self.past[bisect_right(self.ends, first) :], *([] if self.before is None else [self.before])]

    @property
    def coming(self) -> Input:
        """The input from the last change on."""
        sent: Input = self.now.within(self.since, _NEVER) if self.since else self.now
        return sent

    @property
    def whole(self) -> Input:
        """The input from the start on."""
        whole: Input = self.now.joined([*self.past, self.coming]) if self.past else self.now
        return whole
