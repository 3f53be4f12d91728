"""Connectors that PyNN's own do not serve for, and sPyNNaker's within groups."""

from __future__ import annotations

from typing import Any

import numpy as np
from pyNN import connectors, errors
from pyNN.parameters import LazyArray
from pyNN.random import RandomDistribution

from ernsnn.describe.arguments import whole
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


class Listed(connectors.Connector):
    """A connector that lists its synapses, as (pre, post, values by the name of the parameter)."""

    parameter_names = ()

    def __init__(self, safe: bool = True, callback: Any = None) -> None:
        super().__init__(safe=safe, callback=callback)

    def listed(self, projection: Any) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """Return the synapses."""
        raise NotImplementedError

    def connect(self, projection: Any) -> None:
        """Connect."""
        pre, post, values = self.listed(projection)
        if len(pre):
            columns = np.column_stack([pre, post, *values.values()])
            connectors.FromListConnector(columns, tuple(values), safe=self.safe).connect(projection)


class Grouped(Listed):
    """A connector within groups of ``n_neurons_per_group`` cells, by default one of all. Both sides have one size."""

    def __init__(self, n_neurons_per_group: int | None, safe: bool, callback: Any) -> None:
        super().__init__(safe, callback)
        self.per_group = n_neurons_per_group

    def group(self, projection: Any) -> int:
        """The number of cells of a group. Raises ConnectionError where groups do not divide both sides."""
        pre, post = projection.shape
        size = pre if self.per_group is None else whole(self.per_group)
        if pre != post or size is None or size < 1 or pre % size:
            raise errors.ConnectionError(
                f"{projection.label}: {type(self).__name__} needs two sides of one size, and n_neurons_per_group "
                f"divides it, got {pre} and {post} cells in groups of {self.per_group or pre}"
            )
        return size


class AllButMeConnector(Grouped):
    """sPyNNaker's all-to-all within groups, but for a cell itself.

    ``weights`` are those of one group, post cell by post cell, and go before the synapse type's.
    """

    def __init__(
        self,
        n_neurons_per_group: int | None = None,
        weights: Any = None,
        safe: bool = True,
        verbose: bool = False,
        callback: Any = None,
    ) -> None:
        super().__init__(n_neurons_per_group, safe, callback)
        self.weights = weights

    def listed(self, projection: Any) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """See ``Listed``."""
        size = self.group(projection)
        post, pre = np.nonzero(~np.eye(size, dtype=bool))
        groups = projection.shape[0] // size
        first = np.repeat(np.arange(groups) * size, len(pre))
        values = {}
        if self.weights is not None:
            weights = np.asarray(self.weights, dtype=float).reshape(-1)
            if len(weights) != len(pre):
                raise errors.ConnectionError(
                    f"{projection.label}: AllButMeConnector needs {len(pre)} weights for a group, got {len(weights)}"
                )
            values = {"weight": np.tile(weights, groups)}
        return first + np.tile(pre, groups), first + np.tile(post, groups), values


class OneToOneOffsetConnector(Grouped):
    """sPyNNaker's connector of each cell with that ``offset`` cells on in its group.

    Past the end of a group it goes on at the other one if it may ``wrap``; else there is no synapse.
    """

    def __init__(
        self,
        offset: int,
        wrap: bool,
        n_neurons_per_group: int | None = None,
        safe: bool = True,
        verbose: bool = False,
        callback: Any = None,
    ) -> None:
        super().__init__(n_neurons_per_group, safe, callback)
        self.offset, self.wrap = offset, wrap

    def listed(self, projection: Any) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
        """See ``Listed``."""
        size, offset = self.group(projection), whole(self.offset)
        if offset is None or abs(offset) >= size:
            raise errors.ConnectionError(
                f"{projection.label}: OneToOneOffsetConnector.offset must be a whole number below {size} in size, got "
                f"{self.offset}"
            )
        pre = np.arange(projection.shape[0])
        there = pre % size + offset
        inside = self.wrap | ((there >= 0) & (there < size))
        return pre[inside], (pre - pre % size + there % size)[inside], {}
