"""What a run takes: building apart from simulating, and how much memory, as Linux counts it."""

from __future__ import annotations

import resource
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ernsnn.backend.protocol import Backend
from ernsnn.backend.stepping import SteppedBackend
from ernsnn.graph.graph import Graph
from ernsnn.recording.recording import Recording


@dataclass(frozen=True)
class Timed:
    """A recording, the seconds of building what ran and of simulating it, and the bytes taken at most."""

    recording: Recording
    build_s: float
    run_s: float
    peak_bytes: int


def timed(backend: Backend, graph: Graph, n_steps: int, **options: Any) -> Timed:
    """Run ``graph``. Of a program in a process of its own, building is all that comes before its first step."""
    memory, began = Memory(), time.perf_counter()
    if isinstance(backend, SteppedBackend):
        engine = backend.engine(graph, **options)
        built = time.perf_counter()
        recording = engine.run(n_steps, lambda fraction: None)
        return Timed(recording, built - began, time.perf_counter() - built, memory.taken())
    told = [(0.0, began)]
    recording = backend.run(graph, n_steps, lambda done: told.append((done, time.perf_counter())), **options)
    ended, (first, at_first), (last, at_last) = time.perf_counter(), told[min(1, len(told) - 1)], told[-1]
    run_s = (at_last - at_first) / (last - first) if last > first else ended - began
    return Timed(recording, max(0.0, at_first - began - first * run_s), run_s, memory.taken())


class Memory:
    """Watches this process and its children from now on."""

    def __init__(self) -> None:
        # Forgets the largest size that this process has had.
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        self.before, self.children = _status("VmRSS"), _of_children()

    def taken(self) -> int:
        """The bytes by which this process has grown at most, or those of a child that has ended, the largest so far."""
        children = _of_children()
        return max(_status("VmHWM") - self.before, children if children > self.children else 0)


def _of_children() -> int:
    """The bytes of the largest child that has ever ended."""
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise OSError(f"/proc/self/status has no {name}")
