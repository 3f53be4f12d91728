"""The reference: the time step as specified, in NumPy float64. Every other backend is held to it."""

from __future__ import annotations

from typing import Any, ClassVar

from ernsnn.execution.backend import Backend, Progress
from ernsnn.execution.recording import Recording
from ernsnn.graph.graph import Graph


class ReferenceBackend(Backend):
    """Runs the graph directly; supports everything that a graph can hold."""

    name: ClassVar[str] = "reference"
    description: ClassVar[str] = "the specification in NumPy float64: every feature, small networks"

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``."""
        from .engine import Engine

        return Engine(graph).run(n_steps, progress)
