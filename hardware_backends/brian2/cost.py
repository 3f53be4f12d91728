"""Choice of Brian2's target: C++ runs faster, but takes time to compile."""

from __future__ import annotations

import shutil

from ernsnn.graph.graph import Graph

# Rough costs, measured on one 2-core machine (see benchmarks/README.md). Only the choice depends on them.
_NUMPY_STEP_S = 0.6e-3
_NUMPY_NEURON_STEP_S = 60e-9
_NUMPY_EVENT_S = 40e-9
_NUMPY_SOLVER_STEP_S = 0.5e-3
_WORTH_COMPILING_S = 20.0
_ASSUMED_RATE_HZ = 10.0


def choose_target(graph: Graph, n_steps: int) -> str:
    """``numpy`` where it is done within the time that compiling takes, else ``cpp_standalone`` if it can be."""
    neurons = sum(p.size for p in graph.populations)
    events = graph.n_synapses * _ASSUMED_RATE_HZ * n_steps * graph.dt_ms / 1000.0
    solved = sum(bool(m.kind.rates) for m in graph.modulators)
    step_s = _NUMPY_STEP_S + neurons * _NUMPY_NEURON_STEP_S + solved * _NUMPY_SOLVER_STEP_S
    expected_s = n_steps * step_s + events * _NUMPY_EVENT_S
    can_compile = shutil.which("g++") is not None and shutil.which("make") is not None
    return "cpp_standalone" if expected_s > _WORTH_COMPILING_S and can_compile else "numpy"
