"""The Brian2 backend: compiles a graph to a pure Brian2 script, and runs it in a process of its own."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ernsnn.arrays import Form
from ernsnn.backend.finite import check_recording, check_values
from ernsnn.backend.options import MOST_THREADS, Option
from ernsnn.backend.protocol import Backend, Program, Progress
from ernsnn.backend.subprocesses import recorded_run
from ernsnn.errors import BackendNotAvailable, UnsupportedOnBackend
from ernsnn.graph.graph import Graph
from ernsnn.recording.recording import Recording

from .capabilities import CAPABILITIES, CODES
from .compiler import compiled
from .cost import choose_target
from .layout import Layout
from .start import seen, state_after


class Brian2Backend(Backend):
    """Compiles to a script of the Brian2 simulator (Stimberg, Brette and Goodman 2019)."""

    name: ClassVar[str] = "brian2"
    description: ClassVar[str] = (
        "a readable Brian2 script: NumPy, Cython or compiled C++, chosen by the size of the work"
    )
    capabilities = CAPABILITIES
    codes = CODES
    kinds = None
    poisson_inputs: ClassVar[bool] = True
    resets: ClassVar[bool] = True
    counts: ClassVar[bool] = True
    modulators = None
    continues: ClassVar[bool] = True
    default: ClassVar[bool] = True
    speed: ClassVar[int] = 2
    options: ClassVar[Mapping[str, Option]] = {
        "target": Option("auto", ("auto", "numpy", "cython", "cpp_standalone"), "how Brian2 runs its code"),
        "threads": Option(0, (), "OpenMP threads of cpp_standalone; 0 is one thread without OpenMP", 0, MOST_THREADS),
    }

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        if importlib.util.find_spec("brian2") is None:
            return "brian2 is not installed: pip install brian2"
        return None

    def compile(self, graph: Graph, n_steps: int, **options: Any) -> Program:
        """A folder with ``program.py``, which needs Brian2 and NumPy only, and ``arrays.npz``.

        Of ``options``, ``start`` is the recording from whose end it goes on.
        """
        return self._compiled(graph, n_steps, options)[0]

    def _compiled(self, graph: Graph, n_steps: int, options: Mapping[str, Any]) -> tuple[Program, dict[str, Form]]:
        given = dict(options)
        start, settings = given.pop("start", None), self.settings(given)
        target, threads = settings["target"], settings["threads"]
        chosen = choose_target(graph, n_steps) if target == "auto" else target
        if chosen == "cpp_standalone" and not (shutil.which("g++") and shutil.which("make")):
            raise BackendNotAvailable(
                "brian2: target cpp_standalone needs g++ and make; install them, or set target=numpy"
            )
        if threads and any(p.learning and p.learning.normalise for p in graph.projections):
            raise UnsupportedOnBackend(
                "brian2: Normalise sums over synapses, which is not safe with OpenMP; set threads=0"
            )
        return compiled(graph, n_steps, target=chosen, threads=threads, start=start)

    def recorded_bytes(self, kind: str, options: Mapping[str, Any]) -> int:
        """See ``Backend.recorded_bytes``: of a probe that is not of every step, neuron and time are held, too."""
        return super().recorded_bytes(kind, options) + (20 if kind != "spikes" else 0)

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``. Raises NotFinite, which names no step but where a probe has recorded it."""
        start, (program, state) = options.get("start"), self._compiled(graph, n_steps, options)
        recording, facts = recorded_run(
            program,
            progress,
            f"the Brian2 program of {graph.name}",
            graph,
            n_steps,
            first_step=0 if start is None else start.end,
            about=("target", "brian2"),
            further={"first_step": Form("iu", ()), **state},
        )
        recording.meta.update(options={"target": facts["target"]}, versions={"brian2": facts["brian2"]})
        layout = Layout(graph)
        check_recording(graph, recording)
        check_values(graph, seen(layout, recording.state or {}), recording.first_step, recording.end)
        return replace(recording, state=state_after(layout, recording, start))
