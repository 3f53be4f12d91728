"""One worker runs one network in a process of its own; prints its figures as JSON on the last line."""

from __future__ import annotations

import json
import sys
from typing import Any

import ernsnn as ern
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import get_backend
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.describe.units import whole_steps
from ernsnn.errors import InvalidModel
from ernsnn.graph.graph import Graph
from ernsnn.studies.timed import timed

from .cases import CASES, Case

BY_HAND = {"brian2-by-hand": "brian2", "nest": "nest"}
"""Worker that is no backend -> the module that it needs."""


def measure(case: Case, neurons: int, duration_ms: float, name: str, threads: int) -> dict[str, Any]:
    """Seconds of building and of simulating, spikes of each population, and the memory taken, in bytes."""
    graph = ern.lower(case.build(neurons, duration_ms), seed=0)
    n_steps = whole_steps(duration_ms, graph.dt_ms, "--duration-ms")
    if name == "nest":
        from . import nest_by_hand

        figures = nest_by_hand.run(graph, n_steps, threads)
    elif name == "brian2-by-hand":
        from . import brian2_by_hand

        figures = brian2_by_hand.run(graph, n_steps, threads)
    else:
        figures = _backend(get_backend(name), case, graph, n_steps, threads)
    for source in graph.sources():
        figures["spikes"][source.name] = len(source.spikes.between(0, n_steps)[0])
    return figures | _visited(graph, figures["spikes"]) | {"digest": graph.digest, "synapses": graph.n_synapses}


def _backend(backend: Backend, case: Case, graph: Graph, n_steps: int, threads: int) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if "threads" in backend.options and threads > 1:
        options["threads"] = threads
    if "target" in backend.options:
        options["target"] = "cpp_standalone"
    if isinstance(backend, SteppedBackend):
        # A small network has the same kernels, which are so loaded, or compiled, before the clock of the run starts.
        small = ern.lower(case.build(case.small, 1100.0), seed=0)
        backend.engine(small, **options).run(round(1100.0 / small.dt_ms), lambda fraction: None)
    took = timed(backend, graph, n_steps, **options)
    spikes = {population.name: len(took.recording.spikes[population.name][0]) for population in graph.neurons()}
    return {"build_s": took.build_s, "run_s": took.run_s, "spikes": spikes, "peak_bytes": took.peak_bytes}


def _visited(graph: Graph, spikes: dict[str, int]) -> dict[str, float]:
    """(the number of synapses that spikes visit, the least bytes that this moves in float32).

    A spike visits the synapses that it is sent to, and the plastic ones that it reaches. Plastic rows are read and
    written once for each pre spike, whatever post spikes there were; of static ones weight and target are read.
    """
    events = moved = 0.0
    for p in graph.projections:
        sent = spikes[p.pre] * p.n_synapses / graph.population(p.pre).size
        events += sent
        if p.learning:
            events += spikes[p.post] * p.n_synapses / graph.population(p.post).size
        moved += sent * 8 * (len(p.variables) if p.learning else 1)
    return {"events": events, "moved_bytes": moved}


if __name__ == "__main__":
    case, neurons, duration_ms, name, threads = sys.argv[1:]
    try:
        print(json.dumps(measure(CASES[case], int(neurons), float(duration_ms), name, int(threads))))
    except InvalidModel as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)
