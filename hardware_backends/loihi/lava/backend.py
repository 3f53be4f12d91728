"""Lava's fixed-point simulator of Loihi 2, and Loihi 2 itself, as backends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from ernsnn.backend.options import Option
from ernsnn.backend.protocol import Backend, Capability, Program, Progress
from ernsnn.backend.subprocesses import recorded_run
from ernsnn.graph.graph import Graph
from ernsnn.recording.keys import synapse_key
from ernsnn.recording.recording import Recording

from ..arithmetic.integers import IntegerNetwork
from ..check.check import capabilities, check_graph
from ..codes import CODES
from ..floats import FloatNetwork, in_floats, not_in_floats
from ..options import ARITHMETIC, KINDS, MODULATORS
from ..placement import Placement
from ..quantise.latch import without_field
from ..quantise.quantise import required
from ..quantise.stored import stored_weights
from ..readout import readouts
from . import hardware
from .compiler import compile_program
from .run import lava_program, missing
from .shim import LAVA

_PATIENCE = {"patience_s": Option(120, (), "give up when nothing was heard from Lava for so many seconds", 0, 10**9)}


class LavaBackend(Backend):
    """Compiles to a script of Lava, Intel's framework for Loihi 2, and runs it on Lava's simulator of the chip."""

    name: ClassVar[str] = "lava"
    description: ClassVar[str] = "a readable Lava script in Loihi 2's integers, on Lava's fixed-point simulator"
    chip: ClassVar[bool] = False
    kinds = KINDS
    modulators = MODULATORS
    capabilities = capabilities()
    codes = CODES
    options: ClassVar[Mapping[str, Option]] = {**ARITHMETIC, **_PATIENCE}
    rounds: ClassVar[bool] = True

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        return missing()

    def limits(self, settings: Mapping[str, Any]) -> Sequence[Capability]:
        """See ``Backend.limits``."""
        return capabilities(settings["order"], self.chip)

    def stored(self, graph: Graph, **options: Any) -> dict[str, np.ndarray]:
        """See ``Backend.stored``."""
        return stored_weights(graph, self.settings(options)["order"], self.chip)

    def network(self, graph: Graph, n_steps: int, chosen: Mapping[str, Any]) -> IntegerNetwork | FloatNetwork:
        """The network from which the script is written."""
        order, seed = chosen["order"], chosen["rounding_seed"]
        return required(graph, n_steps=n_steps, order=order, seed=seed, chip=self.chip)[0]

    def compile(self, graph: Graph, n_steps: int, **options: Any) -> Program:
        """A folder with ``program.py``, which needs lava-nc and the files beside it."""
        chosen = self.settings(options)
        network = self.network(graph, n_steps, chosen)
        return compile_program(
            network,
            n_steps,
            f"{graph.name} (graph {graph.digest[:16]}, seed {graph.seed})",
            patience_s=chosen["patience_s"],
            readouts=readouts(graph, network, n_steps),
            populations=[p.name for p in graph.populations],
            chip=self.chip,
        )

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``."""
        program, what = self.compile(graph, n_steps, **options), f"the Lava program of {graph.name}"
        absent = {(p.name, name) for p in graph.projections if p.learning for name in without_field(p.learning)}
        lacks = [synapse_key(projection, name) for projection, name in absent]
        with lava_program() as prefix:
            recording, _ = recorded_run(program, progress, what, graph, n_steps, prefix, lacks=lacks)
        recording.meta["versions"] = {"lava-nc": LAVA}
        return recording


class LavaFloatBackend(LavaBackend):
    """Compiles to the same script in floating point, without learning.

    Neurons and static synapses as the reference has them: V differs in the order of sums only, about 1e-12 mV.
    """

    name: ClassVar[str] = "lava-float"
    description: ClassVar[str] = "a readable Lava script in floating point, without learning"
    modulators = ()
    capabilities = (not_in_floats,)
    options: ClassVar[Mapping[str, Option]] = _PATIENCE
    rounds: ClassVar[bool] = False

    def limits(self, settings: Mapping[str, Any]) -> Sequence[Capability]:
        """See ``Backend.limits``."""
        return self.capabilities

    def stored(self, graph: Graph, **options: Any) -> dict[str, np.ndarray]:
        """Nothing: floats hold weights as they are."""
        return {}

    def network(self, graph: Graph, n_steps: int, chosen: Mapping[str, Any]) -> FloatNetwork:
        """See ``LavaBackend.network``."""
        return in_floats(graph, n_steps)


class Loihi2Backend(LavaBackend):
    """Compiles to a script of Lava's own processes, and runs it on a board with Loihi 2.

    Nothing falls back to a simulator: what has no model for the chip is refused, by the check and by the script. The
    script's processes were run on Lava's simulator, and its use of the board follows Lava's public interface; no board
    has been at hand.
    """

    name: ClassVar[str] = "loihi2"
    description: ClassVar[str] = "a Lava script for a board with Loihi 2"
    chip: ClassVar[bool] = True
    places: ClassVar[bool] = True
    capabilities = capabilities(order="loihi", chip=True)
    options: ClassVar[Mapping[str, Option]] = {
        **LavaBackend.options,
        "order": replace(ARITHMETIC["order"], default="loihi"),
    }

    def missing(self) -> str | None:
        """See ``Backend.missing``."""
        return missing() or hardware.missing()

    def placement(self, graph: Graph) -> tuple[Placement, ...]:
        """See ``Backend.placement``: of the populations that it has neurons for."""
        known = self.known(graph)
        return check_graph(known, order="loihi", chip=True).placements if known.populations else ()
