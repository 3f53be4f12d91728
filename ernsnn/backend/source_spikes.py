"""The spikes of sources, step by step."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ernsnn.graph.graph import Graph
from ernsnn.graph.spikes import Drawn, GivenSpikes, PoissonSpikes

_BLOCK = 1024
_NO_SPIKES = np.zeros(0, np.int64)


class SourceSpikes:
    """The spikes of all sources, drawn some steps ahead, up to ``end`` if it is known.

    Each step is read once, in order.
    """

    def __init__(self, graph: Graph, end: int | None = None) -> None:
        self.sources = {source.name: Feed(source.spikes, end=end) for source in graph.sources()}

    def at(self, t: int) -> dict[str, np.ndarray]:
        """The neurons of each source that spike in step ``t``, rising."""
        return {name: feed.at(t) for name, feed in self.sources.items()}

    def change(self, name: str, spikes: GivenSpikes | PoissonSpikes) -> None:
        """Let a source send other spikes from now on; Poisson sources keep their key."""
        self.sources[name] = Feed(spikes, self.sources[name])


class Feed:
    """The spikes of one source. After a change, which others may follow, few steps are drawn ahead at first."""

    def __init__(self, spikes: GivenSpikes | PoissonSpikes, before: Feed | None = None, end: int | None = None) -> None:
        self.end: int | None = end if before is None else before.end
        self.spikes, self.stop, self.ahead = spikes, -1, _BLOCK if before is None else 1
        self.by_step: dict[int, np.ndarray] = {}
        self.drawn: Drawn | None = None
        if before is not None and isinstance(spikes, PoissonSpikes):
            self.drawn = before.drawn or Drawn(spikes.key, spikes.probabilities.shape[1])

    def at(self, t: int) -> np.ndarray:
        """See ``SourceSpikes.at``."""
        if t >= self.stop:
            self._fetch(t)
        return self.by_step.get(t, _NO_SPIKES)

    def _fetch(self, t: int) -> None:
        self.stop = (t // self.ahead + 1) * self.ahead
        if self.end is not None:
            self.stop = max(t + 1, min(self.stop, self.end))
        self.ahead = min(2 * self.ahead, _BLOCK)
        if isinstance(self.spikes, PoissonSpikes):
            steps, neurons = self.spikes.between(t, self.stop, self.drawn)
        else:
            steps, neurons = self.spikes.between(t, self.stop)
        cuts = [0, *(np.flatnonzero(np.diff(steps)) + 1).tolist(), len(steps)]
        self.by_step = {int(steps[a]): neurons[a:b] for a, b in pairwise(cuts) if b > a}
