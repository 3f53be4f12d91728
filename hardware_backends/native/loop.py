"""The loop over time: kernels, and where need be Python, called window by window and step by step."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .kernels.driver import Driver

Stage = Callable[[int, int, int], int | None]
"""A bound kernel or a function, called with the first step, the end, and the number of a thread."""


class Loop:
    """Calls ``first`` for each window, then ``each`` for every step of it, and ``last`` at its end.

    A window has at most ``window`` steps, and ends at multiples of ``every``. It is not begun where one of ``first``
    returns another number than 0.
    """

    def __init__(
        self, first: Sequence[Stage], each: Sequence[Stage], last: Sequence[Stage], window: int, every: int
    ) -> None:
        self.first, self.each, self.last, self.window, self.every = first, each, last, window, every
        compiled = all("address" in getattr(stage, "__dict__", {}) for stage in (*first, *each, *last))
        self.run: Callable[[int, int], int] = Driver(first, each, last, window, every) if compiled else self._run

    def _run(self, t: int, stop: int) -> int:
        """Run from step ``t`` to ``stop`` at most; returns the next step."""
        while t < stop:
            end = min(t + self.window, (t // self.every + 1) * self.every, stop)
            if any(stage(t, end, 0) for stage in self.first):
                break
            for step in range(t, end):
                for stage in self.each:
                    stage(step, step + 1, 0)
            for stage in self.last:
                stage(t, end, 0)
            t = end
        return t
