"""NEST as a backend."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from ernsnn.arrays import Form
from ernsnn.backend.finite import check_recording, check_values
from ernsnn.backend.options import MOST_THREADS, Option
from ernsnn.backend.protocol import Backend, Program, Progress
from ernsnn.backend.subprocesses import recorded_run
from ernsnn.graph.graph import Graph, Probe
from ernsnn.recording.recording import Recording

from .capabilities import CAPABILITIES
from .codes import CODES
from .compiler import compile_program


class NestBackend(Backend):
    """Compiles to a PyNN script (Davison et al. 2009) for NEST (Gewaltig and Diesmann 2007).

    What it accepts it runs as the reference does, spike for spike; ``substeps`` says how. Conductances alone it runs
    approximately, since NEST integrates them by other means. ``run`` uses threads. On a NEST that was built with MPI,
    which the wheel is not, the compiled script runs as ``mpirun -n N python program.py``: each process has a share of
    the neurons, and the first gathers all recordings (through mpi4py) and writes them. How it gathers is tested, with
    processes that are played; a real MPI has not been at hand.
    """

    name: ClassVar[str] = "nest"
    description: ClassVar[str] = "a readable PyNN script on NEST: LIF and pair STDP, as the reference has them"
    capabilities = CAPABILITIES
    codes = CODES
    kinds = ("LIF", "ConductanceLIF")
    poisson_inputs: ClassVar[bool] = True
    options: ClassVar[Mapping[str, Option]] = {"threads": Option(1, (), "threads of NEST", 1, MOST_THREADS)}

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        absent = [name for name in ("nest", "pyNN") if importlib.util.find_spec(name) is None]
        return f"{' and '.join(absent)} cannot be imported: pip install 'ernsnn[nest]'" if absent else None

    def compile(self, graph: Graph, n_steps: int, **options: Any) -> Program:
        """A folder with ``program.py``, which needs PyNN, NEST and NumPy only, and ``arrays.npz``."""
        return compile_program(graph, n_steps, threads=self.settings(options)["threads"])

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``. Raises NotFinite on what it has recorded, and on V at the end, which names no step."""
        program, what = self.compile(graph, n_steps, **options), f"the PyNN program of {graph.name}"
        cells = {f"{p.name}/v_mV": Probe("neurons", p.name, 0, p.size, "v_mV", 1) for p in graph.neurons()}
        further = {f"state/{key}": Form("f", (probe.stop,)) for key, probe in cells.items()}
        about = ("nest", "pynn")
        recording, facts = recorded_run(program, progress, what, graph, n_steps, about=about, further=further)
        state = recording.state or {}
        check_recording(graph, recording)
        check_values(graph, ((probe, state[key]) for key, probe in cells.items()), 0, n_steps)
        return replace(recording, meta={"versions": facts}, state=None)
