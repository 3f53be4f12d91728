"""The loop over time: kernels, and where need be Python, called window by window and step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .kernels.driver import Driver

Stage = Callable[[int, int, int], int | None]
"""A bound kernel or a function, called with the first step, the end, and the number of a thread."""


class Loop:
    """Calls ``first`` for each window, then ``each`` for every step of it, and ``last`` at its end.

    A window has at most ``window`` steps, and ends at multiples of ``every``. It is not begun where one of ``first``
    returns another number than 0. All stages are called by each of ``workers`` threads, which wait for one another at
    every ``BARRIER``; where there is Python among them, one thread calls them in the name of all.
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
        self.window, self.every, self.workers = window, every, range(workers)
        self.first, self.each, self.last = ([s for s in part if callable(s)] for part in (first, each, last))
        compiled = all("address" in getattr(s, "__dict__", {}) for s in (*self.first, *self.each, *self.last))
        self.run: Callable[[int, int], int] = self._run
        if compiled:
            self.run = Driver(first, each, last, window, every, workers)

    def _run(self, t: int, stop: int) -> int:
        """Run from step ``t`` to ``stop`` at most; returns the next step."""
        while t < stop:
            end = min(t + self.window, (t // self.every + 1) * self.every, stop)
            if self._call(self.first, t, end):
                break
            for step in range(t, end):
                self._call(self.each, step, step + 1)
            self._call(self.last, t, end)
            t = end
        return t

    def _call(self, stages: Sequence[Stage], t: int, end: int) -> int | None:
        """Call stages until one returns another number than 0; returns that."""
        for stage in stages:
            for worker in self.workers:
                if refused := stage(t, end, worker):
                    return refused
        return None
