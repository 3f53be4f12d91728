"""The loop over time: one call of machine code where all stages are compiled, else stage by stage."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from .kernels.driver import BARRIER, Driver


class Loop:
    """Calls ``first`` for each window, then ``each`` for every step of it, and ``last`` at its end: see ``Driver``.

    ``kernels`` are the addresses of different ones. Stages may be plain Python (``machine_code.Interpreted``), for one
    worker.
    """

    def __init__(
        self, first: Sequence[Any], each: Sequence[Any], last: Sequence[Any], window: int, every: int, workers: int
    ) -> None:
        stages = [stage for stage in (*first, *each, *last) if stage is not BARRIER]
        addresses = [vars(stage).get("address") for stage in stages]
        self.kernels = set(addresses)
        self.run: Callable[[int, int], int] = self._run
        if None not in addresses:
            self.run = Driver(first, each, last, window, every, workers)
            return
        assert workers == 1
        self.first, self.each, self.last = ([s for s in part if s is not BARRIER] for part in (first, each, last))
        self.window, self.every = window, every

    def _run(self, t: int, stop: int) -> int:
        """As the text of ``Driver``, in Python."""
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
