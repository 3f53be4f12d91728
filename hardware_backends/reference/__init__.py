"""The reference backend: the time step as specified, in NumPy float64, with which all others are compared."""

from __future__ import annotations

from typing import Any, ClassVar

from ernsnn.backend.stepping import Engine, SteppedBackend
from ernsnn.graph.graph import Graph

from .capabilities import CAPABILITIES, CODES


class ReferenceBackend(SteppedBackend):
    """Runs the graph directly; supports everything that a graph can hold."""

    name: ClassVar[str] = "reference"
    description: ClassVar[str] = "the specification in NumPy float64: every feature, small networks"
    capabilities = CAPABILITIES
    codes = CODES
    kinds = None
    poisson_inputs: ClassVar[bool] = True
    resets: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    modulators = None
    speed: ClassVar[int] = 1

    def engine(self, graph: Graph, **options: Any) -> Engine:
        """See ``SteppedBackend.engine``."""
        from . import engine

        return engine.Engine(graph)
