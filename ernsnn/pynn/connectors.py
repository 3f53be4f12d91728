"""Connectors that PyNN's own do not serve for."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import connectors, errors
from pyNN.parameters import LazyArray
from pyNN.random import RandomDistribution

from ernsnn.graph.connect import different


class OneToOneConnector(connectors.OneToOneConnector):
    __doc__ = connectors.OneToOneConnector.__doc__

    def connect(self, projection: Any) -> None:
        """Connect; PyNN's own fails with NumPy 2 where a side has a single neuron."""
        if 1 in projection.shape:
            self._connect_with_map(projection, LazyArray(np.eye(*projection.shape) > 0))
        else:
            super().connect(projection)


class SmallWorldConnector(connectors.SmallWorldConnector):
    """PyNN has the name and no way to connect by it: a projection with it raises NotImplementedError, which says so."""

    def connect(self, projection: Any) -> None:
        """Raise NotImplementedError."""
        raise NotImplementedError(
            f"{projection.label}: PyNN does not implement SmallWorldConnector; list the synapses in a FromListConnector"
        )


class FixedTotalNumberConnector(connectors.FixedTotalNumberConnector):
    """``n`` synapses in all, drawn over all pairs of cells, with or without replacement.

    PyNN's own draws with replacement, and a cell to itself, whatever it is told. Raises ConnectionError where there are
    fewer pairs than synapses, and NotImplementedError on ``allow_self_connections="NoMutual"``.
    """

    def connect(self, projection: Any) -> None:
        """Connect."""
        if self.allow_self_connections == "NoMutual":
            raise NotImplementedError(
                f"{projection.label}: a total number of synapses with allow_self_connections='NoMutual'"
            )
        n = int(self.n.next()) if isinstance(self.n, RandomDistribution) else self.n
        pre, post = (np.asarray(side.all_cells, dtype=int) for side in (projection.pre, projection.post))
        itself = np.zeros(0, int)
        if not self.allow_self_connections:
            _, sources, targets = np.intersect1d(pre, post, return_indices=True)
            itself = np.sort(sources * len(post) + targets)
        possible = len(pre) * len(post) - len(itself)
        if n > possible and not (possible and self.with_replacement):
            raise errors.ConnectionError(
                f"{projection.label}: {n} synapses between different pairs of cells, there are {possible}"
            )
        rng = np.random.default_rng(self.rng.next(4, "uniform_int", {"low": 0, "high": 2**31}, mask=None))
        drawn = rng.integers(0, possible, n) if self.with_replacement else different(rng, possible, n)
        drawn += np.searchsorted(itself - np.arange(len(itself)), drawn, side="right")
        sources, targets = np.divmod(drawn, len(post))
        by_target = np.lexsort((sources, targets))
        ends = np.cumsum(np.bincount(targets, minlength=len(post)))[:-1]
        columns = np.split(sources[by_target], ends)
        self._standard_connect(projection, lambda mask=None: columns)
