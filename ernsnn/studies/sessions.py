"""Sessions: what a model gives to be run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ernsnn.analyse.summary import Summary
from ernsnn.describe.network import Network
from ernsnn.describe.trials import Trials
from ernsnn.graph.graph import Graph
from ernsnn.graph.lower import lower
from ernsnn.result import Result


@dataclass(frozen=True, kw_only=True)
class Session:
    """A network, its duration (None: the user gives it), and a function that summarises the result.

    With ``trials`` it runs through these, for as long as they take unless ``duration_ms`` is given.
    """

    network: Network
    duration_ms: float | None = None
    summarise: Callable[[Result], Summary] | None = None
    trials: Trials | None = None

    def lowered(self, seed: int) -> Graph:
        """The graph of the network, with the trials if there are any."""
        return lower(self.network, seed, self.trials)
