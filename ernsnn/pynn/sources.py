"""The sources of spikes: given times, and Poisson processes."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN.errors import InvalidParameterValueError
from pyNN.parameters import ParameterSpace
from pyNN.standardmodels import cells

from .cells import same
from .hints import Placed
from .inputs import History, Input, Rates, Trains
from .simulator import state
from .values import Lists, plain

NEVER_MS = 1e9
"""A time in ms after the end of every run."""

LOST = "Y105"
"""The code of the issue on spikes that are given too late to be sent."""


class SpikeSource(Placed):
    """Base of the sources."""

    drawn = False
    """Whether its spikes are drawn up to ``state.horizon`` only, by a ``key``."""

    def sends(self, parameters: dict[str, np.ndarray], label: str, history: History | None = None) -> Input:
        """What it sends from the last change of ``history`` on; notes what the time grid changes.

        Raises InvalidParameterValueError on parameters that cannot be.
        """
        raise NotImplementedError


class SpikeSourceArray(SpikeSource, cells.SpikeSourceArray):
    """Spikes at the times given in ``spike_times`` (ms), one list for all neurons or one each.

    A time between two steps is moved to the end of its step, and several spikes of a neuron in one step are one. Times
    that are given in a run act from then on: one of that very moment is sent in the next step, earlier ones are not.
    """

    translations = same(cells.SpikeSourceArray.default_parameters)

    def __init__(self, spike_times: Any = (), **parameters: Any) -> None:
        super().__init__(**plain({"spike_times": spike_times, **parameters}, "SpikeSourceArray"))

    def translate(self, parameters: ParameterSpace, copy: bool = True) -> ParameterSpace:
        """Names stay. PyNN would copy every list; where they are kept, they are copied at less cost."""
        return super().translate(parameters, copy=False)

    def sends(self, parameters: dict[str, np.ndarray], label: str, history: History | None = None) -> Trains:
        """The steps in which each neuron spikes. Raises InvalidParameterValueError on what is no list of times.

        Times were given at the last change of ``history``; spikes that have been sent are not sent again, and times
        that were given before are not reported again.
        """
        what, size = f"{label}.spike_times", len(parameters["spike_times"])
        given = Lists.of(parameters["spike_times"], what)
        times, neurons = given.flat, np.repeat(np.arange(size), given.counts)
        together = np.diff(neurons) == 0
        wrong = ~np.isfinite(times) | (times < 0)
        wrong[1:] |= together & (np.diff(times) < 0)
        if wrong.any():
            train = times[neurons == neurons[np.argmax(wrong)]]
            raise InvalidParameterValueError(f"{what}: times must be >= 0 and rise, got {train}")
        if (times > NEVER_MS).any():
            raise InvalidParameterValueError(f"{what}: no run is longer than {NEVER_MS:g} ms, got {times.max():g}")
        stamps = np.ceil(times / state.dt - 1e-6).astype(np.int64)
        if (np.abs(stamps * state.dt - times) > 1e-6 * state.dt * np.maximum(1.0, np.abs(stamps) * 1e-3)).any():
            message = f"spike times between two steps of {state.dt:g} ms are moved to the end of their step"
            state.note("Y101", what, message, "choose a smaller timestep")
        steps, now = stamps - state.latency, history.since if history else 0
        late = steps < now
        if late.any():
            for trains in history.known(int(steps[late].min())) if history else ():
                late &= ~trains.holds(neurons, stamps)
            self._note_late(what, times[late & (stamps < now)], bool((late & (stamps == now)).any()), now)
            steps = np.where(late & (stamps == now), now, steps)
        if (together & (np.diff(steps) == 0)).any():
            message = f"several spikes of a neuron in one step of {state.dt:g} ms are one"
            state.note("Y103", what, message, "choose a smaller timestep")
        return Trains(size, steps, neurons, stamps)

    @staticmethod
    def _note_late(what: str, past: np.ndarray, at_once: bool, now: int) -> None:
        """Report times that were ``past``, or those of that moment, when they were given at step ``now``."""
        if at_once:
            message = f"no step that ends at {state.ms(now):g} ms is to come; the spike is sent at "
            message += f"{state.ms(now + 1):g} ms"
            remedy = (
                "shift all times by a timestep, or use convention='spinnaker', whose stamps are beginnings of steps"
            )
            state.note("Y102", what, message, remedy)
        if len(past):
            message = f"times that were past when they were given, at {state.ms(now):g} ms, are not sent: "
            message += f"{len(past)}, the first at {past.min():g} ms"
            state.note(LOST, what, message, "give times from get_current_time() on")


class SpikeSourcePoisson(SpikeSource, cells.SpikeSourcePoisson):
    """Poisson spikes: in every step from ``start`` on, for ``duration`` ms, a spike with probability rate * dt."""

    translations = same(cells.SpikeSourcePoisson.default_parameters)

    def __init__(self, rate: Any = 1.0, start: Any = 0.0, duration: Any = 1e10, **parameters: Any) -> None:
        parameters |= {"rate": rate, "start": start, "duration": duration}
        super().__init__(**plain(parameters, "SpikeSourcePoisson"))

    def sends(self, parameters: dict[str, np.ndarray], label: str, history: History | None = None) -> Rates:
        """The rates from each step on in which one changes. Raises InvalidParameterValueError."""
        settings = np.stack([np.asarray(parameters[n], dtype=float) for n in ("rate", "start", "duration")])
        for name, values in zip(("rate", "start", "duration"), settings, strict=True):
            if not (values >= 0).all() or (name == "rate" and not np.isfinite(values).all()):
                raise InvalidParameterValueError(f"{label}.{name}: must be a number >= 0, got {values}")
        if (settings == settings[:, :1]).all():
            (rate, start, duration), of = settings[:, :1], np.zeros(settings.shape[1], np.int64)
        else:
            (rate, start, duration), of = np.unique(settings, axis=1, return_inverse=True)
        begins, ends = np.rint(start / state.dt), np.rint((start + duration) / state.dt)
        changes = np.unique(np.concatenate([begins, ends]))
        changes = changes[changes * state.dt < NEVER_MS]
        on = (begins <= changes[:, None]) & (changes[:, None] < ends)
        return Rates(changes.astype(np.int64), np.where(on, rate, 0.0), of.reshape(-1))
