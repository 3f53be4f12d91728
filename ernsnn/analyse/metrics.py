"""Metrics of a run as NeuroBench and other tools report them: activity, sparsity, operations and memory."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from ernsnn.analyse.activity import Activity, activity
from ernsnn.analyse.counts import Counts, count
from ernsnn.describe.arguments import checked
from ernsnn.describe.units import single_time, whole_steps
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph, Neurons
from ernsnn.graph.values import Scalar
from ernsnn.recording.recording import Recording

NUMBER_BYTES, INDEX_BYTES = 4, 4


@checked
@dataclass(frozen=True)
class Metrics:
    """Activity of each population, and the counts of a run.

    ``activation_sparsity`` and ``connection_sparsity`` are NeuroBench's, over all neurons that are computed and over
    all projections; ``footprint_bytes`` is what the model takes with 4 bytes a number and 4 an index: variables of
    synapses, their delays where they differ, targets unless rows go to everyone, states, traces and parameters.
    """

    duration_ms: float
    bin_ms: float
    activity: tuple[Activity, ...]
    counts: Counts
    activation_sparsity: float | None
    connection_sparsity: float | None
    footprint_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The same as plain data."""
        return {**asdict(self), "counts": self.counts.to_json()}


def metrics(graph: Graph, recording: Recording, bin_ms: float | None = None) -> Metrics:
    """All metrics of a run of ``graph``; see ``Result.metrics``."""
    bin_steps = 5 if bin_ms is None else whole_steps(single_time(bin_ms, "bin_ms"), graph.dt_ms, "bin_ms")
    if bin_steps < 1:
        raise InvalidModel(f"bin_ms: must be at least one step of {graph.dt_ms} ms, got {bin_ms}")
    counts, spikes_of = count(graph, recording), recording.from_zero().spikes
    computed = [p for p in graph.populations if isinstance(p, Neurons)]
    cells, spikes = sum(p.size for p in computed) * recording.n_steps, sum(n.spikes for n in counts.neurons)
    possible = sum(s.possible for s in counts.synapses)
    return Metrics(
        duration_ms=recording.n_steps * graph.dt_ms,
        bin_ms=bin_steps * graph.dt_ms,
        activity=tuple(
            activity(p.name, p.size, *spikes_of[p.name], recording.n_steps, graph.dt_ms, bin_steps)
            for p in graph.populations
        ),
        counts=counts,
        activation_sparsity=1.0 - spikes / cells if cells else None,
        connection_sparsity=1.0 - sum(s.nonzero for s in counts.synapses) / possible if possible else None,
        footprint_bytes=footprint(graph),
    )


def footprint(graph: Graph) -> int:
    """Bytes of a model; see ``Metrics``."""
    total = 0
    for n in graph.neurons():
        states = len(n.kind.states) + len(n.intrinsic.learning.traces if n.intrinsic else ())
        each = sum(getattr(value, "size", 1) for value in n.parameters.values())
        total += NUMBER_BYTES * (states * n.size + each)
    for p in graph.projections:
        numbers = len(p.variables) + (not isinstance(p.delay, Scalar))
        listed = p.connectivity.n_synapses != p.connectivity.n_pre * p.connectivity.n_post
        total += p.n_synapses * (NUMBER_BYTES * numbers + INDEX_BYTES * listed)
        for t in p.learning.traces if p.learning else ():
            total += NUMBER_BYTES * (p.connectivity.n_pre if t.trace.event == "pre" else p.connectivity.n_post)
    return total
