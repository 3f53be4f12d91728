"""What a user of the torch backend should know: memory, and the precision of numbers."""

from __future__ import annotations

from collections.abc import Iterator

from ernsnn.backend.issues import Codes, Limit
from ernsnn.backend.memory import too_little_memory
from ernsnn.backend.protocol import Capability
from ernsnn.graph.graph import Graph

from ..reference.capabilities import needed_bytes

CODES: Codes = {
    "T101": ("approximate", "numbers are stored in float32, unless precision='float64'"),
    "T301": ("unsupported", "more memory than there is"),
}


def in_float32(graph: Graph) -> Iterator[Limit]:
    """Every number has 7 digits."""
    yield Limit(
        "T101",
        graph.name,
        "states, static weights and what arrives are rounded to 7 digits in every step: spikes may move",
        "precision='float64' rounds nothing more than the reference does",
        error=2.0**-24,
    )


def memory(graph: Graph) -> Iterator[Limit]:
    """Synapses are kept in memory, those that do not learn with their places twice."""
    return too_little_memory(graph, "T301", needed_bytes(graph))


def capabilities(precision: str) -> tuple[Capability, ...]:
    """The limits of a run with this option."""
    return (*([in_float32] if precision == "float32" else []), memory)
