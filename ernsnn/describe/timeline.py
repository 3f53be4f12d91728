"""Timelines: the phases of a study (learn, rest, sleep with replay, test), and the quantities that change with them.

>>> timeline = Timeline(
...     [Phase("learn", 30_000, inputs=[40.0, 1.0], teacher=1.5), Phase("sleep", 60_000, P=1.0),
...      Phase("test", 5_000, plastic=False, inputs=[40.0, 1.0])],
...     inputs=1.0, teacher=0.0, P=0.0)
>>> timeline["sleep"].start_ms, timeline.duration_ms
(30000.0, 95000.0)
>>> timeline.schedule("P").values
array([0., 1., 0.])
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np

from ernsnn.describe.arguments import checked
from ernsnn.describe.stimuli import Schedule
from ernsnn.describe.units import exact, same_time, single_time, to_number
from ernsnn.errors import InvalidModel

MOST_PHASES = 1_000_000
"""The largest number of phases of a replay."""


@checked
@dataclasses.dataclass(frozen=True, eq=False)
class Phase:
    """An interval with a name, in which ``quantities`` replace the timeline's own values.

    ``start_ms`` is where the phase before it ends unless given. With ``plastic=False`` a network that follows the
    timeline learns nothing in it.
    """

    name: str
    duration_ms: float
    start_ms: float
    plastic: bool
    quantities: dict[str, Any]

    def __init__(
        self, name: str, duration_ms: Any, *, start_ms: Any = None, plastic: bool = True, **quantities: Any
    ) -> None:
        values = {key: to_number(value, f"phase {name!r}: {key}") for key, value in quantities.items()}
        fields = {
            "name": name,
            "duration_ms": single_time(duration_ms, f"phase {name!r}: duration_ms"),
            "start_ms": np.nan if start_ms is None else single_time(start_ms, f"phase {name!r}: start_ms"),
            "plastic": bool(plastic),
            "quantities": values,
        }
        for field, value in fields.items():
            object.__setattr__(self, field, value)
        if not self.duration_ms > 0:
            raise InvalidModel(f"phase {name!r}: duration_ms must be > 0, got {self.duration_ms}")

    @property
    def stop_ms(self) -> float:
        """The time at which it ends (exclusive)."""
        return self.start_ms if np.isnan(self.start_ms) else float(exact(self.start_ms) + exact(self.duration_ms))


@checked
class Timeline:
    """Phases one after the other, and the quantities that they may change with their values outside of them.

    ``schedule(name)`` is a quantity over time, for ``Poisson``, ``Network.inject`` and ``Network.signal``;
    ``Network.follow`` freezes the phases that are not plastic. Times that differ by rounding noise are one: a phase of
    0.1 + 0.2 ms ends where one starts at 0.3. Raises InvalidModel on phases that overlap, that start before 0 or share
    a name, on a quantity that the timeline does not have, and on values of different lengths.
    """

    def __init__(self, phases: Sequence[Phase], **quantities: Any) -> None:
        self.quantities = {name: to_number(value, f"timeline: {name}") for name, value in quantities.items()}
        self._named: dict[str, Phase] = {}
        self._shapes = {name: np.shape(value) for name, value in self.quantities.items()}
        end = 0.0
        for phase in phases:
            end = self._append(phase, end)

    @property
    def phases(self) -> tuple[Phase, ...]:
        """The phases in order, each with its start."""
        return tuple(self._named.values())

    def _append(self, phase: Phase, end: float) -> float:
        if np.isnan(phase.start_ms):
            phase = Phase(phase.name, phase.duration_ms, start_ms=end, plastic=phase.plastic, **phase.quantities)
        if phase.start_ms < 0 and not same_time(phase.start_ms, 0):
            raise InvalidModel(f"phase {phase.name!r}: starts before 0, at {phase.start_ms} ms")
        if phase.start_ms < end and not same_time(phase.start_ms, end):
            raise InvalidModel(
                f"phase {phase.name!r}: starts at {phase.start_ms} ms, but {list(self._named)[-1]!r} ends at {end} ms; "
                "phases must not overlap and are given in their order"
            )
        if same_time(phase.start_ms, phase.stop_ms):
            raise InvalidModel(
                f"phase {phase.name!r}: {phase.duration_ms} ms at {phase.start_ms} ms is no more than rounding noise; "
                "give it whole steps of the network, or leave it out"
            )
        if phase.name in self._named:
            raise InvalidModel(f"phase {phase.name!r}: the name is taken")
        for name, value in phase.quantities.items():
            if name not in self.quantities:
                raise InvalidModel(
                    f"phase {phase.name!r}: the timeline has no quantity {name!r} (it has: "
                    f"{', '.join(self.quantities) or 'none'}); say what it is otherwise: Timeline(..., {name}=0)"
                )
            try:
                self._shapes[name] = np.broadcast_shapes(self._shapes[name], np.shape(value))
            except ValueError:
                raise InvalidModel(f"timeline: the values of {name!r} have different lengths") from None
        self._named[phase.name] = phase
        return phase.stop_ms

    def __getitem__(self, name: str) -> Phase:
        if name not in self._named:
            raise InvalidModel(f"timeline: no phase {name!r} (it has: {', '.join(self._named)})")
        return self._named[name]

    def __iter__(self) -> Iterator[Phase]:
        return iter(self._named.values())

    @property
    def duration_ms(self) -> float:
        """The time at which the last phase ends."""
        return self.phases[-1].stop_ms if self._named else 0.0

    @property
    def frozen_ms(self) -> list[tuple[float, float]]:
        """(start, stop) of every stretch of phases that are not plastic."""
        stretches: list[tuple[float, float]] = []
        for phase in self:
            if phase.plastic:
                continue
            if stretches and same_time(stretches[-1][1], phase.start_ms):
                stretches[-1] = (stretches[-1][0], phase.stop_ms)
            else:
                stretches.append((phase.start_ms, phase.stop_ms))
        return stretches

    def schedule(self, name: str) -> Schedule:
        """A quantity over time."""
        if name not in self.quantities:
            raise InvalidModel(f"timeline: no quantity {name!r} (it has: {', '.join(self.quantities) or 'none'})")
        otherwise = self.quantities[name]
        times, values = [0.0], [otherwise]
        for phase in self:
            for time, value in (
                (phase.start_ms, phase.quantities.get(name, otherwise)),
                (phase.stop_ms, otherwise),
            ):
                if same_time(time, times[-1]):
                    values[-1] = value
                else:
                    times.append(time)
                    values.append(value)
        kept = [k for k in range(len(times)) if k == 0 or not np.array_equal(values[k], values[k - 1])]
        shape = self._shapes[name]
        return Schedule([times[k] for k in kept], np.array([np.broadcast_to(values[k], shape) for k in kept]))


@checked
def replay(
    name: str,
    duration_ms: Any,
    quantity: str,
    patterns: Sequence[Any],
    *,
    cue_ms: Any,
    pause_ms: Any = 0.0,
    seed: int = 0,
    **quantities: Any,
) -> list[Phase]:
    """Phases in which stored or generated patterns come back, as in sleep.

    Each pattern, a value of ``quantity`` such as the rates of the inputs, is shown for ``cue_ms`` and followed by
    ``pause_ms`` in which ``quantity`` is what it is otherwise. All patterns come once, in an order drawn by ``seed``,
    then all again, for ``duration_ms`` in all; ``quantities`` hold throughout. Without patterns it is one phase. The
    phases are ``name.0``, ``name.0.pause``, and so on; what is left at the end is shorter, if more than rounding noise.
    Raises InvalidModel on times that are not positive, a negative seed, and on more than a million phases.
    """
    patterns = list(patterns)
    if not patterns:
        return [Phase(name, duration_ms, **quantities)]
    whole, cue, pause = (
        exact(single_time(value, f"replay {name!r}: {which}"))
        for which, value in (("duration_ms", duration_ms), ("cue_ms", cue_ms), ("pause_ms", pause_ms))
    )
    if cue <= 0 or pause < 0 or whole <= 0:
        raise InvalidModel(
            f"replay {name!r}: needs duration_ms and cue_ms > 0 and pause_ms >= 0, got {duration_ms}, {cue_ms} and "
            f"{pause_ms}"
        )
    if (count := math.ceil(whole / (cue + pause)) * (1 + (pause > 0))) > MOST_PHASES:
        counted = f"{count:.3g}" if count < 10**300 else "over 1e+300"
        raise InvalidModel(
            f"replay {name!r}: {duration_ms} ms in cues of {cue_ms} ms would be {counted} phases, more than "
            f"{MOST_PHASES:,}; take longer cues or pauses, or a shorter time"
        )
    if seed < 0:
        raise InvalidModel(f"replay {name!r}: seed must be >= 0, got {seed}")
    rng, done = np.random.default_rng(int(seed)), Fraction(0)
    order: list[int] = []
    phases: list[Phase] = []
    cues = itertools.count()
    while not same_time(done, whole):
        if not order:
            order = rng.permutation(len(patterns)).tolist()
        shown, label = {quantity: patterns[order.pop()]}, f"{name}.{next(cues)}"
        for each, length, held in ((label, cue, shown), (f"{label}.pause", pause, {})):
            if length and not same_time(done, whole):
                fits = done + length < whole or same_time(done + length, whole)
                phases.append(Phase(each, float(length if fits else whole - done), **quantities, **held))
                done = min(done + length, whole)
    return phases
