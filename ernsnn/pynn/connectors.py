"""Connectors that PyNN's own do not serve for."""

from __future__ import annotations

from typing import Any

from pyNN import connectors
from pyNN.parameters import LazyArray


class OneToOneConnector(connectors.OneToOneConnector):
    __doc__ = connectors.OneToOneConnector.__doc__

    def connect(self, projection: Any) -> None:
        """Connect; PyNN's own fails with NumPy 2 where both sides have a single neuron."""
        if projection.shape == (1, 1):
            self._connect_with_map(projection, LazyArray(True, shape=projection.shape))
        else:
            super().connect(projection)
