"""The spikes of the last steps, which reach plastic synapses after a delay."""

from __future__ import annotations

import numpy as np

from ernsnn.backend.state import outside


class Past:
    """The neurons of a population that spiked in each of the last ``length`` steps, in one array.

    A step takes 16 bytes, and a spike 8, in memory and in checkpoints, so that long delays are cheap.
    """

    changes = ("begins", "ends", "used", "kept")

    def __init__(self, length: int) -> None:
        self.begins, self.ends, self.used = np.zeros(length, np.int64), np.zeros(length, np.int64), 0
        self.kept = {"neurons": np.zeros(0, np.int64)}
        self.begin, self.end = self.begins.data, self.ends.data  # the same numbers, read in less time

    def put(self, t: int, neurons: np.ndarray) -> None:
        """Keep the spikes of step ``t``; those of ``length`` steps before are forgotten."""
        place, count = t % len(self.begin), len(neurons)
        if not count:
            self.begin[place] = self.end[place] = 0
            return
        if self.used + count > len(self.kept["neurons"]):
            self._make_room(place, count)
        first, self.used = self.used, self.used + count
        self.kept["neurons"][first : self.used] = neurons
        self.begin[place], self.end[place] = first, self.used

    def at(self, t: int) -> np.ndarray:
        """The neurons that spiked in step ``t``."""
        place = t % len(self.begin)
        return self.kept["neurons"][self.begin[place] : self.end[place]]

    def _make_room(self, place: int, count: int) -> None:
        """Remove spikes of steps that have been overwritten, and of step ``place``.

        Arrays that were returned are not changed.
        """
        self.begins[place] = self.ends[place] = 0
        there = self.ends > 0
        first = int(self.begins[there].min(initial=self.used))
        self.used -= first
        self.begins[there] -= first
        self.ends[there] -= first
        roomy = np.zeros(2 * (self.used + count), np.int64)
        roomy[: self.used] = self.kept["neurons"][first : first + self.used]
        self.kept["neurons"] = roomy

    def possible(self, size: int) -> bool:
        """Whether a restored state can be that of ``size`` neurons."""
        neurons, begins, ends = self.kept["neurons"], self.begins, self.ends
        ordered = bool((begins >= 0).all() and (begins <= ends).all() and (ends <= self.used).all())
        return ordered and self.used <= len(neurons) and not outside(neurons, size)
