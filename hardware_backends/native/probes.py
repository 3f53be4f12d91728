"""What probes of neurons see while the loop runs."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from ernsnn.backend.recorder import CHUNK_BYTES, Signal
from ernsnn.graph.graph import Probe

from ..machine_code import Call
from .kernels.driver import NEVER
from .kernels.jit import compiled
from .populations import Populations


class NeuronProbes:
    """Probes of neurons, with room for what all see in ``steps`` steps; they look at steps that ``every`` divides."""

    def __init__(self, probes: Sequence[Probe], neurons: Populations, steps: int) -> None:
        self.probes = [probe for probe in probes if probe.kind == "neurons"]
        self.every = math.gcd(*(probe.every for probe in self.probes)) or NEVER
        n_bytes = sum(8 * (probe.stop - probe.start) for probe in self.probes)
        seen = max(1, min(steps, CHUNK_BYTES // max(n_bytes, 1)))
        self.steps = seen * min((probe.every for probe in self.probes), default=steps)
        self.began = np.zeros(1, np.int64)
        self.seen = [np.zeros((seen + 1, probe.stop - probe.start)) for probe in self.probes]
        self.neurons = neurons

    def kernels(self) -> Iterator[Call]:
        """The kernels that copy what probes see at the end of a window."""
        for probe, seen in zip(self.probes, self.seen, strict=True):
            part = self.neurons.parts[probe.target]
            cells, rows = part.block.cells, part.block.rows.cells
            row = rows.index(part.p.kind.probes[probe.variable])
            inside = slice(probe.start, probe.stop)
            lanes = cells.shape[2]
            places = (part.tiles[inside] * len(rows) + row) * lanes + part.lanes[inside]
            yield copy.bind(cells.reshape(-1), places, seen, probe.every, self.began)

    def signals(self, t: int, stop: int) -> dict[str, Signal]:
        """What was seen from step ``t``, where the loop began, to ``stop``."""
        found = {}
        for probe, seen in zip(self.probes, self.seen, strict=True):
            steps = np.arange((t // probe.every + 1) * probe.every - 1, stop, probe.every)
            found[probe.key] = steps, seen[: len(steps)].copy()
        return found


@compiled
def copy(
    cells: np.ndarray, places: np.ndarray, seen: np.ndarray, every: int, began: np.ndarray, a: int, b: int, worker: int
) -> int:
    """At the end of a window, which ends with step ``b`` - 1: what is seen in that step, if it is one of ``every``."""
    if worker == 0 and b % every == 0:
        row = b // every - began[0] // every - 1
        for i in range(len(places)):
            seen[row, i] = cells[places[i]]
    return 0
