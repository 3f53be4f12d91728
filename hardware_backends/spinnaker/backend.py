"""SpiNNaker as a backend."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from ernsnn.backend.options import Option
from ernsnn.backend.protocol import Backend, Capability, Program, Progress
from ernsnn.backend.subprocesses import recorded_run
from ernsnn.graph.graph import Graph
from ernsnn.recording.recording import Recording

from . import board
from .capabilities import PACKAGE, capabilities, time_scale
from .codes import CODES
from .compiler import compile_program
from .placement import NotPlaced, Placement, place

_PLACED_STEPS = 1000


class SpinnakerBackend(Backend):
    """Compiles to a PyNN script for sPyNNaker (Rhodes et al. 2018), maps it, and runs it on a board.

    ``placement`` maps on virtual boards, which have no results. Runs take the board or the spalloc server that the
    user's own configuration of sPyNNaker names; without one there are none. No board has been at hand: the check
    follows sPyNNaker's arithmetic, and has not been compared with a run.
    """

    name: ClassVar[str] = "spinnaker"
    description: ClassVar[str] = "a readable PyNN script for SpiNNaker: mapped on virtual boards, run on a real one"
    capabilities = capabilities()
    codes = CODES
    kinds = ("LIF", "ConductanceLIF")
    places: ClassVar[bool] = True
    options: ClassVar[Mapping[str, Option]] = {
        "time_scale_factor": Option(
            0, (), "how many times slower than real time (0: as much as makes a step 1 ms)", 0, 10**6
        )
    }

    def limits(self, settings: Mapping[str, Any]) -> Sequence[Capability]:
        """See ``Backend.limits``."""
        return capabilities(settings["time_scale_factor"])

    def missing(self) -> str | None:
        """See ``Backend.missing``: a board, mostly."""
        return board.missing()

    def placement(self, graph: Graph) -> tuple[Placement | NotPlaced, ...]:
        """See ``Backend.placement``; nothing without sPyNNaker, or where ``check`` has found errors.

        Takes seconds. SDRAM is for runs of 1000 steps.
        """
        if importlib.util.find_spec(PACKAGE) is None or self.check(graph).errors:
            return ()
        where = board.configured()
        afterwards = f"mapped on virtual boards; runs take {where}" if where else str(board.missing())
        return (place(self.compile(graph, _PLACED_STEPS), graph.name, afterwards),)

    def compile(self, graph: Graph, n_steps: int, **options: Any) -> Program:
        """A folder with ``program.py``, which needs sPyNNaker and NumPy only, ``mapping.py`` and what they read."""
        factor = self.settings(options)["time_scale_factor"] or time_scale(graph)
        return compile_program(graph, n_steps, time_scale_factor=factor)

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``. Meta says which board it was."""
        program, what = self.compile(graph, n_steps, **options), f"the SpiNNaker program of {graph.name}"
        recording, facts = recorded_run(program, progress, what, graph, n_steps, about=("board", "spynnaker"))
        recording.meta.update(versions={"spynnaker": facts["spynnaker"]}, board=facts["board"])
        return recording
