"""The loop over time: kernels, and where need be Python, called window by window and step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from .kernels.driver import BARRIER, NEVER, Driver

Stage = Callable[[int, int, int], int | None]
"""A bound kernel or a function, called with the first step, the end, and the number of a worker."""


class Loop:
    """Calls ``first`` for each window, then ``each`` for every step of it, and ``last`` at its end.

    A window has at most ``window`` steps, and ends at multiples of ``every``. It is not begun where one of ``first``
    returns another number than 0. Kernels are called by each of ``workers`` threads, which wait for one another at
    every ``BARRIER``. Without Python among them, all of it is one call; else one for the kernels between Python.
    """

    def __init__(
        self,
        first: Sequence[Stage | object],
        each: Sequence[Stage | object],
        last: Sequence[Stage | object],
        window: int,
        every: int,
        workers: int,
    ) -> None:
        self.window, self.every = window, every
        self.kernels = {vars(s)["address"] for s in (*first, *each, *last) if s is not BARRIER and _compiled(s)}
        self.run: Callable[[int, int], int] = self._run
        if all(map(_compiled, (*first, *each, *last))):
            self.run = Driver(first, each, last, window, every, workers)
        else:
            self.first, self.each, self.last = (list(_parts(stages, workers)) for stages in (first, each, last))

    def _run(self, t: int, stop: int) -> int:
        """Run from step ``t`` to ``stop`` at most; returns the next step."""
        while t < stop:
            end = min(t + self.window, (t // self.every + 1) * self.every, stop)
            if not all(part(t, end) for part in self.first):
                break
            for step in range(t, end):
                for part in self.each:
                    part(step, step + 1)
            for part in self.last:
                part(t, end)
            t = end
        return t


def _compiled(stage: Stage | object) -> bool:
    return stage is BARRIER or "address" in getattr(stage, "__dict__", {})


def _parts(stages: Sequence[Stage | object], workers: int) -> list[Callable[[int, int], bool]]:
    """Stages as functions of the first step and the end, which return whether all returned 0."""
    parts: list[Callable[[int, int], bool]] = []
    for compiled, group in groupby(stages, _compiled):
        if compiled:
            parts.append(_together(Driver(list(group), [], [], NEVER, NEVER, workers)))
        else:
            parts += [_alone(stage) for stage in group if callable(stage)]
    return parts


def _together(driver: Driver) -> Callable[[int, int], bool]:
    return lambda t, end: driver(t, end) == end


def _alone(stage: Stage) -> Callable[[int, int], bool]:
    return lambda t, end: not stage(t, end, 0)
