"""The spikes of sources, step by step."""

from __future__ import annotations

import numpy as np

from ernsnn.backend.recorder import Train
from ernsnn.graph.graph import Graph
from ernsnn.graph.spikes import GivenSpikes, PoissonSpikes, steps_at_once

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

    def between(self, t: int, stop: int) -> tuple[dict[str, Train], int]:
        """The spikes of each source from step ``t`` up to ``stop``, or up to the step to which they are known."""
        for feed in self.sources.values():
            feed.ready(t)
        stop = min([stop, *(feed.stop for feed in self.sources.values())])
        return {name: feed.between(t, stop) for name, feed in self.sources.items()}, stop

    def change(self, name: str, spikes: GivenSpikes | PoissonSpikes) -> None:
        """Let a source send other spikes from now on; Poisson sources keep their key."""
        self.sources[name] = Feed(spikes, self.sources[name])


class Feed:
    """The spikes of one source. After a change, which others may follow, few steps are drawn ahead at first."""

    def __init__(self, spikes: GivenSpikes | PoissonSpikes, before: Feed | None = None, end: int | None = None) -> None:
        self.end: int | None = end if before is None else before.end
        self.most = _BLOCK
        if isinstance(spikes, PoissonSpikes):
            self.most = min(_BLOCK, steps_at_once(spikes.probabilities.shape[1]))
        self.spikes, self.stop, self.ahead = spikes, -1, self.most if before is None else 1
        self.steps, self.neurons = _NO_SPIKES, _NO_SPIKES

    def at(self, t: int) -> np.ndarray:
        """See ``SourceSpikes.at``."""
        self.ready(t)
        return self.between(t, t + 1)[1]

    def ready(self, t: int) -> None:
        """Know the spikes of the steps from ``t`` up to ``stop``."""
        if t >= self.stop:
            self._fetch(t)

    def between(self, t: int, stop: int) -> Train:
        """The spikes of the steps ``t`` to ``stop`` (exclusive), which are known."""
        first, last = self.steps.searchsorted((t, stop)).tolist()
        return self.steps[first:last], self.neurons[first:last]

    def _fetch(self, t: int) -> None:
        self.stop = (t // self.ahead + 1) * self.ahead
        if self.end is not None:
            self.stop = max(t + 1, min(self.stop, self.end))
        self.ahead = min(2 * self.ahead, self.most)
        self.steps, self.neurons = self.spikes.between(t, self.stop)
