"""The native engine: a graph is run by compiled kernels in this process, rules of learning included."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from typing import Any, ClassVar

from ernsnn.errors import UnsupportedOnBackend
from ernsnn.execution.backend import Backend, Option, Progress
from ernsnn.execution.recording import Recording
from ernsnn.graph.graph import Graph

from .capabilities import CAPABILITIES
from .memory import available_bytes, needed_bytes, too_large


class NativeBackend(Backend):
    """Runs the graph with Numba (Lam, Pitrou and Seibert 2015); kernels are compiled once and kept on disk."""

    name: ClassVar[str] = "native"
    description: ClassVar[str] = (
        "compiled kernels in this process, without a C++ compiler: every feature, fast plasticity"
    )
    capabilities = CAPABILITIES
    options: ClassVar[Mapping[str, Option]] = {
        "precision": Option(
            "float32",
            ("float32", "float64"),
            "how synapses are stored: float32 rounds each change of a weight or mark to 7 digits, float64 equals the "
            "reference; neurons, traces and astrocytes are float64 in both",
        ),
    }

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        return None if importlib.util.find_spec("numba") else "numba is not installed: pip install numba"

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``. Raises UnsupportedOnBackend, before allocating, where memory does not suffice."""
        from .engine import Engine

        precision = self.settings(options)["precision"]
        needed, available = needed_bytes(graph, precision), available_bytes()
        if needed > available:
            raise UnsupportedOnBackend(f"native: {graph.name} in {precision} {too_large(needed, available)}")
        recording = Engine(graph, precision).run(n_steps, progress)
        import numba

        recording.meta["versions"] = {"numba": numba.__version__}
        return recording
