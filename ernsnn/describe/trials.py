"""Trials: arrays that are shown one after the other, each for a time, with rest between.

>>> trials = Trials(show_ms=30, rest_ms=20, labels=[0, 1], rates=[[90.0, 5.0], [5.0, 90.0]])
>>> trials.starts_ms, trials.duration_ms
([0.0, 50.0], 100.0)
>>> trials.schedule("rates").values.tolist()
[[90.0, 5.0], [0.0, 0.0], [5.0, 90.0], [0.0, 0.0]]
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.stimuli import Schedule, SpikeTimes
from ernsnn.describe.units import exact, single_time, to_number, whole_steps
from ernsnn.errors import InvalidModel, unknown

Shown = np.ndarray | tuple[SpikeTimes, ...]
"""A quantity: an array whose first axis is the trials, or the spikes of each trial, in ms from its start."""


@checked
class Trials:
    """Trials of ``show_ms`` each, followed by ``rest_ms`` in which every quantity is 0 and no spike is given.

    A quantity is an array, or a list of ``SpikeTimes``, one a trial, with times in ms from the start of the trial. An
    array has one number a trial (trials,), one a neuron (trials, width), or a film (trials, frames, width), whose
    frames share ``show_ms`` equally. ``schedule(name)`` is a quantity over time, for ``Poisson``, ``Network.inject``,
    ``Network.signal`` and ``Network.poisson_input``; ``spikes(name)`` is a source's spikes: a film of 0 and 1, or
    SpikeTimes. ``labels``, whole numbers >= 0, and ``learn``, one True or False or one a trial, have a value a trial;
    where ``learn`` is False, ``run(..., trials=)`` freezes all learning, in the rest after the trial too.

    With ``reset`` everything but weights, marks, learned parameters and streams of random numbers has its initial
    value again as a trial starts, and what is under way is dropped: stage 0 of the time step. On backends that cannot,
    a rest of some time constants lets the state of neurons decay. Raises InvalidModel, naming the quantity and its
    shape, on lengths that differ, on numbers that are not finite, and on spikes outside of a trial; on times that are
    no whole steps when the network is lowered.
    """

    def __init__(
        self,
        *,
        show_ms: Any,
        rest_ms: Any = 0.0,
        reset: bool = False,
        labels: Any = None,
        learn: Any = True,
        **quantities: Any,
    ) -> None:
        self.show_ms, self.rest_ms = single_time(show_ms, "Trials.show_ms"), single_time(rest_ms, "Trials.rest_ms")
        self.reset, self.start_ms = reset, 0.0
        if not self.show_ms > 0 or self.rest_ms < 0:
            raise InvalidModel(f"Trials: needs show_ms > 0 and rest_ms >= 0, got {show_ms!r} and {rest_ms!r}")
        if not quantities:
            raise InvalidModel("Trials: shows nothing; give it a quantity, such as rates=array of (trials, width)")
        self.quantities: dict[str, Shown] = {name: _shown(name, given) for name, given in quantities.items()}
        lengths = {name: len(shown) for name, shown in self.quantities.items()}
        self.n = next(iter(lengths.values()))
        if not self.n or set(lengths.values()) != {self.n}:
            said = ", ".join(f"{name!r} has {length}" for name, length in lengths.items())
            raise InvalidModel(f"Trials: every quantity needs the same number of trials, at least one; {said}")
        self.labels = None if labels is None else self._of_trials("labels", labels).astype(np.int64)
        try:
            allowed = np.array([learn]) if isinstance(learn, bool) else np.asarray(learn)
        except MemoryError:
            raise
        except Exception:  # a foreign class may raise any error
            allowed = np.zeros(0)
        if allowed.dtype != bool or allowed.shape not in ((1,), (self.n,)):
            raise InvalidModel(f"Trials.learn: needs True or False, or one of them for each of {self.n} trials")
        self.learn = np.broadcast_to(allowed, (self.n,))
        for name, shown in self.quantities.items():
            if not isinstance(shown, np.ndarray):
                self._check_spikes(name, shown)

    def __repr__(self) -> str:
        return (
            f"<Trials: {self.n} of {self.show_ms:.12g} ms, rest {self.rest_ms:.12g} ms: {', '.join(self.quantities)}>"
        )

    def __len__(self) -> int:
        return self.n

    def _of_trials(self, what: str, given: Any) -> np.ndarray:
        values = np.asarray(to_number(given, f"Trials.{what}"))
        if values.shape != (self.n,):
            raise InvalidModel(f"Trials.{what}: needs one for each of {self.n} trials, got shape {values.shape}")
        if not ((values >= 0) & (values % 1 == 0) & (values < 2**31)).all():
            raise InvalidModel(f"Trials.{what}: must be whole numbers >= 0")
        return values

    def _check_spikes(self, name: str, shown: tuple[SpikeTimes, ...]) -> None:
        width = len(shown[0].times_ms)
        for k, spikes in enumerate(shown):
            if len(spikes.times_ms) != width:
                raise InvalidModel(
                    f"Trials: {name!r} has spikes of {width} neurons in trial 0, but of {len(spikes.times_ms)} in "
                    f"trial {k}; give a neuron that is silent an empty list"
                )
            latest = max((row[-1] for row in spikes.times_ms if len(row)), default=-1.0)
            if latest >= self.show_ms:
                raise InvalidModel(
                    f"Trials: {name!r} has a spike at {latest:g} ms in trial {k}, after its {self.show_ms:g} ms; times "
                    "count from the start of the trial"
                )

    @property
    def starts_ms(self) -> list[float]:
        """The time at which each trial starts."""
        return [float(exact(self.start_ms) + k * self._period) for k in range(self.n)]

    @property
    def duration_ms(self) -> float:
        """The time that all trials take, each with its rest."""
        return float(self.n * self._period)

    @property
    def _period(self) -> Any:
        return exact(self.show_ms) + exact(self.rest_ms)

    def starting(self, start_ms: float) -> Trials:
        """The same trials, the first of which starts at ``start_ms``."""
        moved = copy.copy(self)
        moved.start_ms = single_time(start_ms, "Trials.starting: start_ms")
        if moved.start_ms < 0:
            raise InvalidModel(f"Trials.starting: start_ms must be >= 0, got {start_ms}")
        return moved

    def check_steps(self, dt_ms: float) -> None:
        """Raise InvalidModel unless all of its times are whole steps."""
        whole_steps(self.show_ms, dt_ms, "Trials.show_ms")
        whole_steps(self.rest_ms, dt_ms, "Trials.rest_ms")
        for name, shown in self.quantities.items():
            if not isinstance(shown, np.ndarray) or shown.ndim < 3:
                continue
            frames = shown.shape[1]
            path = f"Trials: {name!r} of shape {shown.shape}, a frame of show_ms / {frames}"
            if whole_steps(float(exact(self.show_ms) / frames), dt_ms, path) < 1:
                raise InvalidModel(f"{path}: is less than a step of {dt_ms} ms; show it for longer")

    def frozen_steps(self, dt_ms: float) -> list[tuple[int, int]]:
        """(first, end) in steps of every stretch of trials that do not learn."""
        edges = np.flatnonzero(np.diff(np.concatenate([[True], self.learn, [True]]).astype(int)))
        steps = self._first_steps(edges, dt_ms)
        return list(zip(steps[::2], steps[1::2], strict=True))

    def reset_steps(self, dt_ms: float) -> list[int]:
        """The steps before which everything has its initial value again."""
        return self._first_steps(range(self.n), dt_ms) if self.reset else []

    def _first_steps(self, trials: Iterable[int], dt_ms: float) -> list[int]:
        start, period = exact(self.start_ms), self._period
        return [whole_steps(float(start + int(k) * period), dt_ms, "Trials") for k in trials]

    def _quantity(self, name: str) -> Shown:
        if name not in self.quantities:
            raise InvalidModel(unknown("Trials: no quantity", name, self.quantities))
        return self.quantities[name]

    def schedule(self, name: str) -> Schedule:
        """A quantity over time."""
        shown = self._quantity(name)
        if not isinstance(shown, np.ndarray):
            raise InvalidModel(f"Trials: {name!r} is spikes; use Trials.spikes({name!r})")
        films = shown if shown.ndim == 3 else shown[:, None]
        frame, rest = exact(self.show_ms) / films.shape[1], [exact(self.show_ms)] * (self.rest_ms > 0)
        offsets = [k * frame for k in range(films.shape[1])] + rest
        times = [float(exact(self.start_ms) + k * self._period + each) for k in range(self.n) for each in offsets]
        values = np.concatenate([films, np.zeros((self.n, len(rest), *films.shape[2:]))], axis=1)
        values = values.reshape(-1, *films.shape[2:])
        if not rest:
            times.append(float(exact(self.start_ms) + self.n * self._period))
            values = np.concatenate([values, np.zeros_like(values[:1])])
        return Schedule(times, values, quantity=name)

    def spikes(self, name: str) -> SpikeTimes:
        """The spikes of a source, which a film of 0 and 1 has at the start of a frame."""
        shown, starts = self._quantity(name), self.starts_ms
        if not isinstance(shown, np.ndarray):
            rows = zip(*(spikes.times_ms for spikes in shown), strict=True)
            moved = [np.concatenate([start + each for start, each in zip(starts, row, strict=True)]) for row in rows]
            return SpikeTimes(moved, quantity=name)
        if shown.ndim != 3 or not np.isin(shown, (0, 1)).all():
            raise InvalidModel(
                f"Trials: {name!r} of shape {shown.shape} is no raster; spikes need an array of 0 and 1 of shape "
                "(trials, frames, width), or a list of SpikeTimes, one a trial"
            )
        frame = self.show_ms / shown.shape[1]
        films = [np.nonzero(shown[:, :, neuron]) for neuron in range(shown.shape[2])]
        return SpikeTimes([np.asarray(starts)[trial] + frame * at for trial, at in films], quantity=name)

    def to_json(self) -> dict[str, Any]:
        """The times and labels, by which a result is read."""
        labels = None if self.labels is None else self.labels.tolist()
        times = {"start_ms": self.start_ms, "show_ms": self.show_ms, "rest_ms": self.rest_ms}
        return {**times, "n": self.n, "labels": labels}


def _shown(name: str, given: Any) -> Shown:
    if isinstance(given, Sequence) and any(isinstance(each, SpikeTimes) for each in given):
        if not all(isinstance(each, SpikeTimes) for each in given):
            raise InvalidModel(f"Trials: {name!r} mixes SpikeTimes with something else; give one SpikeTimes a trial")
        return tuple(given)
    values = np.asarray(to_number(given, f"Trials: {name!r} of shape {_shape(given)}"))
    if not 1 <= values.ndim <= 3 or not values.size:
        raise InvalidModel(
            f"Trials: {name!r} has shape {values.shape}; it needs (trials,), (trials, width) or "
            "(trials, frames, width), none of them 0"
        )
    return values


def _shape(given: Any) -> Any:
    return getattr(given, "shape", f"({len(given)}, ...)" if isinstance(given, Sequence) else "()")
