"""Parts of tests of Lava: the reason to skip them, small networks, and checks for leftover processes."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, settings

from ernsnn.hardware_backends.loihi.arithmetic.integers import Cells, Connection, Rule, Source
from ernsnn.hardware_backends.loihi.lava.run import SHARED_MEMORY, missing

LAVA = settings(
    deadline=None,
    max_examples=1,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
"""Each example takes seconds."""

needs_lava = pytest.mark.skipif(missing() is not None, reason=missing() or "")


def source(name: str, *spikes: list[int]) -> Source:
    """One list of steps for each neuron."""
    pairs = sorted((step, neuron) for neuron, steps in enumerate(spikes) for step in steps)
    steps, neurons = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    return Source(name, len(spikes), steps, neurons)


def cells(name: str, size: int = 1, *, du=4095, dv=4095, vth=100, bias=0, refractory=0) -> Cells:
    """Without more said, u and v are forgotten within a step: v is the input of this step."""
    return Cells(name, size, du, dv, vth, np.full(size, bias), 0, refractory)


def synapses(name: str, pre: str, post: str, weights, *, delays=1, mode="EXCITATORY", rule: Rule | None = None, **more):
    """A connection from the start of ``pre`` to the start of ``post``."""
    fields = {"pre_start": 0, "post_start": 0, "exponent": 0, "bits": 8, "order": "spinnaker"} | more
    return Connection(
        name=name, pre=pre, post=post, weights=np.array(weights), mode=mode, delays=delays, rule=rule, **fields
    )


def segments() -> set[str]:
    return set(os.listdir(SHARED_MEMORY))


def running(folder: Path) -> list[int]:
    """Processes, zombies aside, whose working directory is in ``folder``, which may be gone by now."""
    pids = []
    for entry in Path("/proc").iterdir():
        try:
            where = os.readlink(entry / "cwd")
            state = (entry / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            continue
        if where.startswith(str(folder)) and state != "Z":
            pids.append(int(entry.name))
    return pids
