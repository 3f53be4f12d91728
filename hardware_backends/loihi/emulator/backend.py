"""The emulator as a backend."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, ClassVar

import numpy as np

from ernsnn.backend.options import Option
from ernsnn.backend.protocol import Backend, Capability, Progress
from ernsnn.graph.graph import Graph
from ernsnn.recording.keys import signal_keys, spike_keys
from ernsnn.recording.recording import Recording

from ..check.check import capabilities
from ..codes import CODES
from ..options import ARITHMETIC, KINDS, MODULATORS
from ..quantise.quantise import required
from ..quantise.stored import stored_weights
from ..readout import Readout, readouts

_REPORT_EVERY = 1000
"""Steps between two reports of progress."""


class LoihiEmulatorBackend(Backend):
    """Runs a graph in Loihi 2's integers, bit for bit as Lava's simulator does, without Lava and far faster."""

    name: ClassVar[str] = "loihi-emulator"
    description: ClassVar[str] = "Loihi 2's integers as Lava's fixed-point simulator has them, compiled by Numba"
    kinds = KINDS
    modulators = MODULATORS
    capabilities = capabilities()
    codes = CODES
    options: ClassVar[Mapping[str, Option]] = ARITHMETIC
    rounds: ClassVar[bool] = True

    def limits(self, settings: Mapping[str, Any]) -> Sequence[Capability]:
        """See ``Backend.limits``."""
        return capabilities(settings["order"])

    def stored(self, graph: Graph, **options: Any) -> dict[str, np.ndarray]:
        """See ``Backend.stored``."""
        return stored_weights(graph, self.settings(options)["order"], chip=False)

    def run(self, graph: Graph, n_steps: int, progress: Progress, **options: Any) -> Recording:
        """See ``Backend.run``."""
        from .emulator import Emulator

        chosen = self.settings(options)
        network, _ = required(graph, n_steps=n_steps, order=chosen["order"], seed=chosen["rounding_seed"])
        emulator = Emulator(network)
        wanted = readouts(graph, network, n_steps)
        rows: list[list[np.ndarray]] = [[] for _ in wanted]
        reports = np.append(np.arange(_REPORT_EVERY, n_steps, _REPORT_EVERY), n_steps)
        for end in np.unique(np.concatenate([reports, *(r.steps + 1 for r in wanted)])).tolist():
            emulator.advance(end - emulator.step)
            for values, r in zip(rows, wanted, strict=True):
                if len(values) < len(r.steps) and r.steps[len(values)] == end - 1:
                    values.append((emulator.variable(r.name, r.variable).ravel()[r.picked] + r.zero) * r.unit)
            progress(end / n_steps)
        arrays, spikes = {"n_steps": np.array(n_steps)}, emulator.spikes
        for p in graph.populations:
            arrays |= zip(spike_keys(p.name), spikes[p.name], strict=True)
        for values, r in zip(rows, wanted, strict=True):
            arrays |= _recorded(r, values)
        return Recording.from_arrays(arrays, {"versions": {"numba": version("numba")}})


def _recorded(r: Readout, rows: list[np.ndarray]) -> dict[str, np.ndarray]:
    values = np.array(rows).reshape(len(r.steps), len(r.picked))
    return {r.key: values[-1]} if r.final else dict(zip(signal_keys(r.key), (r.steps, values), strict=True))
