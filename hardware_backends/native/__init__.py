"""The native engine: a graph is run by compiled kernels in this process, rules of learning included."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar

from ernsnn.backend.options import MOST_THREADS, Option
from ernsnn.backend.protocol import Capability
from ernsnn.backend.stepping import Engine, SteppedBackend
from ernsnn.errors import UnsupportedOnBackend
from ernsnn.graph.graph import Graph
from ernsnn.graph.memory import available_bytes, too_large

from .capabilities import CODES, capabilities
from .memory import needed_bytes


class NativeBackend(SteppedBackend):
    """Runs the graph with Numba (Lam, Pitrou and Seibert 2015); kernels are compiled once and kept on disk."""

    name: ClassVar[str] = "native"
    description: ClassVar[str] = (
        "compiled kernels in this process, without a C++ compiler: every feature, fast plasticity"
    )
    capabilities = capabilities("float32", "float64")
    codes = CODES
    kinds = None
    poisson_inputs: ClassVar[bool] = True
    resets: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    modulators = None
    speed: ClassVar[int] = 3
    doubles: ClassVar[Mapping[str, Any]] = {"precision": "float64"}
    options: ClassVar[Mapping[str, Option]] = {
        "precision": Option(
            "float32",
            ("float32", "float64"),
            "how synapses are stored: float32 rounds each change of a weight or mark, and what plastic synapses send "
            "together in a step, to 7 digits, float64 equals the reference; traces and astrocytes are float64 in both",
        ),
        "neuron_precision": Option(
            "float64",
            ("float64", "float32"),
            "how neurons are computed: float32 rounds their states and parameters to 7 digits in every step, which is "
            "faster and may move spikes; neurons that draw random numbers stay float64",
        ),
        "threads": Option(
            1, (), "threads that share neurons and synapses; the result does not depend on how many", 1, MOST_THREADS
        ),
    }

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        return None if importlib.util.find_spec("numba") else "numba is not installed: pip install numba"

    def limits(self, settings: Mapping[str, Any]) -> Sequence[Capability]:
        """See ``Backend.limits``."""
        return capabilities(settings["precision"], settings["neuron_precision"])

    def versions(self) -> dict[str, str]:
        """See ``SteppedBackend.versions``."""
        return {"numba": version("numba")}

    def recorded_bytes(self, kind: str, options: Mapping[str, Any]) -> int:
        """See ``Backend.recorded_bytes``."""
        single = kind == "synapses" and self.settings(options)["precision"] == "float32"
        return 4 if single else super().recorded_bytes(kind, options)

    def engine(self, graph: Graph, **options: Any) -> Engine:
        """See ``SteppedBackend.engine``. Raises UnsupportedOnBackend where memory does not suffice."""
        from . import engine

        settings = self.settings(options)
        precision, threads = settings["precision"], settings["threads"]
        needed, available = needed_bytes(graph, precision), available_bytes()
        if needed > available:
            raise UnsupportedOnBackend(f"native: {graph.name} in {precision} {too_large(needed, available)}")
        return engine.Engine(graph, precision, threads=threads, neuron_precision=settings["neuron_precision"])
