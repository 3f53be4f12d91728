"""Runs of integer networks on Lava, without leftover processes or shared memory.

    run_on_lava(network, n_steps, watch={"CA3": range(100), "CA3 -> CA3": [99]}) -> LavaRun

``spikes[population]`` = (steps, neurons), sources included; ``states[name][variable]`` has a row for each step in
``watch``, in rising order: the value after that step (w, t, d and traces: after its learning).
Cells: u, v. Plastic connections: w, t, d (post, pre), x1, x2 (pre), y1, y2, y3 (post), of their slices, and 0 where
there is no synapse. Astrocytes: c, y.
"""

from __future__ import annotations

import importlib.metadata
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ernsnn.backend.protocol import Program
from ernsnn.backend.subprocesses import recorded

from ..arithmetic.integers import Connection, IntegerNetwork
from .compiler import Watch, compile_program
from .shim import LAVA

SHARED_MEMORY = Path("/dev/shm")
"""The folder in which Linux lists shared memory."""


def missing() -> str | None:
    """A sentence on what must be installed before Lava can run; None if nothing."""
    how = (
        f"pip install 'ernsnn[lava-deps]' && pip install --no-deps --ignore-requires-python lava-nc=={LAVA} "
        "(in ernsnn's own folder, `make venv-dev` does both)"
    )
    try:
        installed = importlib.metadata.version("lava-nc")
    except importlib.metadata.PackageNotFoundError:
        return f"Lava is not installed: {how}"
    return None if installed == LAVA else f"lava-nc {installed} is installed, but {LAVA} is needed: {how}"


@dataclass(frozen=True, eq=False)
class LavaRun:
    """Raw results in Lava's integers; see above."""

    spikes: dict[str, tuple[np.ndarray, np.ndarray]]
    states: dict[str, dict[str, np.ndarray]]


def run_on_lava(
    network: IntegerNetwork, n_steps: int, *, watch: Watch | None = None, patience_s: float = 120
) -> LavaRun:
    """Run ``network`` on Lava's fixed-point simulator.

    Raises ProgramFailed with the cause if a process fails there, or if there is no progress for ``patience_s``.
    """
    program = compile_program(network, n_steps, "A network", patience_s=patience_s, watch=watch)
    arrays = run_lava_program(program, lambda fraction: None, "the Lava program")
    spikes: dict[str, dict[str, np.ndarray]] = {}
    states: dict[str, dict[str, np.ndarray]] = {}
    for key, values in arrays.items():
        kind, _, rest = key.partition("/")
        if kind in ("spikes", "states"):
            name, _, what = rest.rpartition("/")
            (spikes if kind == "spikes" else states).setdefault(name, {})[what] = values
    for c in network.connections:
        if c.name in states:
            states[c.name] = {variable: _slice(c, variable, values) for variable, values in states[c.name].items()}
    return LavaRun({name: (s["steps"], s["neurons"]) for name, s in spikes.items()}, states)


def _slice(c: Connection, variable: str, values: np.ndarray) -> np.ndarray:
    """The slice of connection ``c`` of a state of whole populations."""
    n_post, n_pre = c.weights.shape
    post, pre = slice(c.post_start, c.post_start + n_post), slice(c.pre_start, c.pre_start + n_pre)
    return values[:, post, pre] if variable in "wtd" else values[:, pre if variable[0] == "x" else post]


@contextmanager
def lava_program() -> Iterator[str]:
    """A prefix for names of a program's shared memory, which is removed at the end if the program did not do so."""
    prefix = f"ernsnn-{os.getpid()}-{secrets.token_hex(4)}-"
    try:
        yield prefix
    finally:
        for segment in SHARED_MEMORY.glob(f"{prefix}*"):
            segment.unlink(missing_ok=True)


def run_lava_program(program: Program, progress: Callable[[float], None], what: str) -> dict[str, np.ndarray]:
    """Run ``program``. Returns all arrays that it records."""
    with lava_program() as prefix:
        return recorded(program, progress, what, prefix)
