"""The issue of a graph that needs more memory than there is."""

from __future__ import annotations

from collections.abc import Iterator

from ernsnn.execution.issues import Issue
from ernsnn.graph.graph import Graph
from ernsnn.graph.memory import available_bytes, too_large


def too_little_memory(graph: Graph, backend: str, code: str, needed: int) -> Iterator[Issue]:
    """The issue of a graph that needs more bytes than there are."""
    available = available_bytes()
    if needed > available:
        yield Issue(
            backend=backend,
            code=code,
            path=graph.name,
            fidelity="unsupported",
            message=too_large(needed, available),
            remedy="fewer synapses, or a machine with more memory",
        )
