"""Lava's fixed-point simulator of Loihi 2 as a backend."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from ernsnn.execution.backend import Backend, Option, Program, Progress
from ernsnn.execution.recording import Recording
from ernsnn.graph.graph import Graph

from ..check import capabilities
from ..quantise import required
from ..readout import readouts, static_probes
from .compiler import compile_program
from .run import missing, run_lava_program
from .shim import LAVA


class LavaBackend(Backend):
    """Compiles to a script of Lava, Intel's framework for Loihi 2, and runs it on Lava's simulator of the chip."""

    name: ClassVar[str] = "lava"
    description: ClassVar[str] = "a readable Lava script in Loihi 2's integers, on Lava's fixed-point simulator"
    capabilities = (*capabilities("lava"), static_probes)
    options: ClassVar[Mapping[str, Option]] = {
        "order": Option(
            "spinnaker", ("spinnaker", "loihi"), "what a step does first: learn (as specified) or transmit"
        ),
        "rounding_seed": Option(0, (), "of the random rounding of traces"),
        "patience_s": Option(120, (), "give up when nothing was heard from Lava for so many seconds"),
    }

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        return missing()

    def compile(self, graph: Graph, n_steps: int, **options: Any) -> Program:
        """A folder with ``program.py``, which needs lava-nc and the files beside it."""
        chosen = self.settings(options)
        network, _ = required(graph, n_steps=n_steps, order=chosen["order"], seed=chosen["rounding_seed"])
        return compile_program(
            network,
            n_steps,
            f"{graph.name} (graph {graph.digest[:16]}, seed {graph.seed})",
            patience_s=chosen["patience_s"],
            readouts=readouts(graph, network, n_steps),
            populations=[p.name for p in graph.populations],
        )

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``."""
        program = self.compile(graph, n_steps, **options)
        arrays = run_lava_program(program, progress, f"the Lava program of {graph.name}")
        return Recording.from_arrays(arrays, {"versions": {"lava-nc": LAVA}})
