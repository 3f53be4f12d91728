"""What a run takes: building and simulating apart, and memory."""

from __future__ import annotations

import subprocess
import sys
import time

import numpy as np
import pytest

import ernsnn as ern
from ernsnn.backend.protocol import Backend
from ernsnn.backend.registry import get_backend
from ernsnn.studies.timed import timed


def graph():
    net = ern.Network()
    net.population("cells", 3, ern.LIF(i_offset_nA=1.0))
    return ern.lower(net)


class Program(Backend):
    """Builds for .2 s, and then simulates for .1 s, a tenth of it before it says so for the first time."""

    name = "program"
    description = "a clock"
    capabilities = ()

    def missing(self):
        return None

    def run(self, graph, n_steps, progress, **options):
        now[0] += 0.2
        for share in self.shares:
            now[0] += 0.01
            progress(share)
        now[0] += 5.0  # reads what the program has written
        return "recorded"


now = [0.0]


@pytest.mark.parametrize(
    ("shares", "build_s", "run_s"),
    [
        (np.arange(1, 11) / 10, 0.2, 0.1),
        (np.arange(0, 10) / 10, 0.21, 0.1),  # tells of 0 when it has built
        ([0.5, 1.0], 0.2, 0.02),
        ([], 0.0, 5.2),  # all is simulating
        ([1.0], 0.0, 5.21),
    ],
)
def test_a_program_has_built_before_its_first_step(monkeypatch, shares, build_s, run_s):
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    program = Program()
    program.shares = shares
    took = timed(program, graph(), 10)
    assert (took.recording, took.build_s, took.run_s) == ("recorded", pytest.approx(build_s), pytest.approx(run_s))


def test_what_is_stepped_is_built_as_an_engine():
    took = timed(get_backend("reference"), graph(), 100)
    assert took.recording.n_steps == 100
    assert len(took.recording.spikes["cells"][0]) > 0
    assert took.build_s > 0 < took.run_s


MEMORY = """
import subprocess, sys
import numpy as np
from ernsnn.studies.timed import Memory
memory = Memory()
held = np.ones(30_000_000)
assert 200e6 < memory.taken() < 400e6
del held
memory = Memory()
subprocess.run([sys.executable, "-c", "x = b'x' * 300000000"], check=True)
assert 290e6 < memory.taken() < 500e6
assert Memory().taken() < 100e6  # which ended before
"""


def test_memory_is_what_was_added_here_or_in_a_child_that_has_ended():
    """In a process of its own: the largest child counts that a process has ever had."""
    subprocess.run([sys.executable, "-c", MEMORY], check=True)
