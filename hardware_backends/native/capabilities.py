"""What the native engine cannot do, or what a user should know: one small function per limit."""

from __future__ import annotations

from collections.abc import Iterator

from ernsnn.backend.issues import Codes, Limit
from ernsnn.backend.memory import too_little_memory
from ernsnn.backend.protocol import Capability
from ernsnn.graph.graph import Graph

from .codegen.expressions import needs_all_rows
from .memory import needed_bytes
from .precision import why_double

CODES: Codes = {
    "N101": ("approximate", "synapses are stored in float32, unless precision='float64'"),
    "N102": ("approximate", "neurons are computed in float32"),
    "N103": ("exact", "neurons that are computed in float64 although float32 was asked for"),
    "N201": ("exact", "a rule that is slow here: every post spike visits all synapses"),
    "N301": ("unsupported", "more memory than there is"),
}


def in_float32(graph: Graph) -> Iterator[Limit]:
    """Synapses are stored in 7 digits."""
    if graph.projections:
        yield Limit(
            "N101",
            graph.name,
            "synapses are stored in float32: changes of weights and marks, and sums of what plastic synapses "
            "send in a step, are rounded to 7 digits",
            "precision='float64' rounds nothing more than the reference does, in twice the memory",
            error=2.0**-24,
        )


def neurons_in_float32(graph: Graph) -> Iterator[Limit]:
    """Neurons are computed in 7 digits, where they can be."""
    for p in graph.neurons():
        if why := why_double(p, graph):
            yield Limit("N103", p.name, f"is computed in float64 although neuron_precision is float32: {why}")
        else:
            yield Limit(
                "N102",
                p.name,
                "parameters and states are rounded to 7 digits in every step: potentials near -65 mV to 4e-6 mV, and "
                "changes smaller than that in a step are lost; spikes may move by a step, come or be missed, and from "
                "there on networks differ",
                "neuron_precision='float64' equals the reference",
                error=2.0**-24,
            )


def third_factors_of_pre_neurons(graph: Graph) -> Iterator[Limit]:
    """Rows of synapses catch up when their neuron spikes; here they cannot wait."""
    for p in graph.projections:
        if p.learning and needs_all_rows(p.learning):
            yield Limit(
                "N201",
                f"{p.name}.learning",
                "its post terms read a third factor of each pre neuron: every post spike visits all synapses",
                "a third factor of all or of the post neurons is faster",
            )


def capabilities(precision: str, neuron_precision: str) -> tuple[Capability, ...]:
    """The limits of a run with these options."""

    def memory(graph: Graph) -> Iterator[Limit]:
        """Synapses are kept in memory."""
        return too_little_memory(graph, "N301", needed_bytes(graph, precision))

    rounded = [in_float32] * (precision == "float32") + [neurons_in_float32] * (neuron_precision == "float32")
    return (*rounded, third_factors_of_pre_neurons, memory)
